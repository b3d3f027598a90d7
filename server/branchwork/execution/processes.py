"""Which process is which: a number alone says nothing, because the system uses it again."""

import os
import subprocess
import sys
from pathlib import Path

LINUX = sys.platform == "linux"


def start_time(pid: int) -> str | None:
    """What tells a process from a later one with its number; None when it has ended."""
    return _from_proc(pid) if LINUX else from_ps(pid)


def is_same(pid: int, started: str | None) -> bool:
    return pid > 0 and started is not None and start_time(pid) == started


def _from_proc(pid: int) -> str | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    # A zombie runs no more; where nobody reaps, it would look alive for ever.
    return None if fields[0] in (b"Z", b"X") else fields[19].decode()


def from_ps(pid: int) -> str | None:
    """For systems without /proc, to the second."""
    asked = subprocess.run(
        ["ps", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )
    return asked.stdout.strip() or None
