"""Documents that are open in editors follow the board."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from branchwork.lsp.registry import Features
from branchwork.services.app import App
from support.daemons import until
from support.desk import SHOWS, Desk, file_of
from support.inproc import connected


@pytest.fixture
async def desks(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two editors."""
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(2):
            client = await stack.enter_async_context(
                connected(app, offered_features, initialize=False, environment=environment)
            )
            await client.initialize(roots=(repository,), capabilities=SHOWS)
            found.append(Desk(client))
        yield found[0], found[1]


async def test_a_change_in_one_editor_is_in_the_open_document_of_another(
    desks: tuple[Desk, Desk], repository: Path
) -> None:
    one, other = desks
    await one.new_task(repository, "First")
    uri, _ = await other.open("board")
    await one.new_task(repository, "Second")
    await until(lambda: "Second" in file_of(uri).read_text(), "the first change")
    # The editor has not read its file again, and still nothing in it is a person's.
    await one.new_task(repository, "Third")
    await until(lambda: "Third" in file_of(uri).read_text(), "the next change")


async def test_an_edit_that_is_not_saved_in_any_editor_keeps_its_file(
    desks: tuple[Desk, Desk], repository: Path
) -> None:
    one, other = desks
    task = await one.new_task(repository, "First")
    uri, text = await one.open("task", task["id"])
    await other.open("task", task["id"])
    board, _ = await one.open("board")
    other.type(uri, text.replace("# First", "# Mine"))
    await one.client.request("branchwork/task/update", {"taskId": task["id"], "status": "Done"})
    await until(lambda: "## Done" in file_of(board).read_text(), "the other document's change")
    assert file_of(uri).read_text() == text
    # It is given up: the file follows again.
    other.type(uri, text)
    await one.client.request("branchwork/task/update", {"taskId": task["id"], "status": "Todo"})
    await one.client.request("branchwork/task/update", {"taskId": task["id"], "title": "Renamed"})
    await until(lambda: "# Renamed" in file_of(uri).read_text(), "the new title")


async def test_what_says_the_same_is_not_written_again(
    desks: tuple[Desk, Desk], repository: Path
) -> None:
    one, _ = desks
    task = await one.new_task(repository, "First")
    uri, _ = await one.open("task", task["id"])
    written = file_of(uri).stat().st_ino
    await one.open("task", task["id"])
    assert file_of(uri).stat().st_ino == written
