"""Runs one command under a shim and waits for its end: for what must survive the daemon, such
as a commit with hooks. Synchronous, for worker threads.
"""

import contextlib
import socket
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from branchwork.domain.errors import BranchworkError
from branchwork.execution import exits, journal, segments, stop
from branchwork.execution.attach import Lost, ShimGone, status
from branchwork.execution.spawn import Spec, socket_path, start

POLL_SECONDS = 1.0
KEPT_BYTES = 1 << 20
# Records are larger than what they hold: this much of a journal's end is searched.
SEARCHED_BYTES = 8 * KEPT_BYTES
LADDER: tuple[Literal["TERM", "KILL"], ...] = ("TERM", "KILL")


class TookTooLong(BranchworkError):
    """It did not end in its time and was ended."""

    kind = "timedOut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Of each stream the last MiB; the journal has all of it."""

    exit: exits.Exit
    stdout: bytes
    stderr: bytes


def run(directory: Path, spec: Spec, run_directory: Path, seconds: float) -> Finished:
    """Raises TookTooLong, or ShimGone where the shim was killed."""
    start(directory, spec, run_directory)
    return wait(directory, spec.tag, run_directory, seconds)


def wait(directory: Path, tag: str, run_directory: Path, seconds: float) -> Finished:
    """For one that was started before, perhaps by a daemon that has died."""
    with contextlib.closing(_Bell(socket_path(directory, run_directory))) as bell:
        ended = _wait_for_end(directory, bell, seconds)
        if ended is None:
            _end(directory, bell, tag)
            raise TookTooLong(f"It was ended because it took longer than {seconds:g} seconds.")
        bell.say(b"K\n")
    stdout, stderr = _output(directory)
    return Finished(exit=ended, stdout=stdout, stderr=stderr)


class _Bell:
    """A plain connection to the shim; without one, looking at the exit file has to do."""

    def __init__(self, path: Path) -> None:
        self._heard = b""
        self._socket: socket.socket | None = socket.socket(socket.AF_UNIX)
        try:
            self._socket.connect(str(path))
        except OSError:
            self.close()

    def wait(self, seconds: float) -> None:
        """Until the end was told, the shim has gone, or the time is over."""
        deadline = time.monotonic() + seconds
        while self._socket and (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                return
            except OSError:
                data = b""
            # The end stands at the beginning of a line, of which only the last may be torn.
            self._heard = (self._heard + data)[-64:] if data else b""
            if b"X " in self._heard:
                return
            if not data:
                self.close()
                return
        time.sleep(max(0.0, deadline - time.monotonic()))

    def say(self, line: bytes) -> None:
        if self._socket:
            with contextlib.suppress(OSError):
                self._socket.settimeout(POLL_SECONDS)
                self._socket.sendall(line)

    def close(self) -> None:
        if self._socket:
            self._socket.close()
            self._socket = None


def _wait_for_end(directory: Path, bell: _Bell, seconds: float) -> exits.Exit | None:
    deadline = time.monotonic() + seconds
    while True:
        ended = exits.read(directory)
        if ended is not None:
            return ended
        if isinstance(status(directory), Lost):
            raise ShimGone("The process that ran it was killed.")
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        bell.wait(min(left, POLL_SECONDS))


def _end(directory: Path, bell: _Bell, tag: str) -> None:
    for name in LADDER:
        bell.say(f"S {name}\n".encode())
        with contextlib.suppress(ShimGone):
            if _wait_for_end(directory, bell, stop.PATIENCE) is not None:
                break
    stop.reap(tag)
    with contextlib.suppress(ShimGone):
        _wait_for_end(directory, bell, stop.PATIENCE)
    bell.say(b"K\n")


def _output(directory: Path) -> tuple[bytes, bytes]:
    kept = {"o": _Tail(), "e": _Tail()}
    joiner = journal.Joiner()
    reader = _reader_of_the_end(directory)
    while records := reader.records():
        for record in records:
            whole = joiner.add(record)
            if whole is not None and whole.stream in kept:
                kept[whole.stream].add(whole.data)
    return kept["o"].bytes(), kept["e"].bytes()


def _reader_of_the_end(directory: Path) -> journal.Reader:
    before = 0
    for segment in reversed(segments.segments(directory)):
        before += segment.bytes
        if before > SEARCHED_BYTES:
            return journal.Reader(directory, _seq_near(segment, before - SEARCHED_BYTES))
    return journal.Reader(directory)


def _seq_near(segment: segments.Segment, offset: int) -> int:
    """Numbers grow about as evenly as bytes do; this only saves reading."""
    share = offset / max(1, segment.bytes)
    return segment.first_seq + int((segment.last_seq - segment.first_seq) * share)


class _Tail:
    """The last lines, no more than KEPT_BYTES of them."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._size = 0

    def add(self, data: str | bytes) -> None:
        line = (data.encode() if isinstance(data, str) else data) + b"\n"
        self._lines.append(line)
        self._size += len(line)
        while self._size > KEPT_BYTES and len(self._lines) > 1:
            self._size -= len(self._lines.popleft())

    def bytes(self) -> bytes:
        return b"".join(self._lines)[-KEPT_BYTES:]
