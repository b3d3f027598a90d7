"""What the kernel tells of processes and of the machine; Linux only."""

import os
import platform
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """In MiB. What processes share counts a part of it in `pss` and the whole in `rss`."""

    pss: float
    rss: float


def memory(pid: int) -> Memory:
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = dict(line.split()[:2] for line in told.splitlines()[1:])
    return Memory(pss=int(found["Pss:"]) / 1024, rss=int(found["Rss:"]) / 1024)


def cpu_seconds(pid: int) -> float:
    """What a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def busy_percent(seconds: float = 0.5) -> float:
    """How much of the machine is used while we do nothing."""
    idle, total = _cpu()
    time.sleep(seconds)
    idle_now, total_now = _cpu()
    return 100.0 * (1.0 - (idle_now - idle) / max(1, total_now - total))


def wait_for_quiet(percent: float, seconds: float) -> float:
    """Wait so long for less of the machine to be used; what was used in the end."""
    deadline = time.monotonic() + seconds
    while (found := busy_percent()) > percent and time.monotonic() < deadline:
        pass
    return found


def described() -> str:
    """The machine, without its name."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{os.cpu_count()} cores, {round(pages / (1 << 30))} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def _cpu() -> tuple[int, int]:
    numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
    return numbers[3] + numbers[4], sum(numbers)
