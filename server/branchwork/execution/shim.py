"""The shim: one process that holds one child's pipes, so that the child outlives the daemon.

It writes the child's journal and its end, and rings for whoever listens. It knows nothing of
agents, LSP or SQLite. C modules of the standard library only: it is there once per execution.
"""

import _signal  # type: ignore[import-not-found]
import marshal
import os
import sys
from binascii import Error as Base64Error
from binascii import a2b_base64
from time import monotonic

from branchwork.execution import child, layout, marks
from branchwork.execution.doorbell import Connection, Doorbell
from branchwork.execution.loop import READABLE, WRITABLE, Loop
from branchwork.execution.recorder import Recorder
from branchwork.execution.watchdog import Watchdog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

QUIET = 0.02  # seconds between two rings
SYNC = 1.0  # seconds that a power cut may cost
RETRY = 0.25  # seconds between two tries on a full disk
KILL = 2.0  # seconds from TERM to KILL when the journal is full
SCRIPT_PATIENCE = 5.0  # seconds that a script's last output waits for space
FAREWELL = 60.0  # seconds that a daemon has to take note of the end

SIGNALS = {b"TERM": _signal.SIGTERM, b"INT": _signal.SIGINT, b"KILL": _signal.SIGKILL}


class Shim:
    """The life of one child."""

    def __init__(self, directory: str, socket_path: str, spec: "dict[str, Any]") -> None:
        self.over = False
        self._spec = spec
        self._is_agent = spec["kind"] == "agent"
        self._folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._exit_file = marks.reserve_exit(self._folder)
        self._recorder = Recorder(self._folder, spec["segmentBytes"])
        self._loop = Loop()
        self._watch_signals()
        run = os.path.dirname(socket_path)
        self._watchdog = Watchdog(self._loop, spec, run, self._after_try)
        self._doorbell = Doorbell(
            self._loop, socket_path, self._line, self._company_changed, self._news
        )
        # A half message of an agent is of no use to anyone.
        streams = "e" if self._is_agent else "oe"
        self._showers = {stream: self._shower(stream) for stream in streams}
        self._dropped = {"o": 0, "e": 0}
        self._blocked_since = 0.0
        self._over_limit = False
        self._rung = 0.0
        self._sequences: dict[str, int] = {}
        self._unsent: list[tuple[Connection, str, int, bytes]] = []
        self._exit: tuple[int, int] | None = None
        self._ended = False
        self._input_closes = False
        try:
            self._start_child()
        except OSError:
            self._doorbell.close()
            raise
        self._watchdog.alone()

    def run(self) -> None:
        while not self.over:
            self._loop.step()
        self._doorbell.close()
        marks.remove_shim(self._folder)

    # Start

    def _watch_signals(self) -> None:
        wake, woken = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(woken, False)
        _signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        # Handlers, not SIG_IGN: a child would inherit that.
        for number in (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGINT):
            _signal.signal(number, _heard)
        self._wake = wake
        self._loop.watch(wake, READABLE, self._signalled)

    def _start_child(self) -> None:
        try:
            self._child = child.start(self._spec)
        except child.CannotStart as error:
            self._child = child.Child(0, -1, {})
            self._exit = (error.code, 0)
            self._recorder.event(
                "execFailed", code=error.code, errno=error.number, error=error.text
            )
            self._loop.after(0, self._finish)
        else:
            self._recorder.event("started", pid=self._child.pid)
            for stream, fd in self._child.outputs.items():
                self._loop.watch(fd, READABLE, self._reader(stream, fd))
        try:
            marks.write_shim(self._folder, self._child.pid, self._spec["kind"])
        except OSError:
            self._child.signal(_signal.SIGKILL)
            raise
        self._flush()
        self._recorder.sync()

    def _reader(self, stream: str, fd: int) -> "Callable[[int], object]":
        return lambda _events: self._read(stream, fd)

    def _shower(self, stream: str) -> "Callable[[], None]":
        return lambda: self._show_half_line(stream)

    # The child's output

    def _read(self, stream: str, fd: int) -> bool:
        """False when there is nothing to read, or no place for it."""
        if self._must_wait(stream):
            return False
        try:
            data = os.read(fd, layout.PART_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._stream_ended(stream)
            return False
        if self._over_limit or self._blocked_since:
            self._drop(stream, len(data))
            return True
        self._recorder.output(stream, data)
        self._flush()
        self._mind_half_line(stream, data)
        return True

    def _must_wait(self, stream: str) -> bool:
        """What an agent says is never dropped: on a full disk it stays in the pipe."""
        return bool(self._blocked_since) and self._is_agent and stream == "o"

    def _drop(self, stream: str, size: int) -> None:
        if not self._dropped[stream]:
            self._recorder.end_line(stream)
        self._dropped[stream] += size

    def _mind_half_line(self, stream: str, data: bytes) -> None:
        """A prompt or a progress bar has no end of line, and somebody waits to see it."""
        if stream not in self._showers:
            return
        if b"\n" in data:
            self._loop.cancel(self._showers[stream])
        if self._recorder.half_line(stream):
            self._loop.after(SYNC, self._showers[stream])

    def _show_half_line(self, stream: str) -> None:
        if not self._blocked_since and not self._over_limit:
            self._recorder.show_half_line(stream)
            self._flush()

    def _stream_ended(self, stream: str) -> None:
        fd = self._child.outputs.pop(stream)
        self._loop.forget(fd)
        os.close(fd)
        self._recorder.end_line(stream)
        self._flush()
        self._loop.after(0, self._finish)

    def _mark_gaps(self) -> None:
        for stream, size in self._dropped.items():
            if size:
                self._recorder.event("gap", bytes=size, of=stream)
                self._dropped[stream] = 0

    # The disk

    def _flush(self) -> None:
        if not self._recorder.flush():
            self._block()
            return
        if self._blocked_since:
            self._unblock()
        self._send_unsent()
        if not self._over_limit and self._recorder.recorded > self._spec["limitBytes"]:
            self._reach_limit()
        self._loop.after(SYNC, self._recorder.sync)
        self._loop.after(max(0.0, self._rung + QUIET - monotonic()), self._ring)

    def _block(self) -> None:
        self._loop.after(RETRY, self._flush)
        if self._blocked_since:
            return
        self._blocked_since = monotonic()
        self._ring()
        if self._is_agent and "o" in self._child.outputs:
            self._loop.forget(self._child.outputs["o"])

    def _unblock(self) -> None:
        waited = int((monotonic() - self._blocked_since) * 1000)
        self._blocked_since = 0.0
        self._recorder.event("paused", ms=waited, error=self._recorder.failure)
        if not self._over_limit:
            self._mark_gaps()
        if self._is_agent and "o" in self._child.outputs:
            fd = self._child.outputs["o"]
            self._loop.watch(fd, READABLE, self._reader("o", fd))
        self._loop.after(0, self._flush)
        self._loop.after(0, self._finish)

    def _reach_limit(self) -> None:
        self._over_limit = True
        limit = self._spec["limitBytes"]
        if self._is_agent:
            sentence = f"The agent was ended because it wrote more than {limit} bytes."
            self._signal_group(_signal.SIGTERM)
            self._loop.after(KILL, self._kill)
        else:
            sentence = f"Only the first {limit} bytes of the output were kept."
        self._recorder.event("limit", bytes=limit, error=sentence)
        self._loop.after(0, self._flush)

    def _kill(self) -> None:
        self._signal_group(_signal.SIGKILL)

    def _signal_group(self, number: int) -> None:
        # After both, the number of the group may be somebody else's.
        if not self._exit or self._child.outputs:
            self._child.signal(number)

    def _ring(self) -> None:
        self._rung = monotonic()
        self._doorbell.ring()

    def _news(self) -> bytes:
        segment, offset, seq = self._recorder.head
        news = f"L {segment} {offset} {seq}\n"
        if self._blocked_since:
            news += f"P {self._recorder.failure}\n"
        return news.encode()

    # What the daemon says

    def _line(self, connection: Connection, line: bytes) -> None:
        """Lines that it does not know are from a newer daemon and mean no harm."""
        match line.split(b" "):
            case [b"I", message_id, frame, shown]:
                self._message(connection, message_id.decode("ascii", "replace"), frame, shown)
            case [b"C"] if not self._ended:
                self._input_closes = True
                self._recorder.event("closed")
                self._flush()
                self._write_input()
            case [b"S", name] if name in SIGNALS and not self._ended:
                self._recorder.event("signal", name=name.decode())
                self._flush()
                self._signal_group(SIGNALS[name])
            case [b"K"] if self._ended:
                self.over = True

    def _message(self, connection: Connection, message_id: str, frame: bytes, shown: bytes) -> None:
        try:
            whole = a2b_base64(frame, strict_mode=True)
            text = a2b_base64(shown, strict_mode=True)
        except Base64Error:
            self._doorbell.tell(connection, f"N {message_id}\n".encode())
            return
        if message_id in self._sequences:
            whole = b""
        elif self._exit or self._input_closes or self._child.input < 0:
            self._doorbell.tell(connection, f"N {message_id}\n".encode())
            return
        else:
            self._sequences[message_id] = self._recorder.message(message_id, text)
        self._unsent.append((connection, message_id, self._sequences[message_id], whole))
        self._flush()

    def _send_unsent(self) -> None:
        """On disk first, then to the child, then the word that it was sent."""
        if not self._unsent:
            return
        self._recorder.sync()
        unsent, self._unsent = self._unsent, []
        for connection, message_id, seq, frame in unsent:
            if self._child.input >= 0:
                self._child.outgoing += frame
            self._doorbell.tell(connection, f"A {message_id} {seq}\n".encode())
        self._write_input()

    def _write_input(self, _events: int = 0) -> None:
        fd = self._child.input
        if fd < 0:
            return
        # Unsent frames come first: an end of input that overtook them would lose them.
        done = self._child.write() and not self._unsent
        if not done and self._child.outgoing:
            self._loop.watch(fd, WRITABLE, self._write_input)
            return
        self._loop.forget(fd)
        if done and self._input_closes:
            self._child.close_input()

    def _company_changed(self) -> None:
        if self._doorbell.connections:
            self._watchdog.in_company()
            self._tell_end()
        else:
            self._watchdog.alone()
            self._leave_if_alone()

    def _tell_end(self) -> None:
        if self._ended and self._exit:
            self._doorbell.tell_all(f"X {self._exit[0]}\n".encode())

    # The end

    def _signalled(self, _events: int) -> None:
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            return
        self._recorder.sync()  # the machine may be going down
        if self._exit or not self._child.pid:
            return
        pid, status = os.waitpid(self._child.pid, os.WNOHANG)
        if not pid:
            return
        code = os.waitstatus_to_exitcode(status)
        self._exit = (code, 0) if code >= 0 else (128 - code, -code)
        # A grandchild may hold the pipes for ever.
        self._loop.after(self._spec["graceSeconds"], self._let_go)
        self._loop.after(0, self._finish)

    def _let_go(self) -> None:
        for stream, fd in list(self._child.outputs.items()):
            # What the child itself wrote is still there to be read.
            for _ in range(child.PIPE_BYTES // layout.PART_BYTES * 4):
                if not self._read(stream, fd):
                    break
            if self._must_wait(stream):
                self._loop.after(RETRY, self._let_go)
            elif stream in self._child.outputs:
                self._stream_ended(stream)

    def _finish(self) -> None:
        if self._ended or not self._exit or self._child.outputs:
            return
        self._mark_gaps()
        if not self._recorder.flush():
            self._block()
            if self._is_agent or monotonic() - self._blocked_since < SCRIPT_PATIENCE:
                self._loop.after(RETRY, self._finish)
                return
        complete = self._recorder.give_up()
        self._recorder.sync()
        if not marks.write_exit(self._folder, self._exit_file, self._exit, complete):
            self._loop.after(RETRY, self._finish)
            return
        self._ended = True
        self._ring()
        self._tell_end()
        self._loop.after(FAREWELL, self._leave)
        self._leave_if_alone()

    def _leave(self) -> None:
        self.over = True

    def _leave_if_alone(self) -> None:
        """Nobody took note of the end: then the daemon is started once, unless it may not be."""
        if self._ended and not self._doorbell.connections and not self._watchdog.may_start():
            self.over = True

    def _after_try(self) -> None:
        self._doorbell.heal()
        if self._ended:
            self.over = True


def _heard(_number: int, _frame: object) -> None:
    """A handler that does nothing: the wake-up descriptor tells."""


def main() -> None:
    """Called by `python -c` with the execution's folder, the socket and the lock in argv."""
    directory, socket_path, lock = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if os.fork():
        os._exit(0)
    os.set_inheritable(lock, False)
    try:
        with open(0, "rb", closefd=False) as pipe:
            spec = marshal.loads(pipe.read())
    except (EOFError, ValueError):
        os._exit(1)  # the daemon died while it wrote
    try:
        shim = Shim(directory, socket_path, spec)
    except OSError as error:
        _tell_starter(f"{error.errno} {error.strerror}".encode())
        os._exit(1)
    _say_ready()
    try:
        shim.run()
    except BaseException:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(os.path.join(directory, layout.CRASH_FILE), flags, 0o600), 2)
        raise


def _say_ready() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    _tell_starter(b"ready")
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    os.close(nothing)


def _tell_starter(word: bytes) -> None:
    try:
        os.write(1, word)
    except OSError:
        return  # the daemon died meanwhile; the next one will find us
