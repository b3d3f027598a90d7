"""The stories of the README in a real VS Code: a real extension host, a real daemon, real git.

A scripted agent plays; a person is what is clicked, typed and seen on the page.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support import real_home, tagged, vscode
from support.git_repos import GitRepo
from support.real_home import COMMAND, RealHome
from support.vscode import Host, Window

pytestmark = pytest.mark.editor

PRICES = """\
def total(prices):
    # TODO: handle empty input
    return sum(prices)


def mean(prices):
    return sum(prices) / len(prices)
"""
TITLE = "handle empty input"
AGENT = "Scripted agent"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with vscode.browser() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    """A person who has installed the server as the README says, and has one agent."""
    with real_home.open_home(tmp_path) as made:
        made.config.with_name("agents.json").write_text('[{"id": "scripted", "hidden": false}]')
        made.repository("shop").commit_files({"prices.py": PRICES}, "Prices")
        yield made


@pytest.fixture
def repo(home: RealHome) -> GitRepo:
    return GitRepo(home.root / "shop", home.person)


@pytest.fixture
def host(home: RealHome, tmp_path: Path) -> Iterator[Host]:
    """VS Code on a fresh profile."""
    folder = tmp_path / "code"
    folder.mkdir()
    with vscode.hosted(folder, home.person, {}) as running:
        yield running
    tagged.end(home.tag)


@pytest.fixture
def installed(home: RealHome) -> None:
    install(home)


def install(home: RealHome) -> None:
    command = Path(home.person["HOME"], ".local", "bin", "branchwork")
    command.parent.mkdir(parents=True, exist_ok=True)
    command.symlink_to(COMMAND)


@pytest.fixture
def opened(
    chromium: Any, host: Host, repo: GitRepo, request: pytest.FixtureRequest
) -> Iterator[Callable[[], Window]]:
    """Opens windows on the repository."""
    name = request.node.name.removeprefix("test_")
    with ExitStack() as windows:
        yield lambda: windows.enter_context(vscode.window(chromium, host, repo.root, name))


@pytest.fixture
def window(installed: None, opened: Callable[[], Window]) -> Window:
    """A window with our view open."""
    found = opened()
    found.view()
    return found


def script(*steps: dict[str, Any]) -> str:
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


def test_a_missing_server(opened: Callable[[], Window], home: RealHome) -> None:
    """The view says what to do, and it goes on from there."""
    window = opened()
    window.view()
    window.pane("Tasks").get_by_text("Branchwork's server was not found").wait_for()
    window.toast("there is no command branchwork").wait_for()
    window.shot("missing")
    install(home)
    window.pane("Tasks").get_by_role("button", name="Try Again").click()
    window.pane("Tasks").get_by_text("There is no task yet").wait_for()


def test_a_daemon_that_is_killed(window: Window, home: RealHome) -> None:
    """The run goes on, and so does its log, where it stopped."""
    create_task(window, "Count")
    start(window)
    window.answer("asks", "Answer…")
    window.pick("Reject")
    window.toast("finished").wait_for()
    window.clear_toasts()
    window.run("Branchwork: Follow Up…")
    steps = ({"message": "before\n"}, {"until": "go"}, {"message": "after\n"})
    window.type(script(*steps))
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


def test_a_window_that_is_reloaded(window: Window) -> None:
    """It shows again what runs and what waits, and tells nobody twice."""
    create_task(window, "Wait for me")
    start(window)
    window.toast("asks").wait_for()
    window.page.reload(wait_until="domcontentloaded")
    window.view()
    window.row("Needs You", "Write NOTES.md?").wait_for()
    window.status().get_by_text("1 running · 1 needs you").wait_for()
    assert window.toast("asks").count() == 0
    window.shot("reloaded")
    window.press(window.row("Needs You", "Write NOTES.md?"), "Reject")
    window.row("Tasks", "In review").wait_for()


def test_two_windows(window: Window, opened: Callable[[], Window]) -> None:
    """What is done in one is seen in the other; one of them tells."""
    other = opened()
    other.view()
    create_task(window, "For both")
    other.row("Tasks", "For both").wait_for()
    start(window)
    other.row("Needs You", "Write NOTES.md?").wait_for()
    window.page.wait_for_timeout(3000)
    assert window.toast("asks").count() + other.toast("asks").count() == 1
    other.press(other.row("Needs You", "Write NOTES.md?"), "Allow Once")
    window.row("Tasks", "In review").wait_for()
    window.pane("Needs You").get_by_text("Write NOTES.md?").wait_for(state="hidden")


def select_line(window: Window, text: str) -> None:
    """From its first letter to its end, as one selects with the keyboard."""
    window.line(text).click()
    window.page.keyboard.press("Home")
    window.page.keyboard.press("Shift+End")
    window.page.locator("#status\\.editor\\.selection").get_by_text("selected").wait_for()
