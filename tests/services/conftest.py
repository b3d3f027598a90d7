"""A stage: an App with one registered repository, `shop`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from branchwork.services.app import App
from support.stage import Stage


@pytest.fixture
async def stage(app: App, repository: Path, environment: dict[str, str]) -> Stage:
    made = Stage(app=app, environment=environment)
    await made.repo(repository)
    return made


@pytest.fixture
def library(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A second repository."""
    root = tmp_path / "lib"
    root.mkdir()
    git(root, "init", "-q", "-b", "trunk")
    (root / "lib.py").write_text("ONE = 1\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "The library")
    return root
