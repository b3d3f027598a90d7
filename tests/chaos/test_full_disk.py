"""A data folder on a disk that is full: it is said, nothing is lost, and it goes on by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.aftermath import check_journals, check_rows, records
from support.daemons import until
from support.inproc import RequestFailed
from support.killing import end_everything
from support.small_disk import SmallDisk, mounted
from support.survival import Person, Place, make_place, person, played

pytestmark = pytest.mark.chaos

STORAGE_FULL = -32016
SIZE = 24 << 20
LINES = 12_000
FLOOD = played(
    "Fill it.",
    {"ask": "May I begin?"},
    {"flood": LINES, "text": "line"},
    {"write": "made.txt", "text": "made\n"},
    {"message": "Done."},
)


@pytest.fixture
def full(tmp_path: Path, empty_database: Path) -> Iterator[tuple[Place, SmallDisk]]:
    place = make_place(tmp_path / "place", empty_database)
    database = Path(place.data, "branchwork.sqlite").read_bytes()
    with mounted(Path(place.data), SIZE) as disk:
        Path(place.data, "branchwork.sqlite").write_bytes(database)
        yield place, disk
        end_everything(place)


async def refused(someone: Person, task: Any) -> RequestFailed:
    """What a request is told that has something to store; small ones may still find a place."""
    while True:
        try:
            await someone.ask(
                "task/create",
                projectId=task["projectId"],
                title="More",
                description="more " * 20_000,
            )
        except RequestFailed as error:
            return error


async def test_a_request_is_told_what_to_do(full: tuple[Place, SmallDisk]) -> None:
    place, disk = full
    async with person(place) as someone:
        task = await someone.make_task(place)
        disk.fill()
        error = await refused(someone, task)
        assert (error.code, error.data["kind"]) == (STORAGE_FULL, "storageFull")
        assert error.data["retryable"] is True
        assert "full" in error.message
        found = await someone.ask("task/get", taskId=task["id"])
        assert found["task"]["title"] == "X"
        disk.make_room()
        await someone.ask("task/create", projectId=task["projectId"], title="There is space")
    check_rows(place)


@pytest.mark.parametrize("dies", [False, True], ids=["one daemon", "the daemon dies meanwhile"])
async def test_an_agent_waits_for_space(full: tuple[Place, SmallDisk], dies: bool) -> None:
    place, disk = full
    async with person(place) as someone:
        task = await someone.make_task(place, setup=None, cleanup="exit 0")
        workspace = await someone.start(task, FLOOD)
        await someone.until(someone.pending)
        disk.fill(but=600_000)
        for approval in await someone.pending():
            await someone.allow(approval)
        await until(lambda: disk.free < 4096, "the agent fills the disk")
        assert (await refused(someone, task)).code == STORAGE_FULL
        if dies:
            place.kill_daemon()
            assert (await refused(someone, task)).code == STORAGE_FULL
        (execution,) = (await someone.ask("execution/list", workspaceId=workspace["id"]))[
            "executions"
        ]
        assert execution["status"] == "Running"
        disk.make_room()
        await someone.until(lambda: someone.is_in_review(task))
        ran = (await someone.ask("execution/list", workspaceId=workspace["id"]))["executions"]
        assert [one["status"] for one in ran] == ["Completed", "Completed"]
        found = records(place.executions / execution["id"])
        paused = [one for one in found if one.get("x") == "paused"]
        assert paused
        assert paused[0]["error"] == "ENOSPC"
        told = {"conversationId": workspace["conversationId"]}
        said = "".join(
            one["text"]
            for one in (await someone.ask("conversation/entries", **told))["entries"]
            if one["kind"] == "agent_message"
        )
        lines = [line for line in said.splitlines() if line.startswith("line ")]
        assert lines == [f"line {number}" for number in range(1, LINES + 1)]
        assert "Done." in place.repo.run("log", "--format=%B", f"main..{workspace['branch']}")
    check_journals(place)
    check_rows(place)
