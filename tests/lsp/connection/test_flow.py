"""What flows the other way: streams, questions, progress; and what a handler can look at."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types

from branchwork.lsp.connection import EditorConnection, Limits
from branchwork.lsp.errors import EditorGone
from branchwork.lsp.registry import Features
from support.inproc import connected
from support.odd_features import Nothing, refused


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
        assert error.code == -32803
        assert "no window/showMessageRequest here" in error.message


@pytest.mark.parametrize("answer", [5, "Open", {"title": None}, [{}]])
async def test_an_answer_of_another_form(features: Features, answer: Any) -> None:
    features.request("branchwork/test/ask", Nothing, ask)
    async with connected(None, features) as client:
        client.on_request("window/showMessageRequest", lambda _: answer)
        assert (await refused(client, "branchwork/test/ask")).code == -32803


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
