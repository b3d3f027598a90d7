"""From the first message of a connection to its end, and nothing is left behind."""

import asyncio
import gc
import threading

import msgspec
import pytest

from branchwork.domain import errors as domain
from branchwork.lsp.connection import EditorConnection, Limits
from branchwork.lsp.registry import Features
from support.inproc import RequestFailed, connected
from support.odd_features import Answer, Nothing, Params, echo, fail, refused


async def test_nothing_runs_before_initialize(features: Features) -> None:
    async with connected(None, features, initialize=False) as client:
        for method in ("branchwork/test/echo", "textDocument/hover", "shutdown", "nope"):
            assert (await refused(client, method, {})).code == -32002
        client.notify("textDocument/didOpen", {})
        await client.initialize()
        assert await client.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}


async def test_initialize_comes_once(features: Features) -> None:
    async with connected(None, features) as client:
        assert (await refused(client, "initialize", {"capabilities": {}})).code == -32600


async def test_an_initialize_that_failed_may_come_again(features: Features) -> None:
    async with connected(None, features, initialize=False) as client:
        error = await refused(client, "initialize", {"processId": 1, "rootUri": 5})
        assert error.code == -32602
        await client.initialize()


async def test_after_shutdown_only_exit(features: Features) -> None:
    async with connected({}, features) as client:
        waiting = client.wait_for("test/waiting")
        _, answer = client.start_request("branchwork/test/wait")
        await waiting
        assert await client.request("shutdown") is None
        with pytest.raises(RequestFailed) as caught:
            await answer
        assert caught.value.code == -32800
        for method in ("branchwork/test/echo", "initialize", "shutdown"):
            assert (await refused(client, method, {"taskId": "t"})).code == -32600
        client.notify("exit")
        await client.closed()


async def test_exit_closes_this_connection_only(features: Features) -> None:
    async with connected(None, features) as first, connected(None, features) as second:
        await first.request("shutdown")
        first.notify("exit")
        await first.closed()
        assert await second.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}


async def test_exit_without_shutdown(features: Features) -> None:
    async with connected(None, features, initialize=False) as client:
        client.notify("exit")
        await client.closed()


async def test_cancel_answers_the_request(features: Features) -> None:
    app: dict[str, int] = {}
    async with connected(app, features) as client:
        waiting = client.wait_for("test/waiting")
        id, answer = client.start_request("branchwork/test/wait")
        await waiting
        client.cancel(id)
        with pytest.raises(RequestFailed) as caught:
            await answer
    assert caught.value.code == -32800
    assert app == {"ended": 1}


async def test_cancel_right_behind_the_request(features: Features) -> None:
    async with connected({}, features) as client:
        id, answer = client.start_request("branchwork/test/wait")
        client.cancel(id)
        with pytest.raises(RequestFailed) as caught:
            await answer
        assert caught.value.code == -32800


async def test_closing_ends_what_was_in_flight(features: Features) -> None:
    app: dict[str, int] = {}
    closed: list[str] = []
    async with connected(app, features) as client:
        client.connection.at_close(lambda: closed.append("yes"))
        for _ in range(5):
            waiting = client.wait_for("test/waiting")
            client.start_request("branchwork/test/wait")
            await waiting
    assert app == {"ended": 5}
    assert closed == ["yes"]


@pytest.mark.parametrize(
    "cut", [b"Content-Length: 100\r\n\r\n{", b"Content-Le", b"Content-Length: 10\r\n\r\n"]
)
async def test_an_end_in_the_middle_of_a_message(features: Features, cut: bytes) -> None:
    async with connected(None, features) as client:
        client.send_garbage(cut)


async def test_connections_leave_nothing_behind(features: Features) -> None:
    def connections() -> int:
        gc.collect()
        return sum(isinstance(found, EditorConnection) for found in gc.get_objects())

    before = connections(), threading.active_count(), len(asyncio.all_tasks())
    for _ in range(20):
        async with connected({}, features) as client:
            client.start_request("branchwork/test/wait")
            client.start_request("branchwork/test/echo", {"taskId": "t"})
    del client
    assert (connections(), threading.active_count(), len(asyncio.all_tasks())) == before


async def test_header_names_are_case_insensitive(features: Features) -> None:
    body = b'{"jsonrpc":"2.0","id":5,"method":"branchwork/test/echo","params":{"taskId":"t"}}'
    async with connected(None, features) as client:
        client.send_garbage(
            b"content-type: application/vscode-jsonrpc; charset=utf-8\r\n"
            b"CONTENT-LENGTH:%d\r\n\r\n%b" % (len(body), body)
        )
        await client.request("branchwork/test/echo", {"taskId": "u"})
        assert client.responses[-2]["result"] == {"taskId": "t"}


@pytest.mark.parametrize(
    ("garbage", "text"),
    [
        (b"Content-Length: 5000\r\n\r\n", "over the limit"),
        (b"Content-Length: -5\r\n\r\n", "not a number"),
        (b"Content-Length: many\r\n\r\n", "not a number"),
        (b"Content-Type: x\r\n\r\n", "no Content-Length"),
    ],
)
async def test_a_stream_that_cant_be_split_is_closed(
    features: Features, garbage: bytes, text: str
) -> None:
    async with connected(None, features, limits=Limits(frame_bytes=1000)) as client:
        client.send_garbage(garbage)
        await client.closed()
        assert client.responses[-1]["id"] is None
        assert text in client.responses[-1]["error"]["message"]


async def test_safe_mode_says_what_to_do_and_answers_each_request(features: Features) -> None:
    failure = domain.StorageFailed("The database is broken. Run `branchwork doctor`.")
    async with connected(None, features, initialize=False, failure=failure) as client:
        shown = client.wait_for("window/showMessage")
        capabilities = (await client.initialize())["capabilities"]
        assert "hoverProvider" not in capabilities
        assert (await shown)["message"] == failure.sentence
        for method in ("branchwork/test/echo", "textDocument/hover", "nope"):
            error = await refused(client, method, {})
            assert (error.code, error.message) == (-32018, failure.sentence)
            assert error.data == {"kind": "storageFailed", "retryable": False}
        client.notify("textDocument/didChange", {})
        assert await client.request("shutdown") is None
        shown_once = [method for method, _ in client.notifications]
        assert shown_once == ["window/showMessage"]


async def test_a_handler_of_a_notification_may_fail(features: Features) -> None:
    features.notification("test/said", Nothing, fail)
    async with connected(None, features) as client:
        client.notify("test/said", {})
        client.notify("test/said", {"text": 5})
        assert await client.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}


def test_a_method_is_registered_once(features: Features) -> None:
    with pytest.raises(ValueError, match="twice"):
        features.request("branchwork/test/echo", Params, echo)


def test_structs_of_our_own_go_out_as_they_are() -> None:
    assert msgspec.json.encode(Answer(task_id="t")) == b'{"taskId":"t"}'
