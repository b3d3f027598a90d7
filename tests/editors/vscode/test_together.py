"""Several editors on one board: two windows of VS Code, and a Neovim beside VS Code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support import neovim
from support.apart import Do, apart
from support.git_repos import GitRepo
from support.plugin import Plugin
from support.real_home import COMMAND, RealHome
from support.vscode import Window
from support.vscode_person import create_task, start

pytestmark = pytest.mark.editor

CHECKOUT = Path(__file__).parents[3]
INIT = Path(__file__).parents[1] / "plugin_init.lua"


@pytest.fixture
def in_neovim(home: RealHome, repo: GitRepo, tmp_path: Path) -> Iterator[Do[Plugin]]:
    """Does something in the same person's Neovim, in the same repository."""
    person = home.person
    own = tmp_path / "nvim"
    own.mkdir()
    env = {
        **person,
        "PATH": f"{COMMAND.parent}:{person['PATH']}",
        "BRANCHWORK_NVIM": str(CHECKOUT / "editor-clients" / "nvim"),
    }
    with apart(_plugin(own, repo.root, env)) as do:
        yield do


@contextmanager
def _plugin(own: Path, root: Path, env: dict[str, str]) -> Iterator[Plugin]:
    with neovim.running(INIT, own, root, env) as found:
        yield Plugin(found)


def test_two_windows(window: Window, opened: Callable[[], Window]) -> None:
    """What is done in one is seen in the other; one of them tells."""
    other = opened()
    other.view()
    create_task(window, "For both")
    other.row("Tasks", "For both").wait_for()
    start(window)
    other.row("Needs You", "Write NOTES.md?").wait_for()
    # Longer than a window in the background leaves a notice to the others.
    window.page.wait_for_timeout(3000)
    assert window.toast("asks").count() + other.toast("asks").count() == 1
    other.press(other.row("Needs You", "Write NOTES.md?"), "Allow Once")
    window.row("Tasks", "In review").wait_for()
    window.pane("Needs You").get_by_text("Write NOTES.md?").wait_for(state="hidden")


def test_vs_code_and_neovim(window: Window, in_neovim: Do[Plugin], repo: GitRepo) -> None:
    """One makes and starts it, the other answers, the first reviews, the other merges."""

    def answer(plugin: Plugin) -> None:
        plugin.statusline("● 1 running  ! 1 needs you")
        plugin.show("attention")
        plugin.on("Write NOTES.md?")
        plugin.read_request()
        plugin.press("ga")

    def merge(plugin: Plugin) -> None:
        plugin.choose("Merge 1 file into main")
        plugin.run("merge Across editors")
        plugin.told("Merged into main")

    create_task(window, "Across editors")
    in_neovim(lambda plugin: plugin.show("board"))
    in_neovim(lambda plugin: plugin.sees("Across editors"))
    in_neovim(lambda plugin: plugin.run("new From Neovim"))
    window.row("Tasks", "From Neovim").wait_for()
    start(window)
    in_neovim(answer)
    window.row("Tasks", "In review").wait_for()
    window.pane("Needs You").get_by_text("Write NOTES.md?").wait_for(state="hidden")
    window.clear_toasts()
    window.press(window.row("Needs You", "Across editors"), "Show Diff")
    window.diff("NOTES.md").get_by_text("Across editors").last.wait_for()
    in_neovim(merge)
    window.pane("Needs You").get_by_text("Nothing needs you").wait_for()
    window.row("Tasks", "Done").wait_for()
    assert repo.run("log", "--format=%s", "-1") == "Across editors"
