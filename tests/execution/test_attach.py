"""Following an execution: doorbell, status, and what is left when something is killed."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from branchwork.execution import exits, journal, layout, processes, spawn, stop
from branchwork.execution.attach import Alive, Ended, Lost, attach, status
from support.executions import Executions, sequence, shim_file, until, whole

LINES_WHEN_TOLD = "import sys\nfor line in sys.stdin: print(line.strip())"


async def test_the_doorbell_tells_of_every_line(executions: Executions) -> None:
    directory = executions.start(executions.python(LINES_WHEN_TOLD, kind="agent"))
    attachment = await executions.attach(directory)
    reader = journal.Reader(directory)
    seen: list[journal.Record] = []
    for n in range(50):
        await attachment.send(f"m{n}", f"line {n}\n".encode(), str(n))
        while f"line {n}" not in [record.data for record in seen if record.stream == "o"]:
            assert await attachment.wait()
            seen += reader.records()
    await attachment.close_input()
    while await attachment.wait():
        seen += reader.records()
    seen += reader.records()
    assert [record.seq for record in seen] == sequence(directory)
    await attachment.close()


async def test_the_head_is_known_at_once(executions: Executions) -> None:
    directory = executions.start(executions.spec("sh", "-c", "echo a; echo b; sleep 600"))
    await asyncio.to_thread(until, lambda: whole(directory, "o") == ["a", "b"])
    attachment = await executions.attach(directory)
    assert attachment.head is not None
    assert attachment.head.seq == 3
    assert attachment.head.offset == (directory / "000001.jsonl").stat().st_size
    await attachment.close()


async def test_a_lost_ring_is_made_up_for(executions: Executions) -> None:
    """What the shim said is a hint; the file is the truth."""
    directory = executions.start(executions.spec("sleep", "600"))
    attachment = await executions.attach(directory)
    await attachment.wait()
    waiting = asyncio.create_task(attachment.wait())
    with (directory / "000001.jsonl").open("ab") as file:
        file.write(b'{"seq":2,"t":1,"s":"o","d":"written behind its back"}\n')
    assert await asyncio.wait_for(waiting, 60)
    await attachment.close()


async def test_a_follower_is_cancelled_also_in_the_moment_of_a_ring(
    executions: Executions,
) -> None:
    """Otherwise a daemon that closes waits until its agents have ended."""
    directory = executions.start(executions.python(LINES_WHEN_TOLD, kind="agent"))
    attachment = await executions.attach(directory)
    await attachment.wait()

    async def cut_off() -> None:
        await attachment.wait()
        following.cancel()

    async def follow() -> None:
        while await attachment.wait():
            pass

    cutting, following = asyncio.create_task(cut_off()), asyncio.create_task(follow())
    await attachment.send("m", b"a line\n", "a line")
    await cutting
    await asyncio.wait([following], timeout=30)
    assert following.cancelled()
    await attachment.close()


async def test_attach_after_the_end(executions: Executions) -> None:
    directory = executions.finish(executions.spec("true"))
    until(lambda: not list(executions.run.iterdir()))
    assert await attach(directory, executions.run) is None
    assert isinstance(status(directory), Ended)


def test_status_of_what_was_never_started(tmp_path: Path) -> None:
    assert status(tmp_path / "nothing") == Lost()


def test_status_of_what_runs(executions: Executions) -> None:
    directory = executions.start(executions.spec("sleep", "600"))
    known = shim_file(directory)
    assert status(directory) == Alive(shim=known["shim"], child=known["child"])
    assert known["childStart"] == processes.start_time(known["child"])


def test_a_shim_that_is_killed_loses_only_what_it_had_not_written(
    executions: Executions,
) -> None:
    code = "import time\nfor n in range(1000): print(n)\nprint('all', flush=True); time.sleep(600)"
    spec = executions.python(code)
    directory = executions.start(spec)
    until(lambda: "all" in whole(directory, "o"))
    known = shim_file(directory)
    os.kill(known["shim"], signal.SIGKILL)
    until(lambda: isinstance(status(directory), Lost))
    assert status(directory) == Lost(child=known["child"])
    assert whole(directory, "o") == [*map(str, range(1000)), "all"]
    assert exits.read(directory) is None
    assert stop.tagged(spec.tag) == [known["child"]]
    assert stop.reap(spec.tag) == []
    assert processes.start_time(known["child"]) is None
    assert status(directory) == Lost()


@pytest.mark.parametrize("whose", ["shim", "child"])
def test_a_number_that_is_used_again_is_no_life(executions: Executions, whose: str) -> None:
    """This test's own pid stands in the file, with another start time."""
    directory = executions.start(executions.spec("sleep", "600"))
    known = shim_file(directory)
    os.kill(known["shim"], signal.SIGKILL)
    until(lambda: isinstance(status(directory), Lost))
    os.kill(known["child"], signal.SIGKILL)
    until(lambda: status(directory) == Lost())
    forged = {**known, whose: os.getpid()}
    (directory / layout.SHIM_FILE).write_text(json.dumps(forged))
    assert status(directory) == Lost()
    forged[f"{whose}Start"] = processes.start_time(os.getpid())
    (directory / layout.SHIM_FILE).write_text(json.dumps(forged))
    assert status(directory) != Lost()
    (directory / layout.SHIM_FILE).unlink()


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps here")
def test_start_times_without_proc(executions: Executions) -> None:
    """What other systems go by; `ps` is here as well."""
    assert processes.from_ps(os.getpid()) == processes.from_ps(os.getpid()) != None  # noqa: E711
    directory = executions.start(executions.spec("sleep", "600"))
    before = shim_file(directory)
    spawn.add_start_times(directory)
    assert shim_file(directory) == before


def test_the_spec_is_never_on_disk(executions: Executions) -> None:
    secret = "very-secret-value"
    spec = executions.python(
        "import time; print('up'); time.sleep(600)", kind="agent", env={"KEY": secret}
    )
    directory = executions.start(spec)
    until(lambda: whole(directory, "o") == ["up"])
    for file in [*directory.iterdir(), Path(f"/proc/{shim_file(directory)['shim']}/cmdline")]:
        assert secret.encode() not in file.read_bytes()
    own = Path(f"/proc/{shim_file(directory)['shim']}/environ").read_bytes()
    assert secret.encode() not in own
    assert layout.TAG_VARIABLE.encode() not in own


def test_nobody_else_may_look(executions: Executions) -> None:
    run = executions.run / "run"
    executions.run = run
    directory = executions.start(executions.spec("sleep", "600"))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    for file in [*directory.iterdir(), *run.iterdir()]:
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_the_childs_own_files_have_its_own_mask(executions: Executions) -> None:
    before = os.umask(0o027)
    try:
        executions.finish(executions.spec("sh", "-c", "echo x > made; umask"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((executions.base / "made").stat().st_mode) == 0o640


STARTER = """
import os, sys
from pathlib import Path
from branchwork.execution import spawn
base, run = map(Path, sys.argv[1:3])
for n in range(1000):
    spec = spawn.Spec(argv=["sh", "-c", f"echo ran > {base}/ran-{n}"], cwd=base, env={},
                      tag=sys.argv[3], kind="script")
    print(n, flush=True)
    spawn.start(base / f"e{n}", spec, run)
"""


@pytest.mark.chaos
def test_a_start_that_is_cut_off_runs_whole_or_not_at_all(executions: Executions) -> None:
    for turn in range(15):
        base = executions.base / f"turn{turn}"
        base.mkdir()
        argv = [sys.executable, "-c", STARTER, str(base), str(executions.run), f"turn{turn}"]
        with subprocess.Popen(argv, stdout=subprocess.PIPE) as starter:
            assert starter.stdout
            # Each time a little later into the start of another one.
            for _ in range(turn % 3 + 1):
                starter.stdout.readline()
            time.sleep(turn * 0.002)
            starter.kill()
        for directory in base.glob("e*"):
            executions.started.append((directory, f"turn{turn}"))
            until(lambda folder=directory: not isinstance(status(folder), Alive))
            ran = (base / f"ran-{directory.name[1:]}").exists()
            assert ran == isinstance(status(directory), Ended)


FOLLOWER = """
import asyncio, os, sys
from pathlib import Path
from branchwork.execution import journal, segments
from branchwork.execution.attach import attach

async def follow(directory, run, notes):
    place = segments.Place(*map(int, notes.read_text().split()[-2:])) if notes.exists() else None
    reader = journal.Reader.at(directory, place) if place else journal.Reader(directory)
    attachment = await attach(directory, run)
    out = os.open(notes, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while True:
        goes_on = await attachment.wait() if attachment else False
        while lines := reader.lines(4096):
            seqs = [segments.seq_of(line) for line in lines.splitlines()]
            # One write: what was read and how far, as a transaction would have it.
            segment, offset = reader.place
            os.write(out, f"{seqs[0]}-{seqs[-1]} {segment} {offset}\\n".encode())
        if not goes_on:
            break

asyncio.run(follow(*map(Path, sys.argv[1:])))
"""


def test_a_follower_killed_many_times_sees_each_record_once(
    executions: Executions, tmp_path: Path
) -> None:
    code = """
import sys, time
for n in range(6000):
    print('line', n, 'ü')
    print('line', n, file=sys.stderr)
    if n % 20 == 0:
        time.sleep(0.01)
raise SystemExit(5)
"""
    directory = executions.start(executions.python(code, daemon_argv=["true"]))
    notes, kills = tmp_path / "notes", 0
    argv = [sys.executable, "-c", FOLLOWER, str(directory), str(executions.run), str(notes)]

    def size() -> int:
        return notes.stat().st_size if notes.exists() else 0

    def follow_a_while() -> None:
        before = size()
        follower = subprocess.Popen(argv)
        until(lambda: size() > before or follower.poll() is not None)
        follower.kill()
        follower.wait()

    while exits.read(directory) is None:
        follow_a_while()
        kills += 1
    subprocess.run(argv, check=True)
    seen: list[int] = []
    for line in notes.read_text().splitlines():
        first, last = map(int, line.split()[0].split("-"))
        seen += range(first, last + 1)
    assert seen == list(range(1, 12_002))
    assert kills > 2
    ended = exits.read(directory)
    assert ended is not None
    assert ended.code == 5
    assert whole(directory, "o") == [f"line {n} ü" for n in range(6000)]
    assert whole(directory, "e") == [f"line {n}" for n in range(6000)]
