"""The socket that editors connect to: bound, watched, taken away."""

import asyncio
import contextlib
import logging
import os
import select
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from branchwork import endpoint

logger = logging.getLogger(__name__)

Accepted = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]
File = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Bound:
    """A listening socket, and which file it is: the path may lead to another by now."""

    sock: socket.socket
    file: File | None


class Listener:
    """The listening socket of this daemon, wherever it came from."""

    def __init__(self, data: str, bound: Bound, accepted: Accepted) -> None:
        self._data = data
        self._bound = bound
        self._accepted = accepted
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """From now on connections are taken."""
        self._server = await asyncio.start_unix_server(
            self._accepted, sock=self._bound.sock, limit=endpoint.LONGEST_HANDSHAKE
        )

    async def check(self) -> None:
        """Bind again when somebody removed the socket, or put another in its place."""
        if file_of(self._data) == self._bound.file or self._server is None:
            return
        with contextlib.suppress(endpoint.LockTaken), endpoint.start_lock(self._data, wait=False):
            logger.warning("The socket is gone; binding it again")
            self._server.close()
            self._bound = bind(self._data)
            await self.start()

    def has_waiting(self) -> bool:
        """Somebody has connected and is not yet served."""
        waiting = select.poll()
        waiting.register(self._bound.sock, select.POLLIN)
        return bool(waiting.poll(0))

    def close(self) -> None:
        """Take no more connections; whoever comes now starts the next daemon."""
        with endpoint.start_lock(self._data):
            if file_of(self._data) == self._bound.file:
                Path(endpoint.socket_path(self._data)).unlink(missing_ok=True)
        if self._server is not None:
            self._server.close()


def file_of(data: str) -> File | None:
    """What tells the socket file that is there from another of the same name."""
    try:
        found = Path(endpoint.socket_path(data)).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def adopt(fd: int, file: str) -> Bound:
    """The listening socket that whoever started us has bound; `file` is device and inode."""
    os.set_inheritable(fd, False)
    device, _, inode = file.partition(":")
    return Bound(socket.socket(fileno=fd), (int(device), int(inode)))


def bind(data: str) -> Bound:
    """Listen; the caller holds the start lock."""
    sock = socket.socket(fileno=endpoint.bind(endpoint.socket_path(data)).detach())
    return Bound(sock, file_of(data))
