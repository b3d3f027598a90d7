"""A small file system of a test's own, which can be filled and emptied."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """Its folder, and a file that takes up the space that nobody is to have."""

    folder: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, but: int = 0) -> None:
        with (self.folder / "filling").open("ab") as file:
            file.write(b"x" * max(0, self.free - but))

    def make_room(self) -> None:
        (self.folder / "filling").unlink()


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[SmallDisk]:
    """Skips the test, loudly, where the system does not let us."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(folder)],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        pytest.skip("NO SMALL DISK: mounting a tmpfs needs root")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
