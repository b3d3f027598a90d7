"""The plugin in a real Neovim, with the real server and an agent that plays a script."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support import git_repos, neovim
from support.neovim import Neovim
from support.plugin import Plugin
from support.real_home import COMMAND, RealHome, open_home

pytestmark = pytest.mark.editor

CHECKOUT = Path(__file__).parents[2]
INIT = Path(__file__).with_name("plugin_init.lua")
TITLE = "Handle empty input"
SCRIPTED = "agent=scripted base=main"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    with open_home(tmp_path) as found:
        yield found


@pytest.fixture
def editor_env(home: RealHome) -> dict[str, str]:
    """With the real `branchwork` on the PATH, and where the plugin lies."""
    person = home.person
    return {
        **person,
        "PATH": f"{COMMAND.parent}:{person['PATH']}",
        "BRANCHWORK_NVIM": str(CHECKOUT / "editor-clients" / "nvim"),
    }


@pytest.fixture
def open_neovim(
    tmp_path: Path, repository: Path, editor_env: dict[str, str]
) -> Iterator[Callable[[], Neovim]]:
    """Starts a Neovim with the plugin; what it keeps between two starts lies in one place."""
    with ExitStack() as editors:
        own = tmp_path / "nvim"
        own.mkdir()

        def start() -> Neovim:
            return editors.enter_context(neovim.running(INIT, own, repository, editor_env))

        yield start


@pytest.fixture
def plugin(open_neovim: Callable[[], Neovim]) -> Plugin:
    return Plugin(open_neovim())


@pytest.fixture
def play(repository: Path, plugin: Plugin) -> Callable[..., None]:
    """Has the scripted agent play some steps, by the lines of a file."""

    def run(title: str, *steps: dict[str, Any]) -> None:
        file = repository.parent / f"{title}.txt"
        file.write_text(f"<script>{json.dumps(steps)}</script>\n")
        target = repository / file.name
        target.write_text(file.read_text())
        plugin.nvim.edit(target)
        plugin.nvim.command(f"%Branchwork start {SCRIPTED} {title}")

    return run


def test_from_a_title_to_a_merge(
    plugin: Plugin, repository: Path, editor_env: dict[str, str]
) -> None:
    """In an editor that has no file open: board, start, answer, follow up, look, merge."""
    plugin.run("board")
    plugin.sees("There is no task yet.")
    plugin.run(f"new {TITLE}")
    plugin.on(TITLE)
    plugin.run(f"start {SCRIPTED}")
    plugin.sees("needs you")
    plugin.press("gc")
    plugin.on("? Write NOTES.md?")
    plugin.read_request()
    plugin.press("ga")
    plugin.sees("→ Allow")
    plugin.sees("end of turn")
    plugin.title("done")

    plugin.run("prompt Say it again")
    plugin.sees("Say it again")
    plugin.run("attention")
    plugin.on("Reject ")
    plugin.read_request()
    plugin.press("<CR>")
    plugin.sees("is ready to be looked at")

    plugin.run("log")
    plugin.sees("Nothing was written to NOTES.md.")
    plugin.title("agent · done")
    plugin.run("patch")
    plugin.sees(f"+- {TITLE}")
    plugin.run("diff")
    found = plugin.nvim.until("#vim.fn.getqflist() > 0 and vim.fn.getqflist()")
    assert [(one["module"], one["lnum"]) for one in found] == [("NOTES.md", 1)]
    assert f"+1 -0  - {TITLE}" in found[0]["text"]

    plugin.choose("Merge 1 file into main")
    plugin.run("merge")
    plugin.told("Merged into main")
    repo = git_repos.GitRepo(repository, editor_env)
    assert repo.run("log", "-1", "--format=%s") == TITLE
    plugin.run("board")
    plugin.sees("Done 1")
