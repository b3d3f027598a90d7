"""The writing side of a journal: bytes of a child become records in segments.

Runs in the shim, so only C modules of the standard library. A write that fails keeps what it
could not write: nothing that was taken is lost, and the caller tries `flush` again.
"""

import os
from _json import encode_basestring
from binascii import b2a_base64
from errno import errorcode
from time import time

from branchwork.execution.layout import PART_BYTES, segment_name

# So many records are encoded at once; it bounds the memory that a flood of short lines takes.
BATCH = 1024
MANY_BYTES = 256 << 10

synchronise = getattr(os, "fdatasync", os.fsync)


class Recorder:
    """Gives every record its number, and knows how far the journal reaches on disk."""

    def __init__(self, directory: int, segment_bytes: int) -> None:
        self.seq = 0
        self.recorded = 0
        self.failure = ""
        self.dirty = False
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._pending = bytearray()
        self._torn = False
        self._carry = {"o": bytearray(), "e": bytearray()}
        self._unfinished: set[str] = set()
        self._number = 0
        self._file = -1
        self._next_segment()
        self.head = (1, 0, 0)

    # What is to be recorded

    def output(self, stream: str, data: bytes) -> None:
        """Takes what a pipe gave, at most PART_BYTES at once."""
        carry = self._carry[stream]
        end = data.rfind(b"\n")
        if end < 0:
            carry += data
            self._split(stream)
            return
        start = 0
        if carry or stream in self._unfinished:
            start = data.find(b"\n") + 1
            carry += data[: start - 1]
            self._split(stream)
            self._line(stream, bytes(carry))
            self._unfinished.discard(stream)
        if start <= end:
            self._lines(stream, data[start:end])
        carry[:] = data[end + 1 :]

    def half_line(self, stream: str) -> bool:
        """Whether a line without its end is waiting."""
        return bool(self._carry[stream])

    def show_half_line(self, stream: str) -> None:
        """Records what there is of a line whose end is not in sight, such as a prompt."""
        carry = self._carry[stream]
        whole = _whole_characters(bytes(carry))
        if whole:
            self._line(stream, bytes(carry[:whole]), more=True)
            self._unfinished.add(stream)
            del carry[:whole]

    def end_line(self, stream: str) -> None:
        """Nothing follows on this stream, or nothing that continues the line."""
        carry = self._carry[stream]
        if carry or stream in self._unfinished:
            self._line(stream, bytes(carry))
            self._unfinished.discard(stream)
            carry.clear()

    def message(self, message_id: str, shown: bytes) -> int:
        """What was sent to the child; the number of its last record."""
        name = f'"m":{encode_basestring(message_id)},'
        while len(shown) > PART_BYTES:
            cut = _cut(shown)
            self._add("i", f'{name}{_text(shown[:cut])},"more":true')
            shown = shown[cut:]
        self._add("i", name + _text(shown))
        return self.seq

    def event(self, name: str, /, **details: "str | int") -> None:
        fields = [f'"x":"{name}"']
        for key, value in details.items():
            shown = str(value) if isinstance(value, int) else encode_basestring(value)
            fields.append(f'"{key}":{shown}')
        self._add("x", ",".join(fields))

    # What is on disk

    def flush(self) -> bool:
        """False when the disk did not take all of it; `failure` says why."""
        try:
            if self._is_full():
                self._next_segment()
            while self._pending:
                written = os.write(self._file, self._pending)
                del self._pending[:written]
                self._offset += written
                self.recorded += written
                self.dirty = True
                self._torn = bool(self._pending)
        except OSError as error:
            self.failure = errorcode.get(error.errno or 0, str(error.errno))
            return False
        self.head = (self._number, self._offset, self.seq)
        return True

    def sync(self) -> None:
        if self.dirty:
            try:
                synchronise(self._file)
            except OSError:
                return  # still dirty: the next second tries again
            self.dirty = False

    def give_up(self) -> bool:
        """Drops what the disk does not take, so that the end can be told; True: nothing was."""
        if not self._pending:
            return True
        self._pending.clear()
        _, offset, self.seq = self.head
        if self._torn:
            os.ftruncate(self._file, offset)
        return False

    def _is_full(self) -> bool:
        if self._torn or not self._offset or not self._pending:
            return False
        return self._offset + len(self._pending) > self._segment_bytes

    def _next_segment(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        name = segment_name(self._number + 1)
        file = os.open(name, flags, 0o600, dir_fd=self._directory)
        if self._file >= 0:
            self.sync()
            os.close(self._file)
        self._file = file
        self._number += 1
        self._offset = 0
        os.fsync(self._directory)

    # How a record is written

    def _lines(self, stream: str, data: bytes) -> None:
        try:
            lines = data.decode().split("\n")
        except UnicodeDecodeError:
            for line in data.split(b"\n"):
                self._line(stream, line)
            return
        middle = f',"t":{_now()},"s":"{stream}","d":'
        for start in range(0, len(lines), BATCH):
            batch = lines[start : start + BATCH]
            numbers = range(self.seq + 1, self.seq + 1 + len(batch))
            self.seq += len(batch)
            quoted = map(encode_basestring, batch)
            self._pending += "".join(
                [f'{{"seq":{n}{middle}{d}}}\n' for n, d in zip(numbers, quoted, strict=True)]
            ).encode()
            if len(self._pending) > MANY_BYTES:
                self.flush()  # whether it worked is what the next one says

    def _split(self, stream: str) -> None:
        carry = self._carry[stream]
        while len(carry) > PART_BYTES:
            cut = _cut(carry)
            self._line(stream, bytes(carry[:cut]), more=True)
            self._unfinished.add(stream)
            del carry[:cut]

    def _line(self, stream: str, data: bytes, more: bool = False) -> None:
        self._add(stream, _text(data) + (',"more":true' if more else ""))

    def _add(self, stream: str, body: str) -> None:
        self.seq += 1
        record = f'{{"seq":{self.seq},"t":{_now()},"s":"{stream}",{body}}}\n'
        self._pending += record.encode()


def _now() -> int:
    return int(time() * 1000)


def _text(data: bytes) -> str:
    try:
        return f'"d":{encode_basestring(data.decode())}'
    except UnicodeDecodeError:
        return f'"b":"{b2a_base64(data, newline=False).decode()}"'


def _cut(data: "bytes | bytearray") -> int:
    """Where to cut something longer than a part without cutting a character in two."""
    for cut in range(PART_BYTES, PART_BYTES - 4, -1):
        if data[cut] & 0xC0 != 0x80:
            return cut
    return PART_BYTES


def _whole_characters(data: bytes) -> int:
    """The length without the beginning of a character whose rest has not come yet."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return error.start
    return len(data)
