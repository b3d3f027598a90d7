"""Kill -9 of the daemon anywhere in a run: afterwards everything is as if nothing had been."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from branchwork.daemon import lock
from support.aftermath import check_feed, check_journals, check_rows, left_running, outcome
from support.daemons import until
from support.killing import SEED, kill_daemons, moments, rounds
from support.stage import waiting_for
from support.survival import (
    FIRST_PROMPT,
    SECOND_PROMPT,
    Place,
    person,
    played,
    run_to_review,
)

from .conftest import Undisturbed

pytestmark = pytest.mark.chaos


async def test_the_undisturbed_run_is_what_it_should_be(undisturbed: Undisturbed) -> None:
    """Else the rounds would compare nothing with nothing."""
    found = undisturbed.outcome
    assert [one[:3] for one in found.processes] == [
        ("SetupScript", "Completed", 0),
        ("CodingAgent", "Completed", 0),
        ("CleanupScript", "Completed", 0),
        ("CodingAgent", "Completed", 0),
        ("CleanupScript", "Completed", 0),
    ]
    assert found.counts == {
        "prompts": ["first", "second"],
        "setup": ["begun"],
        "cleanup": ["begun", "begun"],
    }
    assert len(found.commits) == 4
    assert [turn[1].strip().splitlines()[-1] for turn in found.turns] == [
        "The first turn is done.",
        "The second turn is done.",
    ]
    assert found.attention == ["finished"]
    assert len(found.stderr) == 1
    assert [ids.count("prompt") for ids in found.sent] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize("number", range(rounds(full=50, few=4)))
async def test_a_daemon_killed_anywhere(
    place: Place, undisturbed: Undisturbed, number: int
) -> None:
    chance = random.Random(f"{SEED} {number}")
    planned = moments(chance, undisturbed.events)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: {planned}")
    async with person(place) as someone:
        task = await someone.make_task(place)
        killing = asyncio.create_task(kill_daemons(place, someone, planned))
        try:
            job = await run_to_review(someone, place, task)
        finally:
            killing.cancel()
        await until(lambda: not left_running(place), "processes are left")
        found = await outcome(someone, place, job)
        await check_feed(someone)
    for name in undisturbed.outcome.__slots__:
        assert getattr(found, name) == getattr(undisturbed.outcome, name), name
    check_journals(place)
    check_rows(place)


@pytest.mark.parametrize("number", range(rounds(full=10, few=1)))
async def test_a_setup_beside_the_agent(place: Place, number: int) -> None:
    """Both go on and come to their end, each once."""
    chance = random.Random(f"{SEED} beside {number}")
    planned = moments(chance, 60)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: {planned}")
    async with person(place) as someone:
        task = await someone.make_task(place, cleanup=None)
        (repo,) = (await someone.ask("repo/list"))["repos"]
        await someone.ask("repo/update", repoId=repo["id"], parallelSetupScript=True)
        killing = asyncio.create_task(kill_daemons(place, someone, planned))
        prompt = played("Both.", {"flood": 30, "text": "line", "pause": 0.02})
        workspace = await someone.start(task, prompt)
        await someone.until(lambda: someone.is_in_review(task))
        killing.cancel()
        await until(lambda: not left_running(place), "processes are left")
        here = {"workspaceId": workspace["id"]}
        await until(
            lambda: place.rows("SELECT setup_completed_at FROM workspaces") != [None], "set"
        )
        ran = (await someone.ask("execution/list", **here))["executions"]
        assert {(one["runReason"], one["status"], one["exitCode"]) for one in ran} == {
            ("SetupScript", "Completed", 0),
            ("CodingAgent", "Completed", 0),
        }
        assert len(ran) == 2
        assert place.counted("setup") == ["begun"]
    check_journals(place)
    check_rows(place)


async def test_an_end_that_no_daemon_saw(place: Place, tmp_path: Path) -> None:
    """The exit code is as it was, and what a script left behind is not taken for the script."""
    setup = f"{waiting_for(tmp_path / 'go')}; sleep 3600 & exit 7"
    async with person(place) as someone:
        task = await someone.make_task(place, setup=setup, cleanup=None)
        workspace = await someone.start(task, FIRST_PROMPT)
        someone.present.clear()
        place.kill_daemon()
        (tmp_path / "go").touch()
        await until(lambda: any(place.executions.glob("*/exit.json")), "the script goes on")
        someone.present.set()
        await someone.until(lambda: someone.is_in_review(task))
        (ran,) = (await someone.ask("execution/list", workspaceId=workspace["id"]))["executions"]
        assert (ran["status"], ran["exitCode"]) == ("Failed", 7)
        (item,) = (await someone.ask("attention/list"))["items"]
        assert "exit code 7" in item["sentence"]
    check_journals(place)
    check_rows(place)


@pytest.mark.parametrize("number", range(rounds(full=10, few=1)))
async def test_a_stop_that_was_asked_for_is_kept(place: Place, number: int) -> None:
    """The agent that does not listen is ended by whichever daemon lives, and not started again."""
    chance = random.Random(f"{SEED} stop {number}")
    delay = chance.uniform(0, 4)
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}: {delay:.3f} s after it was asked to stop")
    async with person(place) as someone:
        task = await someone.make_task(place, setup=None)
        prompt = played("Do not stop.", {"message": "Never. "}, {"hang": "stubborn"})
        workspace = await someone.start(task, prompt)
        told = {"conversationId": workspace["conversationId"]}

        async def has_begun() -> bool:
            entries = (await someone.ask("conversation/entries", **told))["entries"]
            return any(entry["kind"] == "agent_message" for entry in entries)

        await someone.until(has_begun)
        await someone.follow_up(workspace["conversationId"], SECOND_PROMPT)
        ran = (await someone.ask("execution/list", workspaceId=workspace["id"]))["executions"]
        stop = {"executionId": ran[0]["id"]}
        _, stopping = someone.client.start_request("branchwork/execution/stop", stop)
        stopping.add_done_callback(lambda answer: answer.exception())
        asked = "SELECT stop_requested_at FROM execution_processes"
        await until(lambda: place.rows(asked) != [None], "it was asked for")
        await asyncio.sleep(delay)
        if lock.holder(place.data) is not None:
            place.kill_daemon()
        await someone.until(lambda: someone.is_in_review(task))
        (ended,) = (await someone.ask("execution/list", workspaceId=workspace["id"]))["executions"]
        assert (ended["status"], ended["exitCode"]) == ("Killed", 137)
        assert left_running(place) == {}
        (queued,) = (await someone.ask("conversation/get", **told))["queue"]
        assert queued["heldBecause"]
        assert [item["kind"] for item in (await someone.ask("attention/list"))["items"]] == [
            "heldPrompt"
        ]
    check_journals(place)
    check_rows(place)
