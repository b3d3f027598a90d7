"""The real `branchwork` command on folders of a test's own; all that it started ends with it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from branchwork import endpoint
from branchwork.daemon import lock
from branchwork.execution import stop
from support import git_repos, tagged
from support.daemons import Home
from support.inproc import PATIENCE
from support.shims import shims

COMMAND = Path(sys.executable).with_name("branchwork")


@dataclass(frozen=True, slots=True)
class RealHome(Home):
    """The folders, the person's environment, and the end of everything.

    Daemon, proxies and agents carry `tag` in their environment (see `tagged`).
    """

    tag: str = field(default_factory=tagged.new)

    @property
    def person(self) -> dict[str, str]:
        """The environment of a person's shell: little of this machine's."""
        return {
            **git_repos.make_env(self.root / "home"),
            "BRANCHWORK_DATA_DIR": self.data,
            "BRANCHWORK_CONFIG": str(self.config),
            "BRANCHWORK_WORKTREES": str(self.root / "worktrees"),
            # The prefix lets it through to the daemon.
            tagged.TAG: self.tag,
        }

    def repository(self, name: str) -> git_repos.GitRepo:
        """A repository on `main` with a file to edit."""
        repo = git_repos.make_repo(self.root / name, git_repos.make_env(self.root / "home"))
        repo.commit_files({"cart.py": "def first(items):\n    return items[0]\n"}, "The cart")
        return repo

    def install_command(self) -> None:
        """Where the README puts it."""
        command = self.root / "home" / ".local" / "bin" / "branchwork"
        command.parent.mkdir(parents=True, exist_ok=True)
        command.symlink_to(COMMAND)

    def end(self) -> list[int]:
        """End the daemon and what it started, as `branchwork daemon stop` and a person would.

        Gives what had to be killed because it would not go, which is nothing.
        """
        if not Path(self.data).exists():
            return []
        # First of all, or a shim starts the next daemon.
        endpoint.mark_stopped(self.data)
        found = lock.holder(self.data)
        if found is not None:
            os.kill(found.pid, signal.SIGTERM)
            lock.wait_until_free(self.data, PATIENCE)
        for folder in ("executions", "intents"):
            for one in Path(self.data, folder).glob("*"):
                stop.reap(one.name)
        # Also one whose child has ended: it would start a daemon in a folder that is gone by now.
        for shim in shims(self):
            shim.kill()
        left = self._left()
        tagged.end(self.tag)
        self.clean_up()
        return left

    def _left(self) -> list[int]:
        """What still runs when everything had the time to go."""
        deadline = time.monotonic() + PATIENCE
        while (left := list(tagged.pids(self.tag))) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left


@contextmanager
def open_home(root: Path) -> Iterator[RealHome]:
    """Nothing of it is left afterwards."""
    home = RealHome(root)
    home.limit(idle_seconds=PATIENCE)
    try:
        yield home
    finally:
        left = home.end()
    assert left == [], "processes would not end"
