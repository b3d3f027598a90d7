"""What the stories share: the real command on a throw-away data folder, and editors that run it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from branchwork.execution import stop
from support.git_repos import GitRepo
from support.lsp_editor import Editor, Opener, open_editor
from support.real_home import RealHome, open_home


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHome]:
    """One data folder, and so one daemon, for all stories; each has a repository of its own."""
    with open_home(tmp_path_factory.mktemp("e2e")) as found:
        yield found


@pytest.fixture
def repo(home: RealHome, request: pytest.FixtureRequest) -> Iterator[GitRepo]:
    """A repository named after the test; the agents of a test that failed end with it."""
    yield home.repository(request.node.name)
    for execution in Path(home.data).glob("executions/*"):
        stop.reap(execution.name)


@pytest.fixture
def open_in(home: RealHome) -> Opener:
    """Opens an editor on some folders."""
    return partial(open_editor, home)


@pytest.fixture
async def editor(open_in: Opener, repo: GitRepo) -> AsyncIterator[Editor]:
    """An editor that has the repository open."""
    async with open_in(repo.root) as found:
        yield found


@pytest.fixture
async def other(open_in: Opener, repo: GitRepo) -> AsyncIterator[Editor]:
    """A second one on the same repository."""
    async with open_in(repo.root) as found:
        yield found
