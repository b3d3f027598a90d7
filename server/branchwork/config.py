"""What must be known before the store opens: folders and limits, read once at the start.

Everything else that can be set is in `services/settings.py` and may change while we run.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branchwork import endpoint

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Folders and limits of this daemon.

    idle_seconds: how long the daemon stays when nobody is connected and nothing runs.
    message_mib: the largest message that an editor may send.
    unread_mib: how much an editor may leave unread before its connection is closed.
    """

    data: Path
    run: Path
    worktrees: Path
    file: Path
    idle_seconds: float = 60
    message_mib: float = 64
    unread_mib: float = 64
    complaints: tuple[str, ...] = ()

    @property
    def message_bytes(self) -> int:
        return int(self.message_mib * _MIB)

    @property
    def unread_bytes(self) -> int:
        return int(self.unread_mib * _MIB)


def read(environ: Mapping[str, str] = os.environ) -> Config:
    """The configuration in force; what is wrong in the file is left out and complained about."""
    data = endpoint.data_folder(environ)
    file = Path(endpoint.config_file(environ))
    limits, complaints = _limits(file)
    return Config(
        data=Path(data),
        run=Path(endpoint.run_dir(data)),
        worktrees=Path(endpoint.worktrees_folder(environ)),
        file=file,
        complaints=tuple(complaints),
        **limits,
    )


def _limits(file: Path) -> tuple[dict[str, float], list[str]]:
    known = ("idle_seconds", "message_mib", "unread_mib")
    found: dict[str, float] = {}
    complaints = []
    for name, value in _table(file).items():
        if name not in known:
            complaints.append(f"{file}: there is no limit `{name}`.")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            complaints.append(f"{file}: `{name}` must be a number above 0.")
        else:
            found[name] = value
    return found, complaints


def _table(file: Path) -> dict[str, Any]:
    """The table `limits`; that a file can't be read at all is told by the settings."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return {}
    table = content.get("limits")
    return table if isinstance(table, dict) else {}
