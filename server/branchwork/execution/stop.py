"""Ends an execution with everything that it started, however far that has gone from its group."""

import asyncio
import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from branchwork.execution import processes
from branchwork.execution.attach import Attachment
from branchwork.execution.layout import TAG_VARIABLE

PATIENCE = 2.0
LOOK_SECONDS = 0.05


async def stop(attachment: Attachment | None, tag: str, patience: float = PATIENCE) -> list[int]:
    """End of input, TERM, KILL, then by tag; the pids that would not go, which is none."""
    if attachment is not None:
        await _climb(attachment, patience)
    left = await asyncio.to_thread(reap, tag, patience)
    if attachment is not None:
        await attachment.wait_over(patience)
    return left


def reap(tag: str, patience: float = PATIENCE, orphan: int | None = None) -> list[int]:
    """Ends every process with the tag, and the group of a lost shim's child.

    TERM, then KILL until none is left; the pids that would not go.
    """
    for number in (signal.SIGTERM, signal.SIGKILL):
        if orphan is not None and processes.start_time(orphan) is not None:
            _signal_group(orphan, number)
        deadline = time.monotonic() + patience
        asked: set[int] = set()
        while left := _ask(tag, number, asked) | _living(orphan):
            asked |= left
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
    return sorted({*tagged(tag), *_living(orphan)})


def tagged(tag: str) -> list[int]:
    """The processes whose environment has the tag, without the caller.

    One that overwrites its own environment, or runs as another user, is not seen. Where there is
    no /proc, `ps` is asked, which shows no environment of the system's own programs.
    """
    return list(_tagged(tag))


def all_tagged() -> dict[str, list[int]]:
    """Every process that carries a tag, by its tag; of the same processes as `tagged`."""
    found: dict[str, list[int]] = {}
    for pid, tag in _tags_by_proc() if processes.LINUX else _tags_by_ps():
        found.setdefault(tag, []).append(pid)
    return found


def _ask(tag: str, number: signal.Signals, asked: set[int]) -> set[int]:
    """Signals each as soon as it is found: what forks all the time is another process a moment
    later. TERM is said once to each, KILL as often as it takes."""
    found = set()
    for pid in _tagged(tag):
        found.add(pid)
        if number == signal.SIGKILL or pid not in asked:
            _signal(pid, tag, number)
    return found


def _living(orphan: int | None) -> set[int]:
    return set() if orphan is None or processes.start_time(orphan) is None else {orphan}


def _tagged(tag: str) -> Iterator[int]:
    wanted = f"{TAG_VARIABLE}={tag}"
    found = _by_proc(wanted.encode()) if processes.LINUX else _by_ps(wanted)
    return (pid for pid in found if pid != os.getpid())


async def _climb(attachment: Attachment, patience: float) -> None:
    if attachment.takes_input:
        await attachment.close_input()
        if await attachment.wait_over(patience):
            return
    await attachment.signal("TERM")
    if await attachment.wait_over(patience):
        return
    await attachment.signal("KILL")
    await attachment.wait_over(patience)


def _signal(pid: int, tag: str, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        held = _hold(pid)
        if held is None:
            os.kill(pid, number)
            return
        try:
            # Looked at again, now that it is held: the number may be another process' by now.
            if _has(pid, f"{TAG_VARIABLE}={tag}".encode()):
                signal.pidfd_send_signal(held, number)
        finally:
            os.close(held)


def _hold(pid: int) -> int | None:
    """None where the system can't."""
    if not (processes.LINUX and hasattr(os, "pidfd_open")):
        return None
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        raise
    except OSError:
        return None


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _by_proc(wanted: bytes) -> Iterator[int]:
    return (pid for pid in _newest_first() if _has(pid, wanted))


def _newest_first() -> list[int]:
    """All processes. Their numbers go up and begin again at the bottom; the last one is told."""
    last = int(Path("/proc/loadavg").read_text().split()[-1])
    pids = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdecimal()]
    return sorted(pids, key=lambda pid: (pid > last, -pid))


def _has(pid: int, wanted: bytes) -> bool:
    return wanted in _environment(pid)


def _environment(pid: int) -> list[bytes]:
    """Empty for a process of another user, and for one that has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _tags_by_proc() -> Iterator[tuple[int, str]]:
    prefix = f"{TAG_VARIABLE}=".encode()
    for pid in _newest_first():
        if processes.start_time(pid) is not None:
            for variable in _environment(pid):
                if variable.startswith(prefix):
                    yield pid, os.fsdecode(variable.removeprefix(prefix))


def _tags_by_ps() -> Iterator[tuple[int, str]]:
    prefix = f"{TAG_VARIABLE}="
    for pid, words in _words_by_ps():
        for word in words:
            if word.startswith(prefix):
                yield pid, word.removeprefix(prefix)


def _by_ps(wanted: str) -> Iterator[int]:
    return (pid for pid, words in _words_by_ps() if wanted in words)


def _words_by_ps() -> Iterator[tuple[int, list[str]]]:
    asked = subprocess.run(
        ["ps", "-axww", "-E", "-o", "pid=,command="],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    for line in asked.stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if pid.isdecimal():
            yield int(pid), command.split()
