"""Methods for tests of the connection layer, which knows none of the product's."""

import asyncio
from typing import Any

import pytest
from lsprotocol import types

from branchwork.domain import errors as domain
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.protocol.struct import Struct
from support.inproc import Client, RequestFailed


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


def odd_features() -> Features:
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
