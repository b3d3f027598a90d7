"""The shim's socket: rings when the journal has grown, and takes lines from the daemon.

C modules only. What the lines mean is the shim's business.
"""

import _socket
import os
import sys

from branchwork.execution.loop import READABLE, WRITABLE, Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LINUX = sys.platform == "linux"

# A frame may hold pictures; what is longer than this is no message of ours.
LONGEST_LINE = 256 << 20


class Connection:
    """One daemon that listens, or one that has died without our knowing yet."""

    __slots__ = ("behind", "inbox", "outbox", "searched", "socket", "waits")

    def __init__(self, socket: _socket.socket) -> None:
        self.socket = socket
        self.inbox = bytearray()
        self.outbox = bytearray()
        self.searched = 0
        self.behind = False
        self.waits = False


class Doorbell:
    """Listens at a path; every connection is told the same."""

    def __init__(
        self,
        loop: Loop,
        path: str,
        on_line: "Callable[[Connection, bytes], None]",
        on_change: "Callable[[], None]",
        news: "Callable[[], bytes]",
    ) -> None:
        self.connections: dict[int, Connection] = {}
        self._loop = loop
        self._path = path
        self._on_line = on_line
        self._on_change = on_change
        self._news = news
        self._listen()

    def ring(self) -> None:
        """Tells the newest only: who reads slowly misses what is out of date anyway."""
        news = self._news()
        for connection in list(self.connections.values()):
            if connection.outbox:
                connection.behind = True
            else:
                self.tell(connection, news)

    def tell(self, connection: Connection, line: bytes) -> None:
        if connection.socket.fileno() < 0:
            return
        connection.outbox += line
        self._write(connection)

    def tell_all(self, line: bytes) -> None:
        for connection in list(self.connections.values()):
            self.tell(connection, line)

    def heal(self) -> None:
        """Binds again where somebody removed the socket."""
        try:
            os.stat(self._path)  # noqa: PTH116
        except FileNotFoundError:
            self._loop.forget(self._listener.fileno())
            self._listener.close()
            self._listen()

    def close(self) -> None:
        try:
            os.unlink(self._path)  # noqa: PTH108
        except OSError:
            return  # the folder has gone

    def _listen(self) -> None:
        self._listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
        before = os.umask(0o177)
        try:
            self._listener.bind(self._path)
        finally:
            os.umask(before)
        self._listener.listen(8)
        self._listener.setblocking(False)
        self._loop.watch(self._listener.fileno(), READABLE, self._accept)

    def _accept(self, _events: int) -> None:
        try:
            fd, _ = self._listener._accept()  # type: ignore[attr-defined]
        except OSError:
            return  # it gave up while it waited
        socket = _socket.socket(fileno=fd)
        if _peer(socket) != os.getuid():
            socket.close()
            return
        socket.setblocking(False)
        # A daemon that died may have left messages: the next one has to find them in the journal.
        for before in list(self.connections.values()):
            while self._read(before):
                pass
        connection = self.connections[fd] = Connection(socket)
        self._watch(connection, READABLE)
        self.tell(connection, self._news())
        self._on_change()

    def _watch(self, connection: Connection, events: int) -> None:
        def ready(events: int) -> None:
            if events & WRITABLE:
                self._write(connection)
            if events & ~WRITABLE and connection.socket.fileno() >= 0:
                self._read(connection)

        self._loop.watch(connection.socket.fileno(), events, ready)

    def _ready(self, connection: Connection, events: int) -> None:
        if events & WRITABLE:
            self._write(connection)
        if events & ~WRITABLE and connection.socket.fileno() >= 0:
            self._read(connection)

    def _read(self, connection: Connection) -> bool:
        """False when there was nothing, or will be nothing more."""
        try:
            data = connection.socket.recv(1 << 18)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        connection.inbox += data
        for line in _lines(connection):
            self._on_line(connection, line)
        if not data or len(connection.inbox) > LONGEST_LINE:
            self._drop(connection)
            return False
        return True

    def _write(self, connection: Connection) -> None:
        try:
            while connection.outbox:
                sent = connection.socket.send(connection.outbox)
                del connection.outbox[:sent]
                if connection.behind and not connection.outbox:
                    connection.behind = False
                    connection.outbox += self._news()
        except BlockingIOError:
            self._watch(connection, READABLE | WRITABLE)
            connection.waits = True
            return
        except OSError:
            connection.outbox.clear()  # reading will find that it has gone
        if connection.waits:
            self._watch(connection, READABLE)
            connection.waits = False

    def _drop(self, connection: Connection) -> None:
        fd = connection.socket.fileno()
        self._loop.forget(fd)
        del self.connections[fd]
        connection.outbox.clear()
        connection.socket.close()
        self._on_change()


def _lines(connection: Connection) -> list[bytes]:
    inbox = connection.inbox
    end = inbox.rfind(b"\n", connection.searched)
    connection.searched = len(inbox)
    if end < 0:
        return []
    lines = bytes(inbox[:end]).split(b"\n")
    del inbox[: end + 1]
    connection.searched = len(inbox)
    return lines


def _peer(socket: _socket.socket) -> int:
    """The user at the other end."""
    if LINUX:
        credentials = socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_PEERCRED, 12)
        return int.from_bytes(credentials[4:8], sys.byteorder)
    # LOCAL_PEERCRED at SOL_LOCAL of macOS: a version, then the user.
    credentials = socket.getsockopt(0, 1, 76)
    return int.from_bytes(credentials[4:8], sys.byteorder)
