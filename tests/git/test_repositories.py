from pathlib import Path

import pytest

from branchwork.domain.errors import NotARepository, NotFound
from branchwork.git import repositories
from support.git_repos import GitRepo, make_repo


def refusal(path: Path) -> str:
    with pytest.raises(NotARepository) as caught:
        repositories.discover(path)
    assert str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("inside", [".", "src", "src/app.py", ".git", ".git/hooks"])
def test_finds_the_root_from_anywhere_inside(repo: GitRepo, inside: str) -> None:
    found = repositories.discover(repo.root / inside)
    assert found.root == found.worktree == repo.root
    assert found.common_dir == repo.root / ".git"
    assert not found.is_linked


def test_finds_the_main_root_from_a_linked_worktree(repo: GitRepo, worktree: GitRepo) -> None:
    nested = worktree.root.parent / "second"
    worktree.run("worktree", "add", "--quiet", "-b", "second", str(nested))
    for directory in (worktree.root, nested):
        found = repositories.discover(directory)
        assert (found.root, found.worktree, found.is_linked) == (repo.root, directory, True)
    inside_git = repo.root / ".git" / "worktrees" / "task"
    assert repositories.discover(inside_git).root == repo.root


def test_follows_symbolic_links_to_the_real_root(repo: GitRepo, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo.root / "src")
    assert repositories.discover(tmp_path / "link").root == repo.root


def test_the_innermost_repository_wins(repo: GitRepo, env: dict[str, str]) -> None:
    inner = make_repo(repo.root / "vendor" / "inner", env)
    assert repositories.discover(inner.root / "src").root == inner.root


def test_a_submodule_is_a_repository_of_its_own(
    repo: GitRepo, tmp_path: Path, env: dict[str, str]
) -> None:
    library = make_repo(tmp_path / "library", env)
    repo.run("-c", "protocol.file.allow=always", "submodule", "add", str(library.root), "lib")
    found = repositories.discover(repo.root / "lib" / "src")
    assert found.root == repo.root / "lib"
    assert found.common_dir == repo.root / ".git" / "modules" / "lib"
    elsewhere = tmp_path.resolve() / "lib-worktree"
    repo.at(found.root).run("worktree", "add", "--quiet", "-b", "x", str(elsewhere))
    assert repositories.discover(elsewhere).root == repo.root / "lib"


def test_a_separate_git_folder(tmp_path: Path, env: dict[str, str]) -> None:
    plain = make_repo(tmp_path.resolve() / "plain", env)
    plain.run("init", "--quiet", f"--separate-git-dir={tmp_path / 'away.git'}")
    assert repositories.discover(plain.root / "src").root == plain.root


def test_what_is_no_repository(tmp_path: Path, env: dict[str, str]) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    assert refusal(tmp_path) == refusal(file) == "notARepository"
    assert refusal(tmp_path / "missing") == "pathNotFound"
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert refusal(tmp_path / "loop") == "pathNotFound"
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / ".git").write_text("gitdir: /nowhere\n")
    assert refusal(tmp_path / "broken") in ("notARepository", "unreadableRepository")


def test_a_bare_repository_is_refused_but_a_worktree_of_it_is_not(
    repo: GitRepo, tmp_path: Path
) -> None:
    bare = tmp_path.resolve() / "bare.git"
    repo.run("clone", "--quiet", "--bare", str(repo.root), str(bare))
    assert refusal(bare) == refusal(bare / "objects") == "bareRepository"
    linked = tmp_path.resolve() / "linked"
    repo.at(bare).run("worktree", "add", "--quiet", str(linked), "main")
    assert repositories.discover(linked).root == linked


def test_a_repository_without_a_commit(tmp_path: Path, env: dict[str, str]) -> None:
    empty = make_repo(tmp_path.resolve() / "empty", env, empty=True)
    assert repositories.discover(empty.root).root == empty.root
    assert repositories.head_commit(empty.root) is None
    with pytest.raises(NotARepository) as caught:
        repositories.require_commit(empty.root)
    assert caught.value.reason == "emptyRepository"


def test_a_repository_of_somebody_else(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # What git says then can't be had without a second user; this is its own switch for tests,
    # which the scrubbed environment would drop.
    script = tmp_path / "bin" / "git"
    script.parent.mkdir()
    script.write_text(
        f'#!/bin/sh\nGIT_TEST_ASSUME_DIFFERENT_OWNER=1 PATH="{repo.env["PATH"]}" exec git "$@"\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{repo.env['PATH']}")
    assert refusal(repo.root) == "dubiousOwnership"


def test_names_with_newlines_and_quotes(tmp_path: Path, env: dict[str, str]) -> None:
    odd = make_repo(tmp_path.resolve() / 'a "b"\nc é', env)
    assert repositories.discover(odd.root / "src").root == odd.root
    assert repositories.status(odd.root).is_clean


def test_status_sorts_what_differs(repo: GitRepo) -> None:
    repo.write("README.md", "changed\n")
    repo.write("new\nfile", "x")
    repo.write("src/ two.py", "x")
    repo.run("add", "src/ two.py")
    (repo.root / "src" / "app.py").unlink()
    found = repositories.status(repo.root)
    assert found.staged == ("src/ two.py",)
    assert found.modified == ("README.md", "src/app.py")
    assert found.untracked == ("new\nfile",)
    assert found.conflicted == ()
    assert not found.is_clean


def test_status_sees_a_staged_rename_as_both_paths(repo: GitRepo) -> None:
    repo.run("mv", "README.md", "READ ME")
    assert set(repositories.status(repo.root).staged) == {"README.md", "READ ME"}


def test_status_takes_names_that_are_not_utf8(repo: GitRepo) -> None:
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    repo.write(name, "x")
    assert repositories.status(repo.root).untracked == (name,)


def conflict(repo: GitRepo) -> None:
    repo.run("checkout", "--quiet", "-b", "side")
    repo.commit(**{"README.md": "theirs\n"})
    repo.run("checkout", "--quiet", "main")
    repo.commit(**{"README.md": "ours\n"})


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (("merge", "side"), "merge"),
        (("rebase", "side"), "rebase"),
        (("cherry-pick", "side"), "cherry_pick"),
        (("revert", "HEAD~1"), "revert"),
    ],
)
def test_status_names_what_is_under_way(
    repo: GitRepo, arguments: tuple[str, ...], kind: str
) -> None:
    conflict(repo)
    if kind == "revert":
        repo.commit(**{"README.md": "later\n"})
    with pytest.raises(AssertionError):
        repo.run(*arguments)
    found = repositories.status(repo.root)
    assert found.operation == kind
    assert found.conflicted == ("README.md",)


def test_a_bisect_counts_in_its_own_worktree_only(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.run("bisect", "start")
    assert repositories.operation(worktree.root) == "bisect"
    assert repositories.operation(repo.root) is None


def test_counts_and_ancestry(repo: GitRepo) -> None:
    first = repo.head()
    repo.run("branch", "side")
    second = repo.commit()
    assert repositories.is_ancestor(repo.root, first, second)
    assert not repositories.is_ancestor(repo.root, second, first)
    assert repositories.commit_count(repo.root, first, "main") == 1
    assert repositories.ahead_behind(repo.root, "side", "main") == (0, 1)
    assert repositories.merge_base(repo.root, "side", "main") == first


def test_an_unknown_revision(repo: GitRepo) -> None:
    for name in ("nope", "--all", "", "0" * 40):
        with pytest.raises(NotFound):
            repositories.commit_id(repo.root, name)


def test_a_folder_becomes_a_repository(tmp_path: Path, env: dict[str, str]) -> None:
    folder = tmp_path.resolve() / "new"
    assert refusal(folder) == "pathNotFound"
    with pytest.raises(NotARepository):
        repositories.init(folder)
    folder.mkdir()
    assert repositories.init(folder).root == folder
    assert repositories.head_commit(folder) is None
    assert repositories.init(folder).root == folder
