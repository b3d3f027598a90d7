"""The way to the server: the command that an editor starts, or the daemon's socket.

Whole messages as bytes, framed as in LSP; nothing of their contents is known here.
"""

import os
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from branchwork import endpoint
from branchwork.client.errors import BadMessage, CannotStart, ServerGone

LONGEST_MESSAGE = 256 << 20
LONGEST_LINE = 4096
LAST_WORDS = 4096
END_SECONDS = 15
GREETING_SECONDS = 60


class Stream:
    """Messages in both directions: one thread may read while others write and close."""

    def __init__(
        self, reader: IO[bytes], send: Callable[[bytes], None], finish: Callable[[], str]
    ) -> None:
        self._reader = reader
        self._send = send
        self._finish = finish
        self._writing = threading.Lock()
        self._finishing = threading.Lock()
        self._last_words: str | None = None

    def read(self) -> bytes | None:
        """The next message; None at the end."""
        length = self._read_header()
        body = None if length is None else self._reader.read(length)
        if body is None or len(body) != length:
            self._reader.close()
            return None
        return body

    def write(self, body: bytes) -> None:
        """Send one message."""
        try:
            with self._writing:
                self._send(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        except (OSError, ValueError):
            raise ServerGone(self.close()) from None

    def close(self) -> str:
        """End the connection and what is behind it; the sentence that says how it ended."""
        with self._finishing:
            if self._last_words is None:
                self._last_words = self._finish()
            return self._last_words

    def _read_header(self) -> int | None:
        length = None
        while line := self._reader.readline(LONGEST_LINE):
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
            elif not line.strip():
                break
        if not line:
            return None
        if length is None or length > LONGEST_MESSAGE:
            raise BadMessage("The server sent something that is no message.")
        return length


def of_command(
    argv: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Stream:
    """Start the server as an editor does: a child that speaks on its standard streams."""
    # A file and not a pipe, which nobody would read.
    errors = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        child = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=env,
            cwd=cwd,
            # A Ctrl-C in the terminal is for us; we tell the server what to do.
            start_new_session=True,
        )
    except OSError as error:
        errors.close()
        raise CannotStart(f"{argv[0]} can't be started: {error.strerror}.") from None
    assert child.stdin is not None, "it was asked for"
    assert child.stdout is not None, "it was asked for"
    stdin = child.stdin

    def send(data: bytes) -> None:
        stdin.write(data)
        stdin.flush()

    return Stream(child.stdout, send, lambda: _end_child(child, errors))


def of_daemon(data: str, environ: Mapping[str, str] | None = None, *, start: bool = True) -> Stream:
    """Connect to the daemon of a data folder, started where there is none if `start`."""
    try:
        found = (
            endpoint.connect_or_start(data)
            if start
            else endpoint.connect(endpoint.socket_path(data))
        )
    except (endpoint.DataFolderUnusable, endpoint.DaemonUnreachable, OSError) as error:
        raise CannotStart(str(error)) from None
    if found is None:
        raise CannotStart(f"No Branchwork daemon runs for {data}.")
    connection = socket.socket(fileno=found.detach())
    reader = connection.makefile("rb")
    try:
        _shake_hands(connection, reader, os.environ if environ is None else environ)
    except ServerGone:
        reader.close()
        connection.close()
        raise
    return Stream(reader, connection.sendall, lambda: _end_connection(connection))


def _shake_hands(connection: socket.socket, reader: IO[bytes], environ: Mapping[str, str]) -> None:
    """The line that every connection opens with, and the daemon's."""
    connection.settimeout(GREETING_SECONDS)
    try:
        connection.sendall(endpoint.encode_hello(os.getpid(), str(Path.cwd()), environ))
        greeting: dict[str, Any] = endpoint.decode_line(reader.readline(LONGEST_LINE))
    except (OSError, ValueError):
        raise ServerGone("The Branchwork daemon does not answer.") from None
    connection.settimeout(None)
    if greeting.get("branchwork") != endpoint.PROTOCOL:
        raise ServerGone("The Branchwork daemon that runs is of a version that we can't talk to.")


def _end_connection(connection: socket.socket) -> str:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return "The Branchwork daemon went away."
    finally:
        connection.close()
    return "The Branchwork daemon closed the connection."


def _end_child(child: "subprocess.Popen[bytes]", errors: IO[bytes]) -> str:
    """The end of its input ends a language server; one that stays is killed with its group."""
    assert child.stdin is not None, "it was asked for"
    with suppress(OSError):
        child.stdin.close()
    code = _wait(child)
    with errors:
        size = errors.seek(0, os.SEEK_END)
        errors.seek(max(0, size - LAST_WORDS))
        said = errors.read().decode("utf-8", "replace").strip()
    if code == 0:
        return "The language server ended the session."
    return said or f"The language server ended with exit code {code}."


def _wait(child: "subprocess.Popen[bytes]") -> int:
    for end in (child.terminate, child.kill):
        try:
            return child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            end()
    return child.wait()
