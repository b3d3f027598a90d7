"""What the stories in VS Code share: a person's home, a code-server on a fresh profile, windows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support import real_home, tagged, vscode
from support.git_repos import GitRepo
from support.real_home import RealHome
from support.vscode import Host, Window

PRICES = """\
def total(prices):
    # TODO: handle empty input
    return sum(prices)


def mean(prices):
    return sum(prices) / len(prices)
"""


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    with vscode.browser() as running:
        yield running


@pytest.fixture
def home() -> Iterator[RealHome]:
    """A person who has one agent. Its folder's name is on the pictures, so it is a short one."""
    with (
        tempfile.TemporaryDirectory(prefix="home-") as folder,
        real_home.open_home(Path(folder)) as made,
    ):
        made.config.with_name("agents.json").write_text('[{"id": "scripted", "hidden": false}]')
        made.repository("shop").commit_files({"prices.py": PRICES}, "Prices")
        yield made


@pytest.fixture
def repo(home: RealHome) -> GitRepo:
    return GitRepo(home.root / "shop", home.person)


@pytest.fixture
def host(home: RealHome, tmp_path: Path) -> Iterator[Host]:
    """VS Code on a fresh profile."""
    folder = tmp_path / "code"
    folder.mkdir()
    # How pip reaches its index is the machine's business, also for what the extension installs.
    pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    with vscode.hosted(folder, {**pip, **home.person}, {}) as running:
        yield running
    tagged.end(home.tag)


@pytest.fixture
def installed(home: RealHome) -> None:
    """The server is where the README puts it."""
    home.install_command()


@pytest.fixture
def opened(
    chromium: Any, host: Host, repo: GitRepo, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Window]]:
    """Opens windows on the repository."""
    name = request.node.name.removeprefix("test_")
    with ExitStack() as windows:
        yield lambda: windows.enter_context(vscode.window(chromium, host, repo.root, name))


@pytest.fixture
def window(installed: None, opened: Callable[[], Window]) -> Window:
    """A window with our view open."""
    found = opened()
    found.view()
    return found
