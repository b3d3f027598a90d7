"""The README's picture of the Neovim plugin: its real terminal, the real server, and an agent that
plays a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import painted, shop_story, terminal, tools, vscode
from support.real_home import RealHome
from support.shop_story import ANSWERS, ASKS, GO, QUESTION, READY, TASKS, WORKS
from support.terminal import Terminal

pytestmark = [pytest.mark.editor, pytest.mark.long]

INIT = Path(__file__).with_name("picture_init.lua")
BACKGROUND = "#14161b"  # that of Neovim's own colours, where it is dark


@pytest.fixture
def home() -> Iterator[RealHome]:
    """Of a person who has one agent and some tasks."""
    with shop_story.open_home() as made:
        yield made


@pytest.fixture
def nvim(home: RealHome, plugin_env: dict[str, str]) -> Iterator[Terminal]:
    own = {f"XDG_{kind}_HOME": str(home.root / kind.lower()) for kind in ("DATA", "STATE", "CACHE")}
    argv = [str(tools.neovim()), "--clean", "-u", str(INIT), "shop/checkout.py"]
    with terminal.running(argv, home.root / "shop", {**plugin_env, **own}) as shown:
        shown.sees("def refund")
        yield shown
        do(shown, "qall!")


def do(nvim: Terminal, command: str) -> None:
    nvim.type(f":{command}")
    nvim.press("Enter")


def test_the_picture(nvim: Terminal, home: RealHome) -> None:
    """A board, a file, and a conversation in which an agent asks."""
    do(nvim, "aboveleft Branchwork board")
    nvim.sees("7 tasks · 0 running", *TASKS)
    for title, then in ((READY, "In review 1"), (WORKS, "1 running"), (ASKS, "2 running")):
        do(nvim, f"Branchwork start agent=coding-agent base=main {title}")
        nvim.sees(then)
    do(nvim, f"Branchwork seen {READY}")
    nvim.sees("2 running · 0 need you")
    do(nvim, f"call search('{ASKS}')")
    do(nvim, f"botright vertical Branchwork conversation {ASKS}")
    nvim.sees("Let me run the tests.")
    (home.root / GO).touch()
    nvim.sees("asks you", "gR rejects it with a reason", f"{ASKS} asks: {QUESTION}")
    screen, drawn = nvim.sees(*TASKS, f"? {QUESTION}", *ANSWERS), nvim.picture()
    with vscode.browser() as chromium:
        path = vscode.SCREENSHOTS / "neovim.png"
        shown = painted.paint(chromium, drawn, BACKGROUND, path)
    assert shown.split() == screen.split()
