"""The editor's end of the proxy: stdout, which may be read slowly or no more. C modules only."""

import _socket
import os
from select import PIPE_BUF, POLLOUT, poll

_CHUNK = 256 << 10


class Pipe:
    """What is still to be written to a pipe or socket that must never make us wait."""

    def __init__(self, fd: int) -> None:
        self.waiting = bytearray()
        self._fd = fd
        self._ready = poll()
        self._ready.register(fd, POLLOUT)
        is_socket = os.fstat(fd).st_mode & 0o170000 == 0o140000
        self._socket = _socket.socket(fileno=os.dup(fd)) if is_socket else None

    def flush(self) -> None:
        """Write what can be written now. An OSError when nobody reads any more."""
        while self.waiting and self._ready.poll(0):
            del self.waiting[: self._write()]

    def _write(self) -> int:
        if self._socket is None:
            # So much never blocks on a pipe that poll calls ready.
            return os.write(self._fd, self.waiting[:PIPE_BUF])
        try:
            return self._socket.send(self.waiting[:_CHUNK], _socket.MSG_DONTWAIT)
        except BlockingIOError:
            return 0
