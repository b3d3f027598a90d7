"""Fixtures for the git floor: an environment of its own and a small repository."""

from pathlib import Path

import pytest

from support.git_repos import GitRepo, make_env, make_repo


@pytest.fixture
def env(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The user's environment; the daemon gets HOME and nothing of git's from it."""
    made = make_env(tmp_path / "home")
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, made[name])
    return made


@pytest.fixture
def repo(tmp_path: Path, env: dict[str, str]) -> GitRepo:
    return make_repo(tmp_path.resolve() / "repo", env)


@pytest.fixture
def worktree(repo: GitRepo, tmp_path: Path) -> GitRepo:
    """A linked worktree of `repo` on the branch `task`, made by plain git."""
    directory = tmp_path.resolve() / "worktrees" / "task"
    repo.run("worktree", "add", "--quiet", "-b", "task", str(directory))
    return repo.at(directory)
