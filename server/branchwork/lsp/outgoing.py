"""What waits to be read by one editor: bounded, so that a slow one costs no memory for ever."""

import asyncio
import contextlib
import logging

from branchwork.lsp import wire
from branchwork.lsp.errors import EditorGone

logger = logging.getLogger(__name__)

# More than this in the queue makes a stream wait; responses still go behind it.
_STREAM_WAITS_AT = 256 << 10
_LAST_WORDS_SECONDS = 5


class Outgoing:
    """The queue of one connection; an editor that lets it grow over the limit is cut off."""

    def __init__(self, writer: asyncio.StreamWriter, limit: int) -> None:
        self._writer = writer
        self._limit = limit
        writer.transport.set_write_buffer_limits(high=_STREAM_WAITS_AT)

    @property
    def queued_bytes(self) -> int:
        """What the editor has not yet taken."""
        return self._writer.transport.get_write_buffer_size()

    def put(self, body: bytes) -> None:
        """Send one message; never waits."""
        if self._writer.is_closing():
            return
        self._writer.write(wire.frame(body))
        if self.queued_bytes > self._limit:
            logger.warning("An editor left %d bytes unread; closing it", self.queued_bytes)
            self._writer.transport.abort()

    async def drain(self) -> None:
        """Wait until the editor has read most of what waits."""
        try:
            await self._writer.drain()
        except ConnectionError as error:
            raise EditorGone from error
        if self._writer.is_closing():
            raise EditorGone

    async def close(self) -> None:
        """Let the editor read what was sent, within reason."""
        self._writer.close()
        try:
            async with asyncio.timeout(_LAST_WORDS_SECONDS):
                with contextlib.suppress(ConnectionError):
                    await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
