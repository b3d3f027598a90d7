"""A disk that takes no more, and a journal that may grow no more."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from branchwork.domain.errors import StorageFull
from branchwork.execution import exits, journal
from support.executions import Executions, events, sequence, until, whole

SIZE = 1 << 20


class SmallDisk:
    """A file system of one MiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.filling = folder / "filling"

    def fill(self, but: int = 0) -> None:
        free = os.statvfs(self.folder)
        with self.filling.open("ab") as file:
            file.write(b"x" * max(0, free.f_bavail * free.f_frsize - but))

    def grow(self) -> None:
        subprocess.run(["mount", "-o", "remount,size=20m", str(self.folder)], check=True)

    def make_room(self) -> None:
        self.filling.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("NO SMALL DISK: mounting a tmpfs needs root")
    yield SmallDisk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def executions_on_it(small_disk: SmallDisk, executions: Executions) -> Iterator[Callable[[], Path]]:
    """Ends its children before the disk goes."""
    yield lambda: small_disk.folder / "execution"
    executions.close()
    executions.started.clear()


async def test_an_agent_waits_for_space_and_loses_nothing(
    executions: Executions, small_disk: SmallDisk, executions_on_it: Callable[[], Path]
) -> None:
    code = """
import sys
for n in range(20_000):
    print('line', n, 'ü' * 20, flush=False)
print('written', file=sys.stderr)
for line in sys.stdin:
    print('got', line.strip(), flush=True)
"""
    small_disk.fill(but=200_000)
    directory = executions.start(executions.python(code, kind="agent"), executions_on_it())
    attachment = await executions.attach(directory)
    while not attachment.paused:
        assert await attachment.wait()
    assert attachment.paused == "ENOSPC"
    # A message waits as well: it must not reach the child before the journal.
    sending = asyncio.create_task(attachment.send("m1", b"hello\n", "hello"))
    await asyncio.sleep(0)
    assert all(not record.unreadable for record in journal.read(directory))
    assert exits.read(directory) is None
    assert not sending.done()
    # A file system that has space for all of it: remounted larger while it is in use.
    await asyncio.to_thread(small_disk.grow)
    await sending
    await attachment.close_input()
    assert await attachment.wait_over(60)
    await attachment.close()
    assert whole(directory, "o") == [
        *(f"line {n} {'ü' * 20}" for n in range(20_000)),
        "got hello",
    ]
    assert sequence(directory) == list(range(1, len(sequence(directory)) + 1))
    (paused, *_) = events(directory, "paused")
    assert paused.details["error"] == "ENOSPC"
    ended = exits.read(directory)
    assert ended is not None
    assert (ended.code, ended.complete) == (0, True)


def test_an_agent_that_ends_on_a_full_disk_ends_when_its_words_are_kept(
    executions: Executions, small_disk: SmallDisk, executions_on_it: Callable[[], Path]
) -> None:
    code = "import os\nfor n in range(3000): print('line', n, '.' * 40)\nos._exit(4)"
    code = code.replace("os._exit", "import sys; sys.stdout.flush(); os._exit")
    small_disk.fill(but=100_000)
    spec = executions.python(code, kind="agent", grace_seconds=0.1)
    directory = executions.start(spec, executions_on_it())
    child = Path(f"/proc/{executions_child(directory)}")
    until(lambda: not child.exists())
    assert exits.read(directory) is None
    small_disk.make_room()
    assert executions.end(directory).code == 4
    assert whole(directory, "o") == [f"line {n} {'.' * 40}" for n in range(3000)]


def test_a_script_goes_on_and_the_gap_is_marked(
    executions: Executions, small_disk: SmallDisk, executions_on_it: Callable[[], Path]
) -> None:
    code = """
import os, time
for n in range(50_000): print('line', n)
open('printed', 'w').close()
while not os.path.exists('room'): time.sleep(0.01)
print('after')
"""
    small_disk.fill(but=200_000)
    directory = executions.start(executions.python(code), executions_on_it())
    # It could not have come here if nobody had read its output.
    until((executions.base / "printed").exists)
    small_disk.make_room()
    until(lambda: events(directory, "gap"))
    (executions.base / "room").touch()
    assert executions.end(directory).code == 0
    lines = whole(directory, "o")
    assert lines[:100] == [f"line {n}" for n in range(100)]
    assert lines[-1] == "after"
    gaps = events(directory, "gap")
    dropped = sum(int(str(gap.details["bytes"])) for gap in gaps)
    assert {gap.details["of"] for gap in gaps} == {"o"}
    kept = sum(len(str(line)) for line in lines) + len(lines)
    printed = sum(len(f"line {n}\n") for n in range(50_000)) + len("after\n")
    # A line that was cut by the gap is recorded with an end of its own.
    assert 0 <= kept + dropped - printed <= 2 * len(gaps)
    assert sequence(directory) == list(range(1, len(sequence(directory)) + 1))


def test_a_script_that_ends_on_a_full_disk_says_that_output_is_missing(
    executions: Executions, small_disk: SmallDisk, executions_on_it: Callable[[], Path]
) -> None:
    small_disk.fill(but=100_000)
    code = "for n in range(50_000): print('line', n)\nraise SystemExit(3)"
    directory = executions.start(executions.python(code), executions_on_it())
    ended = executions.end(directory)
    assert (ended.code, ended.complete) == (3, False)
    assert sequence(directory) == list(range(1, len(sequence(directory)) + 1))


def test_a_start_on_a_full_disk_is_refused(
    executions: Executions, small_disk: SmallDisk, executions_on_it: Callable[[], Path]
) -> None:
    small_disk.fill()
    with pytest.raises(StorageFull):
        executions.start(executions.spec("touch", "ran"), executions_on_it())
    assert not (executions.base / "ran").exists()
    assert not list(executions.run.iterdir())


def test_a_script_over_its_limit_goes_on_unrecorded(executions: Executions) -> None:
    code = "for n in range(100_000): print('line', n)\nraise SystemExit(6)"
    directory = executions.finish(executions.python(code, limit_bytes=100_000))
    assert executions.end(directory).code == 6
    (limit,) = events(directory, "limit")
    assert limit.details["bytes"] == 100_000
    (gap,) = events(directory, "gap")
    assert int(str(gap.details["bytes"])) > 500_000
    assert sum(file.stat().st_size for file in directory.glob("*.jsonl")) < 700_000
    assert sequence(directory) == list(range(1, len(sequence(directory)) + 1))


@pytest.mark.parametrize("ignores_term", [False, True])
def test_an_agent_over_its_limit_is_ended_and_told_why(
    executions: Executions, ignores_term: bool
) -> None:
    code = f"""
import signal
if {ignores_term}: signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True: print('and on and on')
"""
    directory = executions.finish(executions.python(code, kind="agent", limit_bytes=50_000))
    ended = executions.end(directory)
    assert ended.signal == (9 if ignores_term else 15)
    (limit,) = events(directory, "limit")
    assert "wrote more than 50000 bytes" in str(limit.details["error"])
    # One that is deaf goes on meanwhile.
    assert events(directory, "gap") or not ignores_term


def executions_child(directory: Path) -> int:
    (started,) = events(directory, "started")
    return int(str(started.details["pid"]))
