"""The picture of VS Code in the README."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import shop_story
from support.real_home import RealHome
from support.shop_story import ASKS, GO, QUESTION, READY, WORKS
from support.vscode import SCREENSHOTS, Window

pytestmark = [pytest.mark.editor, pytest.mark.long]


@pytest.fixture
def home() -> Iterator[RealHome]:
    """Of a person who has one agent and some tasks."""
    with shop_story.open_home() as made:
        yield made


def start(window: Window, title: str) -> None:
    window.run("Branchwork: Start Task…")
    window.pick(title)
    window.pick("coding-agent")
    window.pick("main")
    window.row("Workspaces", title).wait_for()


def test_the_picture(window: Window, home: RealHome) -> None:
    """Tasks, code, and a conversation in which an agent asks."""
    window.open("checkout.py")
    start(window, READY)
    window.press(window.row("Needs You", READY), "Mark as Seen")
    start(window, WORKS)
    start(window, ASKS)
    window.menu(window.row("Workspaces", ASKS), "Show Conversation")
    window.line("Let me run the tests.").wait_for()
    window.run("View: Move Editor into Right Group")
    window.clear_toasts()
    (home.root / GO).touch()
    window.lens("Allow for this session").wait_for()
    window.toast("asks").wait_for()
    window.clear_toasts()
    window.page.set_viewport_size({"width": 1440, "height": 810})
    window.page.mouse.move(700, 800)
    window.row("Needs You", QUESTION).wait_for()
    window.line("waits for").wait_for()
    window.line("return order.pay_back").wait_for()
    window.page.screenshot(path=str(SCREENSHOTS / "vscode.png"))
