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

# Answered from memory by a handler of ours: the cheapest there is.
EMPTY = "branchwork/settings/get"
EMPTY_BLOCKS, EMPTY_BLOCK = 20, 250
LIST_ROUNDS = 60
TASKS, TASKS_OF_ONE = 10_000, 1_000


def empty(place: Place) -> list[Figure]:
    """Blocks of requests, in turns: on the socket, through the proxy, to bare pygls."""
    busy = machine.busy_percent()
    direct, proxied = place.direct(), place.editor()
    bare = editor.spawned(BARE, place.environ)
    bare.initialize()
    took: dict[str, list[float]] = {"direct": [], "proxied": [], "bare": []}
    spent = machine.cpu_seconds(place.daemon_pid)
    for _ in range(EMPTY_BLOCKS):
        took["direct"] += _block(direct, EMPTY)
        took["proxied"] += _block(proxied, EMPTY)
        took["bare"] += _block(bare, "bare/nothing")
    spent = machine.cpu_seconds(place.daemon_pid) - spent
    for one in (direct, proxied, bare):
        one.close()
    count = EMPTY_BLOCKS * EMPTY_BLOCK
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
            busy=busy,
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
            busy=busy,
            note=f"p99 {spread(took['proxied'], 99):.2f} ms",
        ),
    ]


def lists(place: Place) -> list[Figure]:
    """All tasks of a project with 1,000 of them, and pages of the 10,000."""
    root = place.repository("shop")
    place.end_daemon()
    seed = [sys.executable, str(Path(__file__).with_name("seed.py"))]
    database = str(place.data / "branchwork.sqlite")
    told = subprocess.run(
        [*seed, database, str(root), str(TASKS_OF_ONE), str(TASKS)],
        env={**place.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdout=subprocess.PIPE,
        check=True,
    )
    project_id = json.loads(told.stdout)
    place.editor().close()
    busy = machine.busy_percent()
    return _lists(place, root, project_id, busy)


def _lists(place: Place, root: Path, project_id: str, busy: float) -> list[Figure]:
    # Where the editor is open is told with each list.
    one = place.direct(root / "src")
    method = "branchwork/task/list"
    whole = {"projectId": project_id, "limit": TASKS_OF_ONE}
    first = one.request(method, {"limit": 100})
    middle = {"limit": 100, "cursor": first["tasks"][-1]["id"]}
    figures = []
    for name, params, count, goal in (
        (f"task/list of {TASKS_OF_ONE:,}, with the client's parse", whole, TASKS_OF_ONE, 20.0),
        (f"task/list, 100 of {TASKS:,}, the first page", {"limit": 100}, 100, 3.0),
        (f"task/list, 100 of {TASKS:,}, a later page", middle, 100, 3.0),
    ):
        assert len(one.request(method, params)["tasks"]) == count
        parses: list[float] = []
        spent = machine.cpu_seconds(place.daemon_pid)
        took = [_parsed(one, method, params, parses) for _ in range(LIST_ROUNDS)]
        spent = machine.cpu_seconds(place.daemon_pid) - spent
        figures.append(
            Figure(
                name=name,
                unit="ms",
                measured=median(took),
                best=min(took),
                goal=goal,
                versus=median(parses),
                versus_name="the parse alone",
                rounds=LIST_ROUNDS,
                busy=busy,
                note=f"p99 {spread(took, 99):.1f} ms; "
                f"daemon's CPU {spent / LIST_ROUNDS * 1000:.1f} ms",
            )
        )
    one.close()
    return figures


def _block(one: Editor, method: str) -> list[float]:
    return [_milliseconds(lambda: one.request(method, {})) for _ in range(EMPTY_BLOCK)]


def _parsed(one: Editor, method: str, params: object, parses: list[float]) -> float:
    before = time.perf_counter()
    one.send(method, params)
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
