"""The throw-away folder of the demo: its repository, its daemon's data, and the end of it all."""

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork import endpoint
from branchwork.daemon import lock
from branchwork.execution import stop
from branchwork.git import command

DAEMON_SECONDS = 30
PROCESS_SECONDS = 5
LOOK_SECONDS = 0.05

PRICES = '''"""What a cart costs."""


def total(prices):
    return sum(prices)


def average(prices):
    # TODO: the average of an empty cart is 0
    return total(prices) / len(prices)
'''
CHANGELOG = "# Changes\n\n- The first version\n"
# The person's own configuration may sign, run hooks or rewrite line ends; the demo is the same
# everywhere.
SETTINGS = {
    "user.name": "Ada",
    "user.email": "ada@example.org",
    "commit.gpgSign": "false",
    "core.hooksPath": ".git/hooks",
    "core.autocrlf": "false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folders of one demo, all below `root`."""

    root: Path

    @property
    def repository(self) -> Path:
        return self.root / "shop"

    @property
    def file(self) -> Path:
        return self.repository / "prices.py"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log(self) -> Path:
        return self.data / "log" / "daemon.log"

    @property
    def worktrees(self) -> Path:
        return self.root / "worktrees"

    @property
    def variables(self) -> dict[str, str]:
        """What tells a Branchwork to be here and nowhere else."""
        return {
            "BRANCHWORK_DATA_DIR": str(self.data),
            "BRANCHWORK_CONFIG": str(self.root / "branchwork.toml"),
            "BRANCHWORK_WORKTREES": str(self.worktrees),
        }


def make() -> Place:
    """An empty one, in the system's folder for temporary files."""
    return Place(root=Path(tempfile.mkdtemp(prefix="branchwork-demo-")).resolve())


def make_repository(place: Place, environ: Mapping[str, str]) -> None:
    """A real repository with one commit on `main`."""
    place.repository.mkdir()
    run_git(place, environ, "init", "--quiet", "--initial-branch=main")
    for name, value in SETTINGS.items():
        run_git(place, environ, "config", name, value)
    place.file.write_text(PRICES, "utf-8")
    (place.repository / "CHANGELOG.md").write_text(CHANGELOG, "utf-8")
    run_git(place, environ, "add", "--all")
    run_git(place, environ, "commit", "--quiet", "--message", "Prices of a small shop")


def run_git(place: Place, environ: Mapping[str, str], *arguments: str) -> str:
    """What git prints there; GitFailed where it fails."""
    done = command.hooked(command.direct, environ, place.repository, "--no-pager", *arguments)
    if done.code != 0:
        command.fail(("git", *arguments), done)
    return command.text(done.stdout)


def end_processes(place: Place) -> list[int]:
    """Stop the daemon and whatever it started; the pids that would not go, which is none."""
    data = str(place.data)
    if place.data.exists():
        # First of all, or a shim would start the next daemon.
        endpoint.mark_stopped(data)
        _end_daemon(data)
        for folder in ("executions", "intents"):
            for run in (place.data / folder).glob("*"):
                stop.reap(run.name)
    return _sweep(data)


def remove(place: Place) -> None:
    """Remove the folder, and the sockets' where they had to be elsewhere."""
    if place.data.exists():
        run = Path(endpoint.run_dir(str(place.data)))
        if not run.is_relative_to(place.root):
            shutil.rmtree(run, ignore_errors=True)
    shutil.rmtree(place.root, ignore_errors=True)
    if place.root.exists():
        # Something was still writing: now nothing is.
        shutil.rmtree(place.root)


def _end_daemon(data: str) -> None:
    found = lock.holder(data)
    if found is None or not lock.is_alive(found):
        return
    os.kill(found.pid, signal.SIGTERM)
    if not lock.wait_until_free(data, DAEMON_SECONDS):
        os.kill(found.pid, signal.SIGKILL)
        lock.wait_until_free(data, PROCESS_SECONDS)


def _sweep(data: str) -> list[int]:
    """End what names the data folder in its environment: a proxy or a daemon that just starts."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + PROCESS_SECONDS
        while left := list(_of(data)):
            for pid in left:
                _signal(pid, number)
            if time.monotonic() > deadline:
                break
            time.sleep(LOOK_SECONDS)
    return list(_of(data))


def _of(data: str) -> Iterator[int]:
    """Where there is no /proc the tags have to do."""
    wanted = os.fsencode(f"BRANCHWORK_DATA_DIR={data}")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environ = (folder / "environ").read_bytes()
        except OSError:
            continue
        if wanted in environ.split(b"\0") and int(folder.name) != os.getpid():
            yield int(folder.name)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return
