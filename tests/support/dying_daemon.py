"""The real daemon, which kills itself once: `python dying_daemon.py [LISTENER FILE]`.

The file `die` beside the data folder says where: `before write 17` and `after write 17` count its
transactions; `before send prompt` and the like name a message; the other points have names.
"""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from branchwork import endpoint
from branchwork.daemon.main import run
from branchwork.execution import spawn
from branchwork.execution.attach import Attachment
from branchwork.services import chain, commits, follow, worktrees
from branchwork.store.database import Store

ORDER = Path(endpoint.data_folder()).with_name("die")
COUNT = ORDER.with_name("writes")


def die_at(point: str) -> None:
    if ORDER.exists() and ORDER.read_text() == point:
        ORDER.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def count_writes() -> None:
    write, numbers = Store._write, itertools.count(1)

    def counted(store: Store, work: Any) -> Any:
        number = next(numbers)
        COUNT.write_text(str(number))
        die_at(f"before write {number}")
        result = write(store, work)
        die_at(f"after write {number}")
        return result

    Store._write = counted  # type: ignore[method-assign]


def name_messages() -> None:
    send = Attachment.send

    async def named(attachment: Attachment, message_id: str, frame: bytes, shown: str) -> int:
        die_at(f"before send {message_id}")
        seq = await send(attachment, message_id, frame, shown)
        die_at(f"after send {message_id}")
        return seq

    Attachment.send = named  # type: ignore[method-assign]


def tear_spec() -> None:
    """The shim gets half of what it should run."""
    communicate = subprocess.Popen.communicate

    def torn(process: Any, given: Any = None, timeout: float | None = None) -> Any:
        if given and process.stdin and ORDER.exists() and ORDER.read_text() == "half a spec":
            process.stdin.write(given[: len(given) // 2])
            process.stdin.flush()
            die_at("half a spec")
        return communicate(process, given, timeout)

    subprocess.Popen.communicate = torn  # type: ignore[method-assign]


def name(module: Any, function: str) -> None:
    """Points before and after a function, by `before spawn.start` and the like."""
    called: Callable[..., Any] = getattr(module, function)
    point = f"{module.__name__.rpartition('.')[2]}.{function}"

    def plain(*arguments: Any, **named: Any) -> Any:
        die_at(f"before {point}")
        result = called(*arguments, **named)
        die_at(f"after {point}")
        return result

    async def awaited(*arguments: Any, **named: Any) -> Any:
        die_at(f"before {point}")
        result = await called(*arguments, **named)
        die_at(f"after {point}")
        return result

    import inspect

    setattr(module, function, awaited if inspect.iscoroutinefunction(called) else plain)


NAMED = (
    (spawn, "_claim"),
    (spawn, "start"),
    (chain, "launch"),
    (chain, "finish"),
    (chain, "proceed"),
    (follow, "watch"),
    (commits, "auto_commit"),
    (worktrees, "make"),
)

if __name__ == "__main__":
    count_writes()
    name_messages()
    tear_spec()
    for module, function in NAMED:
        name(module, function)
    sys.exit(run(sys.argv[1:]))
