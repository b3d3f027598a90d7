"""Hooks that hold git at a point until a test lets it go on, and what they have seen."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from support.daemons import PATIENCE
from support.git_repos import GitRepo

# Held only while `armed` lies there, and never longer than a test may take.
SCRIPT = """{when}
[ -e {folder}/armed ] || exit 0
echo "$PWD" >> {folder}/held
tries=0
while [ ! -e {folder}/go ] && [ $tries -lt 6000 ]; do sleep 0.02; tries=$((tries+1)); done
[ ! -e {folder}/refuse ] || exit 1
"""


@dataclass(frozen=True, slots=True)
class HeldGit:
    """One hook of a repository."""

    folder: Path

    @property
    def times(self) -> int:
        """How often it was held."""
        file = self.folder / "held"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def release(self) -> None:
        """Whoever is held goes on, and nobody is held any more."""
        (self.folder / "armed").unlink(missing_ok=True)
        (self.folder / "go").touch()

    async def until_held(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.times:  # noqa: ASYNC110
                await asyncio.sleep(0.01)


def hold(repo: GitRepo, folder: Path, hook: str, when: str = "") -> HeldGit:
    """`when`: lines of shell that leave with `exit 0` where git is not to be held."""
    folder.mkdir()
    (folder / "armed").touch()
    repo.hook(hook, SCRIPT.format(folder=folder, when=when))
    return HeldGit(folder)


def at_reference(reference: str, state: str) -> str:
    """For `reference-transaction`: only that reference in that state."""
    return f'[ "$1" = {state} ] || exit 0\ngrep -q " {reference}$" || exit 0'
