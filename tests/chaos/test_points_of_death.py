"""A daemon that dies between any two of its steps: each transaction, each message, each start."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

from support.aftermath import check_journals, check_rows, left_running, outcome
from support.daemons import proxy_argv, until
from support.killing import IN_FULL, SEED
from support.survival import Place, person, run_to_review

from .conftest import Undisturbed

pytestmark = pytest.mark.chaos

DYING = str(Path(__file__).parent.parent / "support" / "dying_daemon.py")
MESSAGES = ("initialize", "session", "mode", "prompt", "answer:0", "close", "session:resume")
FUNCTIONS = (
    "spawn._claim",
    "spawn.start",
    "chain.launch",
    "chain.finish",
    "chain.proceed",
    "follow.watch",
    "commits.auto_commit",
    "worktrees.make",
)
POINTS = [
    "half a spec",
    *(f"{when} send {message}" for message in MESSAGES for when in ("before", "after")),
    *(f"{when} {function}" for function in FUNCTIONS for when in ("before", "after")),
]
# About as many as a run has; the last may not be reached.
WRITES = [f"{when} write {number}" for number in range(5, 46) for when in ("before", "after")]


def some(points: list[str], few: int) -> list[str]:
    """All of them, or a few that are others each time."""
    return points if IN_FULL else sorted(random.Random(SEED).sample(points, few))


async def go_through(place: Place, undisturbed: Undisturbed, point: str) -> bool:
    """The whole run with a daemon that dies at that point; whether it came there."""
    order = place.root / "die"
    async with person(place, argv=proxy_argv([sys.executable, DYING, "3"])) as someone:
        task = await someone.make_task(place)
        order.write_text(point)
        job = await run_to_review(someone, place, task)
        await until(lambda: not left_running(place), "processes are left")
        found = await outcome(someone, place, job)
    for name in undisturbed.outcome.__slots__:
        assert getattr(found, name) == getattr(undisturbed.outcome, name), name
    check_journals(place)
    check_rows(place)
    return not order.exists()


@pytest.mark.parametrize("point", some(POINTS, 3))
async def test_a_daemon_that_dies_at(place: Place, undisturbed: Undisturbed, point: str) -> None:
    assert await go_through(place, undisturbed, point), "it never came to that point"


@pytest.mark.parametrize("point", some(WRITES, 2))
async def test_a_daemon_that_dies_around_a_transaction(
    place: Place, undisturbed: Undisturbed, point: str
) -> None:
    await go_through(place, undisturbed, point)
