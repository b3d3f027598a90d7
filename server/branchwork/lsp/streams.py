"""Streams on a partial-result token: pieces as `$/progress`, made of JSON that is there already.

The first piece after a pause goes at once; while more comes, pieces are at least 50 ms apart or
64 KiB large. A client that reads slowly is waited for: what it has not got yet lies in the journal,
not in memory.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec

from branchwork.lsp.connection import EditorConnection
from branchwork.protocol.struct import ProgressToken

PAUSE_SECONDS = 0.05
LARGE_BYTES = 64 << 10
UNPAGED_BYTES = 1 << 20
"""How much an answer without a token may hold."""


class ProgressStream:
    """One stream to one client."""

    def __init__(self, ls: EditorConnection, token: ProgressToken) -> None:
        self._ls = ls
        self._head = (
            b'{"jsonrpc":"2.0","method":"$/progress","params":{"token":'
            + msgspec.json.encode(token)
            + b',"value":'
        )

    async def send(self, value: bytes) -> None:
        """One value, encoded; then the pause that lets the next one grow."""
        await self._ls.send_raw(self._head + value + b"}}")
        if len(value) < LARGE_BYTES:
            await asyncio.sleep(PAUSE_SECONDS)


def records_value(execution_id: str, next_seq: int, lines: bytes) -> bytes:
    """Journal lines as the value of a piece, without decoding a single one."""
    records = lines.removesuffix(b"\n").replace(b"\n", b",")
    head = msgspec.json.encode({"executionId": execution_id, "nextSeq": next_seq})
    return head[:-1] + b',"records":[' + records + b"]}"


async def joined(parts: AsyncIterator[bytes]) -> bytes:
    """The parts of a stream up to what an answer may hold."""
    whole = b""
    async for part in parts:
        whole += part
        if len(whole) > UNPAGED_BYTES:
            break
    return whole
