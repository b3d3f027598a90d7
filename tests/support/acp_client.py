"""A bare client of the Agent Client Protocol for tests: JSON-RPC lines over a child's stdio.

It knows nothing of Branchwork's own ACP peer, so that a test of a real agent says something about
the agent alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, TypeAlias

from support import tagged

Json: TypeAlias = dict[str, Any]
ANSWER_SECONDS = 120.0
GRACE_SECONDS = 5.0
LONGEST_LINE = 64 * 1024 * 1024


class AgentError(Exception):
    """The agent answered with a JSON-RPC error, or ended before it answered."""


class AcpClient:
    """One running agent. `updates` holds every `session/update` that it sent, in order.

    Its processes, tools and all, carry `tag` in their environment (see `tagged`).
    """

    def __init__(self, child: asyncio.subprocess.Process, tag: str) -> None:
        self.tag = tag
        self.updates: list[Json] = []
        self._child = child
        self._last_id = 0
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._permissions: asyncio.Queue[Json] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def request(self, method: str, params: Json, seconds: float = ANSWER_SECONDS) -> Any:
        """The result; AgentError when the agent answers with an error or ends."""
        self._last_id += 1
        answer = self._open[self._last_id] = asyncio.get_running_loop().create_future()
        self._send({"id": self._last_id, "method": method, "params": params})
        return await asyncio.wait_for(answer, seconds)

    def notify(self, method: str, params: Json) -> None:
        self._send({"method": method, "params": params})

    async def open_session(self, cwd: Path, mode: str, known: tuple[str, str] | None = None) -> str:
        """Initializes, opens a session (or goes on: `known` = method, id) and sets its mode."""
        capabilities = {"fs": {"readTextFile": False, "writeTextFile": False}, "terminal": False}
        await self.request("initialize", {"protocolVersion": 1, "clientCapabilities": capabilities})
        place: Json = {"cwd": str(cwd), "mcpServers": []}
        if known is None:
            session = str((await self.request("session/new", place))["sessionId"])
        else:
            method, session = known
            await self.request(method, {**place, "sessionId": session})
        await self.request("session/set_mode", {"sessionId": session, "modeId": mode})
        return session

    def prompt(self, session: str, text: str) -> asyncio.Task[Any]:
        """The turn under way; its result has the stop reason."""
        words = [{"type": "text", "text": text}]
        sent = self.request("session/prompt", {"sessionId": session, "prompt": words})
        turn = asyncio.create_task(sent)
        # A test that fails before it awaits the turn has said enough.
        turn.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        return turn

    async def permission(self, seconds: float = ANSWER_SECONDS) -> Json:
        """The agent's next `session/request_permission`, whole."""
        return await asyncio.wait_for(self._permissions.get(), seconds)

    def choose(self, permission: Json, kind: str) -> None:
        """Answers a permission request by its first option of that kind, like `allow_once`."""
        options = permission["params"]["options"]
        option = next(option["optionId"] for option in options if option["kind"] == kind)
        self._answer(permission, {"outcome": "selected", "optionId": option})

    def withdraw(self, permission: Json) -> None:
        """Answers a permission request that nobody will decide any more."""
        self._answer(permission, {"outcome": "cancelled"})

    def said(self) -> str:
        """All text of the agent's messages so far."""
        chunks = [u for u in self.updates if u["sessionUpdate"] == "agent_message_chunk"]
        return "".join(chunk["content"].get("text", "") for chunk in chunks)

    async def end(self) -> None:
        """End of input, and what a well-behaved agent needs to leave."""
        assert self._child.stdin
        self._child.stdin.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._child.wait(), GRACE_SECONDS)

    async def killed(self) -> None:
        """Ends what is left of its process group the hard way, and the reader with it."""
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        await self._child.wait()
        await self._reading

    def _answer(self, request: Json, outcome: Json) -> None:
        self._send({"id": request["id"], "result": {"outcome": outcome}})

    def _send(self, message: Json) -> None:
        assert self._child.stdin
        self._child.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    async def _read(self) -> None:
        assert self._child.stdout
        async for line in self._child.stdout:
            # Agents print other things there now and then.
            with suppress(ValueError):
                self._take(json.loads(line))
        for answer in self._open.values():
            if not answer.done():
                answer.set_exception(AgentError("the agent ended before it answered"))
                # Whoever still awaits it hears of it; nobody else has to.
                answer.exception()

    def _take(self, message: Json) -> None:
        method = message.get("method")
        if method is None:
            self._take_answer(message)
        elif method == "session/update":
            self.updates.append(message["params"]["update"])
        elif method == "session/request_permission":
            self._permissions.put_nowait(message)
        elif "id" in message:
            unknown = {"code": -32601, "message": f"no method {method}"}
            self._send({"id": message["id"], "error": unknown})

    def _take_answer(self, message: Json) -> None:
        answer = self._open.pop(message["id"])
        if answer.done():
            return
        if "error" in message:
            answer.set_exception(AgentError(json.dumps(message["error"])))
        else:
            answer.set_result(message["result"])


Start: TypeAlias = Callable[[], AbstractAsyncContextManager[AcpClient]]
"""Starts one agent, a new process at each call."""


@asynccontextmanager
async def running(
    argv: Sequence[str], cwd: Path, env: Mapping[str, str], stderr: Path
) -> AsyncIterator[AcpClient]:
    """An agent while the block lasts; at its end nothing that it started is left."""
    tag = tagged.new()
    with stderr.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            *argv,
            cwd=cwd,
            env={**env, tagged.TAG: tag},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
    client = AcpClient(child, tag)
    try:
        yield client
        await client.end()
    finally:
        tagged.end(tag)
        await client.killed()
