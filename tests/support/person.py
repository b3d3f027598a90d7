"""What a person does in an editor, as the requests that it makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from support.inproc import Client


async def offered(client: Client, file: Path, start: int, end: int, **context: Any) -> list[Any]:
    """The code actions on some whole lines; an empty range is the cursor's line."""
    place = {"start": {"line": start, "character": 0}, "end": {"line": end, "character": 0}}
    found: list[Any] = await client.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": file.as_uri()},
            "range": place,
            "context": {"diagnostics": [], **context},
        },
    )
    return found


async def run(client: Client, action: Any) -> Any:
    """What an editor does with a code action that a person has chosen."""
    return await client.request(
        "workspace/executeCommand",
        {"command": action["command"]["command"], "arguments": action["command"]["arguments"]},
    )


async def new_task(client: Client, repository: Path, title: str = "First", **more: Any) -> Any:
    """A task in the project of a repository."""
    created = await client.request(
        "branchwork/task/create",
        {"uri": (repository / "cart.py").as_uri(), "title": title, **more},
    )
    return created["task"]


async def start(client: Client, task: Any, script: str = "", **more: Any) -> Any:
    """A run of the scripted agent; without a script it plays its default scene."""
    prompt = {"prompt": f"<script>{script}</script>"} if script else {}
    return await client.request(
        "branchwork/workspace/start",
        {"taskId": task["id"], "executor": "SCRIPTED", **prompt, **more},
    )


def has_status(task: Any, status: str) -> Callable[[Any], bool]:
    """Whether a `branchwork/changed` tells of that status of a task."""
    return lambda params: any(
        change["id"] == task["id"] and (change.get("value") or {}).get("status") == status
        for change in params["changes"]
    )


async def finished(client: Client, task: Any, script: str = "", **more: Any) -> Any:
    """A run of the scripted agent until its task is in review."""
    reviewed = client.wait_for("branchwork/changed", has_status(task, "InReview"))
    started = await start(client, task, script, **more)
    await reviewed
    return started


def asks(params: Any) -> bool:
    """Whether an `attention/changed` holds a request of an agent."""
    return any(item["kind"] == "approval" for item in params["items"])


async def allow(client: Client, attention: Any) -> Any:
    """Answer the one request that waits with its first "allow once"."""
    (item,) = [one for one in attention["items"] if one["kind"] == "approval"]
    option = next(one for one in item["options"] if one["kind"] == "allow_once")
    return await client.request(
        "branchwork/approval/respond", {"approvalId": item["id"], "optionId": option["id"]}
    )
