"""What a person does in VS Code again and again."""

from __future__ import annotations

import json
from typing import Any

from support.vscode import Window

AGENT = "Scripted agent"


def script(*steps: dict[str, Any]) -> str:
    """A prompt that the scripted agent plays."""
    return f"Play this. <script>{json.dumps(steps)}</script>"


def create_task(window: Window, title: str) -> None:
    """By its title."""
    window.run("Branchwork: New Task…")
    window.type(title)
    window.toast("Task created").wait_for()


def start(window: Window) -> None:
    """From the message that says that the task was created."""
    window.answer("Task created", "Start…")
    window.pick(AGENT)
    window.pick("main")


def follow_up(window: Window, *steps: dict[str, Any]) -> None:
    """With what the agent is to do next."""
    window.run("Branchwork: Follow Up…")
    window.type(script(*steps))


def select_line(window: Window, text: str) -> None:
    """From its first letter to its end, as one selects with the keyboard."""
    window.line(text).click()
    window.page.keyboard.press("Home")
    window.page.keyboard.press("Shift+End")
    window.page.locator("#status\\.editor\\.selection").get_by_text("selected").wait_for()
