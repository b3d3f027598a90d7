"""Real children under real shims, and nothing of them left when a test is over."""

import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from branchwork.execution import exits, journal, layout, processes, spawn, stop
from branchwork.execution.attach import Alive, Attachment, attach, status

PATIENCE = 60.0

T = TypeVar("T")


def until(condition: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first true answer."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


class Executions:
    """Folders for executions and for sockets."""

    def __init__(self, base: Path, run: Path) -> None:
        self.base = base
        self.run = run
        self.started: list[tuple[Path, str]] = []

    def spec(
        self, *argv: str, kind: Literal["agent", "script"] = "script", **more: Any
    ) -> spawn.Spec:
        given: dict[str, Any] = {
            "argv": argv,
            "cwd": self.base,
            "env": {"PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            "tag": f"test-{uuid.uuid4().hex}",
            "kind": kind,
        }
        return spawn.Spec(**{**given, **more})

    def python(
        self, code: str, *, kind: Literal["agent", "script"] = "script", **more: Any
    ) -> spawn.Spec:
        return self.spec(sys.executable, "-u", "-c", code, kind=kind, **more)

    def folder(self) -> Path:
        return self.base / uuid.uuid4().hex[:12]

    def start(self, spec: spawn.Spec, directory: Path | None = None) -> Path:
        directory = directory or self.folder()
        self.started.append((directory, spec.tag))
        spawn.start(directory, spec, self.run)
        return directory

    async def attach(self, directory: Path) -> Attachment:
        attachment = await attach(directory, self.run)
        assert attachment is not None
        return attachment

    def end(self, directory: Path) -> exits.Exit:
        """Waits for it."""
        ended = until(lambda: exits.read(directory))
        assert ended is not None
        return ended

    def finish(self, spec: spawn.Spec) -> Path:
        directory = self.start(spec)
        self.end(directory)
        return directory

    def close(self) -> None:
        for directory, tag in self.started:
            stop.reap(tag, patience=0.2)
            known = shim_file(directory)
            pid = int(known.get("shim") or 0)
            if processes.is_same(pid, known.get("shimStart")):
                os.kill(pid, signal.SIGKILL)
            until(lambda folder=directory: not isinstance(status(folder), Alive))
            assert not (directory / layout.CRASH_FILE).exists(), (
                directory / layout.CRASH_FILE
            ).read_text()


def shim_file(directory: Path) -> dict[str, Any]:
    try:
        known: dict[str, Any] = msgspec.json.decode((directory / layout.SHIM_FILE).read_bytes())
    except FileNotFoundError:
        return {}
    return known


def whole(directory: Path, stream: str) -> list[str | bytes]:
    """The lines of a stream, joined."""
    joiner = journal.Joiner()
    joined = [joiner.add(record) for record in journal.read(directory)]
    assert not joiner.rest()
    return [record.data for record in joined if record and record.stream == stream]


def events(directory: Path, name: str) -> list[journal.Record]:
    return [record for record in journal.read(directory) if record.event == name]


def sequence(directory: Path) -> list[int]:
    return [record.seq for record in journal.read(directory)]
