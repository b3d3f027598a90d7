import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from branchwork.domain.errors import Conflict, InvalidInput, NotFound
from branchwork.git import branches
from support.git_repos import GitRepo


def test_lists_the_current_branch_first_and_where_others_are(
    repo: GitRepo, worktree: GitRepo
) -> None:
    repo.run("branch", "feature/ünïcode")
    repo.run("update-ref", "refs/remotes/origin/main", "HEAD")
    repo.run("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
    found = branches.listed(repo.root)
    assert found[0].name == "main"
    assert found[0].is_current
    by_name = {branch.name: branch for branch in found}
    assert set(by_name) == {"main", "task", "feature/ünïcode", "origin/main"}
    assert by_name["task"].checked_out_at == worktree.root
    assert by_name["feature/ünïcode"].checked_out_at is None
    assert by_name["origin/main"].is_remote
    assert by_name["main"].commit == repo.head()
    assert next(b for b in branches.listed(worktree.root) if b.is_current).name == "task"


def test_default_is_what_is_checked_out(repo: GitRepo) -> None:
    assert branches.default(repo.root) == "main"
    repo.run("checkout", "--quiet", "--detach")
    assert branches.default(repo.root) is None


def test_checked_out_at(repo: GitRepo, worktree: GitRepo) -> None:
    repo.run("branch", "a/b")
    assert branches.checked_out_at(repo.root, "task") == worktree.root
    assert branches.checked_out_at(worktree.root, "main") == repo.root
    assert branches.checked_out_at(repo.root, "a/b") is None
    assert branches.checked_out_at(repo.root, "a") is None
    assert branches.checked_out_at(repo.root, "missing") is None


def test_create_and_delete(repo: GitRepo) -> None:
    first = repo.head()
    branches.create(repo.root, "feature/ünïcode", first)
    assert branches.exists(repo.root, "feature/ünïcode")
    assert branches.commit(repo.root, "feature/ünïcode") == first
    branches.delete(repo.root, "feature/ünïcode", first)
    assert not branches.exists(repo.root, "feature/ünïcode")


@pytest.mark.parametrize("name", ["main", "main/below"])
def test_a_taken_name_is_a_conflict(repo: GitRepo, name: str) -> None:
    with pytest.raises(Conflict) as caught:
        branches.create(repo.root, name, repo.head())
    assert caught.value.reason == "branchExists"


def test_a_branch_that_is_missing(repo: GitRepo) -> None:
    with pytest.raises(NotFound) as caught:
        branches.commit(repo.root, "nope")
    assert caught.value.reason == "branchNotFound"
    assert not branches.exists(repo.root, "nope")


@pytest.mark.parametrize(
    "name",
    ["", "a b", "a..b", "a.lock", "-a", "/a", "a/", "a~1", "HEAD", "a\nb", "a\0b", "@{", "a:b"],
)
def test_illegal_names(repo: GitRepo, name: str) -> None:
    assert not branches.is_legal(name)
    with pytest.raises(InvalidInput):
        branches.create(repo.root, name, repo.head())


@pytest.mark.parametrize("name", ["a", "feature/x", "日本", "a.b", "vk-0a1b2c-fix", "x@y"])
def test_legal_names(env: dict[str, str], name: str) -> None:
    assert branches.is_legal(name)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Handle empty input", "handle-empty-input"),
        ("Crème brûlée!", "creme-brulee"),
        ("don't panic", "dont-panic"),
        ("a word that would be cut in the middle of it", "a-word-that-would-be-cut-in-the"),
        ("x" * 10_000, "x" * 32),
        ("word " * 2_000, "word-word-word-word-word-word"),
        ("🎉🎉", ""),
        ("日本語のタイトル", ""),
        ("", ""),
        ("a.lock ../../etc", "a-lock-etc"),
    ],
)
def test_slug(title: str, expected: str) -> None:
    assert branches.slug(title) == expected


def test_names(env: dict[str, str]) -> None:
    assert branches.name("vk", "0a1b2c", "Fix it") == "vk-0a1b2c-fix-it"
    assert branches.name("", "0a1b2c", "🎉") == "0a1b2c"
    assert branches.name("team/x", "0a1b2c", "") == "team/x-0a1b2c"
    with pytest.raises(InvalidInput):
        branches.name("a b", "0a1b2c", "x")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(title=st.text(max_size=200))
def test_any_title_gives_a_legal_name(env: dict[str, str], title: str) -> None:
    found = branches.name("vk", "0a1b2c", title)
    assert branches.is_legal(found)
    slug = found.removeprefix("vk-0a1b2c").removeprefix("-")
    assert len(slug) <= 32
    assert set(slug) <= set(string.ascii_lowercase + string.digits + "-")
