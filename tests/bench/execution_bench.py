"""Figures of the execution floor: run as a program it prints them; `make bench` imports it."""

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from branchwork.execution import exits, journal, segments, spawn, stop, supervised
from branchwork.execution.attach import attach, status

LINE = "x" * 69  # and its end: 70 bytes
LINES = 2_000_000
FLOOD = f"""
import os
block = (b"{LINE}" + b"\\n") * 1000
for _ in range({LINES // 1000}):
    os.write(1, block)
"""
STAMPS = """
import os, time
for _ in range(300):
    time.sleep(0.025)
    os.write(1, b"%d\\n" % time.monotonic_ns())
"""


def measure() -> dict[str, float]:
    """All of it; takes about half a minute."""
    with tempfile.TemporaryDirectory(prefix="bw-") as name:
        base = Path(name)
        return {
            **_start(base),
            **_flood(base, "script"),
            **_flood(base, "agent"),
            **asyncio.run(_doorbell(base)),
            **_memory(base),
            **_supervised(base),
            **_reading(base),
        }


def _spec(base: Path, *argv: str, **more: Any) -> spawn.Spec:
    given: dict[str, Any] = {
        "argv": argv,
        "cwd": base,
        "env": {"PATH": os.environ["PATH"]},
        "tag": f"bench-{uuid.uuid4().hex}",
        "kind": "script",
    }
    return spawn.Spec(**{**given, **more})


def _wait(directory: Path) -> exits.Exit:
    while (ended := exits.read(directory)) is None:
        time.sleep(0.002)
    return ended


def _start(base: Path) -> dict[str, float]:
    took = []
    for n in range(40):
        directory = base / f"start{n}"
        before = time.perf_counter()
        spawn.start(directory, _spec(base, "true"), base / "run")
        took.append((time.perf_counter() - before) * 1000)
        _wait(directory)
    return {"start_ms_min": min(took), "start_ms_p50": statistics.median(took)}


def _flood(base: Path, kind: str) -> dict[str, float]:
    directory = base / f"flood-{kind}"
    before = time.perf_counter()
    argv = [sys.executable, "-I", "-S", "-c", FLOOD]
    spawn.start(directory, _spec(base, *argv, kind=kind), base / "run")
    _wait(directory)
    took = time.perf_counter() - before
    return {f"flood_{kind}_lines_per_s": LINES / took}


async def _doorbell(base: Path) -> dict[str, float]:
    directory = base / "doorbell"
    argv = [sys.executable, "-I", "-S", "-c", STAMPS]
    await asyncio.to_thread(spawn.start, directory, _spec(base, *argv), base / "run")
    attachment = await attach(directory, base / "run")
    assert attachment is not None
    reader = journal.Reader(directory)
    took = []
    while await attachment.wait():
        now = time.monotonic_ns()
        for record in reader.records():
            if record.stream == "o":
                took.append((now - int(str(record.data))) / 1e6)
    await attachment.close()
    took.sort()
    return {"doorbell_ms_p50": took[len(took) // 2], "doorbell_ms_p99": took[len(took) * 99 // 100]}


def _memory(base: Path) -> dict[str, float]:
    """With twenty of them, as they share most of it; and after a flood."""
    folders = [base / f"memory{n}" for n in range(20)]
    specs = [_spec(base, "sleep", "600") for _ in folders]
    for directory, spec in zip(folders, specs, strict=True):
        spawn.start(directory, spec, base / "run")
    alone = _pss(_shim_of(folders[0]))
    flooded = base / "memory-flood"
    spec = _spec(base, sys.executable, "-I", "-S", "-c", FLOOD + "\nimport time; time.sleep(600)")
    spawn.start(flooded, spec, base / "run")
    before = -1
    while (size := sum(segment.bytes for segment in segments.segments(flooded))) != before:
        before = size
        time.sleep(0.5)
    after = _pss(_shim_of(flooded))
    for tagged in (*specs, spec):
        stop.reap(tagged.tag, patience=0.5)
    return {"shim_pss_mib": alone, "shim_pss_mib_after_flood": after}


def _shim_of(directory: Path) -> int:
    found = status(directory)
    return int(getattr(found, "shim", 0))


def _pss(pid: int) -> float:
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(told.split("Pss:")[1].split()[0]) / 1024


def _supervised(base: Path) -> dict[str, float]:
    took = []
    for n in range(40):
        before = time.perf_counter()
        supervised.run(base / f"supervised{n}", _spec(base, "true"), base / "run", 60)
        took.append((time.perf_counter() - before) * 1000)
    plain = []
    for _ in range(40):
        before = time.perf_counter()
        subprocess.run(["true"], check=True)
        plain.append((time.perf_counter() - before) * 1000)
    return {
        "supervised_true_ms_p50": statistics.median(took),
        "plain_true_ms_p50": statistics.median(plain),
    }


def _reading(base: Path) -> dict[str, float]:
    directory = base / "flood-script"
    before = time.perf_counter()
    size = sum(len(chunk) for chunk in journal.chunks(directory))
    raw = time.perf_counter() - before
    before = time.perf_counter()
    count = sum(1 for _ in journal.read(directory, from_seq=LINES - 200_000))
    decoded = time.perf_counter() - before
    before = time.perf_counter()
    for n in range(1, 51):
        next(journal.read(directory, from_seq=n * LINES // 51))
    found = time.perf_counter() - before
    return {
        "read_raw_mib_per_s": size / raw / (1 << 20),
        "read_decoded_records_per_s": count / decoded,
        "find_ms": found / 50 * 1000,
    }


if __name__ == "__main__":
    print(json.dumps({name: round(value, 3) for name, value in measure().items()}, indent=2))
