"""A board of 1,000 tasks."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from branchwork.client import stream
from branchwork.client.connection import Connection
from branchwork.client.editor import Editor
from branchwork.protocol import tasks
from support.git_repos import GitRepo
from support.real_home import COMMAND, RealHome
from support.vscode import Window

pytestmark = [pytest.mark.editor, pytest.mark.long]

MANY = 1000
PATIENCE = 60


@pytest.fixture
def editor(home: RealHome, installed: None, repo: GitRepo) -> Editor:
    """Another editor of the same person, which has made the tasks."""
    connection = Connection(stream.of_command([str(COMMAND), "lsp"], home.person, repo.root))
    editor = Editor(connection, repo.root)
    editor.initialize(PATIENCE)
    uri = (repo.root / "prices.py").as_uri()
    for number in range(MANY):
        params = tasks.TaskCreateParams(uri=uri, title=f"Price number {number}")
        connection.request(tasks.CREATE, params)
    return editor


def test_a_thousand_tasks(editor: Editor, opened: Callable[[], Window]) -> None:
    """They are all there, one is found, and a change of one leaves the view where it is."""
    window = opened()
    window.view()
    group = window.row("Tasks", "To do")
    group.get_by_text(str(MANY)).wait_for()
    newest = window.row("Tasks", f"Price number {MANY - 1}")
    newest.wait_for()
    window.shot("thousand")

    window.run("Branchwork: Set Status…")
    window.pick("Price number 500")
    window.pick("Done")
    done = window.row("Tasks", re.compile("^Done"))
    group.get_by_text(str(MANY - 1)).wait_for()
    newest.wait_for()

    newest.click()
    window.page.keyboard.press("End")
    oldest = window.row("Tasks", re.compile("^Price number 0"))
    editor.connection.request(
        tasks.UPDATE, tasks.TaskUpdateParams(task_id=_newest(editor), title="Renamed elsewhere")
    )
    done.wait_for()
    assert oldest.count() <= 1
    window.page.keyboard.press("Home")
    window.row("Tasks", "Renamed elsewhere").wait_for()
    window.shot("renamed")


def _newest(editor: Editor) -> str:
    found = editor.connection.request(tasks.LIST, tasks.TaskListParams(limit=1))
    return found.tasks[0].id
