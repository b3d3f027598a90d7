"""A client of one fresh EditorConnection in this process, over a socketpair; a few ms per test.

async with connected(app, features) as client:
    shown = client.wait_for("window/showMessage")     # armed before acting
    result = await client.request("branchwork/task/list", {})
    await shown
"""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from branchwork.lsp.connection import EditorConnection, Limits, Peer
from branchwork.lsp.registry import Features

PATIENCE = 60

Answer = Callable[[Any], Any | Awaitable[Any]]


class RequestFailed(Exception):
    """The server answered with an error."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['code']}: {error['message']} {error.get('data')}")
        self.code: int = error["code"]
        self.message: str = error["message"]
        self.data: Any = error.get("data")


class Client:
    """The editor's side: dicts in, dicts out."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.notifications: list[tuple[str, Any]] = []
        self.asked: list[tuple[str, Any]] = []
        self.responses: list[dict[str, Any]] = []
        self.initialized: Any = None
        self.connection: EditorConnection
        self.serving: asyncio.Task[None]
        self._reader, self._writer = reader, writer
        self._answers: dict[str, Answer] = {}
        self._pending: dict[int | str, asyncio.Future[Any]] = {}
        self._waiters: list[tuple[str, Callable[[Any], bool], asyncio.Future[Any]]] = []
        self._next = 0
        self._reading = asyncio.create_task(self._read())
        self._answering: set[asyncio.Task[None]] = set()

    async def request(self, method: str, params: Any = None, *, seconds: float = PATIENCE) -> Any:
        """The result; RequestFailed for an error."""
        return await asyncio.wait_for(self.start_request(method, params)[1], seconds)

    def start_request(self, method: str, params: Any = None) -> tuple[int, asyncio.Future[Any]]:
        """The id and the answer to come."""
        self._next += 1
        future = asyncio.get_running_loop().create_future()
        self._pending[self._next] = future
        self.send({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next, future

    def notify(self, method: str, params: Any = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def cancel(self, id: int) -> None:
        self.notify("$/cancelRequest", {"id": id})

    def wait_for(
        self, method: str, predicate: Callable[[Any], bool] = lambda _: True
    ) -> Awaitable[Any]:
        """The params of the next notification or request that matches; armed at the call."""
        future = asyncio.get_running_loop().create_future()
        self._waiters.append((method, predicate, future))
        return asyncio.wait_for(future, PATIENCE)

    def on_request(self, method: str, answer: Answer) -> None:
        """How to answer a request of the server; without this it gets -32601."""
        self._answers[method] = answer

    def send(self, message: Any) -> None:
        self.send_bytes(json.dumps(message).encode())

    def send_bytes(self, body: bytes) -> None:
        self._writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send_garbage(self, data: bytes) -> None:
        self._writer.write(data)

    async def initialize(
        self,
        *,
        roots: tuple[Path, ...] = (),
        branchwork: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Any:
        """`initialize` and `initialized`; strict about unknown fields unless told otherwise."""
        abilities = {"protocolVersion": 1, "strict": True} if branchwork is None else branchwork
        params = {
            "processId": None,
            "rootUri": None,
            "capabilities": {"experimental": {"branchwork": abilities}},
            "workspaceFolders": [{"uri": root.as_uri(), "name": root.name} for root in roots],
            **more,
        }
        self.initialized = await self.request("initialize", params)
        self.notify("initialized", {})
        return self.initialized

    def stop_reading(self) -> None:
        """An editor that hangs: what the server sends is left in the socket."""
        self._reading.cancel()
        # The stream pauses its transport by itself when nobody takes what it holds.

    def start_reading(self) -> None:
        """The editor is back."""
        self._reading = asyncio.create_task(self._read())

    async def closed(self) -> None:
        """Wait until the server has closed the connection."""
        await asyncio.wait_for(asyncio.shield(self._reading), PATIENCE)

    async def close(self) -> None:
        self._writer.close()
        for task in (self._reading, *self._answering):
            task.cancel()
        await asyncio.gather(self._reading, *self._answering, return_exceptions=True)

    async def _read(self) -> None:
        try:
            while True:
                header = await self._reader.readuntil(b"\r\n\r\n")
                body = await self._reader.readexactly(int(header.split(b":")[1]))
                self._take(json.loads(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            for future in self._pending.values():
                if not future.done():
                    future.set_exception(ConnectionError("the server closed the connection"))

    def _take(self, message: dict[str, Any]) -> None:
        if "method" not in message:
            self._take_response(message)
            return
        method, params = message["method"], message.get("params")
        (self.asked if "id" in message else self.notifications).append((method, params))
        for waiter in tuple(self._waiters):
            if waiter[0] == method and not waiter[2].done() and waiter[1](params):
                self._waiters.remove(waiter)
                waiter[2].set_result(params)
        if "id" in message:
            task = asyncio.create_task(self._answer(message["id"], method, params))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)

    def _take_response(self, message: dict[str, Any]) -> None:
        self.responses.append(message)
        future = self._pending.pop(message["id"], None)
        if future is None or future.done():
            return
        if "error" in message:
            future.set_exception(RequestFailed(message["error"]))
        else:
            future.set_result(message["result"])

    async def _answer(self, id: int | str, method: str, params: Any) -> None:
        answer = self._answers.get(method)
        if answer is None:
            error = {"code": -32601, "message": f"no {method} here"}
            self.send({"jsonrpc": "2.0", "id": id, "error": error})
            return
        result = answer(params)
        if asyncio.iscoroutine(result):
            result = await result
        self.send({"jsonrpc": "2.0", "id": id, "result": result})


@asynccontextmanager
async def connected(
    app: Any,
    features: Features,
    *,
    initialize: bool = True,
    roots: tuple[Path, ...] = (),
    branchwork: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    limits: Limits | None = None,
    failure: Any = None,
) -> AsyncIterator[Client]:
    """A client of a connection of its own; `client.connection` is the server's side of it."""
    ours, theirs = socket.socketpair()
    connection = EditorConnection(
        app, features, peer=Peer(environment=environment or {}), limits=limits, failure=failure
    )
    serving = asyncio.create_task(connection.serve(*await asyncio.open_connection(sock=theirs)))
    client = Client(*await asyncio.open_connection(sock=ours, limit=1 << 26))
    client.connection = connection
    client.serving = serving
    try:
        if initialize:
            await client.initialize(roots=roots, branchwork=branchwork)
        yield client
    finally:
        await client.close()
        await asyncio.wait_for(serving, PATIENCE)
