"""The main job over the wire: what an editor sends and hears from a selection to a merge."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support.inproc import Client, RequestFailed, connected

from branchwork.lsp import features
from branchwork.services.app import App


@pytest.fixture
async def editor(app: App, repository: Path, environment: dict[str, str]) -> AsyncIterator[Client]:
    """An editor that has the repository open and wants to hear of everything."""
    abilities = {"protocolVersion": 1, "strict": True, "subscribe": "all"}
    async with connected(
        app,
        features.collect(),
        roots=(repository,),
        branchwork=abilities,
        environment=environment,
    ) as client:
        yield client


async def offered(client: Client, file: Path, start: int, end: int, **context: Any) -> list[Any]:
    """The code actions on some whole lines."""
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


def is_status(task_id: str, status: str) -> Callable[[Any], bool]:
    """Whether a `branchwork/changed` tells of that status of a task."""
    return lambda params: any(
        change["id"] == task_id and change.get("value", {}).get("status") == status
        for change in params["changes"]
    )


async def test_the_main_job(editor: Client, repository: Path, git: Callable[..., str]) -> None:
    """Selection, task, run, approval, log, follow-up, diff, merge."""
    actions = await offered(editor, repository / "cart.py", 1, 2)
    assert [action["title"] for action in actions][0] == 'Create task: "return items[0]"'
    task = (await run(editor, actions[0]))["task"]

    asked = editor.wait_for(
        "branchwork/attention/changed",
        lambda params: any(item["kind"] == "approval" for item in params["items"]),
    )
    started = await editor.request(
        "branchwork/workspace/start", {"taskId": task["id"], "executor": "SCRIPTED"}
    )
    execution, conversation = started["execution"], started["session"]["conversationId"]
    _, log = editor.start_request(
        "branchwork/execution/logs",
        {
            "executionId": execution["id"],
            "view": "text",
            "follow": True,
            "partialResultToken": "log",
        },
    )
    (item,) = (await asked)["items"]
    assert item["taskId"] == task["id"]
    reviewed = editor.wait_for("branchwork/changed", is_status(task["id"], "InReview"))
    allow = next(option for option in item["options"] if option["kind"] == "allow_once")
    answer = {"approvalId": item["id"], "optionId": allow["id"]}
    await editor.request("branchwork/approval/respond", answer)
    with pytest.raises(RequestFailed) as again:
        await editor.request("branchwork/approval/respond", answer)
    assert again.value.data["kind"] == "alreadyAnswered"

    assert (await log)["status"] == "Completed"
    text = "".join(
        params["value"]["text"]
        for method, params in editor.notifications
        if method == "$/progress" and params["token"] == "log"
    )
    assert "cart.py" in text
    await reviewed

    reviewed = editor.wait_for("branchwork/changed", is_status(task["id"], "InReview"))
    asked = editor.wait_for(
        "branchwork/attention/changed",
        lambda params: any(item["kind"] == "approval" for item in params["items"]),
    )
    sent = await editor.request(
        "branchwork/conversation/prompt", {"conversationId": conversation, "prompt": "Once more."}
    )
    assert sent["outcome"] == "sent"
    (item,) = [one for one in (await asked)["items"] if one["kind"] == "approval"]
    await editor.request(
        "branchwork/approval/respond", {"approvalId": item["id"], "optionId": allow["id"]}
    )
    await reviewed

    workspace_id = started["workspace"]["id"]
    diff = await editor.request(
        "branchwork/workspace/diff", {"workspaceId": workspace_id, "withPatch": True}
    )
    assert [file["path"] for file in diff["files"]] == ["NOTES.md", "cart.py"]
    assert diff["files"][0]["patch"].startswith("diff --git")
    preview = await editor.request(
        "branchwork/workspace/mergePreview", {"workspaceId": workspace_id}
    )
    assert preview["repos"][0]["conflicts"] == []
    merged = await editor.request("branchwork/workspace/merge", {"workspaceId": workspace_id})
    assert merged["task"]["status"] == "Done"
    assert git(repository, "log", "-1", "--format=%s") == "return items[0]"
    assert git(repository, "status", "--porcelain") == ""

    entries = await editor.request(
        "branchwork/conversation/entries", {"conversationId": conversation}
    )
    kinds = [entry["kind"] for entry in entries["entries"]]
    assert kinds.count("session_boundary") == 2
    assert kinds.count("user_message") == 2
