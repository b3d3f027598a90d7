"""Where the daemon is and how to reach it: data folder, sockets, locks, start, handshake.

Proxy, client, shim and daemon all import this, the proxy before anything else: only modules
written in C and `os` may be imported here.
"""

import _json
import _signal  # type: ignore[import-not-found]
import _socket
import fcntl
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

PROTOCOL = 1
LONGEST_HANDSHAKE = 1 << 20
# The limit of the system is 108 bytes on Linux and 104 on macOS.
LONGEST_SOCKET_PATH = 100
# Nothing in the socket folder may have a longer name; a shim's is `x-` and 12 digits and `.sock`.
LONGEST_NAME = 20
LISTENER_FD = 3
SERVER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

_ANOTHER = "Set BRANCHWORK_DATA_DIR to a folder of your own that can be written."


class DataFolderUnusable(Exception):
    """The data folder can't hold a daemon's state; the message says why and what to do."""


class DaemonUnreachable(Exception):
    """No daemon could be reached or started just now."""


class LockTaken(Exception):
    """Somebody else holds a lock that the caller did not want to wait for."""


def version() -> str:
    """The version of this program; slow, so only for those who show it."""
    from importlib.metadata import version as of_package

    return of_package("branchwork")


# --- folders -------------------------------------------------------------------------------------


def data_folder(environ: "Mapping[str, str]" = os.environ) -> str:
    """The folder with all state: the same for every process of one user."""
    return _chosen(environ, "BRANCHWORK_DATA_DIR") or os.path.join(
        _standard_folder(environ, "XDG_DATA_HOME", ".local/share"), "branchwork"
    )


def config_file(environ: "Mapping[str, str]" = os.environ) -> str:
    """The person's `branchwork.toml`, whether it exists or not."""
    return _chosen(environ, "BRANCHWORK_CONFIG") or os.path.join(
        _standard_folder(environ, "XDG_CONFIG_HOME", ".config"), "branchwork", "branchwork.toml"
    )


def worktrees_folder(environ: "Mapping[str, str]" = os.environ) -> str:
    """Where worktrees are made: away from the data folder, without a space in the path."""
    return _chosen(environ, "BRANCHWORK_WORKTREES") or os.path.join(
        _home(environ), ".branchwork", "worktrees"
    )


def _chosen(environ: "Mapping[str, str]", variable: str) -> str | None:
    value = environ.get(variable, "")
    return os.path.abspath(os.path.expanduser(value)) if value.strip() else None


def _standard_folder(environ: "Mapping[str, str]", variable: str, below_home: str) -> str:
    """What platformdirs gives; importing it would cost more than the rest of the proxy."""
    value = environ.get(variable, "")
    if os.path.isabs(value):
        return value
    if sys.platform == "darwin":
        below_home = "Library/Application Support"
    return os.path.join(_home(environ), below_home)


def _home(environ: "Mapping[str, str]") -> str:
    home = environ.get("HOME", "")
    if os.path.isabs(home):
        return home
    import pwd

    return pwd.getpwuid(os.getuid()).pw_dir


def state_file(data: str, name: str) -> str:
    """A file in `<data>/run` that is no socket: a lock, a mark, an error."""
    _own_folder(data)
    run = os.path.join(data, "run")
    _own_folder(run)
    return os.path.join(run, name)


def run_dir(data: str) -> str:
    """The folder of the sockets, made where it is missing.

    Where the data folder's path is too long for a socket it lies elsewhere, recorded.
    """
    record = state_file(data, "elsewhere")
    run = os.path.dirname(record)
    if len(os.fsencode(run)) + 1 + LONGEST_NAME <= LONGEST_SOCKET_PATH:
        return run
    recorded = _read(record)
    if recorded and _is_private(recorded):
        return recorded
    with Lock(state_file(data, "elsewhere.lock")):
        return _make_elsewhere(record)


def _make_elsewhere(record: str) -> str:
    """Called with the lock held: the recorded folder again, or a new one."""
    recorded = _read(record)
    if recorded and not os.path.lexists(recorded):
        os.mkdir(recorded, 0o700)
    if recorded and _is_private(recorded):
        return recorded
    while True:
        folder = f"/tmp/branchwork-{os.geteuid()}-{os.urandom(5).hex()}"
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            continue
        replace(record, folder)
        return folder


def _is_private(folder: str) -> bool:
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    return found.st_mode & 0o170777 == 0o040700 and found.st_uid == os.geteuid()


def _own_folder(folder: str) -> None:
    """Make a folder, or see that it is ours alone to write."""
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
        found = os.stat(folder)
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {folder} can't be made: {error.strerror}. {_ANOTHER}"
        ) from None
    if found.st_uid != os.geteuid():
        raise DataFolderUnusable(
            f"The data folder {folder} belongs to another user (uid {found.st_uid}). {_ANOTHER}"
        )
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DataFolderUnusable(f"The data folder {folder} can't be written. {_ANOTHER}")
    if folder.endswith("/run") and found.st_mode & 0o077:
        os.chmod(folder, 0o700)


# --- small files ---------------------------------------------------------------------------------


class Lock:
    """An exclusive lock on a file for the length of a `with` block."""

    def __init__(self, path: str, wait: bool = True) -> None:
        self._path = path
        self._mode = fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB
        self._fd = -1

    def __enter__(self) -> None:
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise DataFolderUnusable(
                f"The data folder can't be written: {self._path}: {error.strerror}. {_ANOTHER}"
            ) from None
        try:
            fcntl.flock(self._fd, self._mode)
        except BlockingIOError:
            os.close(self._fd)
            raise LockTaken from None

    def __exit__(self, *_: object) -> None:
        # A forked child may hold the same open file for a moment: closing is not enough.
        fcntl.flock(self._fd, fcntl.LOCK_UN)
        os.close(self._fd)


def start_lock(data: str, wait: bool = True) -> Lock:
    """Held while a daemon's socket is bound or taken away."""
    return Lock(state_file(data, "start.lock"), wait)


def replace(path: str, text: str) -> None:
    """Write a small file so that nobody ever reads half of it."""
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(fd, text.encode("utf-8", "replace"))
    finally:
        os.close(fd)
    os.replace(temporary, path)


def mark_stopped(data: str) -> None:
    """A person stopped the daemon: no shim starts it again. Shims look beside their sockets."""
    replace(os.path.join(run_dir(data), "stopped"), "")


def clear_stopped(data: str) -> None:
    _remove(os.path.join(run_dir(data), "stopped"))


def is_stopped(data: str) -> bool:
    return os.path.exists(os.path.join(run_dir(data), "stopped"))


def write_last_error(data: str, sentence: str) -> None:
    """Leave what kept a daemon from starting for the proxies to show."""
    replace(state_file(data, "last-error"), sentence)


def clear_last_error(data: str) -> None:
    _remove(state_file(data, "last-error"))


def last_error(data: str) -> str:
    """The sentence that a daemon left which could not even start, or nothing."""
    return _read(os.path.join(data, "run", "last-error"))


def _read(path: str) -> str:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.read(fd, 1 << 16).decode("utf-8", "replace").strip()
    finally:
        os.close(fd)


def _remove(path: str) -> None:
    # contextlib would cost more than this file.
    try:  # noqa: SIM105
        os.unlink(path)
    except FileNotFoundError:
        pass


# --- the socket and the start --------------------------------------------------------------------


def socket_path(data: str) -> str:
    return os.path.join(run_dir(data), "daemon.sock")


def connect(path: str) -> "_socket.socket | None":
    """A connection, or None where nobody listens."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    # A full backlog of a daemon that hangs must not hang us.
    connection.settimeout(10)
    try:
        connection.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        connection.close()
        return None
    except OSError as error:
        connection.close()
        raise DaemonUnreachable(f"The Branchwork daemon can't be reached: {error}.") from None
    connection.settimeout(None)
    return connection


def bind(path: str) -> "_socket.socket":
    """Listen on a socket, 0600, in the place of a dead one; the caller holds the start lock."""
    _remove(path)
    listener = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(path)
    finally:
        os.umask(mask)
    listener.listen(_socket.SOMAXCONN)
    return listener


def connect_or_start(data: str, argv: list[str] | None = None) -> "_socket.socket":
    """A connection to the one daemon of a data folder, started where there is none.

    Nobody waits by polling: the socket listens before its daemon runs, the backlog holds us.
    """
    path = socket_path(data)
    clear_stopped(data)
    connection = connect(path)
    if connection is None:
        with start_lock(data):
            connection = connect(path) or _start(data, path, argv or daemon_argv(LISTENER_FD))
    if connection is None:
        raise DaemonUnreachable(last_error(data) or "The Branchwork daemon can't be reached.")
    return connection


def daemon_argv(listener: int | None = None) -> list[str]:
    """The command of a daemon; `connect_or_start` adds which file the listening socket is."""
    code = (
        f"import sys; sys.path.insert(0, {SERVER!r}); "
        "from branchwork.daemon.main import main; main()"
    )
    return [sys.executable, "-I", "-c", code, *([] if listener is None else [str(listener)])]


def daemon_environment(environ: "Mapping[str, str]") -> dict[str, str]:
    """What a daemon keeps of an environment: agents get their editor's, by the handshake.

    Not the tag of an execution: who is started from within one must not end with it.
    """
    kept = ("HOME", "PATH", "LANG", "TMPDIR")
    return {
        name: value
        for name, value in environ.items()
        if name in kept
        or (name.startswith(("XDG_", "BRANCHWORK_")) and name != "BRANCHWORK_EXECUTION")
    }


def _start(data: str, path: str, argv: list[str]) -> "_socket.socket | None":
    """Fork twice, so that the daemon is nobody's child and no editor's kill reaches it."""
    try:
        listener = bind(path)
        found = os.stat(path)
        child = os.fork()
    except OSError as error:
        raise DaemonUnreachable(
            f"The Branchwork daemon can't be started: {error.strerror}."
        ) from None
    if child == 0:
        try:
            os.setsid()
            if os.fork() == 0:
                file = f"{found.st_dev}:{found.st_ino}"
                _become_daemon(data, listener.fileno(), [*argv, file])
        finally:
            os._exit(127)
    os.waitpid(child, 0)
    # While we held it too, connections to a daemon that failed would hang for ever.
    listener.close()
    return connect(path)


def _become_daemon(data: str, listener: int, argv: list[str]) -> None:
    os.umask(0o077)
    # An editor may have blocked or ignored some, which would go through to every agent.
    _signal.pthread_sigmask(_signal.SIG_SETMASK, ())
    for number in (_signal.SIGHUP, _signal.SIGINT, _signal.SIGTERM, _signal.SIGCHLD):
        _signal.signal(number, _signal.SIG_DFL)
    if listener == LISTENER_FD:
        os.set_inheritable(listener, True)
    else:
        os.dup2(listener, LISTENER_FD)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.dup2(_open_stderr(data, nothing), 2)
    os.closerange(LISTENER_FD + 1, 1 << 16)
    environ = daemon_environment(os.environ)
    # The folder that this process found, even where a relative path named it.
    environ["BRANCHWORK_DATA_DIR"] = data
    os.chdir(data)
    os.execve(argv[0], argv, environ)


def _open_stderr(data: str, otherwise: int) -> int:
    """Where an interpreter that dies before logging is set up leaves its last words."""
    try:
        os.makedirs(os.path.join(data, "log"), 0o700, exist_ok=True)
        path = os.path.join(data, "log", "daemon.stderr")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if os.fstat(fd).st_size > 1 << 20:
            os.ftruncate(fd, 0)
    except OSError:
        return otherwise
    return fd


# --- the handshake -------------------------------------------------------------------------------


class _Scanning:
    """What the JSON scanner in C asks of its owner; the module `json` costs 8 ms."""

    strict = False
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float


# While the module `json` is not imported, the scanner's own error turns into a SystemError.
NOT_JSON = (StopIteration, ValueError, RecursionError, SystemError)

scan_json = _json.make_scanner(_Scanning())  # type: ignore[arg-type]
quote_json = _json.encode_basestring_ascii


def encode_hello(pid: int, cwd: str, environ: "Mapping[str, str]", again: bool = False) -> bytes:
    """The line that opens a connection; the largest variables go when it would be too long.

    `again`: the editor has been told by an earlier daemon what there was to tell.
    """
    size = 256 + 6 * len(cwd)
    pairs = []
    for name, value in sorted(environ.items(), key=lambda pair: len(pair[0] + pair[1])):
        pair = f"{quote_json(name)}:{quote_json(value)}"
        size += len(pair) + 1
        if size > LONGEST_HANDSHAKE:
            break
        pairs.append(pair)
    more = ',"again":true' if again else ""
    return (
        f'{{"branchwork":{PROTOCOL},"pid":{pid},"cwd":{quote_json(cwd)}{more},'
        f'"env":{{{",".join(pairs)}}}}}\n'
    ).encode("ascii")


def encode_welcome(version: str) -> bytes:
    return f'{{"branchwork":{PROTOCOL},"version":{quote_json(version)}}}\n'.encode("ascii")


def encode_refusal() -> bytes:
    return f'{{"error":"protocol","speaks":[{PROTOCOL}]}}\n'.encode("ascii")


def decode_line(line: bytes) -> dict[str, object]:
    """A line of the handshake; a ValueError where it is no JSON object."""
    try:
        value, _ = scan_json(line.decode("utf-8").strip(), 0)
    except NOT_JSON as error:
        raise ValueError("not a JSON object") from error
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value
