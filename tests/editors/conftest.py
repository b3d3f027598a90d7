"""What the tests of editors share: a repository to edit, and a real Neovim to edit it with."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support import git_repos, neovim
from support.neovim import Neovim

INIT = Path(__file__).with_name("init.lua")
PAGE = Path(__file__).parents[2] / "docs" / "editors" / "neovim.md"


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
