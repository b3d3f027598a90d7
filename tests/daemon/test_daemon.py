"""The daemon's process: alone on its data folder, there as long as it is needed, no longer."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from branchwork import endpoint
from branchwork.daemon import listener, lock, peer
from support.daemons import ODD_DAEMON, Home, editor, is_alive, until
from support.inproc import PATIENCE, Client, RequestFailed


@asynccontextmanager
async def daemon(
    home: Home, *argv: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A daemon that binds its socket by itself."""
    process = await asyncio.create_subprocess_exec(
        *(argv or (sys.executable, ODD_DAEMON)),
        env=home.environment(**environment),
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def listening(home: Home) -> None:
    def answers() -> bool:
        connection = endpoint.connect(str(home.socket))
        if connection is not None:
            connection.close()
        return connection is not None

    await until(answers, "somebody who listens")


@asynccontextmanager
async def connection(home: Home) -> AsyncIterator[Client]:
    """A client without a proxy."""
    await listening(home)
    reader, writer = await asyncio.open_unix_connection(str(home.socket), limit=1 << 24)
    writer.write(endpoint.encode_hello(os.getpid(), "/", {}))
    assert json.loads(await reader.readline()) == {
        "branchwork": 1,
        "version": endpoint.version(),
    }
    client = Client(reader, writer)
    try:
        await client.initialize()
        yield client
    finally:
        await client.close()


async def ended(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), PATIENCE)


async def test_without_a_listener_it_binds_its_own(home: Home) -> None:
    async with daemon(home) as process, connection(home) as client:
        assert (await client.request("test/echo"))["pid"] == process.pid
        found = lock.holder(home.data)
        assert found is not None
        assert found.pid == process.pid
        assert lock.is_alive(found)
        assert found.version == endpoint.version()
        assert found.boot_id == lock.boot_id()
        assert found.host


async def test_of_many_that_start_at_once_one_stays(home: Home) -> None:
    processes = [
        await asyncio.create_subprocess_exec(sys.executable, ODD_DAEMON, env=home.environment())
        for _ in range(6)
    ]
    async with connection(home) as client:
        pid = (await client.request("test/echo"))["pid"]
        for process in processes:
            if process.pid != pid:
                assert await ended(process) == 0
        assert (await client.request("test/echo"))["pid"] == pid
    home.end_daemons()
    await asyncio.gather(*(ended(process) for process in processes))


async def test_it_ends_when_it_was_idle_for_long_enough(home: Home) -> None:
    home.limit(idle_seconds=0.5)
    async with editor(home) as client:
        await client.request("test/echo")
        assert await client.end() == 0
    await until(lambda: lock.holder(home.data) is None, "the daemon's end")
    assert not home.socket.exists()


async def test_it_stays_while_somebody_is_connected_or_it_is_busy(home: Home) -> None:
    home.limit(idle_seconds=0.2)
    async with editor(home) as client:
        pid = (await client.request("test/echo"))["pid"]
        # Far longer than it would stay without.
        await asyncio.sleep(1)
        assert (await client.request("test/echo"))["pid"] == pid
        await client.request("test/be_busy", {"number": 1})
        await client.end()
    await asyncio.sleep(1)
    async with editor(home) as client:
        assert (await client.request("test/echo"))["pid"] == pid
        await client.request("test/be_busy", {"number": 0})
        await client.end()
    await until(lambda: lock.holder(home.data) is None, "the daemon's end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_is_an_orderly_end(home: Home, number: signal.Signals) -> None:
    async with daemon(home) as process, connection(home) as client:
        waiting = client.wait_for("test/waiting")
        client.start_request("test/wait")
        await waiting
        process.send_signal(number)
        assert await ended(process) == 0
        await client.closed()
    assert not home.socket.exists()
    assert lock.holder(home.data) is None


async def test_the_next_one_waits_until_the_last_has_ended(home: Home) -> None:
    async with daemon(home) as process, connection(home) as client:
        await client.request("test/echo")
        os.kill(process.pid, signal.SIGSTOP)
        # The last one hangs with its lock; the socket is free for the next.
        home.socket.unlink()
        async with daemon(home) as following:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(asyncio.shield(following.wait()), 1)
            os.kill(process.pid, signal.SIGKILL)
            async with connection(home) as second:
                assert (await second.request("test/echo"))["pid"] == following.pid


async def test_a_second_one_gives_way_to_one_that_lives(home: Home) -> None:
    async with daemon(home) as process, connection(home) as client:
        home.socket.unlink()
        async with daemon(home) as second:
            assert await ended(second) == 0
        assert (await client.request("test/echo"))["pid"] == process.pid
        async with connection(home) as again:
            assert (await again.request("test/echo"))["pid"] == process.pid


async def test_one_whose_socket_was_replaced_before_it_came_gives_way(home: Home) -> None:
    async with daemon(home) as process, connection(home) as client:
        # What a proxy does that finds the socket gone; its daemon takes long to start.
        with endpoint.start_lock(home.data):
            late = endpoint.bind(str(home.socket))
            replaced = listener.file_of(home.data)
        await until(lambda: listener.file_of(home.data) not in (None, replaced), "its return")
        assert replaced is not None
        second = await asyncio.create_subprocess_exec(
            sys.executable,
            ODD_DAEMON,
            str(late.fileno()),
            f"{replaced[0]}:{replaced[1]}",
            env=home.environment(),
            pass_fds=[late.fileno()],
        )
        late.close()
        assert await asyncio.wait_for(second.wait(), PATIENCE / 2) == 0
        assert (await client.request("test/echo"))["pid"] == process.pid


async def test_safe_mode(home: Home) -> None:
    environment = {"BRANCHWORK_TEST_MODE": "storage"}
    async with editor(home, environment=environment, initialize=False) as client:
        shown = client.wait_for("window/showMessage")
        await client.initialize()
        assert (await shown)["message"].startswith("The database is broken.")
        with pytest.raises(RequestFailed) as caught:
            await client.request("test/echo")
        assert caught.value.code == -32018
        assert await client.end() == 0
    # The next start may find the store mended.
    await until(lambda: lock.holder(home.data) is None, "the daemon's end")
    async with editor(home) as client:
        await client.request("test/echo")


async def test_what_fails_before_that_is_left_in_a_file(home: Home) -> None:
    async with daemon(home, BRANCHWORK_TEST_MODE="broken") as process:
        assert await ended(process) == 1
    assert "RuntimeError: no such thing" in endpoint.last_error(home.data)
    async with daemon(home), connection(home):
        assert endpoint.last_error(home.data) == ""


async def test_a_data_folder_that_cant_be_used(home: Home) -> None:
    Path(home.data).touch()
    async with daemon(home) as process:
        assert await ended(process) == 1
        assert process.stderr is not None
        assert b"BRANCHWORK_DATA_DIR" in await process.stderr.read()
    Path(home.data).unlink()


@pytest.mark.parametrize(
    "line",
    [
        b'{"branchwork":2,"pid":1}\n',
        b'{"pid":1}\n',
        b"Content-Length: 2\r\n\r\n{}",
        b"nonsense\n",
    ],
)
async def test_who_speaks_otherwise_is_refused(home: Home, line: bytes) -> None:
    async with daemon(home):
        await listening(home)
        reader, writer = await asyncio.open_unix_connection(str(home.socket))
        writer.write(line)
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await reader.readline()) == {"error": "protocol", "speaks": [1]}
            # A reset where it closed with some of our line unread.
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
        writer.close()


async def test_a_line_without_end_is_not_listened_to(home: Home) -> None:
    def talk() -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE)
            client.connect(str(home.socket))
            with contextlib.suppress(BrokenPipeError):
                client.sendall(b'{"branchwork":1' + b" " * (8 << 20))
            return client.recv(1000)

    async with daemon(home):
        await listening(home)
        assert json.loads(await asyncio.to_thread(talk)) == {"error": "protocol", "speaks": [1]}


async def test_a_handshake_of_the_least(home: Home) -> None:
    async with daemon(home):
        await listening(home)
        reader, writer = await asyncio.open_unix_connection(str(home.socket))
        writer.write(b'{"branchwork":1,"pid":"x","cwd":5,"env":[]}\n')
        assert json.loads(await reader.readline())["branchwork"] == 1
        writer.close()


def test_the_kernel_tells_who_is_there() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        assert peer.user_and_process(ours) == (os.geteuid(), os.getpid())


async def test_folders_and_log_are_private(home: Home) -> None:
    async with daemon(home), connection(home):
        for name in ("log", "run", "executions", "documents"):
            assert Path(home.data, name).stat().st_mode & 0o777 == 0o700
        log = Path(home.data, "log", "daemon.log")
        assert log.stat().st_mode & 0o777 == 0o600
        assert f"Serving {home.data}" in log.read_text()


def branchwork(home: Home, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "branchwork.cli.main", *argv],
        env=home.environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


async def test_the_command_line(home: Home) -> None:
    assert branchwork(home, "daemon", "status").returncode == 3
    assert "No daemon" in branchwork(home, "daemon", "stop").stdout
    run = (sys.executable, "-m", "branchwork.cli.main", "daemon", "run")
    async with daemon(home, *run) as process, connection(home):
        status = await asyncio.to_thread(branchwork, home, "daemon", "status", "--json")
        assert status.returncode == 0
        assert json.loads(status.stdout)["daemon"]["pid"] == process.pid
        second = await asyncio.to_thread(branchwork, home, "daemon", "run")
        assert second.returncode == 1
        assert str(process.pid) in second.stderr
        stopped = await asyncio.to_thread(branchwork, home, "daemon", "stop")
        assert stopped.returncode == 0
        assert not is_alive(process.pid) or await ended(process) == 0
        assert endpoint.is_stopped(home.data)


async def test_the_command_for_editors_is_the_proxy(home: Home) -> None:
    printed = branchwork(home, "lsp", "--print-command")
    argv = json.loads(printed.stdout)
    assert argv[1:3] == ["-I", "-S"]
    async with editor(home, argv=argv) as client:
        assert client.initialized["serverInfo"]["name"] == "branchwork"
        assert await client.end() == 0
    script = str(Path(sys.executable).with_name("branchwork"))
    async with editor(home, argv=[script, "lsp"]) as client:
        assert await client.end() == 0


def test_words_about_itself(home: Home) -> None:
    assert branchwork(home, "--version").stdout.strip() == endpoint.version()
    assert "daemon" in branchwork(home, "--help").stdout
    assert branchwork(home, "nonsense").returncode == 2
    assert branchwork(home).returncode == 2
