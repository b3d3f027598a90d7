"""The throw-away folder of a run: its repository, its data, its daemon; nothing of it stays."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import editor
from bench.editor import Editor
from branchwork.cli import demo_place
from branchwork.daemon import lock

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "gc.auto=0")
END_SECONDS = 60.0
BARE = [sys.executable, str(Path(__file__).with_name("bare_pygls.py"))]


class Place:
    """Folders, the environment that leads to them, and how a server is started there."""

    def __init__(self, folders: demo_place.Place) -> None:
        self._folders = folders
        self.root = folders.root
        self.data = folders.data
        self.home = self.root / "home"
        self.home.mkdir()
        (self.root / "branchwork.toml").write_text("[limits]\nidle_seconds = 600\n")
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
        self.environ = {
            **kept,
            **folders.variables,
            "HOME": str(self.home),
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        self.console = [str(Path(sys.executable).with_name("branchwork")), "lsp"]
        printed = subprocess.run(
            [*self.console, "--print-command"], env=self.environ, capture_output=True, check=True
        )
        self.command: list[str] = json.loads(printed.stdout)

    def git(self, directory: Path, *arguments: str, given: bytes | None = None) -> str:
        """Run git as a person would."""
        done = subprocess.run(
            ["git", *IDENTITY, *arguments],
            cwd=directory,
            env=self.environ,
            input=given,
            capture_output=True,
            check=True,
        )
        return done.stdout.decode().strip()

    def repository(self, name: str) -> Path:
        """A repository with one commit."""
        root = self.root / name
        root.mkdir()
        self.git(root, "init", "-q", "-b", "main")
        (root / "cart.py").write_text("def first(items):\n    return items[0]\n")
        self.git(root, "add", ".")
        self.git(root, "commit", "-q", "-m", "The cart")
        return root

    def editor(self, root: Path | None = None) -> Editor:
        """An editor over a proxy, past its first two messages."""
        found = editor.spawned(self.command, self.environ)
        found.initialize(root)
        found.notify("initialized", {})
        return found

    def direct(self, root: Path | None = None) -> Editor:
        """The same without a proxy."""
        found = editor.connected(self.data)
        found.initialize(root)
        found.notify("initialized", {})
        return found

    @property
    def daemon_pid(self) -> int:
        found = lock.holder(str(self.data))
        assert found is not None, "no daemon runs"
        return found.pid

    def end_daemon(self) -> None:
        """In good order; the next editor starts another."""
        os.kill(self.daemon_pid, signal.SIGTERM)
        assert lock.wait_until_free(str(self.data), END_SECONDS), "the daemon does not end"

    def shims(self) -> list[int]:
        """The shims that run under this data folder."""
        found = []
        for file in self.data.glob("executions/*/shim.json"):
            pid = json.loads(file.read_text())["shim"]
            if Path(f"/proc/{pid}").exists() and not file.with_name("exit.json").exists():
                found.append(pid)
        return found

    def daemons_so_far(self) -> int:
        """How many have served this data folder since it was made."""
        return (self.data / "log" / "daemon.log").read_text().count(": Serving ")


@contextmanager
def made(folder: Path | None = None) -> Iterator[Place]:
    """One that is gone afterwards, with every process that was started in it."""
    root = tempfile.mkdtemp(prefix="branchwork-bench-", dir=folder)
    folders = demo_place.Place(root=Path(root).resolve())
    try:
        yield Place(folders)
    finally:
        demo_place.end_processes(folders)
        demo_place.remove(folders)
