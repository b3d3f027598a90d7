"""What a child prints until it is in the editor: one line, and two million of them."""

import json
import shlex
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench import machine
from bench.figure import Figure, median, spread
from bench.place import Place
from bench.requests import EMPTY
from bench.size import Size
from support import shell

# More than the pause of the stream: each line comes alone. Less: they wait for company.
ALONE_SECONDS, DENSE_SECONDS = 0.08, 0.01
LINE = "x" * 69
PING_SECONDS = 0.005
LOOK_SECONDS = 0.2
# Lines a second of a log that a person looks at.
PACE = 10_000

_STAMPS = """
import os, time
for pause in ({alone}, {dense}):
    for _ in range({lines}):
        time.sleep(pause)
        os.write(1, b"%s %d\\n" % (str(pause).encode(), time.monotonic_ns()))
"""

# A hundredth of a second's lines each hundredth of a second, by the clock.
_PACED = """
import sys, time
began, part = time.monotonic(), {pace} // 100
for first in range(0, {lines}, part):
    sys.stdout.write("".join("%d a line of a log that goes on and on\\n" % number
                             for number in range(first, first + part)))
    sys.stdout.flush()
    time.sleep(max(0, began + (first / part + 1) * 0.01 - time.monotonic()))
"""


class Child:
    """A project whose setup script is what we want to run, and a run of it."""

    def __init__(self, place: Place, name: str, script: str) -> None:
        self._go = place.root / f"{name}.go"
        is_waiting = f"[ ! -e {shlex.quote(str(self._go))} ] && {shell.while_tested()}"
        waiting = f"while {is_waiting}; do sleep 0.01; done"
        # It fails at its end, so that no agent follows.
        whole = f"{waiting}\n{script}\nexit 1\n"
        root = place.repository(name)
        self.editor = place.editor(root)
        self.project_id = self._made("project/create", "project", name=name)
        added = {"projectId": self.project_id, "path": str(root), "setupScript": whole}
        self.editor.request("branchwork/project/addRepo", added)
        task_id = self._made("task/create", "task", projectId=self.project_id, title=name)
        wanted = {"taskId": task_id, "executor": "SCRIPTED"}
        started = self.editor.request("branchwork/workspace/start", wanted)
        self.execution_id: str = started["execution"]["id"]

    def go(self) -> None:
        """Let it print."""
        self._go.touch()

    def log_params(self) -> dict[str, Any]:
        return {
            "executionId": self.execution_id,
            "view": "raw",
            "follow": True,
            "partialResultToken": "log",
        }

    def _made(self, method: str, noun: str, **params: object) -> str:
        found: str = self.editor.request(f"branchwork/{method}", params)[noun]["id"]
        return found


def paced(lines: int) -> str:
    """A script that prints so many numbered lines, at PACE."""
    code = _PACED.format(lines=lines, pace=PACE)
    return shlex.join([sys.executable, "-I", "-S", "-c", code])


def lines(place: Place, size: Size) -> list[Figure]:
    """The child writes the time into its lines; the editor looks at its clock."""
    code = _STAMPS.format(alone=ALONE_SECONDS, dense=DENSE_SECONDS, lines=size.lines)
    script = shlex.join([sys.executable, "-I", "-S", "-c", code])
    child = Child(place, "lines", script)
    shims = [machine.memory(pid) for pid in place.shims()]
    request = child.editor.send("branchwork/execution/logs", child.log_params())
    child.go()
    took: dict[str, list[float]] = {str(ALONE_SECONDS): [], str(DENSE_SECONDS): []}
    while True:
        body = child.editor.body()
        now = time.monotonic_ns()
        message = json.loads(body)
        if message.get("id") == request:
            break
        # That the script has failed may be said before its log is at its end.
        pieces = message["params"] if message["method"] == "$/progress" else {}
        for record in pieces.get("value", {}).get("records", []):
            if record["s"] == "o":
                kind, stamp = record["d"].split()
                took[kind].append((now - int(stamp)) / 1e6)
    child.editor.close()
    alone, dense = took.values()
    return [
        Figure(
            name="a line from the child to the editor, p50",
            unit="ms",
            measured=median(alone),
            best=min(alone),
            goal=2.0,
            rounds=len(alone),
            note=f"p99 {spread(alone, 99):.1f} ms; through the proxy",
        ),
        Figure(
            name="the same in a stream of 100 lines/s, p50",
            unit="ms",
            measured=median(dense),
            best=min(dense),
            rounds=len(dense),
            note="lines within 50 ms of another go together",
        ),
        Figure(
            name="shim of a script, PSS",
            unit="MiB",
            measured=shims[0].pss,
            goal=6.0,
            versus=shims[0].rss,
            versus_name="its RSS",
        ),
    ]


def flood(place: Place, size: Size) -> list[Figure]:
    """A plain script that prints as fast as it can, while somebody else asks for other things."""
    count = size.flood_lines
    child = Child(place, "flood", f"yes {LINE} | head -n {count}")
    before = machine.memory(place.daemon_pid)
    spent = machine.cpu_seconds(place.daemon_pid)
    with _Meanwhile(place) as meanwhile:
        reader = _Reader(place, child)
        child.go()
        began = time.monotonic_ns()
        arrived, ended = reader.result()
    spent = machine.cpu_seconds(place.daemon_pid) - spent
    child.editor.close()
    assert arrived == count, f"{arrived} of {count} lines arrived"
    seconds = (ended - began) / 1e9
    return [
        Figure(
            name=f"a flood of {count:,} lines to a client that follows",
            unit="lines/s",
            measured=count / seconds,
            goal=100_000.0,
            more_is_better=True,
            note=f"in {seconds:.1f} s, every line once; daemon's CPU {spent:.1f} s",
        ),
        Figure(
            name="other requests meanwhile, p99",
            unit="ms",
            measured=spread(meanwhile.took, 99),
            best=min(meanwhile.took),
            goal=20.0,
            versus=median(meanwhile.took),
            versus_name="their p50",
            rounds=len(meanwhile.took),
            note=f"the longest {max(meanwhile.took):.0f} ms",
        ),
        Figure(
            name="daemon at the peak of the flood, PSS",
            unit="MiB",
            measured=max(meanwhile.memory),
            versus=before.pss,
            versus_name="before it",
            goal=before.pss + 32.0,
            note="the goal is 32 MiB more than before",
        ),
    ]


class _Reader:
    """A program of its own that follows the log, so that it takes no time from who measures."""

    def __init__(self, place: Place, child: Child) -> None:
        argv = [sys.executable, str(Path(__file__).with_name("log_reader.py"))]
        given = [json.dumps(place.command), json.dumps(child.log_params())]
        self._process = subprocess.Popen(
            [*argv, *given], env=place.environ, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None, "it was asked for"
        self._told = self._process.stdout
        assert self._told.readline() == "ready\n"

    def result(self) -> tuple[int, int]:
        """How many lines came, and when the last did."""
        with self._process:
            count, moment = json.loads(self._told.readline())
        return count, moment


class _Meanwhile:
    """Asks on another connection all the time, and looks at the daemon's memory."""

    def __init__(self, place: Place) -> None:
        self.took: list[float] = []
        self.memory: list[float] = []
        self._place = place
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask),
            threading.Thread(target=self._look, args=(place.daemon_pid,)),
        ]

    def __enter__(self) -> "_Meanwhile":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        one = self._place.direct()
        is_over = False
        while not is_over:
            before = time.perf_counter()
            one.request(EMPTY, {})
            self.took.append((time.perf_counter() - before) * 1000)
            is_over = self._over.wait(PING_SECONDS)
        one.close()

    def _look(self, daemon: int) -> None:
        is_over = False
        while not is_over:
            self.memory.append(machine.memory(daemon).pss)
            is_over = self._over.wait(LOOK_SECONDS)
