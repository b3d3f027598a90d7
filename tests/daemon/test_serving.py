"""Who is let in, without a process of its own."""

import asyncio
import os
from pathlib import Path

import pytest

from branchwork import config, endpoint
from branchwork.daemon import listener, peer
from branchwork.daemon.serving import Daemon, Opened
from branchwork.daemon.wiring import Assembly
from branchwork.lsp.registry import Features
from support.inproc import PATIENCE


async def nothing(_: object = None) -> Assembly:
    return Assembly(features=Features())


@pytest.mark.parametrize(("user", "let_in"), [(os.geteuid(), True), (os.geteuid() + 1, False)])
async def test_only_the_owner_is_let_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, user: int, let_in: bool
) -> None:
    monkeypatch.setattr(peer, "user_and_process", lambda _: (user, 4711))
    environ = {"BRANCHWORK_DATA_DIR": str(tmp_path), "BRANCHWORK_CONFIG": str(tmp_path / "x")}
    daemon = Daemon(config.read(environ), nothing, Opened(assembly=await nothing()))
    serving = asyncio.create_task(daemon.serve(listener.bind(str(tmp_path))))
    reader, writer = await asyncio.open_unix_connection(endpoint.socket_path(str(tmp_path)))
    writer.write(endpoint.encode_hello(1, "/", {}))
    async with asyncio.timeout(PATIENCE):
        assert await greeted(reader) is let_in
        writer.close()
        daemon.lifetime.end()
        await serving


async def greeted(reader: asyncio.StreamReader) -> bool:
    try:
        return bool(await reader.readline())
    except ConnectionResetError:
        return False
