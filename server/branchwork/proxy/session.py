"""One editor's session, over as many daemons as it takes. C modules only."""

import _signal  # type: ignore[import-not-found]
import _socket
import os
import sys
from select import POLLIN, POLLOUT, poll
from time import monotonic

from branchwork import endpoint
from branchwork.proxy.frames import LONGEST_MESSAGE, NO_ID, BadFrame, Frames, look
from branchwork.proxy.pipe import Pipe

CHUNK = 256 << 10
# More than this unwritten or held back, and the other side is not read until it goes down.
PAUSE_AT = 8 << 20

START_SECONDS = 30.0
GREETING_SECONDS = 120.0
LAST_WORDS_SECONDS = 5.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
# A daemon that was killed may take one more connection with it: that is not worth a word.
TOLD_AFTER = 3

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
DAEMON_LOST = -32017

RECONNECTED = '{"jsonrpc":"2.0","method":"branchwork/reconnected","params":{}}'


class Over(Exception):
    """The session has ended."""

    def __init__(self, code: int) -> None:
        self.code = code


class Session:
    """Passes on messages, and remembers what the next daemon has to be told.

    `settled` is whether a daemon has answered; until then every loss is a failed start.
    `ready` is whether messages may be passed on; until then they are held back.
    """

    def __init__(self, data: str, argv: "list[str] | None") -> None:
        self._data, self._argv = data, argv
        self._from_editor, self._to_editor = Frames(LONGEST_MESSAGE), Pipe(1)
        self._from_daemon, self._to_daemon = Frames(), bytearray()
        self._daemon: _socket.socket | None = None
        self._greeted = self._ready = self._replaying = self._settled = False
        self._held: list[bytes] = []
        self._held_bytes = 0
        # Requests of the editor without an answer, and ids that the present daemon asked with.
        self._open: dict[object, str] = {}
        self._asked: set[object] = set()
        self._initialize, self._initialize_id, self._answered = b"", NO_ID, False
        self._initialized = b""
        self._shut_down = False
        self._alone_since = monotonic()
        self._retry_at: float | None = self._alone_since
        self._pause = SHORTEST_PAUSE
        self._failures = 0
        self._trouble = self._told = ""

    # --- the loop --------------------------------------------------------------------------------

    def run(self) -> int:
        """Until the editor has gone, or no daemon can be had. Gives the exit code."""
        try:
            while True:
                self._keep_a_daemon()
                self._wait()
        except Over as over:
            return over.code
        except (BrokenPipeError, ConnectionResetError):
            return 0

    def _wait(self) -> None:
        waiter = poll()
        if self._held_bytes + len(self._to_daemon) < PAUSE_AT:
            waiter.register(0, POLLIN)
        if self._to_editor.waiting:
            waiter.register(1, POLLOUT)
        if self._daemon is not None:
            reading = POLLIN if len(self._to_editor.waiting) < PAUSE_AT else 0
            waiter.register(self._daemon, reading | (POLLOUT if self._to_daemon else 0))
        ready = [fd for fd, _ in waiter.poll(self._timeout())]
        if self._daemon is not None and self._daemon.fileno() in ready:
            self._serve_daemon(self._daemon)
        if 0 in ready:
            self._serve_editor()
        self._to_editor.flush()

    def _timeout(self) -> float | None:
        """Milliseconds until something must be done without a message."""
        if self._retry_at is not None:
            return max(0.0, self._retry_at - monotonic()) * 1000 + 1
        return None if self._greeted or self._daemon is None else 1000

    # --- finding and losing daemons --------------------------------------------------------------

    def _keep_a_daemon(self) -> None:
        now = monotonic()
        if self._daemon is not None:
            if not self._greeted and now - self._alone_since > GREETING_SECONDS:
                self._give_up("The Branchwork daemon does not answer.")
        elif self._retry_at is not None and now >= self._retry_at:
            self._connect()

    def _connect(self) -> None:
        self._retry_at = None
        try:
            self._daemon = endpoint.connect_or_start(self._data, self._argv)
        except (endpoint.DataFolderUnusable, endpoint.DaemonUnreachable, OSError) as error:
            self._fail(str(error))
            return
        self._daemon.setblocking(False)
        self._from_daemon = Frames()
        self._to_daemon[:] = endpoint.encode_hello(os.getpid(), _cwd(), os.environ, self._answered)
        self._to_daemon += self._initialize
        self._replaying = self._answered
        if not self._replaying:
            self._release()
        self._serve_daemon(self._daemon)

    def _lose(self) -> None:
        """The daemon has gone: its open requests are answered, and the next one is found."""
        self._drop_daemon()
        if self._shut_down:
            return
        if not self._settled:
            self._fail(endpoint.last_error(self._data) or "The Branchwork daemon did not start.")
            return
        self._settled = False
        self._alone_since = monotonic()
        # After `branchwork daemon stop` the editor's next message starts it again, not we.
        self._retry_at = None if self._was_stopped() else self._alone_since

    def _drop_daemon(self) -> None:
        if self._daemon is not None:
            self._daemon.close()
        self._daemon = None
        self._to_daemon.clear()
        self._greeted = self._ready = self._replaying = False
        self._asked.clear()
        opened, self._open = self._open, {}
        for id, method in opened.items():
            if method == "shutdown":
                self._answer(id, '"result":null')
            elif id != self._initialize_id or self._answered:
                self._answer(id, _error(DAEMON_LOST, "The Branchwork daemon went away. Try again."))

    def _was_stopped(self) -> bool:
        try:
            return endpoint.is_stopped(self._data)
        except (endpoint.DataFolderUnusable, OSError):
            return False

    def _settle(self) -> None:
        """There is a daemon, and it works."""
        self._settled = True
        self._pause, self._failures = SHORTEST_PAUSE, 0
        self._trouble = self._told = ""

    def _fail(self, trouble: str) -> None:
        """No daemon just now: try again for a while, and let the person know why."""
        now = monotonic()
        if now - self._alone_since > START_SECONDS:
            self._give_up(trouble)
        self._trouble = trouble
        self._failures += 1
        self._tell()
        self._retry_at = now + self._pause
        self._pause = min(self._pause * 2, LONGEST_PAUSE)

    def _tell(self) -> None:
        """Once per trouble; before `initialize` a server may say nothing."""
        if self._initialize and self._failures >= TOLD_AFTER and self._trouble != self._told:
            self._told = self._trouble
            params = f'{{"type":1,"message":{endpoint.quote_json(self._trouble)}}}'
            self._say(f'{{"jsonrpc":"2.0","method":"window/showMessage","params":{params}}}')

    def _give_up(self, trouble: str) -> None:
        """Answer everything with what is wrong, and end, so that the editor notices."""
        for message in self._held:
            id, method = look(message, message.index(b"\r\n\r\n") + 4)
            if method and id is not NO_ID:
                self._open[id] = method
        if self._initialize and not self._answered:
            self._open[self._initialize_id] = "initialize"
        for id in self._open:
            self._answer(id, _error(DAEMON_LOST, trouble))
        os.write(2, trouble.encode("utf-8", "replace") + b"\n")
        self._end(1)

    # --- from the daemon -------------------------------------------------------------------------

    def _serve_daemon(self, daemon: "_socket.socket") -> None:
        try:
            while self._to_daemon:
                del self._to_daemon[: daemon.send(self._to_daemon[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            # What it had said before it went is still to be read.
            self._to_daemon.clear()
        try:
            data = daemon.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._from_daemon.feed(data)
            self._take_from_daemon()
        else:
            self._lose()

    def _take_from_daemon(self) -> None:
        if not self._greeted and not self._read_greeting():
            return
        while found := self._from_daemon.next():
            message, body = found
            id, method = look(message, body, trusted=True)
            if id is not NO_ID and not method:
                self._take_answer(id, message)
            else:
                if id is not NO_ID:
                    self._asked.add(id)
                self._to_editor.waiting += message

    def _read_greeting(self) -> bool:
        line = self._from_daemon.line()
        if line is None:
            return False
        try:
            self._greeted = "error" not in endpoint.decode_line(line)
        except ValueError:
            self._greeted = False
        if not self._greeted:
            self._drop_daemon()
            self._fail(
                "The running Branchwork daemon is of another version. "
                "End it with `branchwork daemon stop`."
            )
        elif not self._initialize:
            self._settle()
        return self._greeted

    def _take_answer(self, id: object, message: bytes) -> None:
        if self._replaying and id == self._initialize_id:
            # The editor had its answer to `initialize` from an earlier daemon.
            self._replaying = False
            self._settle()
            self._to_daemon += self._initialized
            self._say(RECONNECTED)
            self._release()
            return
        if id == self._initialize_id and not self._answered:
            self._answered = True
            self._settle()
        self._open.pop(id, None)
        self._to_editor.waiting += message

    def _release(self) -> None:
        """Pass on what was held back while there was no daemon."""
        self._ready = True
        held, self._held, self._held_bytes = self._held, [], 0
        for message in held:
            self._take_from_editor(message, message.index(b"\r\n\r\n") + 4)

    # --- from the editor -------------------------------------------------------------------------

    def _serve_editor(self) -> None:
        try:
            data = os.read(0, CHUNK)
        except OSError:
            data = b""
        if not data:
            self._end(0)
        self._from_editor.feed(data)
        try:
            while found := self._from_editor.next():
                message, body = found
                if body:
                    self._take_from_editor(message, body)
                else:
                    self._refuse(message)
        except BadFrame:
            self._answer(None, _error(PARSE_ERROR, "A message has no readable Content-Length."))
            self._end(1)
        if self._daemon is not None:
            self._serve_daemon(self._daemon)

    def _refuse(self, head: bytes) -> None:
        id, _ = look(head, 0, trusted=True)
        sentence = f"A message may not be larger than {LONGEST_MESSAGE >> 20} MiB."
        self._answer(None if id is NO_ID else id, _error(INVALID_REQUEST, sentence))

    def _take_from_editor(self, message: bytes, body: int) -> None:
        id, method = look(message, body)
        if not method:
            self._pass_answer(id, message)
            return
        self._note(id, method, message)
        if self._ready:
            if id is not NO_ID:
                self._open[id] = method
            self._to_daemon += message
        elif method == "shutdown":
            self._answer(id, '"result":null')
        elif method not in ("initialize", "initialized") and not self._shut_down:
            self._hold(message)

    def _note(self, id: object, method: str, message: bytes) -> None:
        """What the next daemon, or our own end, will need."""
        if method == "initialize" and not self._initialize:
            self._initialize, self._initialize_id = message, id
            self._tell()
        elif method == "initialized":
            self._initialized = message
        elif method == "shutdown":
            self._shut_down = True
        elif method == "exit":
            self._exit(message)

    def _pass_answer(self, id: object, message: bytes) -> None:
        """To a request of the present daemon; what is no message at all, it may refuse itself."""
        if id in self._asked or (id is NO_ID and self._ready):
            self._asked.discard(id)
            self._to_daemon += message

    def _hold(self, message: bytes) -> None:
        self._held.append(message)
        self._held_bytes += len(message)
        if self._daemon is None and self._retry_at is None:
            self._alone_since = self._retry_at = monotonic()

    def _exit(self, message: bytes) -> None:
        if self._daemon is not None and self._ready:
            self._to_daemon += message
            self._serve_daemon(self._daemon)
        self._end(0 if self._shut_down else 1)

    def _answer(self, id: object, rest: str) -> None:
        text = endpoint.quote_json(id) if isinstance(id, str) else "null" if id is None else str(id)
        self._say(f'{{"jsonrpc":"2.0","id":{text},{rest}}}')

    def _say(self, message: str) -> None:
        body = message.encode()
        self._to_editor.waiting += b"Content-Length: %d\r\n\r\n%b" % (len(body), body)

    def _end(self, code: int) -> None:
        """Let the editor read the last words, and end."""
        deadline = monotonic() + LAST_WORDS_SECONDS
        self._to_editor.flush()
        while self._to_editor.waiting and monotonic() < deadline:
            waiter = poll()
            waiter.register(1, POLLOUT)
            waiter.poll(100)
            self._to_editor.flush()
        raise Over(code)


def _error(code: int, sentence: str) -> str:
    retryable = ',"data":{"kind":"daemonLost","retryable":true}' if code == DAEMON_LOST else ""
    return f'"error":{{"code":{code},"message":{endpoint.quote_json(sentence)}{retryable}}}'


def _cwd() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - pathlib costs more than this whole package
    except OSError:
        return "/"


def serve(argv: "list[str] | None") -> None:
    # Python's own way to end on Ctrl-C is a traceback.
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    sys.exit(Session(endpoint.data_folder(), argv).run())
