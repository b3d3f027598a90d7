import os
import subprocess
import sys
from pathlib import Path

import pytest

from branchwork.domain.errors import GitFailed, NotARepository
from branchwork.git import branches, command, repositories
from support.git_repos import GitRepo


@pytest.fixture
def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Another `git` that comes first on the PATH; the test writes it."""
    file = tmp_path / "bin" / "git"
    file.parent.mkdir()
    monkeypatch.setenv("PATH", f"{file.parent}{os.pathsep}{os.environ['PATH']}")
    return file


def write_script(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def test_an_error_says_what_was_run_and_what_git_said(repo: GitRepo) -> None:
    with pytest.raises(command.CommandFailed) as caught:
        command.read(repo.root, "-c", "a.b=c", "rev-parse", "--verify", "nope")
    error = caught.value
    assert isinstance(error, GitFailed)
    assert error.argv == ("git", "-c", "a.b=c", "rev-parse", "--verify", "nope")
    assert error.exit_code == 128
    assert "Needed a single revision" in error.stderr
    assert str(error) == "`git rev-parse` failed: fatal: Needed a single revision"


def test_a_folder_that_is_gone_is_an_error_and_not_another_folder(tmp_path: Path) -> None:
    with pytest.raises(NotARepository, match="is gone"):
        command.read(tmp_path / "gone", "status")


def test_the_version_is_known_and_enough() -> None:
    assert command.version() >= (2, 38)
    command.require()


@pytest.mark.parametrize(
    ("printed", "numbers"),
    [
        ("git version 2.37.9", (2, 37, 9)),
        ("git version 2.25.1.windows.1", (2, 25, 1)),
        ("git version 2.30.1 (Apple Git-130)", (2, 30, 1)),
        ("nonsense", ()),
    ],
)
def test_a_git_that_is_too_old(fake_git: Path, printed: str, numbers: tuple[int, ...]) -> None:
    write_script(fake_git, f"echo '{printed}'")
    assert command.version() == numbers
    with pytest.raises(GitFailed) as caught:
        command.require()
    assert caught.value.reason == "gitTooOld"
    assert "install git 2.38 or newer" in str(caught.value)


def test_no_git_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitFailed) as caught:
        command.version()
    assert caught.value.reason == "gitMissing"


def test_no_git_when_it_is_needed_for_the_first_time(tmp_path: Path) -> None:
    script = (
        "from branchwork.domain.errors import GitFailed, NotARepository\n"
        "from branchwork.git import command\n"
        "try: command.require()\n"
        "except GitFailed as error: print(error.reason)\n"
    )
    child = subprocess.run(
        [sys.executable, "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, check=True
    )
    assert child.stdout == b"gitMissing\n"


def test_a_git_that_hangs_is_stopped(
    fake_git: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_script(fake_git, "exec sleep 600")
    monkeypatch.setattr(command, "SECONDS", 0.3)
    with pytest.raises(GitFailed) as caught:
        command.read(tmp_path, "status")
    assert caught.value.reason == "gitTimedOut"
    with pytest.raises(GitFailed):
        command.bounded(tmp_path, "diff", limit=10)


def test_variables_of_another_git_do_not_lead_astray(
    repo: GitRepo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path / "nowhere"))
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(repo.root.parent))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "7")
    assert repositories.discover(repo.root / "src").root == repo.root
    assert repositories.status(repo.root).is_clean
    assert branches.default(repo.root) == "main"


def test_git_speaks_english_whatever_the_user_speaks(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANG", "LC_ALL", "LANGUAGE"):
        monkeypatch.setenv(name, "de_DE.UTF-8")
    with pytest.raises(GitFailed, match="Needed a single revision"):
        command.read(repo.root, "rev-parse", "--verify", "nope")


def test_the_users_environment_keeps_the_identity_and_asks_no_questions() -> None:
    found = command.environment(
        {
            "PATH": "/bin",
            "LC_ALL": "de_DE.UTF-8",
            "GIT_DIR": "/x",
            "GIT_INDEX_FILE": "/x",
            "GIT_ASKPASS": "/vscode/askpass.sh",
            "GIT_AUTHOR_NAME": "Ada",
            "SSH_AUTH_SOCK": "/agent",
        }
    )
    assert found["GIT_AUTHOR_NAME"] == "Ada"
    assert found["SSH_AUTH_SOCK"] == "/agent"
    assert found["LC_ALL"] == "de_DE.UTF-8"
    assert found["GIT_TERMINAL_PROMPT"] == "0"
    assert not {"GIT_DIR", "GIT_INDEX_FILE", "GIT_ASKPASS"} & found.keys()


def test_gitpython_is_not_imported_before_git_is_needed() -> None:
    script = (
        "import branchwork.git.merges, branchwork.git.snapshots, branchwork.git.worktrees, sys;"
        "sys.exit('git' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_output_is_bounded(repo: GitRepo) -> None:
    repo.write("long", "x" * 200_000)
    blob = repo.run("hash-object", "-w", "long")
    assert len(command.bounded(repo.root, "cat-file", "blob", blob, limit=100)) == 101
    assert len(command.bounded(repo.root, "cat-file", "blob", blob, limit=200_000)) == 200_000
    with pytest.raises(GitFailed):
        command.bounded(repo.root, "cat-file", "blob", "1" * 40, limit=100)


def test_without_an_environment_git_still_finds_its_way(env: dict[str, str]) -> None:
    found = command.environment({})
    assert (found["HOME"], found["PATH"]) == (env["HOME"], os.environ["PATH"])
    assert command.environment({"HOME": "/theirs"})["HOME"] == "/theirs"
