"""A blocking editor that does as little as it can itself: what it measures is the server."""

import itertools
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from branchwork import endpoint
from branchwork.client.editor import CAPABILITIES

CHUNK = 1 << 20
END_SECONDS = 0.5


class Gone(Exception):
    """The server closed the stream."""


class Editor:
    """One connection, over the pipes of a server's process or over the daemon's socket."""

    def __init__(self, source: int, sink: int, end: Callable[[], float], pid: int) -> None:
        self.pid = pid
        """The server's process where it is our child, else 0."""
        self._source, self._sink, self._end = source, sink, end
        self._buffer = bytearray()
        self._ids = itertools.count(1)

    @property
    def source(self) -> int:
        """The file descriptor to wait for."""
        return self._source

    def request(self, method: str, params: object = None) -> Any:
        """The result; what comes before it is dropped."""
        return self.answer(self.send(method, params))

    def send(self, method: str, params: object = None) -> int:
        """Send a request; its id."""
        id = next(self._ids)
        self._write({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
        return id

    def answer(self, id: int) -> Any:
        """Wait for the answer to a request."""
        while True:
            message = json.loads(self.body())
            if message.get("id") == id and "method" not in message:
                break
        if "error" in message:
            raise RuntimeError(message["error"])
        return message["result"]

    def notify(self, method: str, params: object) -> None:
        self._write({"jsonrpc": "2.0", "method": method, "params": params})

    def initialize(self, root: Path | None = None) -> Any:
        """The first message and its answer; `initialized` is for those who go on."""
        return self.answer(self.send_initialize(root))

    def send_initialize(self, root: Path | None = None) -> int:
        """With the capabilities of VS Code, but for work-done progress."""
        uri = None if root is None else root.as_uri()
        params = {
            "processId": None,
            "rootUri": uri,
            "capabilities": {**CAPABILITIES, "window": {}},
            "workspaceFolders": [] if root is None else [{"uri": uri, "name": "root"}],
        }
        return self.send("initialize", params)

    def body(self) -> bytes:
        """The next message, not looked at."""
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            self._fill()
        head = bytes(self._buffer[:end]).lower()
        size = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        start = end + 4
        while len(self._buffer) < start + size:
            self._fill()
        found = bytes(self._buffer[start : start + size])
        del self._buffer[: start + size]
        return found

    def close(self) -> float:
        """End it; the CPU seconds of the server's process where it is our child."""
        return self._end()

    def _fill(self) -> None:
        data = os.read(self._source, CHUNK)
        if not data:
            raise Gone
        self._buffer += data

    def _write(self, message: object) -> None:
        body = json.dumps(message).encode()
        data = b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        while data:
            data = data[os.write(self._sink, data) :]


def spawned(argv: Sequence[str], environ: Mapping[str, str]) -> Editor:
    """A server as a child; the caller sends `initialize`."""
    child = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environ, bufsize=0
    )
    assert child.stdin is not None, "it was asked for"
    assert child.stdout is not None, "it was asked for"
    stdin, stdout = child.stdin, child.stdout

    def end() -> float:
        stdin.close()
        seconds = _end(child)
        stdout.close()
        return seconds

    return Editor(stdout.fileno(), stdin.fileno(), end, child.pid)


def connected(data: Path) -> Editor:
    """On the daemon's socket, without a proxy."""
    found = endpoint.connect(endpoint.socket_path(str(data)))
    assert found is not None, "no daemon runs"
    connection = socket.socket(fileno=found.detach())
    connection.sendall(endpoint.encode_hello(os.getpid(), "/", os.environ))
    while connection.recv(1) != b"\n":
        pass

    def end() -> float:
        connection.close()
        return 0.0

    return Editor(connection.fileno(), connection.fileno(), end, 0)


def _end(child: "subprocess.Popen[bytes]") -> float:
    """Wait a moment for a server whose input has ended, then kill it; the CPU that it used."""
    deadline = time.monotonic() + END_SECONDS
    while True:
        pid, _, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > deadline:
            # Popen's own way to kill would take the exit status away.
            os.kill(child.pid, signal.SIGKILL)
        time.sleep(0.001)
    child.returncode = 0
    return used.ru_utime + used.ru_stime
