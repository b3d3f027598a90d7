"""From an editor's start of a server to its answer to `initialize`."""

import select
import time
from collections.abc import Callable, Sequence

from bench import editor
from bench.editor import Editor
from bench.figure import Figure, median
from bench.place import BARE, Place
from bench.size import Size


def warm(place: Place, size: Size) -> list[Figure]:
    """With a daemon that runs: by the two commands, beside a bare pygls server."""
    place.editor().close()
    ways = {"printed": place.command, "console": place.console, "bare": BARE}
    took: dict[str, list[float]] = {name: [] for name in ways}
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(size.starts):
        for name, argv in ways.items():
            if name == "bare" and number % (size.starts // size.bare_starts):
                continue
            wall, used = _initialize(place, argv)
            took[name].append(wall)
            cpu[name].append(used)
    bare = median(took["bare"])
    return [
        Figure(
            name=f"initialize, warm daemon, {label}",
            unit="ms",
            measured=median(took[name]),
            best=min(took[name]),
            goal=goal,
            versus=bare,
            versus_name="bare pygls",
            ratio_goal=1 / 15 if name == "printed" else None,
            rounds=size.starts,
            note=f"CPU of the process started: {median(cpu[name]):.0f} ms, "
            f"of bare pygls: {median(cpu['bare']):.0f} ms",
        )
        for name, label, goal in (
            ("printed", "printed command", 30.0),
            ("console", "console script", 60.0),
        )
    ]


def cold(place: Place, size: Size) -> list[Figure]:
    """Many editors at once and no daemon: the first start ever, then starts with a database."""
    first = _at_once(place, place.command, size)
    daemons = [place.daemons_so_far()]
    again = []
    for _ in range(size.cold_rounds):
        place.end_daemon()
        before = place.daemons_so_far()
        again.append(_at_once(place, place.command, size))
        daemons.append(place.daemons_so_far() - before)
    bare = _at_once(place, BARE, size)
    one = " and ".join(sorted({f"{count} daemon{'s'[: count != 1]}" for count in daemons}))
    return [
        Figure(
            name=f"{size.proxies} proxies, {label}: {one}, last answer",
            unit="s",
            measured=median(took),
            best=min(took),
            # More than one daemon is a miss, however fast.
            goal=4.0 if set(daemons) == {1} else 0.0,
            versus=bare,
            versus_name=f"{size.proxies} bare pygls servers",
            rounds=len(took),
        )
        for label, took in (
            ("no daemon", again),
            ("no daemon and no database", [first]),
        )
    ]


def _initialize(place: Place, argv: Sequence[str]) -> tuple[float, float]:
    """Milliseconds to the answer, and of CPU in the process started."""
    before = time.perf_counter()
    started = editor.spawned(argv, place.environ)
    started.initialize()
    wall = time.perf_counter() - before
    return wall * 1000, started.close() * 1000


def _at_once(place: Place, argv: Sequence[str], size: Size) -> float:
    """Seconds until the last of many has its answer."""
    before = time.perf_counter()
    started = [editor.spawned(argv, place.environ) for _ in range(size.proxies)]
    ids = {one.source: one.send_initialize() for one in started}
    _each_ready(started, lambda one: one.answer(ids[one.source]))
    wall = time.perf_counter() - before
    for one in started:
        one.close()
    return wall


def _each_ready(editors: Sequence[Editor], take: Callable[[Editor], object]) -> None:
    waiter = select.poll()
    by_fd = {one.source: one for one in editors}
    for fd in by_fd:
        waiter.register(fd, select.POLLIN)
    while by_fd:
        for fd, _ in waiter.poll():
            waiter.unregister(fd)
            take(by_fd.pop(fd))
