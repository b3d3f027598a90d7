"""A stream split into messages, and of each message its `id` and `method`. C modules only."""

from branchwork import endpoint

LONGEST_MESSAGE = 64 << 20
LONGEST_HEADER = 4096
# `id` and `method` stand within so many bytes, or the whole message is read.
HEAD = 512

NO_ID = object()
_BODY_KEYS = ("params", "result", "error")
_NEVER_REQUESTS = ("textDocument/did", "workspace/did", "notebookDocument/did", "$/", "initialized")


class BadFrame(Exception):
    """The editor's stream can't be split into messages."""


class Frames:
    """Splits a stream of bytes into messages."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._length = 0
        self._body = 0
        self._dropping = 0

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> "tuple[bytes, int] | None":
        """The next whole message and where its body begins; of one that is too large, 0."""
        buffer = self._buffer
        if self._dropping and not self._drop():
            return None
        if not self._length and not self._read_header():
            return None
        if self._limit is not None and self._length - self._body > self._limit:
            return self._refuse()
        if len(buffer) < self._length:
            return None
        message = bytes(buffer[: self._length])
        del buffer[: self._length]
        self._length = 0
        return message, self._body

    def line(self) -> bytes | None:
        """The line before the first message."""
        end = self._buffer.find(b"\n") + 1
        if not end:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        return line

    def _read_header(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", 0, LONGEST_HEADER)
        if end < 0:
            if len(self._buffer) >= LONGEST_HEADER:
                raise BadFrame
            return False
        self._body = end + 4
        for line in bytes(self._buffer[:end]).split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                self._length = self._body + int(value)
                return True
        raise BadFrame

    def _refuse(self) -> "tuple[bytes, int] | None":
        if len(self._buffer) < self._body + HEAD:
            return None
        head = bytes(self._buffer[self._body : self._body + HEAD])
        self._dropping, self._length = self._length, 0
        self._drop()
        return head, 0

    def _drop(self) -> bool:
        size = min(self._dropping, len(self._buffer))
        del self._buffer[:size]
        self._dropping -= size
        return not self._dropping


def look(message: bytes, body: int, trusted: bool = False) -> "tuple[object, str]":
    """`id` and `method` of a message; the daemon is trusted to write them first."""
    head = message[body : body + HEAD].decode("utf-8", "ignore")
    found = _look(head, trusted)
    if found is None and len(message) - body > HEAD:
        found = _look(message[body:].decode("utf-8", "replace"), trusted)
    return found or (NO_ID, "")


def _look(text: str, trusted: bool) -> "tuple[object, str] | None":
    """None where the text ends too early or is no JSON."""
    id: object = NO_ID
    method = ""
    try:
        at = _skip(text, 0) + 1
        while text[at - 1] != "}":
            key, at = endpoint.scan_json(text, _skip(text, at))
            at = _skip(text, _skip(text, at) + 1)
            if key in _BODY_KEYS and (trusted or _is_enough(key, id, method)):
                break
            value, at = endpoint.scan_json(text, at)
            if key == "id" and not isinstance(value, list | dict):
                id = value
            elif key == "method":
                method = str(value)
            at = _skip(text, at) + 1
    except (IndexError, *endpoint.NOT_JSON):
        return None
    return id, method


def _is_enough(key: str, id: object, method: str) -> bool:
    if method:
        return id is not NO_ID or method.startswith(_NEVER_REQUESTS)
    return id is not NO_ID and key != "params"


def _skip(text: str, at: int) -> int:
    while text[at] in " \t\r\n":
        at += 1
    return at
