import pytest

from branchwork.domain.errors import GitFailed
from branchwork.git import diffs
from branchwork.git.diffs import FileChange
from support.git_repos import GitRepo


def by_path(changes: list[FileChange]) -> dict[str, tuple[str, int, int]]:
    return {c.path: (c.status, c.additions, c.deletions) for c in changes}


def test_a_worktrees_changes_are_committed_uncommitted_and_untracked(
    repo: GitRepo, worktree: GitRepo
) -> None:
    base = worktree.head()
    worktree.commit_files({"done.py": "1\n2\n"})
    worktree.write("README.md", "one\nTWO\nthree\n")
    worktree.write("new.py", "1\n2\n3\n")
    worktree.write("staged.py", "x\n")
    worktree.run("add", "staged.py")
    (worktree.root / "src" / "app.py").unlink()
    before = worktree.fingerprint()
    worktree.run("hash-object", "-w", "/dev/null")  # the one object that git itself stores then
    objects = worktree.run("count-objects", "-v")
    assert by_path(diffs.worktree_files(worktree.root, base)) == {
        "README.md": ("modified", 1, 1),
        "done.py": ("added", 2, 0),
        "new.py": ("added", 3, 0),
        "staged.py": ("added", 1, 0),
        "src/app.py": ("deleted", 0, 1),
    }
    text = diffs.worktree_patch(worktree.root, base, ["new.py"]).text
    assert text.endswith("+1\n+2\n+3\n")
    assert worktree.fingerprint() == before
    assert worktree.run("count-objects", "-v") == objects


def test_a_rename_keeps_its_old_path(worktree: GitRepo) -> None:
    base = worktree.head()
    worktree.root.joinpath("README.md").rename(worktree.root / "READ ME.md")
    (change,) = diffs.worktree_files(worktree.root, base)
    assert (change.status, change.old_path, change.path) == ("renamed", "README.md", "READ ME.md")
    text = diffs.worktree_patch(worktree.root, base, ["README.md", "READ ME.md"]).text
    assert "rename from README.md" in text


def test_between_commits(repo: GitRepo) -> None:
    base = repo.head()
    head = repo.commit_files({"README.md": "one\n", "b": b"\0\1binary"})
    repo.write("README.md", "dirty, and not in it")
    found = {c.path: c for c in diffs.files(repo.root, base, head)}
    assert found["README.md"].deletions == 2
    assert found["b"].is_binary
    assert (found["b"].additions, found["b"].deletions) == (0, 0)
    assert diffs.patch(repo.root, base, head, ["README.md"]).text.startswith("diff --git a/README")
    assert diffs.files(repo.root, base, base) == []
    assert diffs.patch(repo.root, base, base).text == ""


def test_modes_and_types(worktree: GitRepo) -> None:
    base = worktree.head()
    (worktree.root / "src" / "app.py").chmod(0o755)
    (worktree.root / "README.md").unlink()
    (worktree.root / "README.md").symlink_to("src/app.py")
    found = {c.path: c for c in diffs.worktree_files(worktree.root, base)}
    assert (found["src/app.py"].old_mode, found["src/app.py"].new_mode) == ("100644", "100755")
    assert found["README.md"].status == "typeChanged"


NAMES = ["a\nb", 'q"uote', "tab\there", "*.py", ":(top)x", "-dash", "ünï", "caf\udce9", "a => b"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tracked", [True, False])
def test_unusual_names(worktree: GitRepo, name: str, tracked: bool) -> None:
    base = worktree.head()
    worktree.write(name, "x\n")
    worktree.write("other.py", "y\n")
    if tracked:
        worktree.run("add", "--all")
    found = by_path(diffs.worktree_files(worktree.root, base))
    assert found[name] == ("added", 1, 0)
    text = diffs.worktree_patch(worktree.root, base, [name]).text
    assert text.endswith("+x\n")
    assert "+y" not in text
    assert text.encode()


def test_a_long_patch_is_cut_at_a_line(worktree: GitRepo) -> None:
    base = worktree.head()
    worktree.write("long.txt", "0123456789\n" * 50_000)
    cut = diffs.worktree_patch(worktree.root, base, ["long.txt"], limit=10_000)
    assert cut.is_cut
    assert 9_900 < len(cut.text) <= 10_000
    assert cut.text.endswith("+0123456789\n")
    whole = diffs.worktree_patch(worktree.root, base, ["long.txt"])
    assert not whole.is_cut
    assert whole.text.count("+0123456789") == 50_000


def test_the_users_settings_do_not_change_the_form(worktree: GitRepo) -> None:
    base = worktree.head()
    worktree.write("README.md", "one\nTWO\nthree\n")
    plain = diffs.worktree_patch(worktree.root, base)
    for name, value in {
        "diff.noprefix": "true",
        "diff.mnemonicPrefix": "true",
        "color.ui": "always",
        "diff.context": "0",
        "diff.renames": "false",
        "diff.relative": "true",
        "diff.wordRegex": ".",
        "core.quotePath": "true",
        "core.pager": "false",
        "diff.algorithm": "patience",
        "diff.submodule": "log",
        "diff.colorMoved": "zebra",
        "diff.indentHeuristic": "false",
        "diff.suppressBlankEmpty": "true",
        "diff.interHunkContext": "9",
        "diff.orderFile": "/dev/null",
    }.items():
        worktree.run("config", name, value)
    assert diffs.worktree_patch(worktree.root, base) == plain


def test_ignored_files_and_repositories_inside_are_not_shown(worktree: GitRepo) -> None:
    worktree.commit_files({".gitignore": "build\n"})
    base = worktree.head()
    worktree.write("build/out", "x")
    worktree.write("inner/a", "x")
    worktree.at(worktree.root / "inner").run("init", "--quiet")
    worktree.at(worktree.root / "inner").commit()
    assert diffs.worktree_files(worktree.root, base) == []


def test_an_empty_untracked_file(worktree: GitRepo) -> None:
    base = worktree.head()
    worktree.write("empty", "")
    worktree.write("full", "x\n")
    found = by_path(diffs.worktree_files(worktree.root, base))
    assert found == {"empty": ("added", 0, 0), "full": ("added", 1, 0)}


def test_an_unmerged_file_is_one_change(worktree: GitRepo) -> None:
    base = worktree.head()
    worktree.run("checkout", "--quiet", "-b", "side")
    worktree.commit_files({"README.md": "theirs\n"})
    worktree.run("checkout", "--quiet", "task")
    worktree.commit_files({"README.md": "ours\n", "z": "z\n"})
    with pytest.raises(AssertionError):
        worktree.run("merge", "side")
    worktree.write("new", "n\n")
    changes = diffs.worktree_files(worktree.root, base)
    assert len(changes) == 3
    found = by_path(changes)
    assert found["README.md"][0] == "modified"
    assert found["z"] == ("added", 1, 0)
    assert found["new"] == ("added", 1, 0)


def test_a_base_that_is_gone(worktree: GitRepo) -> None:
    with pytest.raises(GitFailed):
        diffs.worktree_files(worktree.root, "1" * 40)
