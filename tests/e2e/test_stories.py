"""The stories of a developer, told by editors that run the real command: proxy, daemon, shims."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pygls.exceptions import JsonRpcException

from support.git_repos import GitRepo
from support.lsp_editor import Editor
from support.story import became, choice, items, shows, waits, waits_no_more

CHANGED = "branchwork/changed"
ATTENTION = "branchwork/attention/changed"
LOGS = "branchwork/execution/logs"
RESPOND = "branchwork/approval/respond"


async def make_task(editor: Editor, repo: GitRepo) -> Any:
    """A task from a selection, by the code action."""
    file = repo.root / "cart.py"
    editor.open(file)
    first = (await editor.actions(file, 1, 2))[0]
    assert first["title"] == 'Create task: "return items[0]"'
    created = await editor.run(first)
    # An editor without a plugin shows nobody the result.
    told = await editor.hears("window/showMessage")
    assert told.message.startswith("Created the task “return items[0]”. Made the project ")
    return created["task"]


async def test_from_a_selection_to_a_merge(editor: Editor, repo: GitRepo) -> None:
    task = await make_task(editor, repo)
    started = await editor.ask(
        "branchwork/workspace/start",
        taskId=task["id"],
        executor="SCRIPTED",
        workDoneToken="start",
    )
    kinds = [part["kind"] for part in editor.parts("start")]
    assert (kinds[0], kinds[-1]) == ("begin", "end")
    execution, conversation = started["execution"], started["session"]["conversationId"]
    log = editor.asking(
        LOGS, executionId=execution["id"], view="text", follow=True, partialResultToken="log"
    )
    asked = await editor.hears(ATTENTION, waits(task["id"]))
    await editor.hears("$/progress", shows("asks: Write cart.py?"))
    await editor.ask(RESPOND, **choice(items(asked, task["id"])[0]))
    ended = await log
    assert (ended["status"], ended["exitCode"]) == ("Completed", 0)
    assert "Write cart.py" in "".join(part["text"] for part in editor.parts("log"))
    await editor.hears(CHANGED, became(task["id"], "InReview"))

    seen = editor.now
    sent = await editor.ask(
        "branchwork/conversation/prompt", conversationId=conversation, prompt="Once more."
    )
    assert sent["outcome"] == "sent"
    asked = await editor.hears(ATTENTION, waits(task["id"]), since=seen)
    await editor.ask(RESPOND, **choice(items(asked, task["id"])[0]))
    await editor.hears(CHANGED, became(task["id"], "InReview"), since=seen)
    entries = await editor.ask("branchwork/conversation/entries", conversationId=conversation)
    kinds = [entry["kind"] for entry in entries["entries"]]
    assert kinds.count("user_message") == kinds.count("session_boundary") == 2

    workspace = started["workspace"]["id"]
    diff = await editor.ask("branchwork/workspace/diff", workspaceId=workspace, withPatch=True)
    assert [file["path"] for file in diff["files"]] == ["NOTES.md", "cart.py"]
    before = repo.head("main")
    preview = await editor.ask("branchwork/workspace/mergePreview", workspaceId=workspace)
    assert preview["repos"][0]["conflicts"] == []
    assert repo.head("main") == before
    merged = await editor.ask("branchwork/workspace/merge", workspaceId=workspace)
    assert merged["task"]["status"] == "Done"
    assert repo.run("log", "--format=%s") == "return items[0]\nThe cart\nfirst"
    assert repo.run("status", "--porcelain") == ""
    assert not items(await editor.ask("branchwork/attention/list"), task["id"], "finished")


async def test_two_editors_watch_one_run(editor: Editor, other: Editor, repo: GitRepo) -> None:
    task = await make_task(editor, repo)
    await other.hears(CHANGED, became(task["id"], "Todo"))
    started = await editor.ask("branchwork/workspace/start", taskId=task["id"], executor="SCRIPTED")
    await other.hears(CHANGED, became(task["id"], "InProgress"))
    logs = [
        one.asking(
            LOGS, executionId=started["execution"]["id"], follow=True, partialResultToken="log"
        )
        for one in (editor, other)
    ]
    (item,) = items(await editor.hears(ATTENTION, waits(task["id"])), task["id"])
    (same,) = items(await other.hears(ATTENTION, waits(task["id"])), task["id"])
    assert item == same

    seen = editor.now
    await other.ask(RESPOND, **choice(item))
    await editor.hears(ATTENTION, waits_no_more(item["id"]), since=seen)
    with pytest.raises(JsonRpcException, match="answered already, by tests") as second:
        await editor.ask(RESPOND, **choice(item, "reject_once"))
    assert second.value.code == -32011
    assert second.value.data["kind"] == "alreadyAnswered"
    assert second.value.data["retryable"] is False

    for one in (editor, other):
        await one.hears(CHANGED, became(task["id"], "InReview"))
        await one.hears(ATTENTION, waits(task["id"], "finished"))
    ended = await asyncio.gather(*logs)
    assert ended[0] == ended[1]
    texts = ["".join(part["text"] for part in one.parts("log")) for one in (editor, other)]
    assert texts[0] == texts[1]

    seen = other.now
    await editor.ask("branchwork/conversation/markSeen", conversationId=item["conversationId"])
    await other.hears(ATTENTION, lambda told: not items(told, task["id"], "finished"), since=seen)
