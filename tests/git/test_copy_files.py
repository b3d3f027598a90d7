from pathlib import Path

import pytest

from branchwork.git import copy_files
from support.git_repos import GitRepo


def copied(repo: GitRepo, worktree: GitRepo, items: str) -> tuple[str, ...]:
    """What is copied, where nothing may be warned about."""
    found = copy_files.copy(repo.root, worktree.root, items)
    assert found.warnings == ()
    return found.paths


def warned(repo: GitRepo, worktree: GitRepo, items: str) -> str:
    found = copy_files.copy(repo.root, worktree.root, items)
    assert found.paths == ()
    assert len(found.warnings) == 1
    return found.warnings[0]


@pytest.fixture
def local(repo: GitRepo) -> GitRepo:
    """Files of the user's own that git does not carry."""
    repo.write(".env", "A=1\n").chmod(0o600)
    repo.write("config/local.json", "{}")
    repo.write("config/deep/more.json", "{}")
    repo.write("config/notes.txt", "x")
    repo.write("a b.txt", "x")
    return repo


def test_files_folders_and_patterns(local: GitRepo, worktree: GitRepo) -> None:
    assert copied(local, worktree, ".env") == (".env",)
    assert copied(local, worktree, "config/*.json") == ("config/local.json",)
    assert copied(local, worktree, " a b.txt ,\n\n") == ("a b.txt",)
    assert copied(local, worktree, "config") == ("config/deep/more.json", "config/notes.txt")
    assert (worktree.root / ".env").read_text() == "A=1\n"
    assert (worktree.root / ".env").stat().st_mode & 0o777 == 0o600
    assert not list(worktree.root.rglob("*.branchwork-part"))


@pytest.mark.parametrize("items", ["**/*.json", "config\\**", ".env,config\n*.txt", "*"])
def test_patterns_over_folders(local: GitRepo, worktree: GitRepo, items: str) -> None:
    found = copied(local, worktree, items)
    assert len(found) >= 2
    assert not any(path.startswith(".git/") for path in found)
    assert not (worktree.root / ".git").is_dir()


def test_nothing_is_overwritten(local: GitRepo, worktree: GitRepo) -> None:
    worktree.write(".env", "mine\n")
    worktree.write("README.md", "the branch's\n")
    (worktree.root / "config").mkdir()
    (worktree.root / "config" / "local.json").symlink_to("/nowhere")
    assert copied(local, worktree, ".env,README.md,config/local.json") == ()
    assert (worktree.root / ".env").read_text() == "mine\n"
    assert (worktree.root / "config" / "local.json").is_symlink()


def test_an_empty_setting(repo: GitRepo, worktree: GitRepo) -> None:
    assert copied(repo, worktree, "") == copied(repo, worktree, " , \n") == ()


@pytest.mark.parametrize("item", ["/etc/passwd", "../secret", "config/../../secret", "~/x", "no"])
def test_what_is_outside_or_missing(
    repo: GitRepo, worktree: GitRepo, tmp_path: Path, item: str
) -> None:
    (tmp_path / "secret").write_text("x")
    assert item in warned(repo, worktree, item)


@pytest.mark.parametrize("item", [".git", ".git/config", "**/config", "link-to-git", "up/config"])
def test_gits_own_files_stay(repo: GitRepo, worktree: GitRepo, item: str) -> None:
    (repo.root / "link-to-git").symlink_to(".git/config")
    (repo.root / "up").symlink_to(".git")
    found = copy_files.copy(repo.root, worktree.root, item)
    assert found.paths == ()


def test_links_out_of_the_repository_are_refused(
    repo: GitRepo, worktree: GitRepo, tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("x")
    (repo.root / "file").symlink_to(tmp_path / "outside" / "secret")
    (repo.root / "folder").symlink_to(tmp_path / "outside")
    (repo.root / "dangling").symlink_to("nowhere")
    for item in ("file", "folder", "folder/secret", "folder/*", "dangling", "fold*"):
        warned(repo, worktree, item)
    assert not (worktree.root / "folder").exists()


def test_a_link_inside_the_repository_is_copied_as_a_file(
    local: GitRepo, worktree: GitRepo
) -> None:
    (local.root / "link").symlink_to(".env")
    assert copied(local, worktree, "link") == ("link",)
    assert not (worktree.root / "link").is_symlink()
    assert (worktree.root / "link").read_text() == "A=1\n"


def test_a_folder_of_the_branch_that_leads_out_is_not_written_to(
    local: GitRepo, worktree: GitRepo, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (worktree.root / "config").symlink_to(tmp_path / "elsewhere")
    warned(local, worktree, "config/local.json")
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_loop_of_links_ends(repo: GitRepo, worktree: GitRepo) -> None:
    repo.write("loop/a", "x")
    (repo.root / "loop" / "again").symlink_to("..")
    found = copy_files.copy(repo.root, worktree.root, "loop/**")
    assert found.paths == ("loop/a",)


def test_one_that_cannot_be_copied_does_not_stop_the_others(
    local: GitRepo, worktree: GitRepo
) -> None:
    worktree.write("config", "a file where a folder is needed")
    found = copy_files.copy(local.root, worktree.root, "config/local.json,.env")
    assert found.paths == (".env",)
    assert len(found.warnings) == 1


def test_a_pattern_that_is_none(repo: GitRepo, worktree: GitRepo) -> None:
    assert "**x" in warned(repo, worktree, "a/**x")


def test_names_with_pattern_characters_are_taken_as_they_are(
    repo: GitRepo, worktree: GitRepo
) -> None:
    repo.write("[id].env", "x")
    assert copied(repo, worktree, "[id].env") == ("[id].env",)


@pytest.mark.parametrize(
    "item",
    [
        "a",
        "a/",
        "a/*",
        "a/**",
        "**/*.txt",
        "*",
        "?/b/[cd].txt",
        "a/[!x]/c.txt",
        "**/c.*",
        "a/**/c.txt",
    ],
)
def test_what_was_copied_is_covered(repo: GitRepo, worktree: GitRepo, item: str) -> None:
    repo.write("a/b/c.txt", "x")
    assert "a/b/c.txt" in copy_files.copy(repo.root, worktree.root, item).paths
    assert copy_files.covers([item], "a/b/c.txt")


@pytest.mark.parametrize("item", ["b", "a/b/c", "*.txt", "a/*.txt", "a/?.txt", "[!a]/**", "c.txt"])
def test_what_was_not_copied_is_not_covered(repo: GitRepo, worktree: GitRepo, item: str) -> None:
    repo.write("a/b/c.txt", "x")
    assert copy_files.copy(repo.root, worktree.root, item).paths == ()
    assert not copy_files.covers([item], "a/b/c.txt")
