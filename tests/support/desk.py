"""A person at an editor without a plugin: documents, code actions, and nothing else of ours."""

from collections.abc import Awaitable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from support.inproc import Client

OPEN = "branchwork.server.document.open"
SHOWS = {
    "window": {"showDocument": {"support": True}},
    "experimental": {"branchwork": {"protocolVersion": 1, "strict": True, "subscribe": "all"}},
}


class Desk:
    """An editor that shows what the server asks it to, with what a person does in it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.shown: list[str] = []
        self._versions: dict[str, int] = {}
        client.on_request("window/showDocument", self._show)

    def _show(self, params: Any) -> Any:
        self.shown.append(params["uri"])
        return {"success": True}

    async def open(self, kind: str, identifier: str | None = None) -> tuple[str, str]:
        """A document that the server writes and the editor opens: its uri and its text."""
        arguments = {"kind": kind} if identifier is None else {"kind": kind, "id": identifier}
        opened = await self.command(OPEN, arguments)
        assert opened["shown"]
        uri = self.shown[-1]
        assert uri == opened["uri"]
        text = file_of(uri).read_text()
        document = {"uri": uri, "languageId": "branchwork", "version": 0, "text": text}
        if uri in self._versions:
            self.type(uri, text)
        else:
            self._versions[uri] = 0
            self.client.notify("textDocument/didOpen", {"textDocument": document})
        return uri, text

    def type(self, uri: str, text: str) -> None:
        """An edit that is not saved."""
        self._versions[uri] += 1
        self.client.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": uri, "version": self._versions[uri]},
                "contentChanges": [{"text": text}],
            },
        )

    async def actions(self, uri: str, line: int = 0, **context: Any) -> dict[str, Any]:
        """The code actions at a line, by title."""
        place = {"line": line, "character": 0}
        found = await self.client.request(
            "textDocument/codeAction",
            {
                "textDocument": {"uri": uri},
                "range": {"start": place, "end": place},
                "context": {"diagnostics": [], **context},
            },
        )
        return {action["title"]: action["command"] for action in found}

    async def run(self, command: Any) -> Any:
        """What a person has chosen."""
        return await self.client.request(
            "workspace/executeCommand",
            {"command": command["command"], "arguments": command["arguments"]},
        )

    async def command(self, name: str, arguments: Any = None) -> Any:
        """A command typed by its name."""
        given = [] if arguments is None else [arguments]
        return await self.run({"command": name, "arguments": given})

    async def new_task(self, repository: Path, title: str = "First", **more: Any) -> Any:
        """A task in the project of a repository."""
        uri = (repository / "cart.py").as_uri()
        params = {"uri": uri, "title": title, **more}
        return (await self.client.request("branchwork/task/create", params))["task"]

    async def start(self, task: Any, script: str) -> Any:
        """A run of the scripted agent."""
        prompt = f"<script>{script}</script>"
        params = {"taskId": task["id"], "executor": "SCRIPTED", "prompt": prompt}
        return await self.client.request("branchwork/workspace/start", params)

    async def asked(self, task: Any) -> tuple[Any, Any]:
        """A run that waits for an answer, and what the answer is to."""
        asked = self.asks()
        started = await self.start(task, '[{"write": "a.py", "ask": true}]')
        (item,) = [one for one in (await asked)["items"] if one["kind"] == "approval"]
        return started, item

    async def finished(self, task: Any, script: str) -> Any:
        """A run until its task is in review."""
        reviewed = self.reviewed(task)
        started = await self.start(task, script)
        await reviewed
        return started

    def asks(self) -> Awaitable[Any]:
        """An agent's next request; armed at the call."""
        return self.client.wait_for(
            "branchwork/attention/changed",
            lambda params: any(item["kind"] == "approval" for item in params["items"]),
        )

    def reviewed(self, task: Any) -> Awaitable[Any]:
        """The end of a task's next run; armed at the call."""
        return self.client.wait_for(
            "branchwork/changed",
            lambda params: any(
                change["id"] == task["id"]
                and (change.get("value") or {}).get("status") == "InReview"
                for change in params["changes"]
            ),
        )


def file_of(uri: str) -> Path:
    """The file of a uri."""
    return Path(unquote(uri.removeprefix("file://")))


def line_of(text: str, part: str) -> int:
    """The number of the first line that contains it."""
    return next(n for n, line in enumerate(text.split("\n")) if part in line)
