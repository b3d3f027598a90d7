"""Memory of the daemon and of a proxy while nothing goes on."""

import time

from bench import editor, machine
from bench.figure import Figure
from bench.place import BARE, Place
from bench.size import Size

SETTLE_SECONDS = 1.0


def idle(place: Place, _: Size) -> list[Figure]:
    """After a start that had nothing to migrate, with one editor connected."""
    place.end_daemon()
    one = place.editor()
    bare = editor.spawned(BARE, place.environ)
    bare.initialize()
    time.sleep(SETTLE_SECONDS)
    daemon, proxy = machine.memory(place.daemon_pid), machine.memory(one.pid)
    alone = machine.memory(bare.pid)
    bare.close()
    one.close()
    return [
        _figure("daemon, idle, PSS", 75.0, daemon, alone),
        _figure("proxy, PSS", 6.0, proxy, alone),
    ]


def afterwards(place: Place, _: Size) -> list[Figure]:
    """The same daemon when it has done all that was measured."""
    time.sleep(SETTLE_SECONDS)
    found = machine.memory(place.daemon_pid)
    return [
        Figure(
            name="daemon, after all of this, PSS",
            unit="MiB",
            measured=found.pss,
            note=f"RSS {found.rss:.0f} MiB",
        )
    ]


def _figure(name: str, goal: float, found: machine.Memory, bare: machine.Memory) -> Figure:
    return Figure(
        name=name,
        unit="MiB",
        measured=found.pss,
        goal=goal,
        versus=bare.pss,
        versus_name="bare pygls, one per editor",
        note=f"RSS {found.rss:.0f} MiB",
    )
