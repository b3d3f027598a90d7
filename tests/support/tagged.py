"""Marks what a test starts in the environment, and ends all of it, whatever group it is in."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

TAG = "BRANCHWORK_TEST_TAG"


def new() -> str:
    """A value for the variable TAG that nothing else carries."""
    return uuid.uuid4().hex


def end(tag: str) -> None:
    """Kills every process that carries the tag: agents put their tools in groups of their own."""
    # Again until there is none: one may have forked while this looked.
    while found := list(pids(tag)):
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def pids(tag: str) -> Iterator[int]:
    """The living processes whose environment at their start held the tag."""
    mark = f"{TAG}={tag}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                yield int(folder.name)
