"""How an execution ended: its exit file, the truth about it."""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from branchwork.execution.layout import EXIT_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """`code` as shells tell it: 128 and the number of the signal, where one ended it."""

    code: int
    signal: int | None
    t: int
    # False when the disk was full to the end, so that output is missing.
    complete: bool = True


def read(directory: Path) -> Exit | None:
    """None when it has not ended, or ended without a word: see `attach.status`."""
    try:
        told = (directory / EXIT_FILE).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        return msgspec.json.decode(told, type=Exit)
    except msgspec.DecodeError:
        return None
