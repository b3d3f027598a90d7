"""Real proxies and daemons on a data folder of a test's own; all of them end with the test."""

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from branchwork import endpoint
from branchwork.daemon import lock
from support.inproc import PATIENCE, Client

ODD_DAEMON = str(Path(__file__).with_name("odd_daemon.py"))


@dataclass(frozen=True, slots=True)
class Home:
    """Folders of one test, and the environment that leads to them."""

    root: Path

    @property
    def data(self) -> str:
        return str(self.root / "data")

    @property
    def config(self) -> Path:
        return self.root / "branchwork.toml"

    @property
    def socket(self) -> Path:
        return Path(endpoint.socket_path(self.data))

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ,
            "BRANCHWORK_DATA_DIR": self.data,
            "BRANCHWORK_CONFIG": str(self.config),
            "BRANCHWORK_WORKTREES": str(self.root / "worktrees"),
            **more,
        }

    def limit(self, **limits: float) -> None:
        """What the next daemon finds in its configuration."""
        lines = [f"{name} = {value}" for name, value in limits.items()]
        self.config.write_text("\n".join(["[limits]", *lines, ""]))

    def daemon_pid(self) -> int:
        found = lock.holder(self.data)
        assert found is not None, "no daemon runs"
        return found.pid

    def kill_daemon(self) -> int:
        """-9; gives the pid that it had."""
        pid = self.daemon_pid()
        os.kill(pid, signal.SIGKILL)
        return pid

    def clean_up(self) -> None:
        self.end_daemons()
        elsewhere = Path(self.data, "run", "elsewhere")
        if elsewhere.exists():
            shutil.rmtree(elsewhere.read_text())

    def end_daemons(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while (found := lock.holder(self.data)) is not None and time.monotonic() < deadline:
            os.kill(found.pid, signal.SIGKILL)
            lock.wait_until_free(self.data, 1)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path)
    made.limit(idle_seconds=PATIENCE)
    yield made
    made.clean_up()


class ProxyClient(Client):
    """An editor with a proxy of its own."""

    process: asyncio.subprocess.Process

    async def end(self) -> int:
        """`shutdown` and `exit`; gives the exit code."""
        await self.request("shutdown")
        self.notify("exit")
        return await self.ended()

    async def ended(self) -> int:
        return await asyncio.wait_for(self.process.wait(), PATIENCE)


def proxy_argv(argv: list[str] | None = None, **settings: float) -> list[str]:
    """The command of a proxy that starts the test's daemon, with other limits than usual."""
    daemon = [sys.executable, ODD_DAEMON, str(endpoint.LISTENER_FD)] if argv is None else argv
    changes = "".join(
        f"{'frames' if name == 'LONGEST_MESSAGE' else 'session'}.{name} = {value!r}; "
        f"session.{name} = {value!r}; "
        for name, value in settings.items()
    )
    code = (
        f"import sys; sys.path.insert(0, {endpoint.SERVER!r}); "
        f"from branchwork.proxy import frames, session; {changes}session.serve({daemon!r})"
    )
    return [sys.executable, "-I", "-S", "-c", code]


@asynccontextmanager
async def editor(
    home: Home,
    *,
    argv: list[str] | None = None,
    initialize: bool = True,
    environment: dict[str, str] | None = None,
    cwd: Path | None = None,
    **initialize_params: Any,
) -> AsyncIterator[ProxyClient]:
    """An editor that starts a proxy and talks to it."""
    process = await asyncio.create_subprocess_exec(
        *(argv or proxy_argv()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=home.environment(**(environment or {})),
        cwd=cwd,
        limit=1 << 26,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    client = ProxyClient(process.stdout, process.stdin)
    client.process = process
    try:
        if initialize:
            await client.initialize(**initialize_params)
        yield client
    finally:
        await client.close()
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that tells nobody when it happens."""
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert condition(), what


def is_alive(pid: int) -> bool:
    """A process that runs; a zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
