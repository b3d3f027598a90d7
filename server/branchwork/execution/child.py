"""The one child of a shim: how it starts, its pipes, its process group. C modules only."""

import _signal  # type: ignore[import-not-found]
import os
import sys
from errno import ENOENT

from branchwork.execution.layout import TAG_VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# The kernel's default of 64 KiB makes a flood switch between child and shim too often; much
# more than this would eat up the pages that the kernel gives one user for all pipes.
PIPE_BYTES = 256 << 10
F_SETPIPE_SZ = 1031


class Child:
    """A started child; -1 stands for a pipe that is closed."""

    __slots__ = ("input", "outgoing", "outputs", "pid")

    def __init__(self, pid: int, stdin: int, outputs: dict[str, int]) -> None:
        self.pid = pid
        self.input = stdin
        self.outputs = outputs
        self.outgoing = bytearray()

    def write(self) -> bool:
        """Writes what the pipe takes; True when nothing is left for later."""
        try:
            while self.outgoing:
                written = os.write(self.input, self.outgoing)
                del self.outgoing[:written]
        except BlockingIOError:
            return False
        except OSError:
            self.close_input()  # it reads no more
        return True

    def close_input(self) -> None:
        self.outgoing.clear()
        if self.input >= 0:
            os.close(self.input)
            self.input = -1

    def signal(self, number: int) -> None:
        try:
            if self.pid:  # 0, of a child that never was, would be our own group
                os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return  # all of it has gone, or what is left is another user's


class CannotStart(Exception):
    """The program could not be executed."""

    def __init__(self, code: int, number: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.number = number
        self.text = text


def start(spec: "dict[str, Any]") -> Child:
    """Starts the child in a session of its own; raises CannotStart."""
    takes_input = spec["kind"] == "agent"
    stdin, to_child = os.pipe() if takes_input else (os.open(os.devnull, os.O_RDONLY), -1)
    from_child, stdout = os.pipe()
    errors_from_child, stderr = os.pipe()
    failed, failure = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            _tell(failure, *_become(spec, (stdin, stdout, stderr)))
        finally:
            os._exit(126)
    for fd in (stdin, stdout, stderr, failure):
        os.close(fd)
    _raise_if_failed(failed, pid)
    _enlarge(from_child)
    for fd in (to_child, from_child, errors_from_child):
        if fd >= 0:
            os.set_blocking(fd, False)
    return Child(pid, to_child, {"o": from_child, "e": errors_from_child})


def restore_signals() -> None:
    """All of them: Python ignores some, and so may whoever started the daemon (a shell's `&`)."""
    for number in _signal.valid_signals():
        if number not in (_signal.SIGKILL, _signal.SIGSTOP):
            _signal.signal(number, _signal.SIG_DFL)
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())


def _become(spec: "dict[str, Any]", streams: tuple[int, int, int]) -> tuple[str, Exception]:
    """Returns only when it did not work: what was being done, and the error."""
    os.setsid()
    # All three numbers are above 2: the shim keeps its own first three open.
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
    restore_signals()
    try:
        os.chdir(spec["cwd"])
    except (OSError, ValueError) as error:
        return "folder", error
    try:
        os.execvpe(spec["argv"][0], spec["argv"], {**spec["env"], TAG_VARIABLE: spec["tag"]})
    except (OSError, ValueError) as error:
        return "program", error


def _tell(failure: int, doing: str, error: Exception) -> None:
    number = getattr(error, "errno", None) or 0
    text = os.strerror(number) if number else str(error)
    os.write(failure, f"{doing} {number} {text}".encode())


def _raise_if_failed(failed: int, pid: int) -> None:
    told = os.read(failed, 4096).decode()
    os.close(failed)
    if not told:
        return
    os.waitpid(pid, 0)
    doing, number, text = told.split(" ", 2)
    if doing == "folder":
        raise CannotStart(126, int(number), f"{text} (the working directory)")
    # As shells have it: 127 there is no such program, 126 it is there and can't be run.
    raise CannotStart(127 if int(number) == ENOENT else 126, int(number), text)


def _enlarge(pipe: int) -> None:
    if sys.platform != "linux":
        return
    from fcntl import fcntl

    try:
        fcntl(pipe, F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:
        return  # this user's share is used up: a smaller pipe does
