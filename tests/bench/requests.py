"""What one request costs: an empty one, and lists of tasks with the client's parse."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench import editor, machine
from bench.editor import Editor
from bench.figure import Figure, median, spread
from bench.place import BARE, Place
from bench.size import Size
from support import seeding

# Answered from memory by a handler of ours: the cheapest there is.
EMPTY = "branchwork/settings/get"
LIST = "branchwork/task/list"


def empty(place: Place, size: Size) -> list[Figure]:
    """Blocks of requests, in turns: on the socket, through the proxy, to bare pygls."""
    direct, proxied = place.direct(), place.editor()
    bare = editor.spawned(BARE, place.environ)
    bare.initialize()
    took: dict[str, list[float]] = {"direct": [], "proxied": [], "bare": []}
    spent = machine.cpu_seconds(place.daemon_pid)
    for _ in range(size.empty_blocks):
        took["direct"] += _block(direct, EMPTY, size)
        took["proxied"] += _block(proxied, EMPTY, size)
        took["bare"] += _block(bare, "bare/nothing", size)
    spent = machine.cpu_seconds(place.daemon_pid) - spent
    for one in (direct, proxied, bare):
        one.close()
    count = size.empty_blocks * size.empty_block
    p50 = {name: median(values) for name, values in took.items()}
    return [
        Figure(
            name="empty request on the socket, p50",
            unit="ms",
            measured=p50["direct"],
            best=min(took["direct"]),
            goal=0.25,
            versus=p50["bare"],
            versus_name="bare pygls",
            rounds=count,
            note=f"p99 {spread(took['direct'], 99):.2f} ms; "
            f"daemon's CPU {spent / count / 2 * 1e6:.0f} µs",
        ),
        Figure(
            name="empty request through the proxy, p50",
            unit="ms",
            measured=p50["proxied"],
            best=min(took["proxied"]),
            versus=p50["direct"],
            versus_name="on the socket",
            rounds=count,
            note=f"p99 {spread(took['proxied'], 99):.2f} ms",
        ),
    ]


def lists(place: Place, size: Size) -> list[Figure]:
    """All tasks of one project, and pages of another, larger one."""
    root = place.repository("shop")
    place.end_daemon()
    seed = [sys.executable, seeding.__file__]
    database = str(place.data / "branchwork.sqlite")
    told = subprocess.run(
        [*seed, database, str(root), str(size.tasks_of_one), str(size.tasks)],
        env={**place.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        check=True,
    )
    small, large = json.loads(told.stdout)
    place.editor().close()
    # Where the editor is open is told with each list.
    one = place.direct(root / "src")
    first = {"projectId": large, "limit": 100}
    last = one.request(LIST, first)["tasks"][-1]["id"]
    wanted = {
        f"task/list of {size.tasks_of_one:,}, with the client's parse": (
            20.0,
            {"projectId": small, "limit": size.tasks_of_one},
        ),
        f"task/list, 100 of {size.tasks:,}": (3.0, first),
        f"task/list, 100 of {size.tasks:,}, a later page": (3.0, {**first, "cursor": last}),
    }
    figures = [
        _list(one, place.daemon_pid, name, params, goal, size.lists)
        for name, (goal, params) in wanted.items()
    ]
    one.close()
    return figures


def _list(
    one: Editor, daemon: int, name: str, params: dict[str, object], goal: float, rounds: int
) -> Figure:
    assert len(one.request(LIST, params)["tasks"]) == params["limit"]
    parses: list[float] = []
    spent = machine.cpu_seconds(daemon)
    took = [_parsed(one, params, parses) for _ in range(rounds)]
    spent = machine.cpu_seconds(daemon) - spent
    return Figure(
        name=name,
        unit="ms",
        measured=median(took),
        best=min(took),
        goal=goal,
        versus=median(parses),
        versus_name="the parse alone",
        rounds=rounds,
        note=f"p99 {spread(took, 99):.1f} ms; daemon's CPU {spent / rounds * 1000:.1f} ms",
    )


def _block(one: Editor, method: str, size: Size) -> list[float]:
    return [_milliseconds(lambda: one.request(method, {})) for _ in range(size.empty_block)]


def _parsed(one: Editor, params: object, parses: list[float]) -> float:
    before = time.perf_counter()
    one.send(LIST, params)
    body = one.body()
    arrived = time.perf_counter()
    json.loads(body)
    now = time.perf_counter()
    parses.append((now - arrived) * 1000)
    return (now - before) * 1000


def _milliseconds(work: Callable[[], object]) -> float:
    before = time.perf_counter()
    work()
    return (time.perf_counter() - before) * 1000
