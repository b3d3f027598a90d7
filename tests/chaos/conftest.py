"""What rounds share: places of their own, and the undisturbed run that they are held against."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.aftermath import Outcome, outcome
from support.killing import end_everything, events
from support.survival import Place, make_place, person, run_to_review


@pytest.fixture
def places(tmp_path: Path, empty_database: Path) -> Iterator[Callable[[], Place]]:
    """Makes places; everything in them ends with the test."""
    made: list[Place] = []
    numbers = itertools.count(1)

    def make() -> Place:
        made.append(make_place(tmp_path / f"place-{next(numbers)}", empty_database))
        return made[-1]

    yield make
    for place in made:
        end_everything(place)


@pytest.fixture
def place(places: Callable[[], Place]) -> Place:
    return places()


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """How it goes when nobody is killed, and of how many events that is."""

    outcome: Outcome
    events: int


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Undisturbed:
    place = make_place(tmp_path_factory.mktemp("undisturbed") / "place", empty_database)

    async def run() -> Undisturbed:
        async with person(place) as someone:
            task = await someone.make_task(place)
            job = await run_to_review(someone, place, task)
            count = events(place, someone.seq)
            return Undisturbed(outcome=await outcome(someone, place, job), events=count)

    try:
        return asyncio.run(run())
    finally:
        end_everything(place)
