"""What the tests of editors share: a repository to edit, and a real Neovim to edit it with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from support import git_repos, neovim
from support.neovim import Neovim
from support.plugin import Plugin
from support.real_home import COMMAND, RealHome, open_home

CHECKOUT = Path(__file__).parents[2]
INIT = Path(__file__).with_name("init.lua")
PLUGIN_INIT = Path(__file__).with_name("plugin_init.lua")
PAGE = CHECKOUT / "docs" / "editors" / "neovim.md"


@pytest.fixture
def documented() -> Callable[[str], str]:
    """Finds the Lua block of the Neovim page that holds a word."""
    blocks: list[str] = re.findall(r"^```lua\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return lambda word: next(block for block in blocks if word in block)


@pytest.fixture
def editor_env(tmp_path: Path) -> dict[str, str]:
    """What an editor of the tests gets of this machine: the PATH, and a HOME of its own."""
    return git_repos.make_env(tmp_path / "home")


@pytest.fixture
def repository(tmp_path: Path, editor_env: dict[str, str]) -> Path:
    """A git repository with a file to edit."""
    repo = git_repos.make_repo(tmp_path / "shop", editor_env)
    prices = "def total(prices):\n    # TODO: handle empty input\n    return sum(prices)\n"
    repo.commit_files({"prices.py": prices})
    return repo.root


@pytest.fixture
def open_neovim(
    tmp_path: Path, repository: Path, editor_env: dict[str, str]
) -> Iterator[Callable[[], Neovim]]:
    """Starts a Neovim in the repository with the docs' config; each call is another editor."""
    with ExitStack() as editors:

        def start() -> Neovim:
            own = tmp_path / f"nvim-{len(list(tmp_path.glob('nvim-*')))}"
            own.mkdir()
            return editors.enter_context(neovim.running(INIT, own, repository, editor_env))

        yield start


@pytest.fixture
def nvim(open_neovim: Callable[[], Neovim]) -> Neovim:
    return open_neovim()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    """The real server's folders; everything that ran there ends with the test."""
    with open_home(tmp_path) as found:
        yield found


@pytest.fixture
def plugin_env(home: RealHome) -> dict[str, str]:
    """With the real `branchwork` on the PATH, and where the plugin lies."""
    person = home.person
    return {
        **person,
        "PATH": f"{COMMAND.parent}:{person['PATH']}",
        "BRANCHWORK_NVIM": str(CHECKOUT / "editor-clients" / "nvim"),
    }


@pytest.fixture
def run_neovim(
    tmp_path: Path, repository: Path, plugin_env: dict[str, str]
) -> Callable[[], AbstractContextManager[Neovim]]:
    """A Neovim with the plugin; what it keeps from one start to the next lies in one place."""
    own = tmp_path / "nvim"
    own.mkdir()
    return lambda: neovim.running(PLUGIN_INIT, own, repository, plugin_env)


@pytest.fixture
def open_plugin(
    run_neovim: Callable[[], AbstractContextManager[Neovim]],
) -> Iterator[Callable[[], Plugin]]:
    """Each call is another editor, until the test is over."""
    with ExitStack() as editors:
        yield lambda: Plugin(editors.enter_context(run_neovim()))


@pytest.fixture
def plugin(open_plugin: Callable[[], Plugin]) -> Plugin:
    return open_plugin()
