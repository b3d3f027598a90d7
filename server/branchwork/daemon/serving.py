"""The daemon at work: connections taken, served and ended; safe mode where there is no store."""

import asyncio
import gc
import logging
import os
from dataclasses import replace
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

# In safe mode the next daemon may find the store mended: this one does not stay for nobody, and
# not until an editor that is told to connect again is back.
_SAFE_MODE_IDLE_SECONDS = 0.1
_CLOSE_SECONDS = 10.0


class Daemon:
    """Serves one assembly to every editor that connects."""

    def __init__(self, config: Config, assembly: Assembly, failure: StorageFailed | None) -> None:
        idle = config.idle_seconds if failure is None else _SAFE_MODE_IDLE_SECONDS
        self.lifetime = Lifetime(idle, assembly.busy)
        self._config = config
        self._assembly = assembly
        self._failure = failure
        self._limits = Limits(frame_bytes=config.message_bytes, queued_bytes=config.unread_bytes)
        self._version = endpoint.version()
        self._jobs: set[asyncio.Task[None]] = set()

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

    async def _close(self) -> None:
        for job in self._jobs:
            job.cancel()
        if self._jobs:
            # What waits for git longer than that is gone on with by the next daemon.
            await asyncio.wait(self._jobs, timeout=_CLOSE_SECONDS)
        await self._assembly.close()

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
        connection = EditorConnection(
            self._assembly.app,
            self._assembly.features,
            peer=replace(found, pid=process or found.pid),
            version=self._version,
            limits=self._limits,
            failure=self._failure,
        )
        await connection.serve(reader, writer)


def _socket_of(writer: asyncio.StreamWriter) -> Any:
    return writer.get_extra_info("socket")


async def run(config: Config, bound: Bound, build: Build) -> None:
    """Build what is served and serve it; without a store, in safe mode."""
    failure = None
    try:
        assembly = await build(config)
    except StorageFailed as error:
        logger.error("Safe mode: %s", error.sentence)
        assembly, failure = build_safe_mode(config, error), error
    wire.warm_up(assembly.features.standard_methods)
    # What was imported stays: looking through it again and again would hold up requests.
    gc.collect()
    gc.freeze()
    daemon = Daemon(config, assembly, failure)
    daemon.lifetime.obey_signals()
    endpoint.clear_last_error(str(config.data))
    logger.info("Serving %s", config.data)
    await daemon.serve(bound)
