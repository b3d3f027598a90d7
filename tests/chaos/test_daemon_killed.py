"""Kill -9 of the daemon anywhere in a run: afterwards everything is as if nothing had been."""

from __future__ import annotations

import asyncio
import random

import pytest

from support.aftermath import check_feed, check_journals, check_rows, left_running, outcome
from support.daemons import until
from support.killing import SEED, kill_daemons, moments, rounds
from support.survival import Place, person, run_to_review

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


@pytest.mark.parametrize("number", range(rounds(full=50, few=5)))
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
