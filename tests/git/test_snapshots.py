from pathlib import Path

import pytest

from branchwork.domain.errors import Conflict, GitFailed, NotFound
from branchwork.git import repositories, snapshots
from branchwork.git.command import direct
from branchwork.git.snapshots import Snapshot
from support.git_repos import GitRepo, make_repo


def take(repo: GitRepo, number: int = 1) -> Snapshot:
    return snapshots.take(repo.root, "0199-w", number, direct, repo.env)


def restore(repo: GitRepo, snapshot: Snapshot) -> None:
    snapshots.restore(repo.root, "task", snapshot.commit, direct, repo.env)


def files(repo: GitRepo) -> dict[str, bytes]:
    found = (path for path in repo.root.rglob("*") if path.is_file() and path.name != ".git")
    return {str(path.relative_to(repo.root)): path.read_bytes() for path in found}


def make_dirty(worktree: GitRepo) -> None:
    worktree.write("README.md", "changed\n")
    worktree.write("new\nfile", b"\0binary")
    worktree.write(".env", "SECRET=1")
    worktree.write("staged.txt", "staged")
    worktree.run("add", "staged.txt")
    (worktree.root / "src" / "app.py").unlink()


def test_a_snapshot_holds_all_but_ignored_files(worktree: GitRepo) -> None:
    worktree.commit_files({".gitignore": "build\n"})
    make_dirty(worktree)
    worktree.write("build/out", "12345")
    before = worktree.fingerprint()
    taken = take(worktree)
    assert worktree.fingerprint() == before
    assert taken.head == worktree.head()
    names = worktree.run("ls-tree", "-r", "-z", "--name-only", taken.commit).strip("\0").split("\0")
    assert set(names) == {".env", ".gitignore", "README.md", "new\nfile", "staged.txt"}
    assert worktree.run("rev-parse", taken.reference) == taken.commit
    assert snapshots.ignored(worktree.root) == snapshots.Ignored(count=1, size=5)


def test_restore_brings_back_files_branch_and_head(worktree: GitRepo) -> None:
    make_dirty(worktree)
    taken, then = take(worktree), files(worktree)
    worktree.commit_files({"README.md": "committed later\n", "later.py": "x"})
    worktree.write("untracked later", "x")
    worktree.write("new\nfile", "other")
    restore(worktree, taken)
    assert files(worktree) == then
    assert worktree.head("task") == worktree.head() == taken.head
    found = repositories.status(worktree.root)
    assert set(found.untracked) == {".env", "new\nfile", "staged.txt"}
    assert set(found.modified) == {"README.md", "src/app.py"}
    restore(worktree, taken)
    assert files(worktree) == then


def test_restore_keeps_ignored_files(worktree: GitRepo) -> None:
    worktree.commit_files({".gitignore": "build\n"})
    worktree.write("build/out", "x")
    taken = take(worktree)
    worktree.write("later", "x")
    restore(worktree, taken)
    assert (worktree.root / "build" / "out").exists()
    assert not (worktree.root / "later").exists()


def test_restore_a_clean_start(worktree: GitRepo) -> None:
    start = worktree.head()
    make_dirty(worktree)
    worktree.commit()
    worktree.write("more", "x")
    snapshots.restore_commit(worktree.root, "task", start, direct, worktree.env)
    assert worktree.head("task") == start
    assert repositories.status(worktree.root).is_clean
    assert not (worktree.root / "more").exists()


@pytest.mark.parametrize("how", ["detached", "other branch", "branch deleted", "rebase", "merge"])
def test_restore_from_wherever_the_agent_went(worktree: GitRepo, how: str) -> None:
    make_dirty(worktree)
    taken, then = take(worktree), files(worktree)
    worktree.commit_files({"README.md": "ours\n"})
    worktree.run("checkout", "--quiet", "-b", "side", "HEAD~1")
    worktree.commit_files({"README.md": "theirs\n"})
    if how == "detached":
        worktree.run("checkout", "--quiet", "--detach")
    elif how == "branch deleted":
        worktree.run("branch", "-D", "task")
    elif how in ("rebase", "merge"):
        worktree.run("checkout", "--quiet", "task")
        with pytest.raises(AssertionError):
            worktree.run(how, "side")
    restore(worktree, taken)
    assert files(worktree) == then
    assert worktree.run("symbolic-ref", "HEAD") == "refs/heads/task"
    assert repositories.status(worktree.root).operation is None


def test_without_identity_and_with_a_failing_signer(worktree: GitRepo) -> None:
    for name in [name for name in worktree.env if name.startswith("GIT_")]:
        del worktree.env[name]
    worktree.run("config", "user.useConfigOnly", "true")
    worktree.run("config", "commit.gpgSign", "true")
    worktree.run("config", "gpg.program", "false")
    make_dirty(worktree)
    assert take(worktree).commit


def test_in_the_middle_of_a_merge(worktree: GitRepo) -> None:
    worktree.run("checkout", "--quiet", "-b", "side")
    worktree.commit_files({"README.md": "theirs\n"})
    worktree.run("checkout", "--quiet", "task")
    worktree.commit_files({"README.md": "ours\n"})
    with pytest.raises(AssertionError):
        worktree.run("merge", "side")
    before = worktree.fingerprint()
    taken = take(worktree)
    assert worktree.fingerprint() == before
    assert "<<<<<<<" in worktree.run("show", f"{taken.commit}:README.md")


def test_listed_in_order_and_forgotten(worktree: GitRepo) -> None:
    taken = [take(worktree, number) for number in range(1, 12)]
    assert snapshots.listed(worktree.root, "0199-w") == taken
    assert snapshots.listed(worktree.root, "0199") == []
    snapshots.forget(worktree.root, "0199-w")
    assert snapshots.listed(worktree.root, "0199-w") == []


def test_before_the_first_commit(tmp_path: Path, env: dict[str, str]) -> None:
    empty = make_repo(tmp_path / "empty", env, empty=True)
    empty.write("a", "x")
    taken = take(empty)
    assert taken.head is None
    assert snapshots.listed(empty.root, "0199-w") == [taken]


def test_a_repository_inside_refuses(worktree: GitRepo) -> None:
    worktree.write("deep/inner/a", "x")
    worktree.at(worktree.root / "deep" / "inner").run("init", "--quiet")
    with pytest.raises(Conflict) as caught:
        take(worktree)
    assert caught.value.reason == "nestedRepository"
    assert caught.value.ids["paths"] == ["deep/inner/"]


def test_a_submodule_refuses_once_it_has_work(
    worktree: GitRepo, tmp_path: Path, env: dict[str, str]
) -> None:
    library = make_repo(tmp_path / "library", env)
    allowed = ("-c", "protocol.file.allow=always")
    worktree.run(*allowed, "submodule", "--quiet", "add", str(library.root), "lib")
    worktree.commit()
    assert take(worktree).commit
    inside = worktree.at(worktree.root / "lib")
    inside.write("README.md", "changed")
    with pytest.raises(Conflict):
        take(worktree)
    inside.commit()
    with pytest.raises(Conflict):
        take(worktree)
    inside.run("push", "--quiet", "origin", "HEAD:refs/heads/pushed")
    assert take(worktree).commit


def test_a_file_that_cannot_be_read(worktree: GitRepo, monkeypatch: pytest.MonkeyPatch) -> None:
    worktree.commit_files({".gitattributes": "*.bad filter=bad\n"})
    worktree.run("config", "filter.bad.clean", "exit 1")
    worktree.run("config", "filter.bad.required", "true")
    worktree.write("a.bad", "x")
    with pytest.raises(GitFailed):
        take(worktree)
    assert snapshots.listed(worktree.root, "0199-w") == []


def test_a_snapshot_that_is_gone(worktree: GitRepo) -> None:
    before = worktree.fingerprint()
    with pytest.raises(NotFound):
        snapshots.restore(worktree.root, "task", "1" * 40, direct, worktree.env)
    assert worktree.fingerprint() == before
