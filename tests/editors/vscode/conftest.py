"""What the stories in VS Code share: a person's home, a code-server on a fresh profile, windows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Generator, Iterator
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


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Lets fixtures know that their test has failed."""
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="module")
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
    with vscode.hosted(folder, {**pip, **home.person}) as running:
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
    made: list[Window] = []
    with ExitStack() as windows:

        def open_window() -> Window:
            made.append(windows.enter_context(vscode.window(chromium, host, repo.root, name)))
            return made[-1]

        yield open_window
        if request.node.stash[FAILED]:
            for one in made:
                print(f"\nwhat was seen is in {one.shot('failed')}")
            print(host.log()[-4000:])


@pytest.fixture
def window(installed: None, opened: Callable[[], Window]) -> Window:
    """A window with our view open."""
    found = opened()
    found.view()
    return found
