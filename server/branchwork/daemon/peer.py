"""Which process is at the other end of a socket, as the kernel tells it."""

import platform
import socket
import struct


def user_and_process(connection: socket.socket) -> tuple[int, int]:
    """The uid and, where the system tells it, the pid of the peer."""
    if platform.system() == "Linux":
        size = struct.calcsize("3i")
        found = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        pid, uid, _ = struct.unpack("3i", found)
        return uid, pid
    # struct xucred of macOS and the BSDs: version, uid, … at level 0 (SOL_LOCAL).
    found = connection.getsockopt(0, 1, 76)
    _, uid = struct.unpack_from("II", found)
    return uid, 0
