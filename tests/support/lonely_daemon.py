"""The real daemon, which tells when it has the data folder while another one has it still."""

from __future__ import annotations

import asyncio
import os
import sys

from branchwork.config import Config
from branchwork.daemon import wiring
from branchwork.daemon.main import run
from branchwork.daemon.wiring import Assembly
from branchwork.execution import processes

GONE_SECONDS = 5.0


async def build(config: Config) -> Assembly:
    """Comes when the lock is held and before the database is opened."""
    owner = config.data.with_name("owner")
    if owner.exists() and not await has_gone(*owner.read_text().split()):
        config.data.with_name("two").write_text(owner.read_text())
    owner.write_text(f"{os.getpid()} {processes.start_time(os.getpid())}")
    return await wiring.build(config)


async def has_gone(pid: str, start: str) -> bool:
    """One that was killed loses its locks a moment before it is gone."""
    deadline = asyncio.get_running_loop().time() + GONE_SECONDS
    while processes.is_same(int(pid), start):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], build))
