"""What an editor that drops the results of commands shows of them all the same."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from branchwork.lsp.registry import Features
from branchwork.services.app import App
from support.daemons import until
from support.desk import SHOWS, Desk, file_of, line_of
from support.inproc import connected


@pytest.fixture
async def desk(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[Desk]:
    async with connected(
        app, offered_features, initialize=False, environment=environment
    ) as client:
        await client.initialize(roots=(repository,), capabilities=SHOWS)
        yield Desk(client)


async def test_an_open_document_is_written_anew(desk: Desk, repository: Path) -> None:
    await desk.asked(await desk.new_task(repository))
    uri, text = await desk.open("attention")
    actions = await desk.actions(uri, line_of(text, "asks you"))
    await desk.run(actions["Reject: Write a.py?"])
    await until(lambda: "asks you" not in file_of(uri).read_text(), "the answer in the document")


async def test_what_is_typed_and_not_saved_keeps_its_file(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    uri, text = await desk.open("task", task["id"])
    typed = text.replace("# First", "# Second")
    desk.type(uri, typed)
    actions = await desk.actions(uri)
    await desk.run(actions["Set the status: Done"])
    assert file_of(uri).read_text() == text


async def test_a_created_task_is_told_with_its_notes(desk: Desk, repository: Path) -> None:
    told = desk.client.wait_for("window/showMessage")
    uri = (repository / "cart.py").as_uri()
    await desk.command("branchwork.server.task.create", {"uri": uri, "title": "First"})
    message = (await told)["message"]
    assert message.startswith("Created the task “First”. Made the project “shop”")


async def test_what_a_start_left_out_is_told(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    (repository / "cart.py").write_text("# not committed\n")
    told = desk.client.wait_for("window/showMessage")
    await desk.command(
        "branchwork.server.workspace.start",
        {"taskId": task["id"], "executor": "SCRIPTED", "mode": "edit", "prompt": "Do it."},
    )
    assert "uncommitted" in (await told)["message"]
