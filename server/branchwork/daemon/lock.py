"""The lock that makes a daemon the only one of its data folder, and what it says about itself."""

import fcntl
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branchwork import endpoint

_NAME = "daemon.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The process that holds the lock, told apart from a later one with the same pid."""

    pid: int
    start_time: str
    boot_id: str
    host: str
    version: str
    since: float


class DaemonLock:
    """Held from before the store is opened until the process has ended."""

    def __init__(self, data: str) -> None:
        path = endpoint.state_file(data, _NAME)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self) -> bool:
        """Take it, or tell that another daemon has it."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # Over the old words: on a full disk others would take the space of an empty file.
        words = json.dumps(_ourselves()).encode()
        os.pwrite(self._fd, words, 0)
        os.ftruncate(self._fd, len(words))
        return True


def holder(data: str) -> Holder | None:
    """Who holds the lock now; None where no daemon runs."""
    path = Path(data, "run", _NAME)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(path)
    finally:
        os.close(fd)
    return None


def wait_until_free(data: str, seconds: float) -> bool:
    """Wait for the end of the daemon that holds the lock."""
    deadline = time.monotonic() + seconds
    while holder(data) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def is_alive(found: Holder) -> bool:
    """That very process, and not another that got its number or runs on another machine."""
    same_machine = found.host == platform.node() and found.boot_id == boot_id()
    return same_machine and start_time(found.pid) == found.start_time


def start_time(pid: int) -> str:
    """When a process started, in the system's own notation; empty where there is none."""
    if platform.system() == "Linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
        except OSError:
            return ""
        # The name before it may hold spaces and parentheses.
        return stat.rpartition(")")[2].split()[19]
    return _output("ps", "-o", "lstart=", "-p", str(pid))


def boot_id() -> str:
    """Changes with every start of the machine."""
    if platform.system() == "Linux":
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return _output("sysctl", "-n", "kern.bootsessionuuid")


def _output(*argv: str) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip()


def _ourselves() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "start_time": start_time(os.getpid()),
        "boot_id": boot_id(),
        "host": platform.node(),
        "version": endpoint.version(),
        "since": time.time(),
    }


def _read(path: Path) -> Holder | None:
    """None in the moment between taking the lock and writing it."""
    try:
        return Holder(**json.loads(path.read_text()))
    except (ValueError, TypeError):
        return None
