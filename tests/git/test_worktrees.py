from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from branchwork.domain.errors import Conflict, GitFailed, NotFound
from branchwork.git import branches, commits, diffs, merges, repositories, snapshots, worktrees
from branchwork.git.command import Completed, direct
from support.git_repos import GitRepo, make_repo


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "worktrees" / "shop"


def assert_nothing_left(repo: GitRepo, place: Path, branch: str = "task") -> None:
    assert not place.exists()
    assert not branches.exists(repo.root, branch)
    assert len(worktrees.listed(repo.root)) == 1
    assert not list((repo.root / ".git").glob("worktrees/*"))


def test_add_makes_branch_and_locked_worktree(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    before = repo.fingerprint()
    added = worktrees.add(repo.root, place, "feature/task", "main", direct, env)
    assert added.base_commit == repo.head()
    assert (place / "src" / "app.py").exists()
    main, linked = worktrees.listed(repo.root)
    assert main.is_main
    assert main.branch == "main"
    assert (linked.directory, linked.branch) == (place, "feature/task")
    assert linked.lock_reason == worktrees.LOCK_REASON
    assert repositories.status(place).is_clean
    repo.run("worktree", "prune")
    assert len(worktrees.listed(repo.root)) == 2
    worktrees.remove(repo.root, place)
    branches.delete(repo.root, "feature/task", added.base_commit)
    assert repo.fingerprint() == before


def test_add_from_another_worktree_and_a_detached_head(
    repo: GitRepo, worktree: GitRepo, place: Path, env: dict[str, str]
) -> None:
    worktree.run("checkout", "--quiet", "--detach")
    commit = worktree.commit()
    added = worktrees.add(worktree.root, place, "second", commit, direct, env)
    assert added.base_commit == commit
    assert repositories.discover(place).root == repo.root


def test_a_base_that_does_not_exist(repo: GitRepo, place: Path, env: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        worktrees.add(repo.root, place, "task", "no-such-branch", direct, env)
    assert_nothing_left(repo, place)


def test_a_branch_that_exists_stays(repo: GitRepo, place: Path, env: dict[str, str]) -> None:
    repo.run("branch", "task")
    with pytest.raises(Conflict):
        worktrees.add(repo.root, place, "task", "main", direct, env)
    assert branches.exists(repo.root, "task")
    assert not place.exists()


def test_a_directory_that_holds_something_stays(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    place.mkdir(parents=True)
    (place / "mine").write_text("x")
    with pytest.raises(Conflict) as caught:
        worktrees.add(repo.root, place, "task", "main", direct, env)
    assert caught.value.reason == "directoryExists"
    assert (place / "mine").read_text() == "x"
    assert not branches.exists(repo.root, "task")


def test_a_failing_post_checkout_hook_leaves_nothing_and_is_shown(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    repo.hook("post-checkout", "echo the hook says no >&2; exit 3")
    with pytest.raises(GitFailed) as caught:
        worktrees.add(repo.root, place, "task", "main", direct, env)
    assert caught.value.reason == "worktreeFailed"
    assert "the hook says no" in str(caught.value.ids["stderr"])
    assert_nothing_left(repo, place)


def test_a_runner_that_gives_up_leaves_nothing(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    def ends_half_way(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed:
        direct(argv, cwd, env)
        raise TimeoutError("too long")

    with pytest.raises(TimeoutError):
        worktrees.add(repo.root, place, "task", "main", ends_half_way, env)
    assert_nothing_left(repo, place)


def test_what_a_killed_add_left_is_undone(repo: GitRepo, place: Path, env: dict[str, str]) -> None:
    base = repo.head()
    branches.create(repo.root, "task", base)
    worktrees.undo_add(repo.root, place, "task", base)
    assert_nothing_left(repo, place)
    worktrees.add(repo.root, place, "task", "main", direct, env)
    worktrees.undo_add(repo.root, place, "task", base)
    worktrees.undo_add(repo.root, place, "task", base)
    assert_nothing_left(repo, place)


def test_undo_keeps_a_branch_with_commits_and_a_foreign_directory(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    base = repo.head()
    worktrees.add(repo.root, place, "task", "main", direct, env)
    repo.at(place).commit()
    worktrees.undo_add(repo.root, place, "task", base)
    assert branches.exists(repo.root, "task")
    place.mkdir(parents=True)
    (place / "mine").write_text("x")
    worktrees.undo_add(repo.root, place, "other", base)
    assert (place / "mine").exists()


@pytest.mark.parametrize("name", ["README.md", "untracked.txt"])
def test_remove_refuses_unsaved_work(
    repo: GitRepo, place: Path, env: dict[str, str], name: str
) -> None:
    worktrees.add(repo.root, place, "task", "main", direct, env)
    (place / name).write_text("work")
    with pytest.raises(Conflict) as caught:
        worktrees.remove(repo.root, place)
    assert caught.value.reason == "uncommittedWork"
    assert (place / name).read_text() == "work"
    snapshot = snapshots.take(place, "w", 1, direct, env)
    (place / "later").write_text("x")
    with pytest.raises(Conflict):
        worktrees.remove(repo.root, place, snapshot=snapshot.commit)
    (place / "later").unlink()
    worktrees.remove(repo.root, place, snapshot=snapshot.commit)
    assert not place.exists()
    assert branches.exists(repo.root, "task")


def test_remove_refuses_commits_on_no_branch(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    worktrees.add(repo.root, place, "task", "main", direct, env)
    repo.at(place).run("checkout", "--quiet", "--detach")
    repo.at(place).commit()
    with pytest.raises(Conflict):
        worktrees.remove(repo.root, place)
    assert place.exists()


def test_remove_takes_ignored_files_and_a_missing_directory(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    repo.commit(**{".gitignore": "build\n"})
    worktrees.add(repo.root, place, "task", "main", direct, env)
    repo.at(place).write("build/out", "x")
    worktrees.remove(repo.root, place)
    worktrees.remove(repo.root, place)
    assert len(worktrees.listed(repo.root)) == 1


def test_a_lost_directory_is_made_again(repo: GitRepo, place: Path, env: dict[str, str]) -> None:
    worktrees.add(repo.root, place, "task", "main", direct, env)
    commit = repo.at(place).commit(**{"README.md": "work\n"})
    place.rename(place.with_name("lost"))
    worktrees.checkout(repo.root, place, "task", direct, env)
    assert repositories.head_commit(place) == commit
    assert (place / "README.md").read_text() == "work\n"


def test_a_moved_repository_is_repaired(
    repo: GitRepo, place: Path, env: dict[str, str], tmp_path: Path
) -> None:
    worktrees.add(repo.root, place, "task", "main", direct, env)
    moved = repo.root.rename(tmp_path.resolve() / "moved")
    worktrees.repair(moved, place)
    assert repositories.discover(place).root == moved
    assert repositories.status(place).is_clean


def test_prune_drops_what_is_gone_but_not_what_is_locked(
    repo: GitRepo, worktree: GitRepo, place: Path, env: dict[str, str]
) -> None:
    worktrees.add(repo.root, place, "kept", "main", direct, env)
    worktree.root.rename(worktree.root.with_name("gone"))
    place.rename(place.with_name("away"))
    worktrees.prune(repo.root)
    assert [entry.branch for entry in worktrees.listed(repo.root)] == ["main", "kept"]


def test_a_directory_with_an_odd_name(repo: GitRepo, tmp_path: Path, env: dict[str, str]) -> None:
    place = tmp_path.resolve() / 'a "b"\nc'
    worktrees.add(repo.root, place, "task", "main", direct, env)
    assert worktrees.listed(repo.root)[1].directory == place
    assert branches.checked_out_at(repo.root, "task") == place
    worktrees.remove(repo.root, place)
    assert not place.exists()


def test_remove_refuses_what_is_no_worktree_of_the_repository(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    worktrees.add(repo.root, place, "task", "main", direct, env)
    (place / ".git").unlink()
    (place / "work").write_text("x")
    for directory in (place, repo.root, place.parent):
        with pytest.raises(Conflict) as caught:
            worktrees.remove(repo.root, directory)
        assert caught.value.reason == "notAWorktree"
    assert (place / "work").exists()


def test_a_whole_life_leaves_the_users_checkout_alone(
    repo: GitRepo, place: Path, env: dict[str, str]
) -> None:
    repo.write("README.md", "edited\n")
    repo.write("staged", "x")
    repo.run("add", "staged")
    repo.write("untracked", "x")
    before = repo.fingerprint()
    added = worktrees.add(repo.root, place, "task", "main", direct, env)
    (place / "README.md").write_text("one\n")
    (place / "new").write_text("x")
    snapshots.take(place, "w", 1, direct, env)
    assert diffs.worktree_files(place, added.base_commit)
    made = commits.commit_all(place, "work", (), direct, env)
    assert made is not None
    assert made.commit is not None
    assert merges.preview(repo.root, "main", "task").ahead == 1
    snapshots.restore_commit(place, "task", added.base_commit, direct, env)
    worktrees.remove(repo.root, place)
    branches.delete(repo.root, "task", added.base_commit)
    assert repo.fingerprint() == before


def test_submodules_go_with_a_worktree_once_nothing_in_them_is_lost(
    repo: GitRepo, place: Path, env: dict[str, str], tmp_path: Path
) -> None:
    library = make_repo(tmp_path / "library", env)
    allowed = ("-c", "protocol.file.allow=always", "submodule", "--quiet")
    repo.run(*allowed, "add", str(library.root), "lib")
    repo.commit()
    worktrees.add(repo.root, place, "task", "main", direct, env)
    repo.at(place).run(*allowed, "update", "--init")
    inside = repo.at(place / "lib")
    inside.write("README.md", "work")
    with pytest.raises(Conflict) as caught:
        worktrees.remove(repo.root, place)
    assert caught.value.reason == "nestedRepository"
    inside.run("checkout", "--quiet", "README.md")
    worktrees.remove(repo.root, place)
    assert not place.exists()
