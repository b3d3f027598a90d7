"""Many editors and shims start daemons at once while daemons are killed: there is only one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest

from branchwork.daemon import lock
from support.daemons import PATIENCE, proxy_argv, until
from support.killing import SEED, rounds
from support.survival import Person, Place, person

pytestmark = pytest.mark.chaos

LONELY = str(Path(__file__).parent.parent / "support" / "lonely_daemon.py")
EDITORS, KILLS = 8, 6


def daemons(place: Place) -> Iterator[int]:
    """Processes that run the program on this data folder."""
    wanted = f"BRANCHWORK_DATA_DIR={place.data}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            argv = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().split(b"\0")
            if LONELY.encode() in argv[1:2] and wanted in environment:
                yield int(folder.name)


async def keep_asking(someone: Person, over: asyncio.Event) -> None:
    while not over.is_set():
        await someone.ask("task/list")


async def kill_some(place: Place, chance: random.Random, start: Callable[[], None]) -> None:
    """Whoever has the lock, again and again; others start some more, as shims do."""
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0, 0.8))
        for _ in range(chance.randrange(3)):
            start()
        async with asyncio.timeout(PATIENCE):
            while (found := lock.holder(place.data)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        with suppress(ProcessLookupError):
            os.kill(found.pid, signal.SIGKILL)


@pytest.fixture
def start(place: Place) -> Iterator[Callable[[], None]]:
    """Starts a daemon that nobody has asked for."""
    started: list[subprocess.Popen[bytes]] = []
    argv, environment = [sys.executable, LONELY], place.environment()

    def one() -> None:
        started.append(subprocess.Popen(argv, env=environment, start_new_session=True))

    yield one
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.parametrize("number", range(rounds(full=5, few=1)))
async def test_never_two(place: Place, start: Callable[[], None], number: int) -> None:
    chance = random.Random(f"{SEED} one {number}")
    print(f"BRANCHWORK_CHAOS_SEED={SEED} round {number}")
    argv = proxy_argv([sys.executable, LONELY, "3"])
    async with AsyncExitStack() as stack:
        editors = [stack.enter_async_context(person(place, argv=argv)) for _ in range(EDITORS)]
        killing = asyncio.create_task(kill_some(place, chance, start))
        people = await asyncio.gather(*editors)
        over = asyncio.Event()
        asking = [asyncio.create_task(keep_asking(someone, over)) for someone in people]
        await killing
        over.set()
        await asyncio.gather(*asking)
        pids = {(await someone.ask("daemon/status"))["pid"] for someone in people}
        assert len(pids) == 1
        await until(lambda: set(daemons(place)) == pids, "others are there")
    assert not (place.root / "two").exists()
    assert place.rows("PRAGMA integrity_check") == ["ok"]
