"""One connection: each request gets exactly one response, whatever the editor sends."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from branchwork.lsp.registry import Features
from support.inproc import Client, RequestFailed, connected


class Params(msgspec.Struct, rename="camel"):
    task_id: str


async def echo(ls: Any, params: Params) -> dict[str, str]:
    return {"taskId": params.task_id}


async def test_request_is_answered() -> None:
    features = Features()
    features.request("branchwork/test/echo", Params, echo)
    async with connected(None, features) as client:
        assert await client.request("branchwork/test/echo", {"taskId": "t1"}) == {"taskId": "t1"}
        print(client.initialized)
