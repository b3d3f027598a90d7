"""App: what every use case needs, built once in `daemon/wiring.py` and passed as first argument."""

import asyncio
import logging
import os
import time
from collections.abc import Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from weakref import WeakValueDictionary

from branchwork.agents.registry import Registry
from branchwork.domain.identity import timestamp, uuid7
from branchwork.services.environments import Environments
from branchwork.services.live import Live, Pulse
from branchwork.services.settings import Settings
from branchwork.store.database import Store
from branchwork.store.unopened import UnopenedStore

logger = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

GIT_AT_ONCE = 4
CLOSE_SECONDS = 30.0


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Lock:
    """An asyncio lock that can be held weakly."""

    inner: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True, kw_only=True)
class App:
    """The one composition: store, agents, settings, and what is alive at the moment.

    Nothing in here is a truth: all of it can be built again from the database, the journals and
    git. `commits` beats after each commit of a change, `complaints` is what was wrong with the
    configuration at the start. `daemon_argv` and `daemon_environment` are how a shim starts the
    daemon that it misses.
    """

    data: Path
    run_directory: Path
    worktrees: Path
    store: Store | UnopenedStore
    agents: Registry
    settings: Settings
    complaints: tuple[str, ...] = ()
    daemon_argv: tuple[str, ...] = ()
    daemon_environment: Mapping[str, str] = field(default_factory=dict)
    environments: Environments = field(default_factory=Environments)
    live: dict[str, Live] = field(default_factory=dict)
    jobs: set[asyncio.Task[Any]] = field(default_factory=set)
    watches: set[asyncio.Task[Any]] = field(default_factory=set)
    commits: Pulse = field(default_factory=Pulse)
    started_at: str = field(default_factory=lambda: now())
    _started: float = field(default_factory=time.monotonic)
    _locks: WeakValueDictionary[str, Lock] = field(default_factory=WeakValueDictionary)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(GIT_AT_ONCE, thread_name_prefix="git")
    )

    def __post_init__(self) -> None:
        self.store.on_commit(self.commits.beat)

    async def blocking(
        self,
        work: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Run what waits for git or files on one of a few threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, lambda: work(*arguments, **named))

    def alone(self, name: str) -> AbstractAsyncContextManager[None]:
        """A lock by name, for what must be done one after the other (`repo:…`, `workspace:…`)."""
        lock = self._locks.setdefault(name, Lock())
        return _Held(lock)

    def start_job(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run something in the background; the App owns it until it ends."""
        return self._begin(work, name, self.jobs)

    def start_watch(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """The same for what only looks on and never ends: the daemon does not stay for it."""
        return self._begin(work, name, self.watches)

    async def to_the_end(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do all of something of which a half is no use, also when who asked is gone."""
        job = asyncio.create_task(work)
        self.jobs.add(job)
        job.add_done_callback(self.jobs.discard)
        return await asyncio.shield(job)

    @property
    def log_file(self) -> Path:
        """The daemon's own log."""
        return self.data / "log" / "daemon.log"

    def execution_directory(self, execution_id: str) -> Path:
        """Where the journal of an execution lies."""
        return self.data / "executions" / execution_id

    def uptime_seconds(self) -> float:
        """How long this App has been there."""
        return time.monotonic() - self._started

    async def close(self) -> None:
        """Let go of everything. Agents go on under their shims."""
        jobs = (*self.jobs, *self.watches)
        for job in jobs:
            job.cancel()
        if jobs:
            _, stuck = await asyncio.wait(jobs, timeout=CLOSE_SECONDS)
            # What is cut off here is as if the daemon had been killed: the next one mends it.
            for job in stuck:
                logger.error("%s would not end", job.get_name())
        # Not waited for: git goes on under its shim, and hooks may take very long.
        self._threads.shutdown(wait=False, cancel_futures=True)
        self.store.close()

    def _begin(
        self, work: Coroutine[Any, Any, None], name: str, group: set[asyncio.Task[Any]]
    ) -> asyncio.Task[None]:
        job = asyncio.create_task(work, name=name)
        group.add(job)
        job.add_done_callback(group.discard)
        job.add_done_callback(_tell_failure)
        return job


def _tell_failure(job: asyncio.Task[Any]) -> None:
    if not job.cancelled() and (error := job.exception()) is not None:
        logger.error("%s failed", job.get_name(), exc_info=error)


class _Held:
    """Holds a lock, and by that keeps it from being forgotten."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock

    async def __aenter__(self) -> None:
        await self._lock.inner.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.inner.release()


def now_ms() -> int:
    """Unix time in milliseconds."""
    return time.time_ns() // 1_000_000


def now() -> str:
    """The present moment as a stored timestamp."""
    return timestamp(now_ms())


def new_id() -> str:
    """A new UUIDv7."""
    return uuid7(now_ms(), os.urandom(10))
