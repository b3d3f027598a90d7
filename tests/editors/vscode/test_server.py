"""A server that is missing, is installed, or dies; a window that is reloaded meanwhile."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from support.real_home import RealHome
from support.vscode import Window
from support.vscode_person import create_task, follow_up, select_line, start

pytestmark = pytest.mark.editor

SCHEME = "branchwork-conversation"


def test_a_missing_server(opened: Callable[[], Window], home: RealHome) -> None:
    """The view says what to do, and it goes on from there."""
    window = opened()
    window.view()
    window.pane("Tasks").get_by_text("Branchwork's server was not found").wait_for()
    window.toast("there is no command branchwork").wait_for()
    window.shot("missing")
    home.install_command()
    window.pane("Tasks").get_by_role("button", name="Try Again").click()
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()


@pytest.mark.long
def test_the_server_is_installed_by_the_extension(opened: Callable[[], Window]) -> None:
    """By one button, from what the extension brings along and what pip finds."""
    window = opened()
    window.view()
    window.pane("Tasks").get_by_role("button", name="Install the Server").click()
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()
    create_task(window, "Run by what was installed")
    start(window)
    window.press(window.row("Needs You", "Write NOTES.md?"), "Allow Once")
    window.toast("finished").wait_for()


@pytest.mark.long
def test_data_that_can_not_be_opened(
    installed: None, opened: Callable[[], Window], home: RealHome
) -> None:
    """The view says so, the doctor says why, and when it is mended all windows go on."""
    database = Path(home.data, "branchwork.sqlite")
    database.parent.mkdir(mode=0o700)
    database.write_text("no database " * 1000)
    window = opened()
    window.view()
    window.pane("Tasks").get_by_text("The daemon can't open its data").wait_for()
    window.pane("Tasks").get_by_role("button", name="Doctor").click()
    window.line("branchwork.sqlite is damaged").wait_for()
    window.shot("doctor")
    other = opened()
    other.view()
    other.pane("Tasks").get_by_text("The daemon can't open its data").wait_for()
    database.unlink()
    window.pane("Tasks").get_by_role("button", name="Restart Server").click()
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()
    window.run("Branchwork: Doctor")
    window.line("Scripted agent").wait_for()
    window.shot("healthy")
    other.pane("Tasks").get_by_text("There is no task yet").wait_for()
    other.open("prices.py")
    select_line(other, "TODO")
    other.choose_action('Create task: "handle empty input"')
    window.row("Tasks", "handle empty input").wait_for()


def test_a_daemon_that_is_killed(window: Window, home: RealHome) -> None:
    """The run goes on, and so does its log, where it stopped."""
    create_task(window, "Count")
    start(window)
    window.answer("asks", "Answer…")
    window.pick("Reject")
    window.toast("finished").wait_for()
    window.clear_toasts()
    follow_up(window, {"message": "before\n"}, {"until": "go"}, {"message": "after\n"})
    window.run("Branchwork: Show Log")
    window.terminal("before").first.wait_for()
    home.kill_daemon()
    window.row("Tasks", "Count").get_by_text("before").wait_for()
    (worktree,) = (home.root / "worktrees").glob("*/shop")
    (worktree / "go").touch()
    window.terminal("after").first.wait_for()
    window.toast("finished").wait_for()
    assert window.terminal(re.compile("^before")).count() == 1
    window.shot("after")


@pytest.mark.long
def test_a_window_that_is_reloaded(window: Window, home: RealHome) -> None:
    """It shows again what runs, what waits and what was open, and tells nobody twice."""
    create_task(window, "Wait for me")
    start(window)
    window.answer("asks", "Show Conversation")
    window.line("waits for your answer").wait_for()
    # Our view is open again, too.
    window.reload(SCHEME)
    window.row("Needs You", "Write NOTES.md?").wait_for()
    window.status().get_by_text("1 running · 1 needs you").wait_for()
    assert window.toast("asks").count() == 0
    window.shot("reloaded")
    window.lens("Reject").click()
    window.line("Nothing was written to NOTES.md").wait_for()
    window.row("Tasks", "In review").wait_for()
    window.clear_toasts()

    # And in the middle of a word.
    follow_up(window, {"message": "One.\n"}, {"until": "go"}, {"message": "Two.\n"})
    window.line("One.").wait_for()
    window.reload(SCHEME)
    window.line("One.").wait_for()
    (worktree,) = (home.root / "worktrees").glob("*/shop")
    (worktree / "go").touch()
    window.line("Two.").wait_for()
    assert window.line("One.").count() == 1
    window.run("Branchwork: Show Log")
    window.terminal("Two.").first.wait_for()
    assert window.terminal(re.compile("^One.")).count() == 1
