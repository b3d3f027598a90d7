"""Kill -9 at moments that are spread over a run, and the end of everything that a round started."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from branchwork import endpoint
from branchwork.daemon import lock
from branchwork.execution import stop
from support.daemons import until
from support.shims import Shim, shims
from support.survival import Person, Place

LOOK_SECONDS = 0.002


# Read at once: fixtures take such variables out of the environment of tests.
_ASKED = int(os.environ.get("BRANCHWORK_CHAOS_ROUNDS", "0"))
SEED = int(os.environ.get("BRANCHWORK_CHAOS_SEED", "0")) or random.SystemRandom().randrange(1 << 30)


IN_FULL = _ASKED > 0


def rounds(full: int, few: int) -> int:
    """`few`, or of `full` the share that the environment asks for, which says 50 for all."""
    return max(1, full * _ASKED // 50) if _ASKED else few


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """So many events into the run, and so long after the last of them.

    `away`: seconds that nobody asks for the next daemon.
    """

    events: int
    delay: float
    away: float = 0.0


def moments(chance: random.Random, events: int) -> list[Moment]:
    """One to three, anywhere in a run of so many events; often one of them at a start."""
    found = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        away = chance.uniform(0, 1.5) if chance.random() < 0.4 else 0.0
        at = chance.randrange(events)
        found.append(Moment(events=at, delay=chance.uniform(0, 0.15), away=away))
        if chance.random() < 0.4:
            # The next daemon is hit while it starts or recovers.
            found.append(Moment(events=at, delay=chance.uniform(0, 1.2)))
    return sorted(found, key=lambda moment: moment.events)


def events(place: Place, seq: int) -> int:
    """How far a run has come: changes that an editor heard of, and records of journals."""
    journals = place.executions.glob("*/*.jsonl")
    return seq + sum(file.read_bytes().count(b"\n") for file in journals)


async def kill_daemons(place: Place, someone: Person, planned: list[Moment]) -> list[int]:
    """At each moment the daemon that lives then; the pids."""
    killed = []
    for moment in planned:
        while events(place, someone.seq) < moment.events:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.sleep(moment.delay)
        while (found := lock.holder(place.data)) is None:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)
        killed.append(found.pid)
        if moment.away:
            endpoint.mark_stopped(place.data)
            someone.present.clear()
            await asyncio.sleep(moment.away)
            someone.present.set()
    return killed


async def kill_shim_of_git(place: Place) -> None:
    """The one there is. A git that is held may be quicker than its shim's word of itself."""

    def found() -> list[Shim]:
        return [shim for shim in shims(place) if "intents" in shim.directory.parts]

    await until(lambda: bool(found()), "the shim of git")
    (shim,) = found()
    assert shim.kill()


def end_everything(place: Place) -> None:
    """Daemon, shims and what they run; a shim would start the daemon again."""
    if Path(place.data).is_dir():
        endpoint.mark_stopped(place.data)
    place.clean_up()
    deadline = time.monotonic() + 60
    while (left := shims(place)) and time.monotonic() < deadline:
        for shim in left:
            shim.kill()
    data = Path(place.data)
    for folder in (*data.glob("executions/*"), *data.glob("intents/*")):
        stop.reap(folder.name, 0.2)
    place.end_daemons()
