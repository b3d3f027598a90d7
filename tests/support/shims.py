"""The shims of a data folder, as their own files name them: they carry no mark of a test."""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from branchwork.execution import processes
from support.daemons import Home


@dataclass(frozen=True, slots=True)
class Shim:
    """A shim, as its own file names it."""

    directory: Path
    pid: int
    start: str

    def kill(self) -> bool:
        """Whether it was there."""
        if not processes.is_same(self.pid, self.start):
            return False
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
            return True
        return False


def shims(home: Home) -> list[Shim]:
    """Those that live."""
    found = []
    data = Path(home.data)
    for file in (*data.glob("executions/*/shim.json"), *data.glob("intents/*/*/shim.json")):
        with suppress(OSError, ValueError):
            told = json.loads(file.read_bytes())
            shim = Shim(file.parent, told["shim"], told["shimStart"])
            if processes.is_same(shim.pid, shim.start):
                found.append(shim)
    return found
