"""Fixtures of all tests: folders of their own, a repository, an App on a fresh database."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from branchwork.agents import registry
from branchwork.services.app import App
from branchwork.services.settings import Settings
from branchwork.store import schema_version
from branchwork.store.database import open_store

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
}


def pytest_configure() -> None:
    """A shell that starts the tests by `… &` has children ignore Ctrl-C; ours must not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of the machine's user gets in, and nothing of the tests gets out."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in [name for name in os.environ if name.startswith(("GIT_", "XDG_", "BRANCHWORK_"))]:
        if name != "BRANCHWORK_TOOLS":
            monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return home


@pytest.fixture
def environment(own_home: Path) -> dict[str, str]:
    """What an editor would hand over."""
    return {"HOME": str(own_home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **IDENTITY}


@pytest.fixture
def git(environment: dict[str, str]) -> Callable[..., str]:
    """Runs git as the user."""

    def run(directory: Path, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=directory,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    return run


@pytest.fixture
def repository(tmp_path: Path, git: Callable[..., str]) -> Path:
    """A repository with one commit on `main`."""
    root = tmp_path / "shop"
    root.mkdir()
    git(root, "init", "-q", "-b", "main")
    (root / "cart.py").write_text("def first(items):\n    return items[0]\n")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "The cart")
    return root


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database that tests copy: Alembic runs once."""
    path = tmp_path_factory.mktemp("database") / "branchwork.sqlite"
    schema_version.ensure(path)
    return path


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose path is short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="bw-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def app(tmp_path: Path, short_path: Path, empty_database: Path) -> AsyncIterator[App]:
    """An App on a data folder of its own; what it started is ended with it."""
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    shutil.copyfile(empty_database, data / "branchwork.sqlite")
    app = App(
        data=data,
        run_directory=short_path,
        worktrees=tmp_path / "worktrees",
        store=open_store(data / "branchwork.sqlite"),
        agents=registry.load(),
        settings=Settings(tmp_path / "config" / "branchwork.toml"),
    )
    yield app
    for execution in [path.name for path in data.glob("executions/*")]:
        from branchwork.execution import stop

        stop.reap(execution)
    await app.close()


assert sys.version_info >= (3, 11)
