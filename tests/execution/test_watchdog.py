"""A shim starts the daemon when it has been away too long, and not when it was stopped."""

import asyncio
from pathlib import Path

from branchwork.execution import spawn
from branchwork.execution.layout import STOPPED_MARK
from support.executions import Executions, until, whole


def spec(executions: Executions, *argv: str, grace: float = 0.2) -> spawn.Spec:
    """Its daemon only notes that it was started."""
    note = executions.base / "starts"
    daemon = ["sh", "-c", f'echo "$DATA $BRANCHWORK_EXECUTION" >> {note}']
    return executions.spec(
        *argv,
        daemon_argv=daemon,
        daemon_env={"PATH": "/usr/bin:/bin", "DATA": "where"},
        daemon_grace_seconds=grace,
    )


def starts(executions: Executions) -> list[str]:
    note: Path = executions.base / "starts"
    return note.read_text().splitlines() if note.exists() else []


def test_the_daemon_is_started_while_a_child_lives(executions: Executions) -> None:
    executions.start(spec(executions, "sleep", "600"))
    until(lambda: len(starts(executions)) >= 3)
    # Its own environment, without the tag: reaping the child must not end the daemon.
    assert set(starts(executions)) == {"where "}


async def test_a_daemon_that_is_there_is_not_started(executions: Executions) -> None:
    directory = executions.start(spec(executions, "sh", "-c", "sleep 1; echo done", grace=0.5))
    attachment = await executions.attach(directory)
    assert await attachment.wait_over(60)
    await attachment.close()
    until(lambda: not list(executions.run.iterdir()))
    assert starts(executions) == []


async def test_a_daemon_that_died_is_started_again(executions: Executions) -> None:
    directory = executions.start(spec(executions, "sleep", "600", grace=0.5))
    attachment = await executions.attach(directory)
    await attachment.close()
    await asyncio.to_thread(until, lambda: starts(executions))


def test_an_end_that_nobody_saw_starts_the_daemon_once(executions: Executions) -> None:
    directory = executions.start(spec(executions, "true"))
    executions.end(directory)
    until(lambda: not list(executions.run.iterdir()))
    until(lambda: starts(executions))
    assert len(starts(executions)) == 1


async def test_a_daemon_that_dies_before_it_took_note_is_started(executions: Executions) -> None:
    directory = executions.start(spec(executions, "sh", "-c", "sleep 0.5"))
    reader, writer = await asyncio.open_unix_connection(
        spawn.socket_path(directory, executions.run)
    )
    while (await reader.readline()) != b"X 0\n":
        pass
    writer.transport.abort()
    await asyncio.to_thread(until, lambda: starts(executions))


def test_a_daemon_that_was_stopped_stays_so(executions: Executions) -> None:
    (executions.run / STOPPED_MARK).touch()
    directory = executions.start(spec(executions, "sh", "-c", "sleep 1; echo done", grace=0.05))
    executions.end(directory)
    until(lambda: list(executions.run.iterdir()) == [executions.run / STOPPED_MARK])
    assert whole(directory, "o") == ["done"]
    assert starts(executions) == []


def test_a_socket_that_was_removed_comes_back(executions: Executions) -> None:
    directory = executions.start(spec(executions, "sleep", "600"))
    path = spawn.socket_path(directory, executions.run)
    path.unlink()
    until(path.exists)
