"""What the tests of real agents share: a scripted model, a repository, and the agent itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from support import acp_client, git_repos
from support.acp_client import AcpClient, Start
from support.model_server import ModelServer
from support.real_agents import REAL_AGENTS, RealAgent


@pytest.fixture
def models() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository with a file to edit."""
    repo = git_repos.make_repo(tmp_path / "shop", git_repos.make_env(tmp_path / "home"))
    repo.commit_files({"prices.py": "def total(prices):\n    return sum(prices)\n"})
    return repo.root


@pytest.fixture(params=sorted(REAL_AGENTS))
def agent(request: pytest.FixtureRequest, models: ModelServer, tmp_path: Path) -> RealAgent:
    """Each real agent in turn, with a HOME of its own that lasts over restarts of it."""
    return REAL_AGENTS[request.param](models.url, tmp_path / "home")


@pytest.fixture
def start(agent: RealAgent, repository: Path, tmp_path: Path) -> Start:
    """Starts the agent in the repository; each call is a new process."""

    def running() -> AbstractAsyncContextManager[AcpClient]:
        return acp_client.running(agent.argv, repository, agent.env, tmp_path / "stderr")

    return running


@pytest.fixture
def agent_env(agent: RealAgent) -> dict[str, str]:
    """The environment of an editor that finds the agent on its PATH."""
    person = git_repos.make_env(Path(agent.env["HOME"]))
    path = f"{Path(agent.argv[0]).parent}{os.pathsep}{agent.env['PATH']}"
    return {**person, **agent.env, "PATH": path}
