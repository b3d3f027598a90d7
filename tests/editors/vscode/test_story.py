"""The main job in a real VS Code: a real extension host, a real daemon, real git.

A scripted agent plays; a person is what is clicked, typed and seen on the page.
"""

from __future__ import annotations

import re

import pytest

from support.git_repos import GitRepo
from support.vscode import Window
from support.vscode_person import create_task, follow_up, script, select_line, start

pytestmark = pytest.mark.editor

TITLE = "handle empty input"


def test_the_main_job(window: Window, repo: GitRepo) -> None:
    """From a selection to a merged branch."""
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()
    window.shot("first-start")
    window.open("prices.py")
    select_line(window, "TODO")
    window.choose_action(f'Create task: "{TITLE}"')
    window.row("Tasks", TITLE).wait_for()
    window.toast("Task created").wait_for()
    window.shot("task")

    start(window)
    window.answer("Started", "Show Log")
    window.terminal("[edit] Write prices.py").wait_for()
    question = window.row("Needs You", "Write prices.py?")
    question.wait_for()
    window.status().get_by_text("1 running · 1 needs you").wait_for()
    window.shot("asks")
    window.press(question, "Allow Once")
    window.terminal("Completed").wait_for()
    window.toast("finished").wait_for()
    window.status().get_by_text(re.compile("^.*1 needs you$")).wait_for()
    window.shot("finished")

    window.clear_toasts()
    window.run("Branchwork: Follow Up…")
    window.type(script({"write": "empty.py", "text": "EMPTY = 0\n"}, {"message": "One more file."}))
    window.toast("One more file").wait_for()
    window.press(window.row("Needs You", TITLE), "Show Diff")
    window.diff("prices.py").get_by_text(f"# {TITLE}").last.wait_for()
    window.diff("empty.py").get_by_text("EMPTY").last.wait_for()
    window.clear_toasts()
    window.shot("diff")

    window.press(window.row("Needs You", TITLE), "Merge")
    window.dialog().get_by_text("One commit for main, which changes 2 files").wait_for()
    window.shot("merge")
    window.dialog().get_by_role("button", name="Merge", exact=True).click()
    window.toast(f"Merged “{TITLE}” into main").wait_for()
    window.pane("Needs You").get_by_text("Nothing needs you").wait_for()
    window.row("Tasks", "Done").wait_for()
    window.shot("merged")
    assert repo.run("log", "--format=%s", "-1") == TITLE
    assert repo.run("show", "HEAD:empty.py") == "EMPTY = 0"


def test_a_conversation(window: Window) -> None:
    """It grows while the agent speaks, and the agent's questions are answered in it."""
    create_task(window, "Say what the shop sells")
    start(window)
    window.answer("asks", "Show Conversation")
    window.line("waits for your answer").wait_for()
    window.shot("asks")
    window.lens("Allow").click()
    window.line("Added “Say what the shop sells” to NOTES.md").wait_for()
    window.clear_toasts()
    window.shot("finished")
    window.run("Branchwork: Follow Up…")
    window.type(script({"message": "Word by word."}, {"until": "go"}, {"message": "The end."}))
    window.line("Word by word").wait_for()
    window.row("Tasks", "Say what the shop sells").get_by_text("Word by word").wait_for()
    window.shot("grows")
    window.run("Branchwork: Stop")
    window.line("Ended: cancelled").wait_for()
    window.shot("stopped")


def test_nothing_that_an_agent_says_runs_a_command(window: Window) -> None:
    """VS Code makes links of what looks like one in a message, and they may run commands."""
    create_task(window, "Say [this](command:workbench.action.toggleZenMode)")
    start(window)
    window.press(window.row("Needs You", "Write NOTES.md?"), "Reject")
    window.toast("finished").wait_for()
    assert window.toast("finished").locator(".notification-list-item-message a").count() == 0
    window.clear_toasts()
    name = "[that](command:workbench.action.toggleZenMode)"
    follow_up(window, {"write": name, "text": "1\n", "ask": True})
    asks = window.toast("asks")
    asks.get_by_text("[that] (command:workbench.action.toggleZenMode)?").wait_for()
    assert asks.locator(".notification-list-item-message a").count() == 0
    window.answer("asks", "Show Conversation")
    window.line("waits for your answer").wait_for()
    assert window.page.locator("[href^='command:'], [data-href^='command:workbench']").count() == 0
