"""The daemon at work: connections taken, served and ended; safe mode where there is no store."""

import asyncio
import gc
import logging
import os
from dataclasses import dataclass, replace
from typing import Any

from branchwork import endpoint
from branchwork.config import Config
from branchwork.daemon import handshake, peer
from branchwork.daemon.lifetime import Lifetime
from branchwork.daemon.listener import Bound, Listener
from branchwork.daemon.wiring import Assembly, Build, build_safe_mode
from branchwork.domain.errors import StorageFailed
from branchwork.lsp import wire
from branchwork.lsp.connection import EditorConnection, Limits

logger = logging.getLogger(__name__)

# Without a store there is nothing to stay for.
_SAFE_MODE_IDLE_SECONDS = 0.1
_CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What is served; with a failure it is only how the daemon is (safe mode)."""

    assembly: Assembly
    failure: StorageFailed | None = None


async def open_store_or_not(config: Config, build: Build) -> Opened:
    """What can be served now."""
    try:
        opened = Opened(assembly=await build(config))
    except StorageFailed as error:
        logger.error("Safe mode: %s", error.sentence)
        opened = Opened(assembly=build_safe_mode(config, error), failure=error)
    wire.warm_up(opened.assembly.features.standard_methods)
    return opened


class Daemon:
    """Serves one assembly to every editor that connects."""

    def __init__(self, config: Config, build: Build, opened: Opened) -> None:
        self.lifetime = Lifetime(lambda: self._opened.assembly.busy())
        self._config = config
        self._build = build
        self._opening = asyncio.Lock()
        self._limits = Limits(frame_bytes=config.message_bytes, queued_bytes=config.unread_bytes)
        self._version = endpoint.version()
        self._jobs: set[asyncio.Task[None]] = set()
        self._serve_from_now(opened)

    async def serve(self, bound: Bound) -> None:
        """Until a signal comes or there is nothing left to do."""
        listener = Listener(str(self._config.data), bound, self._accept)
        await listener.start()
        while await self.lifetime.tick():
            await listener.check()
            if self.lifetime.is_idle() and not listener.has_waiting():
                logger.info("Nothing left to do")
                break
        listener.close()
        await self._close()

    def _serve_from_now(self, opened: Opened) -> None:
        self._opened = opened
        is_whole = opened.failure is None
        self.lifetime.idle_seconds = (
            self._config.idle_seconds if is_whole else _SAFE_MODE_IDLE_SECONDS
        )

    async def _open_again(self) -> None:
        """Somebody comes, and the store may be mended by now: then the others come again, too."""
        async with self._opening:
            before = self._opened
            if before.failure is None:
                return
            self._serve_from_now(await open_store_or_not(self._config, self._build))
            if self._opened.failure is None:
                logger.info("The store is mended")
                await self._end_connections()
                await before.assembly.close()

    async def _close(self) -> None:
        await self._end_connections()
        await self._opened.assembly.close()

    async def _end_connections(self) -> None:
        """All but the one that asks for it."""
        jobs = self._jobs - {asyncio.current_task()}
        for job in jobs:
            job.cancel()
        if jobs:
            # What waits for git longer than that is gone on with by the next daemon.
            await asyncio.wait(jobs, timeout=_CLOSE_SECONDS)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lifetime.connections += 1
        job = asyncio.create_task(self._serve_one(reader, writer), name="connection")
        self._jobs.add(job)
        job.add_done_callback(self._ended)

    def _ended(self, job: "asyncio.Task[None]") -> None:
        self._jobs.discard(job)
        self.lifetime.connections -= 1

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._greet_and_serve(reader, writer)
        # One connection's fault must not end the others.
        except Exception:
            logger.exception("A connection failed")
        finally:
            writer.close()

    async def _greet_and_serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        user, process = peer.user_and_process(_socket_of(writer))
        if user != os.geteuid():
            logger.warning("Process %d of user %d is not served", process, user)
            return
        found = await handshake.receive(reader, writer, self._version)
        if found is None:
            return
        await self._open_again()
        connection = EditorConnection(
            self._opened.assembly.app,
            self._opened.assembly.features,
            peer=replace(found, pid=process or found.pid),
            version=self._version,
            limits=self._limits,
            failure=self._opened.failure,
        )
        await connection.serve(reader, writer)


def _socket_of(writer: asyncio.StreamWriter) -> Any:
    return writer.get_extra_info("socket")


async def run(config: Config, bound: Bound, build: Build) -> None:
    """Build what is served and serve it."""
    opened = await open_store_or_not(config, build)
    # What was imported stays: looking through it again and again would hold up requests.
    gc.collect()
    gc.freeze()
    daemon = Daemon(config, build, opened)
    daemon.lifetime.obey_signals()
    endpoint.clear_last_error(str(config.data))
    logger.info("Serving %s", config.data)
    await daemon.serve(bound)
