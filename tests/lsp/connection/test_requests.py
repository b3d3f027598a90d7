"""Each request gets exactly one response, whatever the editor sends."""

import json
from typing import Any

import pytest
from lsprotocol import types

from branchwork.domain import errors as domain
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from support.inproc import RequestFailed, connected
from support.odd_features import Nothing, hover, refused


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
