"""The files of a journal: which there are, whole lines of them, and finding a record fast."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from branchwork.execution.layout import segment_name

NAME = re.compile(r"\d{6}\.jsonl")
START = re.compile(rb'\{"seq":(\d{1,18}),')

# A search that has come so near reads the rest.
NEAR = 64 << 10


class Place(NamedTuple):
    """The beginning of a line, or the end of what there is."""

    segment: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One file; `bytes` counts whole lines only, and a file without one has numbers of 0."""

    number: int
    path: Path
    first_seq: int
    last_seq: int
    bytes: int


def segments(directory: Path) -> list[Segment]:
    return [_segment(directory, number) for number in _numbers(directory)]


def path(directory: Path, number: int) -> Path:
    return directory / segment_name(number)


def seq_of(line: bytes) -> int | None:
    start = START.match(line)
    return int(start[1]) if start else None


def whole_lines(file: Path, offset: int, limit: int) -> bytes:
    """From a line's beginning; a last line without its end is left for later."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return b""
    try:
        while True:
            data = os.pread(fd, limit, offset)
            end = data.rfind(b"\n") + 1
            if end or len(data) < limit:
                return data[:end]
            limit *= 2
    finally:
        os.close(fd)


def find(directory: Path, seq: int) -> Place | None:
    """Where the record lies or will lie; None while what comes before it is not there."""
    numbers = _numbers(directory)
    if not numbers:
        return None
    begun = numbers[0]
    for number in numbers:
        first = _first_seq(path(directory, number))
        if first is not None and first <= seq:
            begun = number
    return _find_in(path(directory, begun), begun, seq)


def _find_in(file: Path, number: int, seq: int) -> Place | None:
    low, high = 0, file.stat().st_size
    while high - low > NEAR:
        middle = (low + high) // 2
        start, found = _record_after(file, middle)
        if found is not None and found < seq:
            low = start
        else:
            high = middle
    last = 0 if number == 1 else None
    while lines := whole_lines(file, low, NEAR):
        for line in lines.splitlines(keepends=True):
            found = seq_of(line)
            if found is not None and found >= seq:
                return Place(number, low)
            last = found if found is not None else last
            low += len(line)
    return Place(number, low) if last == seq - 1 else None


def _record_after(file: Path, offset: int) -> tuple[int, int | None]:
    """The first readable record that begins behind the offset, and where."""
    with file.open("rb") as opened:
        opened.seek(offset)
        offset += len(opened.readline())
        for line in opened:
            seq = seq_of(line) if line.endswith(b"\n") else None
            if seq is not None:
                return offset, seq
            offset += len(line)
    return offset, None


def _numbers(directory: Path) -> list[int]:
    try:
        names = [file.name for file in directory.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(int(name[:6]) for name in names if NAME.fullmatch(name))


def _segment(directory: Path, number: int) -> Segment:
    file = path(directory, number)
    first = _first_seq(file) or 0
    last, size = _end(file)
    return Segment(number=number, path=file, first_seq=first, last_seq=last, bytes=size)


def _first_seq(file: Path) -> int | None:
    readable = (seq_of(line) for line in whole_lines(file, 0, NEAR).splitlines())
    return next((seq for seq in readable if seq is not None), None)


def _end(file: Path) -> tuple[int, int]:
    """The number of the last whole record, and where whole lines end."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        reach = NEAR
        while True:
            start = max(0, size - reach)
            opened.seek(start)
            tail = opened.read(size - start)
            lines = tail[: tail.rfind(b"\n") + 1].splitlines()
            # The first of them may be the rest of a longer one.
            for line in reversed(lines[1:] if start else lines):
                seq = seq_of(line)
                if seq is not None:
                    return seq, start + tail.rfind(b"\n") + 1
            if not start:
                return 0, tail.rfind(b"\n") + 1
            reach *= 4
