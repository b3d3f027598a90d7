"""What else a person does with tasks and workspaces, by commands and menus."""

from __future__ import annotations

import re

import pytest

from support.git_repos import GitRepo
from support.real_home import RealHome
from support.vscode import Window
from support.vscode_person import create_task, follow_up, select_line, start

pytestmark = pytest.mark.editor


@pytest.mark.long
def test_a_task_from_a_problem(window: Window, repo: GitRepo) -> None:
    """Of whichever extension: VS Code itself complains about JSON."""
    (repo.root / "prices.json").write_text('{\n  "total": ,\n}\n')
    window.open("prices.json")
    window.page.locator("#status\\.problems").get_by_text(re.compile("[1-9]")).first.wait_for()
    window.line("total").click()
    window.run("Branchwork: New Task from Problem at Cursor")
    window.row("Tasks", "Value expected").wait_for()


@pytest.mark.long
def test_a_task_from_a_selection_by_its_command(window: Window) -> None:
    window.open("prices.py")
    select_line(window, "def mean")
    window.run("Branchwork: New Task from Selection")
    window.row("Tasks", "def mean(prices)").wait_for()


@pytest.mark.long
def test_a_task_is_renamed_moved_and_deleted(window: Window) -> None:
    create_task(window, "First")
    window.menu(window.row("Tasks", "First"), "Rename Task…")
    window.type("Second")
    window.row("Tasks", "Second").wait_for()
    window.menu(window.row("Tasks", "Second"), "Set Status…")
    window.pick("In review")
    window.row("Tasks", "In review").wait_for()
    window.menu(window.row("Tasks", "Second"), "Open Task")
    window.line("# Second").wait_for()
    window.shot("document")
    window.menu(window.row("Tasks", "Second"), "Delete Task…")
    window.dialog().get_by_role("button", name="Delete", exact=True).click()
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()


def test_the_queue_and_the_worktree(window: Window, home: RealHome) -> None:
    """What is said to an agent at work waits; its place can be looked into and put away."""
    create_task(window, "Long work")
    start(window)
    window.press(window.row("Needs You", "Write NOTES.md?"), "Reject")
    window.toast("finished").wait_for()
    window.clear_toasts()
    follow_up(window, {"message": "At it."}, {"hang": True})
    window.row("Tasks", "Long work").get_by_text("At it.").wait_for()
    follow_up(window, {"message": "The next."})
    follow_up(window, {"message": "And another."})
    window.run("Branchwork: Show Queued Messages…")
    window.pick("And another.")
    window.pick("Remove")
    window.menu(window.row("Workspaces", "Long work"), "Stop")
    held = window.row("Needs You", "holds a message")
    held.wait_for()
    window.shot("held")
    held.click()
    window.pick("Send now")
    window.toast("The next.").wait_for()

    with window.page.context.expect_page() as opening:
        window.menu(window.row("Workspaces", "Long work"), "Open Worktree in New Window")
    worktree = next((home.root / "worktrees").glob("*/shop"))
    assert str(worktree) in opening.value.url
    opening.value.close()
    window.menu(window.row("Workspaces", "Long work"), "Archive Workspace")
    window.pane("Workspaces").get_by_text("When a task is started").wait_for()
