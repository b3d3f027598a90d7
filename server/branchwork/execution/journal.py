"""The reading side of a journal: records, whole lines, a place in it, parts joined.

What a record means to a conversation is not known here. A line that can't be read is a record
too, marked so; nothing here raises for what a journal holds.
"""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from branchwork.execution import segments

Stream = Literal["o", "e", "i", "x"]
STREAMS = ("o", "e", "i", "x")

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of the journal.

    `data` is text where the bytes were UTF-8, else the bytes; `event` and `details` are of the
    shim's own events; `message_id` of what was sent. Where `unreadable`, `data` is the raw line.
    """

    seq: int
    t: int
    stream: Stream
    data: str | bytes = ""
    more: bool = False
    event: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    message_id: str | None = None
    unreadable: bool = False


def decode(line: bytes) -> Record:
    try:
        return _decode(line)
    except (msgspec.DecodeError, ValueError, KeyError, TypeError, RecursionError):
        seq = segments.seq_of(line)
        return Record(seq=seq or 0, t=0, stream="x", data=line, unreadable=True)


def read(directory: Path, from_seq: int = 1) -> Iterator[Record]:
    """What there is now."""
    for chunk in chunks(directory, from_seq):
        for line in chunk.splitlines():
            yield decode(line)


def chunks(directory: Path, from_seq: int = 1) -> Iterator[bytes]:
    """What there is now, as whole lines exactly as they lie on disk."""
    reader = Reader(directory, from_seq)
    while chunk := reader.lines():
        yield chunk


class Reader:
    """A place in a journal, from which what was appended since can be read."""

    def __init__(self, directory: Path, from_seq: int = 1) -> None:
        self._directory = directory
        self._from_seq = from_seq
        self._place: segments.Place | None = None

    @classmethod
    def at(cls, directory: Path, place: segments.Place) -> "Reader":
        reader = cls(directory)
        reader._place = place
        return reader

    @property
    def place(self) -> segments.Place | None:
        """Where it stands; None while the record to begin with has not been written."""
        return self._place

    def lines(self, limit: int = CHUNK_BYTES) -> bytes:
        """Whole lines, about `limit` bytes at most, at least one where there is one."""
        if self._place is None:
            self._place = segments.find(self._directory, self._from_seq)
        while self._place is not None:
            segment, offset = self._place
            path = segments.path(self._directory, segment)
            # Asked first: when the next one is there, this one is complete.
            is_last = not segments.path(self._directory, segment + 1).exists()
            lines = segments.whole_lines(path, offset, limit)
            if lines:
                self._place = segments.Place(segment, offset + len(lines))
                return lines
            if is_last:
                break
            self._place = segments.Place(segment + 1, 0)
        return b""

    def records(self) -> list[Record]:
        return [decode(line) for line in self.lines().splitlines()]


class Joiner:
    """Makes whole lines of parts; a joined line has the number of its last part."""

    def __init__(self) -> None:
        self._parts: dict[tuple[str, str | None], list[Record]] = {}
        self._last = 0

    @property
    def settled(self) -> int:
        """Up to here everything was given out: the place to go on from after a restart."""
        firsts = [parts[0].seq for parts in self._parts.values()]
        return min(firsts) - 1 if firsts else self._last

    def add(self, record: Record) -> Record | None:
        """The whole line, when the record was the end of one."""
        self._last = max(self._last, record.seq)
        if record.unreadable or record.stream == "x":
            return record
        key = record.stream, record.message_id
        if record.more:
            self._parts.setdefault(key, []).append(record)
            return None
        parts = self._parts.pop(key, None)
        return _joined([*parts, record]) if parts else record

    def rest(self) -> list[Record]:
        """What has no end, because the shim was killed."""
        parts, self._parts = self._parts, {}
        return [_joined(begun) for begun in parts.values()]


def _joined(parts: list[Record]) -> Record:
    whole = b"".join(
        part.data.encode() if isinstance(part.data, str) else part.data for part in parts
    )
    return replace(parts[-1], data=_text_or_bytes(whole), more=False)


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def _decode(line: bytes) -> Record:
    told = msgspec.json.decode(line)
    seq, t, stream = told["seq"], told["t"], told["s"]
    if not (isinstance(seq, int) and isinstance(t, int) and stream in STREAMS):
        raise ValueError("no record")
    if stream == "x":
        details = {key: told[key] for key in told if key not in ("seq", "t", "s", "x")}
        return Record(seq=seq, t=t, stream="x", event=_string(told["x"]), details=details)
    if "b" in told:
        data: str | bytes = b64decode(told["b"], validate=True)
    else:
        data = _string(told["d"])
    message_id = _string(told["m"]) if stream == "i" else None
    more = told.get("more") is True
    return Record(seq=seq, t=t, stream=stream, data=data, more=more, message_id=message_id)


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value
