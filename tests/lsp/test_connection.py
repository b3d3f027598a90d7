"""One connection: each request gets exactly one response, whatever the editor sends."""

import asyncio
import gc
import json
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lsprotocol import types

from branchwork.domain import errors as domain
from branchwork.lsp.connection import EditorConnection, Limits
from branchwork.lsp.errors import EditorGone
from branchwork.lsp.registry import Features
from branchwork.protocol.struct import Struct
from support.inproc import Client, RequestFailed, connected


class Where(Struct, frozen=True, kw_only=True):
    line: int


class Params(Struct, frozen=True, kw_only=True):
    task_id: str
    done: bool = False
    where: list[Where] | None = None


class Nothing(Struct, frozen=True, kw_only=True):
    text: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    task_id: str
    payload: Any = None


async def echo(ls: EditorConnection, params: Params) -> Answer:
    return Answer(task_id=params.task_id)


def echo_at_once(ls: EditorConnection, params: Params) -> Answer:
    return Answer(task_id=params.task_id)


async def nested(ls: EditorConnection, params: Nothing) -> Answer:
    return Answer(task_id="t", payload={"jsonrpc": "2.0", "id": 1, "class": 1, "a-b": 2})


async def fail(ls: EditorConnection, params: Nothing) -> None:
    raise RuntimeError("a secret at /usr/lib/python")


async def refuse(ls: EditorConnection, params: Nothing) -> None:
    raise domain.Conflict("It was answered.", kind="alreadyAnswered", approval_id="a1")


async def unencodable(ls: EditorConnection, params: Nothing) -> object:
    return object()


async def half_pair(ls: EditorConnection, params: Nothing) -> dict[str, str]:
    return {"text": "\udc80 and more"}


async def wait(ls: EditorConnection, params: Nothing) -> None:
    ls.notify("test/waiting", {})
    try:
        await asyncio.Event().wait()
    finally:
        ls.app["ended"] = ls.app.get("ended", 0) + 1


def hover(ls: EditorConnection, params: types.HoverParams) -> types.Hover:
    document = ls.workspace.get_text_document(params.text_document.uri)
    return types.Hover(contents=f"{document.source}:{params.position.line}")


@pytest.fixture
def features() -> Features:
    features = Features()
    features.request("branchwork/test/echo", Params, echo)
    features.request("branchwork/test/echoAtOnce", Params, echo_at_once)
    features.request("branchwork/test/nested", Nothing, nested)
    features.request("branchwork/test/fail", Nothing, fail)
    features.request("branchwork/test/refuse", Nothing, refuse)
    features.request("branchwork/test/unencodable", Nothing, unencodable)
    features.request("branchwork/test/halfPair", Nothing, half_pair)
    features.request("branchwork/test/wait", Nothing, wait)
    features.command("branchwork.server.test.echo", Params, echo)
    features.command("branchwork.server.test.nothing", Nothing, nested)
    features.standard(types.TEXT_DOCUMENT_HOVER, hover)
    features.ability("tests")
    return features


async def refused(client: Client, method: str, params: Any = None) -> RequestFailed:
    with pytest.raises(RequestFailed) as caught:
        await client.request(method, params)
    return caught.value


@pytest.mark.parametrize("method", ["branchwork/test/echo", "branchwork/test/echoAtOnce"])
async def test_a_request_is_answered(features: Features, method: str) -> None:
    async with connected(None, features) as client:
        assert await client.request(method, {"taskId": "t1"}) == {"taskId": "t1"}


async def test_initialize_tells_what_the_server_can_do(features: Features) -> None:
    async with connected(None, features) as client:
        capabilities = client.initialized["capabilities"]
    assert capabilities["experimental"]["branchwork"] == {
        "protocolVersion": 1,
        "features": ["tests"],
    }
    assert capabilities["hoverProvider"] is True
    assert capabilities["textDocumentSync"]["change"] == types.TextDocumentSyncKind.Full
    assert capabilities["executeCommandProvider"]["commands"] == [
        "branchwork.server.test.echo",
        "branchwork.server.test.nothing",
    ]


async def test_what_pygls_never_advertises(features: Features) -> None:
    options = types.TextDocumentContentOptions(schemes=["branchwork"])
    features.standard(types.WORKSPACE_TEXT_DOCUMENT_CONTENT, hover, options)
    async with connected(None, features) as client:
        workspace = client.initialized["capabilities"]["workspace"]
        assert workspace["textDocumentContent"] == {"schemes": ["branchwork"]}


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "field", "text"),
    [
        ({}, "taskId", "missing required field `taskId`"),
        (None, "taskId", "missing required field `taskId`"),
        ({"taskId": None}, "taskId", "Expected `str`, got `null` - at `$.taskId`"),
        ({"taskId": 5}, "taskId", "Expected `str`, got `int`"),
        ({"taskId": "t", "done": "no"}, "done", "Expected `bool`"),
        ({"taskId": "t", "where": [{"line": 1}, {}]}, "where[1].line", "missing"),
        ([], None, "Expected `object`, got `array`"),
        (7, None, "Expected `object`, got `int`"),
    ],
)
async def test_bad_params_of_our_own_methods(
    features: Features, params: Any, field: str | None, text: str
) -> None:
    async with connected(None, features) as client:
        error = await refused(client, "branchwork/test/echo", params)
    assert error.code == -32602
    assert text in error.message
    assert error.data.get("field", "").replace("[...]", "[1]") == (field or "")
    assert error.data["retryable"] is False


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"textDocument": 5, "position": {"line": 0, "character": 0}}, "textDocument.uri"),
        ({"textDocument": {"uri": None}, "position": {"line": 0, "character": 0}}, "textDocument"),
        ({"textDocument": {"uri": "file:///a"}, "position": {"line": "0"}}, "position"),
        ({"textDocument": {"uri": "file:///a"}}, "position"),
        (None, ""),
        ([1], ""),
    ],
)
async def test_bad_params_of_standard_methods(features: Features, params: Any, field: str) -> None:
    async with connected(None, features) as client:
        error = await refused(client, "textDocument/hover", params)
    assert error.code == -32602
    assert error.data["field"].startswith(field)


async def test_unknown_method(features: Features) -> None:
    async with connected(None, features) as client:
        assert (await refused(client, "branchwork/test/nope", {})).code == -32601
        assert (await refused(client, "textDocument/rename", {})).code == -32601


async def test_unknown_notifications_are_left_alone(features: Features) -> None:
    async with connected(None, features) as client:
        client.notify("branchwork/test/nope", {"a": 1})
        client.notify("$/nope")
        client.notify("textDocument/didOpen", {"bad": True})
        client.notify("$/cancelRequest", {"id": 99})
        client.notify("$/cancelRequest", ["x"])
        assert await client.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}
        assert client.notifications == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe", -32700),
        (b'{"jsonrpc": "2.0", "id": 9, "method": "x", "params": ' + b"[" * 100_000, -32700),
        (b"[1, 2]", -32600),
        (b'"text"', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "shutdown"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 9, "method": 5}', -32600),
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_goes_on(
    features: Features, body: bytes, code: int
) -> None:
    async with connected(None, features) as client:
        client.send_bytes(body)
        assert await client.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}
        refusals = [answer for answer in client.responses if answer["id"] is None]
        assert [answer["error"]["code"] for answer in refusals] == [code]


async def test_params_that_are_not_text(features: Features) -> None:
    async with connected(None, features) as client:
        client.send_bytes(
            b'{"jsonrpc":"2.0","id":"x","method":"branchwork/test/echo","params":{"taskId":"\xff"}}'
        )
        await client.request("branchwork/test/echo", {"taskId": "t"})
        assert client.responses[-2]["id"] == "x"
        assert client.responses[-2]["error"]["code"] == -32602


async def test_half_a_surrogate_pair_in_either_direction(features: Features) -> None:
    async with connected(None, features) as client:
        # An editor in JavaScript cuts text in the middle of an emoji.
        client.send_bytes(
            b'{"jsonrpc":"2.0","id":77,"method":"branchwork/test/echo",'
            b'"params":{"taskId":"\\ud83d!"}}'
        )
        assert await client.request("branchwork/test/halfPair") == {"text": "� and more"}
        assert client.responses[-2] == {"jsonrpc": "2.0", "id": 77, "result": {"taskId": "�!"}}


async def test_a_message_inside_a_message_is_only_data(features: Features) -> None:
    async with connected(None, features) as client:
        inner = {"jsonrpc": "2.0", "id": 1, "method": "exit"}
        params = {"taskId": "t", "inner": inner}
        async with connected(None, features, branchwork={}) as lenient:
            assert await lenient.request("branchwork/test/echo", params) == {"taskId": "t"}
        answer = await client.request("branchwork/test/nested")
        assert answer["payload"] == {"jsonrpc": "2.0", "id": 1, "class": 1, "a-b": 2}


async def test_an_id_in_use_is_refused(features: Features) -> None:
    async with connected({}, features) as client:
        waiting = client.wait_for("test/waiting")
        id, answer = client.start_request("branchwork/test/wait")
        await waiting
        client.send({"jsonrpc": "2.0", "id": id, "method": "branchwork/test/echo", "params": {}})
        with pytest.raises(RequestFailed, match="in use"):
            await answer


# --- unknown fields ------------------------------------------------------------------------------


async def test_unknown_fields_are_named_once(features: Features) -> None:
    async with connected(None, features, branchwork={"protocolVersion": 1}) as client:
        params = {"taskId": "t", "colour": 1, "where": [{"line": 1, "column": 2}]}
        for _ in range(3):
            assert await client.request("branchwork/test/echo", params) == {"taskId": "t"}
        told = [params["message"] for _, params in client.notifications]
    assert len(told) == 1
    assert "`colour`" in told[0]
    assert "`where[0].column`" in told[0]


async def test_unknown_fields_are_errors_for_the_strict(features: Features) -> None:
    async with connected(None, features, branchwork={"strict": True}) as client:
        error = await refused(client, "branchwork/test/echo", {"taskId": "t", "colour": 1})
        assert (error.code, error.data["field"]) == (-32602, "colour")


async def test_lsp_may_add_its_tokens(features: Features) -> None:
    async with connected(None, features) as client:
        params = {"taskId": "t", "workDoneToken": 1, "partialResultToken": "p"}
        assert await client.request("branchwork/test/echo", params) == {"taskId": "t"}


# --- commands ------------------------------------------------------------------------------------


async def test_commands_take_one_object_or_nothing(features: Features) -> None:
    async with connected(None, features) as client:

        async def run(name: str, *arguments: Any, **more: Any) -> Any:
            call = {"command": f"branchwork.server.test.{name}", "arguments": [*arguments], **more}
            return await client.request("workspace/executeCommand", call)

        assert await run("echo", {"taskId": "t"}) == {"taskId": "t"}
        assert await run("echo", {"taskId": "t"}, workDoneToken="w") == {"taskId": "t"}
        assert (await run("nothing"))["taskId"] == "t"
        assert (await run("nothing", None))["taskId"] == "t"
        call = {"command": "branchwork.server.test.nothing"}
        assert (await client.request("workspace/executeCommand", call))["taskId"] == "t"
        for bad in ([{"taskId": "t"}, 2], [{"taskId": 5}], [5], []):
            with pytest.raises(RequestFailed) as caught:
                await run("echo", *bad)
            assert caught.value.code == -32602
        with pytest.raises(RequestFailed, match="no command"):
            await run("nope")


# --- errors --------------------------------------------------------------------------------------


async def test_a_fault_of_ours_shows_nothing_of_python(
    features: Features, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(None, features) as client:
        for method in ("fail", "unencodable"):
            error = await refused(client, f"branchwork/test/{method}")
            assert error.code == -32603
            assert error.data == {"kind": "internal", "retryable": False}
            text = json.dumps([error.message, error.data])
            assert "secret" not in text
            assert "python" not in text.lower()
        assert client.notifications == []
    assert "a secret at" in caplog.text


async def test_a_domain_error_keeps_its_kind_and_ids(features: Features) -> None:
    async with connected(None, features) as client:
        error = await refused(client, "branchwork/test/refuse")
    assert (error.code, error.message) == (-32011, "It was answered.")
    assert error.data == {"kind": "alreadyAnswered", "approvalId": "a1", "retryable": False}


@pytest.mark.parametrize(
    ("error", "code", "kind"),
    [
        (domain.InvalidInput("s"), -32602, "invalidInput"),
        (domain.NotFound("s"), -32010, "notFound"),
        (domain.Conflict("s"), -32011, "conflict"),
        (domain.IllegalTransition("s"), -32012, "illegalTransition"),
        (domain.RevisionMismatch("s"), -32801, "contentModified"),
        (domain.NotARepository("s"), -32013, "notARepository"),
        (domain.AgentUnavailable("s"), -32014, "agentUnavailable"),
        (domain.GitFailed("s"), -32015, "gitFailed"),
        (domain.StorageFull("s"), -32016, "storageFull"),
        (domain.DaemonLost("s"), -32017, "daemonLost"),
        (domain.StorageFailed("s"), -32018, "storageFailed"),
        (domain.AgentFailed("s"), -32019, "agentFailed"),
    ],
)
async def test_each_domain_error_has_its_code(
    error: domain.BranchworkError, code: int, kind: str
) -> None:
    async def handler(ls: EditorConnection, params: Nothing) -> None:
        raise error

    features = Features()
    features.request("branchwork/test/raise", Nothing, handler)
    async with connected(None, features) as client:
        answer = await refused(client, "branchwork/test/raise")
    assert (answer.code, answer.data["kind"]) == (code, kind)
    assert answer.data["retryable"] is error.retryable


# --- the state machine ---------------------------------------------------------------------------


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


# --- cancelling and closing ----------------------------------------------------------------------


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


# --- frames --------------------------------------------------------------------------------------


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


# --- slow readers --------------------------------------------------------------------------------


async def flood(ls: EditorConnection, params: Nothing) -> None:
    text = json.dumps({"jsonrpc": "2.0", "method": "test/flood", "params": "x" * 60_000}).encode()
    for _ in range(2000):
        ls.app["queued"] = max(ls.app["queued"], ls.queued_bytes)
        ls.app["blocked"].set()
        await ls.send_raw(text)


async def test_a_slow_reader_holds_up_nobody_and_no_memory(features: Features) -> None:
    features.request("branchwork/test/flood", Nothing, flood)
    app: dict[str, Any] = {"blocked": asyncio.Event(), "queued": 0}
    async with connected(app, features) as slow, connected(None, features) as other:
        slow.stop_reading()
        slow.start_request("branchwork/test/flood")
        await app["blocked"].wait()
        for _ in range(50):
            assert await other.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}
    assert app["queued"] < 1 << 20


async def test_a_stream_ends_when_its_reader_goes(features: Features) -> None:
    ended = asyncio.get_running_loop().create_future()

    async def stream(ls: EditorConnection, params: Nothing) -> None:
        try:
            while True:
                await ls.send_raw(b'{"jsonrpc":"2.0","method":"test/flood","params":{}}')
                await asyncio.sleep(0)
        except (EditorGone, asyncio.CancelledError) as error:
            ended.set_result(error)
            raise

    features.request("branchwork/test/stream", Nothing, stream)
    async with connected(None, features) as client:
        flowing = client.wait_for("test/flood")
        client.start_request("branchwork/test/stream")
        await flowing
    assert isinstance(await asyncio.wait_for(ended, 30), EditorGone | asyncio.CancelledError)


async def test_who_leaves_too_much_unread_is_cut_off(features: Features) -> None:
    async def shout(ls: EditorConnection, params: Nothing) -> None:
        while ls.is_open:
            ls.notify("test/shout", "x" * 10_000)
            await asyncio.sleep(0)

    features.request("branchwork/test/shout", Nothing, shout)
    async with connected(None, features, limits=Limits(queued_bytes=1 << 20)) as client:
        client.stop_reading()
        client.start_request("branchwork/test/shout")
        await asyncio.wait_for(asyncio.shield(client.serving), 30)


# --- asking the editor ---------------------------------------------------------------------------


async def ask(ls: EditorConnection, params: Nothing) -> dict[str, Any]:
    chosen = await ls.ask(
        types.WINDOW_SHOW_MESSAGE_REQUEST,
        types.ShowMessageRequestParams(
            types.MessageType.Info, "Look?", [types.MessageActionItem("Open")]
        ),
    )
    return {"chosen": None if chosen is None else chosen.title}


@pytest.mark.parametrize(
    ("answer", "expected"), [({"title": "Open", "jsonrpc": 1}, "Open"), (None, None)]
)
async def test_the_editor_is_asked(features: Features, answer: Any, expected: Any) -> None:
    features.request("branchwork/test/ask", Nothing, ask)
    async with connected(None, features) as client:
        client.on_request("window/showMessageRequest", lambda _: answer)
        assert await client.request("branchwork/test/ask") == {"chosen": expected}
        assert client.asked[0][1]["actions"] == [{"title": "Open"}]


async def test_the_editors_error_reaches_who_asked(features: Features) -> None:
    features.request("branchwork/test/ask", Nothing, ask)
    async with connected(None, features) as client:
        error = await refused(client, "branchwork/test/ask")
        assert (error.code, error.message) == (-32601, "no window/showMessageRequest here")


async def test_who_asks_is_released_when_the_editor_goes(features: Features) -> None:
    outcome = asyncio.get_running_loop().create_future()

    async def job(connection: EditorConnection) -> None:
        try:
            await connection.ask("test/question", {})
        except EditorGone as error:
            outcome.set_result(error)

    async with connected(None, features) as client:
        asked = client.wait_for("test/question")
        client.on_request("test/question", lambda _: asyncio.Event().wait())
        running = asyncio.create_task(job(client.connection))
        await asked
    await asyncio.wait_for(outcome, 30)
    await running


async def test_a_question_is_withdrawn_with_its_request(features: Features) -> None:
    features.request("branchwork/test/ask", Nothing, ask)
    async with connected(None, features) as client:
        asked = client.wait_for("window/showMessageRequest")
        withdrawn = client.wait_for("$/cancelRequest")
        client.on_request("window/showMessageRequest", lambda _: asyncio.Event().wait())
        id, _ = client.start_request("branchwork/test/ask")
        await asked
        client.cancel(id)
        assert "id" in await withdrawn


async def test_an_answer_to_nothing_is_ignored(features: Features) -> None:
    async with connected({}, features) as client:
        waiting = client.wait_for("test/waiting")
        id, answer = client.start_request("branchwork/test/wait")
        await waiting
        # The id of a request of its own, in flight: it is no answer of ours.
        client.send({"jsonrpc": "2.0", "id": id, "result": {}})
        client.send({"jsonrpc": "2.0", "id": "unheard-of", "result": {}})
        client.send({"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "x"}})
        assert await client.request("branchwork/test/echo", {"taskId": "t"}) == {"taskId": "t"}
        assert not answer.done()


async def test_progress_tokens_are_forgotten(features: Features) -> None:
    async with connected(None, features) as client:
        progress = client.connection.work_done_progress
        client.on_request("window/workDoneProgress/create", lambda _: None)
        await progress.create_async("w1")
        progress.begin("w1", types.WorkDoneProgressBegin(title="t"))
        assert not progress.tokens["w1"].cancelled()
        cancelled = progress.tokens["w1"]
        client.notify("window/workDoneProgress/cancel", {"token": "w1"})
        await client.request("branchwork/test/echo", {"taskId": "t"})
        assert cancelled.cancelled()
        progress.end("w1", types.WorkDoneProgressEnd())
        assert progress.tokens == {}


# --- documents, roots, environment ---------------------------------------------------------------


async def test_documents_are_followed_in_order(features: Features) -> None:
    async with connected(None, features) as client:
        uri = "file:///a%20b.py"
        item = {"uri": uri, "languageId": "python", "version": 1, "text": "one"}
        place = {"textDocument": {"uri": uri}, "position": {"line": 3, "character": 0}}
        client.notify("textDocument/didOpen", {"textDocument": item})
        first = client.start_request("textDocument/hover", place)[1]
        change = {
            "textDocument": {"uri": uri, "version": 2},
            "contentChanges": [{"text": "two"}],
        }
        client.notify("textDocument/didChange", change)
        second = client.start_request("textDocument/hover", place)[1]
        assert [(await first)["contents"], (await second)["contents"]] == ["one:3", "two:3"]


async def test_a_document_that_was_opened_on_an_earlier_connection(
    features: Features, tmp_path: Path
) -> None:
    file = tmp_path / "a.py"
    file.write_text("on disk")
    place = {"textDocument": {"uri": file.as_uri()}, "position": {"line": 0, "character": 0}}
    async with connected(None, features) as client:
        assert (await client.request("textDocument/hover", place))["contents"] == "on disk:0"
        change = {
            "textDocument": {"uri": file.as_uri(), "version": 8},
            "contentChanges": [{"text": "in the editor"}],
        }
        client.notify("textDocument/didChange", change)
        assert (await client.request("textDocument/hover", place))["contents"] == "in the editor:0"
        client.notify("textDocument/didClose", {"textDocument": {"uri": file.as_uri()}})
        assert (await client.request("textDocument/hover", place))["contents"] == "on disk:0"


async def test_roots_follow_the_editors_folders(features: Features, tmp_path: Path) -> None:
    first, second = tmp_path / "a b", tmp_path / "ü"
    async with connected(None, features, roots=(first,)) as client:
        assert client.connection.roots == (first,)
        event = {
            "added": [{"uri": second.as_uri(), "name": "b"}],
            "removed": [{"uri": first.as_uri(), "name": "a"}],
        }
        client.notify("workspace/didChangeWorkspaceFolders", {"event": event})
        await client.request("branchwork/test/echo", {"taskId": "t"})
        assert client.connection.roots == (second,)


async def test_the_environment_is_never_shown(
    features: Features, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    environment = {"API_KEY": "a-secret-value"}
    async with connected(None, features, environment=environment) as client:
        assert client.connection.environment == environment
        assert "a-secret-value" not in repr(client.connection.peer)
        await refused(client, "branchwork/test/fail")
    assert "a-secret-value" not in caplog.text


# --- safe mode -----------------------------------------------------------------------------------


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
