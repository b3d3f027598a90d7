import os
from pathlib import Path

import pytest

from branchwork.domain.errors import Conflict, GitFailed, InvalidInput
from branchwork.git import commits, repositories
from branchwork.git.command import direct
from branchwork.git.commits import Committed, LeftOut
from support.git_repos import GitRepo, make_repo


def commit_all(
    repo: GitRepo, message: str = "work", exclude: tuple[str, ...] = ()
) -> Committed | None:
    return commits.commit_all(repo.root, message, exclude, direct, repo.env)


def tree(repo: GitRepo) -> set[str]:
    return set(repo.run("ls-tree", "-r", "-z", "--name-only", "HEAD").strip("\0").split("\0"))


def test_commits_modified_new_and_deleted_files(worktree: GitRepo) -> None:
    worktree.write("README.md", "changed\n")
    worktree.write("docs/new file.md", "x")
    (worktree.root / "src" / "app.py").unlink()
    made = commit_all(worktree, "did the work\n\n# not a comment\n")
    assert made == Committed(commit=worktree.head(), left_out=())
    assert tree(worktree) == {"README.md", "docs/new file.md"}
    assert worktree.run("log", "-1", "--format=%an <%ae>%n%B") == (
        "Ada <ada@example.com>\ndid the work\n\n# not a comment\n"
    )
    assert repositories.status(worktree.root).is_clean


def test_nothing_changed(worktree: GitRepo) -> None:
    before = worktree.head()
    assert commit_all(worktree) is None
    assert worktree.head() == before


def test_the_users_checkout_is_not_touched(repo: GitRepo, worktree: GitRepo) -> None:
    repo.write("mine.txt", "x")
    before = repo.root.joinpath(".git/index").read_bytes()
    worktree.write("README.md", "changed\n")
    commit_all(worktree)
    assert repo.root.joinpath(".git/index").read_bytes() == before
    assert repositories.status(repo.root).changed == ("mine.txt",)


def test_names_that_git_would_read_as_patterns(worktree: GitRepo) -> None:
    names = {":(top)x", "*.py", "a\nb", 'q"uote', "-dash", " space", "[a]", "caf\udce9"}
    for name in names:
        worktree.write(name, "x")
    made = commit_all(worktree)
    assert made is not None
    assert made.commit
    assert tree(worktree) >= names
    assert repositories.status(worktree.root).is_clean


def test_what_is_never_added(worktree: GitRepo) -> None:
    worktree.write("kept.py", "x")
    worktree.write("config/local.json", "copied")
    worktree.write("assets/a/b.txt", "copied")
    worktree.write(".branchwork/image.png", "x")
    worktree.write(".env", "SECRET=1")
    worktree.write("deploy/.env.production", "SECRET=1")
    worktree.write("certs/Server.PEM", "key")
    worktree.write("id_ed25519", "key")
    with open(worktree.root / "big.bin", "wb") as file:
        file.truncate(commits.LARGEST + 1)
    with open(worktree.root / "just.bin", "wb") as file:
        file.truncate(1024)
    made = commit_all(worktree, exclude=("config/local.json", "assets"))
    assert made is not None
    assert {(entry.path, entry.reason) for entry in made.left_out} == {
        ("config/local.json", "copied"),
        ("assets/a/b.txt", "copied"),
        (".branchwork/image.png", "copied"),
        (".env", "secret"),
        ("deploy/.env.production", "secret"),
        ("certs/Server.PEM", "secret"),
        ("id_ed25519", "secret"),
        ("big.bin", "tooLarge"),
    }
    assert tree(worktree) == {"README.md", "src/app.py", "kept.py", "just.bin"}
    assert (worktree.root / ".env").read_text() == "SECRET=1"


def test_the_items_of_copy_files_are_left_out_as_patterns(worktree: GitRepo) -> None:
    for name in ("conf/a.json", "conf/deep/b.json", "c.json", "src/d.json", "[id].txt"):
        worktree.write(name, "x")
    made = commit_all(worktree, exclude=("conf/**/*.json", "*.json", "[id].txt"))
    assert made is not None
    assert {entry.path for entry in made.left_out} == {
        "conf/a.json",
        "conf/deep/b.json",
        "c.json",
        "[id].txt",
    }
    assert "src/d.json" in tree(worktree)


def test_a_secret_that_an_agent_staged_is_left_out_too(worktree: GitRepo) -> None:
    worktree.write(".env", "SECRET=1")
    worktree.write("a.py", "x")
    worktree.run("add", "--all")
    made = commit_all(worktree)
    assert made is not None
    assert made.left_out == (LeftOut(path=".env", reason="secret"),)
    assert ".env" not in tree(worktree)
    assert repositories.status(worktree.root).untracked == (".env",)


def test_a_secret_that_was_tracked_before_is_committed(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({".env": "A=1\n"})
    worktree.write(".env", "A=2\n")
    made = commit_all(worktree)
    assert made is not None
    assert made.left_out == ()
    assert worktree.run("show", "HEAD:.env") == "A=2"


def test_only_what_is_left_out(worktree: GitRepo) -> None:
    worktree.write(".env", "x")
    before = worktree.head()
    made = commit_all(worktree)
    assert made == Committed(commit=None, left_out=(LeftOut(path=".env", reason="secret"),))
    assert worktree.head() == before


def test_a_repository_inside_is_left_out(worktree: GitRepo) -> None:
    (worktree.root / "inner").mkdir()
    inner = worktree.at(worktree.root / "inner")
    inner.run("init", "--quiet")
    inner.commit(a="x")
    made = commit_all(worktree)
    assert made is not None
    assert made.left_out == (LeftOut(path="inner/", reason="nestedRepository"),)
    assert made.commit is None


def test_a_submodule_that_an_agent_added_is_committed_and_a_stray_clone_is_not(
    worktree: GitRepo, tmp_path: Path, env: dict[str, str]
) -> None:
    library = make_repo(tmp_path / "library", env)
    for verb in (("submodule", "--quiet", "add"), ("clone", "--quiet")):
        worktree.run("-c", "protocol.file.allow=always", *verb, str(library.root), verb[0])
    worktree.run("-c", "advice.addEmbeddedRepo=false", "add", "--all")
    made = commit_all(worktree)
    assert made is not None
    assert made.left_out == (LeftOut(path="clone", reason="nestedRepository"),)
    assert tree(worktree) >= {".gitmodules", "submodule"}
    assert "clone" not in tree(worktree)


def test_a_failing_hook_leaves_everything_and_is_shown(worktree: GitRepo) -> None:
    worktree.hook("pre-commit", "echo 'lint: 3 errors' >&2\nexit 1")
    worktree.write("README.md", "changed\n")
    worktree.write("new.py", "x")
    before = worktree.fingerprint()
    with pytest.raises(GitFailed) as caught:
        commit_all(worktree)
    assert caught.value.reason == "commitFailed"
    assert "lint: 3 errors" in str(caught.value.ids["stderr"])
    assert worktree.fingerprint() == before
    assert repositories.status(worktree.root).staged == ()


def test_hooks_run_in_the_users_environment(worktree: GitRepo) -> None:
    worktree.hook("pre-commit", 'echo "$MARK" > hooked.txt; git add hooked.txt')
    worktree.hook("commit-msg", 'echo "Signed: $MARK" >> "$1"')
    worktree.env["MARK"] = "from the editor"
    worktree.write("a.py", "x")
    commit_all(worktree, "title")
    assert worktree.run("show", "HEAD:hooked.txt") == "from the editor"
    assert worktree.run("log", "-1", "--format=%B") == "title\nSigned: from the editor\n"


def test_hooks_path_of_the_users_settings_is_honoured(worktree: GitRepo, tmp_path: Path) -> None:
    worktree.run("config", "core.hooksPath", str(tmp_path / "hooks"))
    worktree.hook("pre-commit", "exit 1")
    assert (tmp_path / "hooks" / "pre-commit").exists()
    worktree.write("a.py", "x")
    with pytest.raises(GitFailed):
        commit_all(worktree)


def test_a_missing_identity(worktree: GitRepo) -> None:
    for name in [name for name in worktree.env if name.startswith("GIT_")]:
        del worktree.env[name]
    worktree.run("config", "user.useConfigOnly", "true")
    worktree.write("a.py", "x")
    before = worktree.fingerprint()
    with pytest.raises(GitFailed) as caught:
        commit_all(worktree)
    assert caught.value.reason == "identityMissing"
    assert "git config --global user.name" in str(caught.value)
    assert worktree.fingerprint() == before


def test_signing_that_fails_is_not_worked_around(worktree: GitRepo) -> None:
    worktree.run("config", "commit.gpgSign", "true")
    worktree.run("config", "gpg.program", "false")
    worktree.write("a.py", "x")
    before = worktree.fingerprint()
    with pytest.raises(GitFailed) as caught:
        commit_all(worktree)
    assert caught.value.reason == "commitFailed"
    assert worktree.fingerprint() == before


def test_an_unfinished_merge_is_not_concluded(worktree: GitRepo) -> None:
    worktree.run("checkout", "--quiet", "-b", "side")
    worktree.commit_files({"README.md": "theirs\n"})
    worktree.run("checkout", "--quiet", "task")
    worktree.commit_files({"README.md": "ours\n"})
    with pytest.raises(AssertionError):
        worktree.run("merge", "side")
    with pytest.raises(Conflict) as caught:
        commit_all(worktree)
    assert caught.value.reason == "operationInProgress"
    assert caught.value.ids["paths"] == ["README.md"]


def test_a_locked_index(worktree: GitRepo) -> None:
    lock = Path(worktree.run("rev-parse", "--path-format=absolute", "--git-path", "index.lock"))
    lock.write_text("")
    worktree.write("a.py", "x")
    with pytest.raises(GitFailed):
        commit_all(worktree)
    assert (worktree.root / "a.py").exists()


def test_in_a_detached_head_and_without_any_commit(
    worktree: GitRepo, tmp_path: Path, env: dict[str, str]
) -> None:
    worktree.run("checkout", "--quiet", "--detach")
    worktree.write("a.py", "x")
    made = commit_all(worktree)
    assert made is not None
    assert made.commit == worktree.head()
    empty = make_repo(tmp_path / "empty", env, empty=True)
    empty.write("a.py", "x")
    assert commit_all(empty)
    assert tree(empty) == {"a.py"}


def test_what_a_hook_prints_is_kept_to_its_end_and_bounded(worktree: GitRepo) -> None:
    worktree.hook("pre-commit", "seq 1 100000; printf 'bad \\351 byte\\n'; echo last; exit 1")
    worktree.write("a.py", "x")
    with pytest.raises(GitFailed, match="last") as caught:
        commit_all(worktree)
    assert len(str(caught.value.ids["stderr"])) <= 64 * 1024
    assert str(caught.value.ids).encode()


def test_messages_of_any_kind(worktree: GitRepo) -> None:
    for number, message in enumerate(["🎉 " + "x" * 10_000, "nul\0byte", "half \udce9 char"]):
        worktree.write("a.py", str(number))
        made = commit_all(worktree, message)
        assert made is not None
        assert made.commit
    worktree.write("a.py", "more")
    with pytest.raises(InvalidInput):
        commit_all(worktree, " \n")


def test_links_and_modes(worktree: GitRepo) -> None:
    (worktree.root / "link").symlink_to("/etc/passwd")
    os.chmod(worktree.root / "src" / "app.py", 0o755)  # noqa: PTH101
    made = commit_all(worktree)
    assert made is not None
    assert made.left_out == ()
    listing = worktree.run("ls-tree", "-r", "HEAD")
    assert "120000" in listing
    assert "100755" in listing


def test_a_sparse_checkout_deletes_nothing(repo: GitRepo, worktree: GitRepo) -> None:
    worktree.commit_files({"big/data.txt": "x", "src/b.py": "x"})
    worktree.run("sparse-checkout", "set", "src")
    assert not (worktree.root / "big").exists()
    worktree.write("src/c.py", "x")
    worktree.write("other/new.py", "outside of what is checked out")
    commit_all(worktree)
    assert tree(worktree) >= {"big/data.txt", "src/b.py", "src/c.py", "other/new.py"}


def test_the_clean_filter_of_the_user_runs(worktree: GitRepo) -> None:
    worktree.commit_files({".gitattributes": "*.up filter=up\n"})
    worktree.run("config", "filter.up.clean", "tr a-z A-Z")
    worktree.write("a.up", "text\n")
    commit_all(worktree)
    assert worktree.run("show", "HEAD:a.up") == "TEXT"
