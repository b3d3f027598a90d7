"""The daemon's end of a shim: hear that the journal has grown, send messages, send signals.

Asyncio. What the journal says is read from the journal, never from here.
"""

import asyncio
import contextlib
import fcntl
import os
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec

from branchwork.domain.errors import Conflict, InvalidInput
from branchwork.execution import exits, processes, segments
from branchwork.execution.layout import SHIM_FILE
from branchwork.execution.spawn import socket_path

POLL_SECONDS = 1.0
GREETING_SECONDS = 30.0

SignalName = Literal["TERM", "INT", "KILL"]


class ShimGone(Conflict):
    """The shim went away; whether a message arrived is what the journal says."""

    kind = "executionEnded"


class InputClosed(Conflict):
    """The child takes no more messages; this one was neither journaled nor sent."""

    kind = "inputClosed"


class Head(NamedTuple):
    """How far the journal reached when the shim last rang."""

    segment: int
    offset: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """It has ended, and said how."""

    exit: exits.Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Its shim runs; the numbers are 0 while it is starting."""

    shim: int = 0
    child: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """Its shim was killed; `child` is a process of it that still runs, or None."""

    child: int | None = None


def status(directory: Path) -> Ended | Alive | Lost:
    # The lock first: what is not held now can't write an exit file afterwards.
    is_held = _is_held(directory)
    ended = exits.read(directory)
    if ended is not None:
        return Ended(exit=ended)
    known = _shim_file(directory)
    if is_held or processes.is_same(known.shim, known.shimStart):
        return Alive(shim=known.shim, child=known.child)
    # Without a lock that could be asked, it may have ended while its pid was looked at.
    ended = exits.read(directory)
    if ended is not None:
        return Ended(exit=ended)
    is_orphan = processes.is_same(known.child, known.childStart)
    return Lost(child=known.child if is_orphan else None)


async def attach(directory: Path, run_directory: Path) -> "Attachment | None":
    """None when no shim answers: `status` tells what became of it."""
    path = socket_path(directory, run_directory)
    try:
        reader, writer = await asyncio.open_unix_connection(path, limit=1 << 16)
    except OSError:
        return None
    attachment = Attachment(directory, reader, writer)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GREETING_SECONDS):
            await attachment.greeted.wait()
    if attachment.head is None:
        await attachment.close()
        return None
    return attachment


class Attachment:
    """A connection to a shim; made by `attach`."""

    def __init__(
        self, directory: Path, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.head: Head | None = None
        # Set when the child has ended or the shim has gone: read the journal once more, then
        # `exits.read`.
        self.over = asyncio.Event()
        self.greeted = asyncio.Event()
        # Why the journal could not be written just now (a full disk pauses the child), or "".
        self.paused = ""
        self.takes_input = _shim_file(directory).kind != "script"
        self._directory = directory
        self._reader = reader
        self._writer = writer
        self._news = asyncio.Event()
        self._sent: dict[str, asyncio.Future[int]] = {}
        self._seen = segments.Place(0, 0)
        self._listening = asyncio.create_task(self._listen(), name=f"shim of {directory.name}")

    async def wait(self) -> bool:
        """Until there may be something new to read; False when there will be no more."""
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._news.wait()
            has_news, place = self._news.is_set(), self._end()
            self._news.clear()
            if has_news or place != self._seen:
                self._seen = place
                break
        return not self.over.is_set()

    async def wait_over(self, seconds: float) -> bool:
        """Whether it was over within the time."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.over.wait()
        return self.over.is_set()

    async def send(self, message_id: str, frame: bytes, shown: str) -> int:
        """The seq of its record. Sending the same id again sends nothing a second time."""
        if not message_id.isascii() or not message_id.isprintable() or not message_id.strip():
            raise InvalidInput("A message id is printable ASCII.", field="message_id")
        if " " in message_id:
            raise InvalidInput("A message id has no spaces.", field="message_id")
        if self._listening.done():
            raise _gone()
        sent = self._sent.get(message_id)
        if sent is None:
            sent = self._sent[message_id] = asyncio.get_running_loop().create_future()
            self._write(b"I", message_id.encode(), b64encode(frame), b64encode(shown.encode()))
        # Shielded: who gives up waiting must not make the others give up.
        return await asyncio.shield(sent)

    async def close_input(self) -> None:
        self._write(b"C")
        await self._drain()

    async def signal(self, name: SignalName) -> None:
        """To the child's whole process group."""
        self._write(b"S", name.encode())
        await self._drain()

    async def close(self) -> None:
        """After the end, this says that the daemon has taken note of it."""
        if self.over.is_set():
            self._write(b"K")
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self._listening.cancel()
        # Not awaited itself: its end by the line above is not to be taken for our own.
        await asyncio.wait([self._listening])

    def _write(self, *words: bytes) -> None:
        self._writer.write(b" ".join(words) + b"\n")

    async def _drain(self) -> None:
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def _listen(self) -> None:
        try:
            while line := await self._reader.readline():
                self._hear(line.split())
        except OSError:
            pass  # the shim was killed
        finally:
            self._end_listening()

    def _hear(self, words: list[bytes]) -> None:
        match words:
            case [b"L", segment, offset, seq]:
                self.head = Head(int(segment), int(offset), int(seq))
                self.paused = ""
                self.greeted.set()
                self._news.set()
            case [b"A", message_id, seq]:
                self._settle(message_id).set_result(int(seq))
            case [b"N", message_id]:
                sentence = "It takes no more messages."
                self._settle(message_id).set_exception(InputClosed(sentence))
            case [b"P", why]:
                self.paused = why.decode()
                self._news.set()
            case [b"X", _]:
                self.over.set()
                self._news.set()

    def _settle(self, message_id: bytes) -> asyncio.Future[int]:
        sent = self._sent.pop(message_id.decode(), None)
        return sent or asyncio.get_running_loop().create_future()

    def _end_listening(self) -> None:
        for sent in self._sent.values():
            if not sent.done():
                sent.set_exception(_gone())
                sent.exception()  # nobody may be waiting any more
        self._sent.clear()
        self.over.set()
        self.greeted.set()
        self._news.set()

    def _end(self) -> segments.Place:
        """The end of the journal as it lies on disk, whatever the shim has said."""
        number = max(self._seen.segment, self.head.segment if self.head else 1)
        while segments.path(self._directory, number + 1).exists():
            number += 1
        try:
            return segments.Place(number, segments.path(self._directory, number).stat().st_size)
        except FileNotFoundError:
            return self._seen


class _ShimFile(msgspec.Struct, frozen=True):
    shim: int = 0
    shimStart: str | None = None
    child: int = 0
    childStart: str | None = None
    kind: str = ""


def _shim_file(directory: Path) -> _ShimFile:
    try:
        return msgspec.json.decode((directory / SHIM_FILE).read_bytes(), type=_ShimFile)
    except (OSError, msgspec.DecodeError):
        return _ShimFile()


def _is_held(directory: Path) -> bool:
    try:
        folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(folder, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # a file system without locks
    finally:
        os.close(folder)
    return False


def _gone() -> ShimGone:
    return ShimGone("The process that ran it has gone.")
