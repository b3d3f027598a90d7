"""Starts a shim for an execution. How a child is run is the shim's business."""

import fcntl
import hashlib
import marshal
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Literal

import msgspec

from branchwork.domain.errors import Conflict, InvalidInput, StorageFailed, StorageFull
from branchwork.execution import layout, processes

SERVER = Path(__file__).parents[2]
# At the end of the path: nothing beside our package may stand before the standard library.
PROGRAM = (
    f"import sys; sys.path.append({str(SERVER)!r}); "
    "from branchwork.execution.shim import main; main()"
)
LONGEST_SOCKET_PATH = 100
READY = b"ready"
READY_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What to run. It never touches the disk, because `env` may hold secrets.

    An agent's stdout is never dropped and its stdin is ours; a script has no stdin, and its
    output may have a marked gap.
    """

    argv: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    tag: str
    kind: Literal["agent", "script"]
    limit_bytes: int = 1 << 30
    # How long whoever else holds the child's pipes may write after its end.
    grace_seconds: float = 2.0
    # What starts the daemon when it has been away; empty: nothing does.
    daemon_argv: Sequence[str] = ()
    daemon_env: Mapping[str, str] = field(default_factory=dict)
    daemon_grace_seconds: float = 10.0
    segment_bytes: int = layout.SEGMENT_BYTES


def socket_path(directory: Path, run_directory: Path) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.abspath(directory))).hexdigest()[:12]  # noqa: PTH100
    path = run_directory / f"x-{name}.sock"
    if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
        raise InvalidInput(
            f"The folder {run_directory} has too long a path for a socket. "
            "Set BRANCHWORK_DATA_DIR to a shorter one.",
            field="run_directory",
        )
    return path


def start(directory: Path, spec: Spec, run_directory: Path) -> None:
    """Returns when the child runs, or when the journal says why it could not be executed.

    Also where the shim was killed meanwhile: that is for `attach.status` to tell.
    """
    _check(spec)
    socket = socket_path(directory, run_directory)
    try:
        lock = _claim(directory, run_directory)
        try:
            told = _start_shim(directory, socket, lock, spec)
        finally:
            os.close(lock)
        if not processes.LINUX:
            add_start_times(directory)
    except OSError as error:
        raise _storage_error(error.errno, str(error)) from error
    if told != READY:
        number, _, text = told.decode(errors="replace").partition(" ")
        raise _storage_error(int(number) if number.isdecimal() else None, text)


def add_start_times(directory: Path) -> None:
    """Where there is no /proc, the shim can't know them."""
    file = directory / layout.SHIM_FILE
    try:
        known = msgspec.json.decode(file.read_bytes(), type=dict[str, int | str | None])
    except FileNotFoundError:
        return  # it has ended already
    for whose in ("shim", "child"):
        known[f"{whose}Start"] = processes.start_time(int(known[whose] or 0))
    temporary = file.with_suffix(".started")
    temporary.write_bytes(msgspec.json.encode(known) + b"\n")
    temporary.rename(file)


def _check(spec: Spec) -> None:
    texts = [*spec.argv, str(spec.cwd), spec.tag, *spec.env, *spec.env.values()]
    if not spec.argv or not spec.argv[0]:
        raise InvalidInput("There is no command to run.", field="argv")
    if any("\0" in text for text in texts):
        raise InvalidInput("A command or its environment holds a zero byte.", field="argv")
    if any("=" in name or not name for name in spec.env):
        raise InvalidInput("The name of an environment variable can't be used.", field="env")


def _claim(directory: Path, run_directory: Path) -> int:
    """A lock on the folder, which the shim inherits: while it is held, the shim is alive."""
    run_directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    if any((directory / name).exists() for name in (layout.EXIT_FILE, layout.segment_name(1))):
        raise Conflict("This execution was started before.", kind="alreadyStarted")
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise Conflict("This execution is being started.", kind="alreadyStarted") from None
    except OSError:
        return lock  # a file system without locks: its pid and start time have to do
    return lock


def _start_shim(directory: Path, socket: Path, lock: int, spec: Spec) -> bytes:
    argv = [sys.executable, "-I", "-S", "-c", PROGRAM]
    shim = subprocess.Popen(
        [*argv, str(directory), str(socket), str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd="/",
        env=_own_environment(),
        pass_fds=(lock,),
        start_new_session=True,
    )
    try:
        told, errors = shim.communicate(_wire(spec), timeout=READY_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(shim.pid, signal.SIGKILL)
        shim.communicate()
        raise StorageFailed("A process could not be started within a minute.") from None
    if told:
        return told
    if (directory / layout.segment_name(1)).exists():
        # Killed before it could speak, and perhaps with a child: `status` tells that it is lost.
        return READY
    return b"0 " + (errors.strip().splitlines() or [b"It said nothing."])[-1]


def _wire(spec: Spec) -> bytes:
    """Read by the same interpreter a moment later, so marshal is safe and needs no import."""
    return marshal.dumps(
        {
            "argv": list(spec.argv),
            "cwd": str(spec.cwd),
            "env": dict(spec.env),
            "tag": spec.tag,
            "kind": spec.kind,
            "limitBytes": spec.limit_bytes,
            "graceSeconds": float(spec.grace_seconds),
            "daemonArgv": list(spec.daemon_argv),
            "daemonEnv": dict(spec.daemon_env) or _own_environment(),
            "daemonGraceSeconds": float(spec.daemon_grace_seconds),
            "segmentBytes": spec.segment_bytes,
        }
    )


def _own_environment() -> dict[str, str]:
    names = ("HOME", "PATH", "LANG")
    return {name: os.environ[name] for name in names if name in os.environ}


def _storage_error(number: int | None, text: str) -> StorageFailed:
    if number in (ENOSPC, EDQUOT):
        return StorageFull("No space is left in the data folder. Free some and start it again.")
    return StorageFailed(f"A process could not be started: {text}. Look at the data folder.")
