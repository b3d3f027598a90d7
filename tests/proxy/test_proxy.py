"""The proxy as an editor sees it: one session, whatever becomes of the daemon."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from branchwork import endpoint
from branchwork.daemon import lock
from support.daemons import Home, editor, proxy_argv, until
from support.inproc import PATIENCE, RequestFailed

ECHO = {"text": "hello"}


async def test_an_editor_reaches_a_daemon_that_nobody_started(home: Home) -> None:
    async with editor(home) as client:
        assert client.initialized["serverInfo"]["name"] == "branchwork"
        assert (await client.request("test/echo", ECHO))["text"] == "hello"
        who = await client.request("test/who")
        assert who["session"] != os.getsid(0)
        assert who["parent"] != client.process.pid
        assert await client.end() == 0


async def test_the_daemon_gets_the_editors_environment_and_keeps_none_of_it(home: Home) -> None:
    secret = {"AGENT_KEY": 'se"cret\n', "ODD": "\udcff", "XDG_CACHE_HOME": "/c"}
    async with editor(home, environment=secret, cwd=home.root) as client:
        who = await client.request("test/who")
        assert who["environment"]["AGENT_KEY"] == 'se"cret\n'
        assert who["environment"]["PATH"] == os.environ["PATH"]
        assert (who["cwd"], who["client"]) == (str(home.root), client.process.pid)
        own = set(who["own"])
        assert "XDG_CACHE_HOME" in own
        assert own <= {"HOME", "PATH", "LANG", "TMPDIR"} | {
            name for name in own if name.startswith(("XDG_", "BRANCHWORK_"))
        }
    for file in Path(home.data).rglob("*"):
        assert not file.is_file() or b"cret" not in file.read_bytes(), file


async def test_many_cold_proxies_start_one_daemon(home: Home) -> None:
    async def one() -> int:
        async with editor(home) as client:
            pid: int = (await client.request("test/echo"))["pid"]
            assert await client.end() == 0
            return pid

    pids = await asyncio.gather(*(one() for _ in range(24)))
    assert len(set(pids)) == 1


async def test_an_editors_exit_leaves_daemon_and_other_editors_alone(home: Home) -> None:
    async with editor(home) as first, editor(home) as second:
        pid = (await first.request("test/echo"))["pid"]
        assert await first.end() == 0
        assert (await second.request("test/echo"))["pid"] == pid
        second.notify("exit")
        assert await second.ended() == 1
    async with editor(home) as third:
        assert (await third.request("test/echo"))["pid"] == pid


async def test_an_editor_that_is_gone_ends_the_proxy_quietly(home: Home) -> None:
    async with editor(home) as client:
        client.start_request("test/wait")
        assert client.process.stdin is not None
        client.process.stdin.close()
        assert await client.ended() == 0
        assert client.process.stderr is not None
        assert await client.process.stderr.read() == b""


async def test_a_killed_proxy_leaves_the_daemon_alone(home: Home) -> None:
    async with editor(home) as first, editor(home) as second:
        pid = (await first.request("test/echo"))["pid"]
        first.process.kill()
        assert (await second.request("test/echo"))["pid"] == pid


# --- a daemon that goes away ---------------------------------------------------------------------


async def test_requests_in_flight_are_answered_and_the_session_goes_on(home: Home) -> None:
    async with editor(home, roots=(home.root,)) as client:
        answers = []
        for _ in range(3):
            waiting = client.wait_for("test/waiting")
            answers.append(client.start_request("test/wait")[1])
            await waiting
        reconnected = client.wait_for("branchwork/reconnected")
        old = home.kill_daemon()
        for answer in answers:
            with pytest.raises(RequestFailed) as caught:
                await answer
            assert caught.value.code == -32017
            assert caught.value.data == {"kind": "daemonLost", "retryable": True}
        await reconnected
        who = await client.request("test/who")
        assert who["pid"] != old
        # `initialize` and `initialized` were replayed, and their answer kept from the editor.
        assert who["roots"] == [str(home.root)]
        assert who["received"] == {"initialized": 1}
        assert [answer["id"] for answer in client.responses].count(1) == 1
        assert [method for method, _ in client.notifications].count("branchwork/reconnected") == 1
        assert await client.end() == 0


async def test_the_daemon_may_die_again_and_again(home: Home) -> None:
    async with editor(home) as client:
        for _ in range(4):
            reconnected = client.wait_for("branchwork/reconnected")
            with pytest.raises(RequestFailed, match="went away"):
                await client.request("test/die")
            await reconnected
        assert "window/showMessage" not in [method for method, _ in client.notifications]


async def test_all_editors_find_the_same_next_daemon(home: Home) -> None:
    async with editor(home) as first, editor(home) as second, editor(home) as third:
        clients = (first, second, third)
        again = [client.wait_for("branchwork/reconnected") for client in clients]
        home.kill_daemon()
        await asyncio.gather(*again)
        pids = {(await client.request("test/echo"))["pid"] for client in clients}
        assert len(pids) == 1


async def test_what_comes_meanwhile_is_held_and_sent_in_order(home: Home) -> None:
    async with editor(home) as client:
        home.kill_daemon()
        sent = [client.start_request("test/echo", {"text": str(n)})[1] for n in range(20)]
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
        lost = [outcome for outcome in outcomes if isinstance(outcome, RequestFailed)]
        assert {error.code for error in lost} <= {-32017}
        # What reached the dead daemon's socket is answered so; the rest waited for the next one.
        held = [outcome["text"] for outcome in outcomes[len(lost) :]]  # type: ignore[index]
        assert held == [str(n) for n in range(len(lost), 20)]
        ids = [answer["id"] for answer in client.responses]
        assert ids == sorted(ids)


async def test_an_initialize_in_flight_is_answered_by_the_next_daemon(home: Home) -> None:
    async with editor(home) as other, editor(home, initialize=False) as client:
        await other.request("test/hang")
        answer = asyncio.create_task(client.initialize())
        async with asyncio.timeout(PATIENCE):
            while "hanging" not in (await other.request("test/who"))["received"]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        old = home.kill_daemon()
        assert (await answer)["serverInfo"]["name"] == "branchwork"
        assert (await client.request("test/echo"))["pid"] != old
        assert [response["id"] for response in client.responses].count(1) == 1


async def test_an_answer_to_a_dead_daemons_question_is_dropped(home: Home) -> None:
    questions: list[asyncio.Future[str]] = []

    async def answer(_: object) -> str:
        questions.append(asyncio.get_running_loop().create_future())
        return await questions[-1]

    async with editor(home) as client:
        client.on_request("test/question", answer)
        asked = client.wait_for("test/question")
        lost = client.start_request("test/ask", {"text": "first"})[1]
        await asked
        reconnected = client.wait_for("branchwork/reconnected")
        home.kill_daemon()
        with pytest.raises(RequestFailed):
            await lost
        await reconnected
        asked = client.wait_for("test/question")
        second = client.start_request("test/ask", {"text": "second"})[1]
        await asked
        questions[0].set_result("to the first")
        await client.request("test/echo")
        assert not second.done()
        questions[1].set_result("to the second")
        assert await second == "to the second"


async def test_shutdown_needs_no_daemon(home: Home) -> None:
    async with editor(home) as client:
        os.kill(home.daemon_pid(), signal.SIGKILL)
        assert await client.end() == 0


async def test_after_shutdown_no_daemon_is_started(home: Home) -> None:
    async with editor(home) as client:
        await client.request("shutdown")
        home.kill_daemon()
        await until(lambda: lock.holder(home.data) is None, "the daemon's end")
        client.notify("exit")
        assert await client.ended() == 0
        assert lock.holder(home.data) is None


async def test_a_stopped_daemon_comes_back_with_the_editors_next_message(home: Home) -> None:
    async with editor(home) as client:
        old = home.daemon_pid()
        stop = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "branchwork.cli.main", "daemon", "stop", env=home.environment()
        )
        assert await stop.wait() == 0
        assert lock.holder(home.data) is None
        assert endpoint.is_stopped(home.data)
        assert (await client.request("test/echo"))["pid"] != old
        assert not endpoint.is_stopped(home.data)


# --- no daemon to be had -------------------------------------------------------------------------


async def no_daemon(home: Home, argv: list[str], **environment: str) -> str:
    """What the editor is answered when no daemon can be had."""
    async with editor(home, argv=argv, initialize=False, environment=environment) as client:
        with pytest.raises(RequestFailed) as caught:
            await client.initialize()
        assert caught.value.code == -32017
        assert await client.ended() == 1
        assert client.process.stderr is not None
        assert caught.value.message in (await client.process.stderr.read()).decode()
    return caught.value.message


async def test_a_daemon_that_cant_start_says_why(home: Home) -> None:
    answer = await no_daemon(home, proxy_argv(START_SECONDS=0.1), BRANCHWORK_TEST_MODE="broken")
    assert "RuntimeError: no such thing" in answer
    assert "daemon.log" in answer


async def test_the_person_is_told_while_the_proxy_still_tries(home: Home) -> None:
    mode = {"BRANCHWORK_TEST_MODE": "broken"}
    async with editor(home, initialize=False, environment=mode) as client:
        shown = client.wait_for("window/showMessage")
        initialized = asyncio.create_task(client.initialize())
        assert "no such thing" in (await shown)["message"]
        assert not initialized.done()
        initialized.cancel()


async def test_a_daemon_that_dies_at_each_initialize(home: Home) -> None:
    answer = await no_daemon(home, proxy_argv(START_SECONDS=3.0), BRANCHWORK_TEST_MODE="dies")
    assert "did not start" in answer


async def test_a_data_folder_that_cant_be_made(home: Home) -> None:
    Path(home.data).write_text("a file in the way")
    answer = await no_daemon(home, proxy_argv(START_SECONDS=0.1))
    Path(home.data).unlink()
    assert "BRANCHWORK_DATA_DIR" in answer
    assert home.data in answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
async def test_a_data_folder_of_somebody_else(home: Home) -> None:
    Path(home.data).mkdir()
    os.chown(home.data, 4711, 4711)
    answer = await no_daemon(home, proxy_argv(START_SECONDS=0.1))
    assert "belongs to another user (uid 4711)" in answer
    assert "BRANCHWORK_DATA_DIR" in answer


async def test_a_daemon_of_another_protocol(home: Home) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = json.loads(await reader.readline())
        assert hello["branchwork"] == endpoint.PROTOCOL
        writer.write(b'{"error":"protocol","speaks":[7]}\n')
        writer.close()

    server = await asyncio.start_unix_server(refuse, str(home.socket))
    async with server:
        answer = await no_daemon(home, proxy_argv(START_SECONDS=0.1))
    assert "of another version" in answer
    assert "branchwork daemon stop" in answer


async def test_a_daemon_that_comes_late_is_good_enough(home: Home) -> None:
    Path(home.data).write_text("a file in the way")
    async with editor(home, initialize=False) as client:
        shown = client.wait_for("window/showMessage")
        initialized = asyncio.create_task(client.initialize())
        await shown
        Path(home.data).unlink()
        await initialized
        assert (await client.request("test/echo", ECHO))["text"] == "hello"


# --- the socket ----------------------------------------------------------------------------------


async def test_a_stale_socket_is_replaced(home: Home) -> None:
    endpoint.bind(str(home.socket)).close()
    assert home.socket.exists()
    async with editor(home) as client:
        await client.request("test/echo")
        assert home.socket.stat().st_mode & 0o777 == 0o600
        assert home.socket.parent.stat().st_mode & 0o777 == 0o700


async def test_a_removed_socket_is_bound_again(home: Home) -> None:
    async with editor(home) as first:
        pid = (await first.request("test/echo"))["pid"]
        home.socket.unlink()
        await until(home.socket.exists, "the socket")
        async with editor(home) as second:
            assert (await second.request("test/echo"))["pid"] == pid


async def test_who_comes_while_the_socket_is_gone_gets_the_same_daemon(home: Home) -> None:
    async with editor(home) as first:
        pid = (await first.request("test/echo"))["pid"]
        home.socket.unlink()
        async with editor(home) as second:
            assert (await second.request("test/echo"))["pid"] == pid
        assert (await first.request("test/echo"))["pid"] == pid


async def test_a_data_folder_with_a_long_path(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long-" * 15))
    home.root.mkdir()
    try:
        async with editor(home) as client:
            assert (await client.request("test/echo", ECHO))["text"] == "hello"
            elsewhere = home.socket.parent
            assert elsewhere.parent == Path("/tmp")
            assert elsewhere.stat().st_mode & 0o777 == 0o700
    finally:
        home.clean_up()


# --- the stream ----------------------------------------------------------------------------------


async def test_messages_of_any_size_and_order_of_keys(home: Home) -> None:
    async with editor(home) as client:
        big = "ü" * 3_000_000
        assert (await client.request("test/echo", {"text": big}))["text"] == big
        # The id behind the params, and a nested id that is not it.
        client.send({"params": {"text": big}, "method": "test/echo", "id": "late"})
        client.send({"method": "test/echo", "params": {"text": '"id":5}'}, "id": "später"})
        await client.request("test/echo")
        assert {answer["id"] for answer in client.responses} >= {"late", "später"}
        for id in ("late", "später"):
            found = next(answer for answer in client.responses if answer["id"] == id)
            assert "result" in found


async def test_a_stream_in_single_bytes(home: Home) -> None:
    body = b'{"jsonrpc":"2.0","id":9,"method":"test/echo","params":{"text":"x"}}'
    async with editor(home) as client:
        assert client.process.stdin is not None
        for byte in b"content-TYPE: x\r\ncontent-LENGTH:  %d\r\n\r\n%b" % (len(body), body):
            client.send_garbage(bytes([byte]))
            await client.process.stdin.drain()
        await client.request("test/echo")
        assert client.responses[-2]["id"] == 9


async def test_what_is_no_json_is_refused_by_the_daemon(home: Home) -> None:
    async with editor(home) as client:
        client.send_bytes(b"{no json")
        await client.request("test/echo")
        assert client.responses[-2]["error"]["code"] == -32700


async def test_a_message_that_is_too_large_is_refused_and_no_more(home: Home) -> None:
    async with editor(home, argv=proxy_argv(LONGEST_MESSAGE=100_000)) as client:
        with pytest.raises(RequestFailed, match="larger than"):
            await client.request("test/echo", {"text": "x" * 1_000_000})
        client.notify("test/nothing", {"text": "x" * 1_000_000})
        assert (await client.request("test/echo", ECHO))["text"] == "hello"


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"x" * 10_000])
async def test_a_stream_without_frames_ends_the_session(home: Home, garbage: bytes) -> None:
    async with editor(home) as client:
        client.send_garbage(garbage)
        assert await client.ended() == 1
        await client.closed()
        assert client.responses[-1]["error"]["code"] == -32700


async def test_an_editor_that_does_not_read_holds_up_only_itself(home: Home) -> None:
    async with editor(home) as slow, editor(home) as other:
        slow.stop_reading()
        flooded = slow.start_request("test/flood", {"number": 2000})[1]
        for _ in range(20):
            await other.request("test/echo")
        slow.start_reading()
        assert await flooded == {"sent": 2000}
        floods = [params for method, params in slow.notifications if method == "test/flood"]
        assert [len(text) for text in floods] == [50_000] * 2000


# --- what it is made of --------------------------------------------------------------------------


async def test_the_proxy_imports_only_c_modules(home: Home) -> None:
    code = (
        f"import sys; sys.path.insert(0, {endpoint.SERVER!r}); "
        "from branchwork.proxy import session; print('\\n'.join(sys.modules))"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-S", "-c", code, stdout=asyncio.subprocess.PIPE
    )
    modules = set((await process.communicate())[0].decode().split())
    bare = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-S",
        "-c",
        "import os, sys; print('\\n'.join(sys.modules))",
        stdout=asyncio.subprocess.PIPE,
    )
    modules -= set((await bare.communicate())[0].decode().split())
    ours = {name for name in modules if name.startswith("branchwork")}
    assert modules - ours <= {"_socket", "_json", "fcntl", "select"}
    assert ours == {
        "branchwork",
        "branchwork.endpoint",
        "branchwork.proxy",
        "branchwork.proxy.frames",
        "branchwork.proxy.pipe",
        "branchwork.proxy.session",
    }
