"""Workspaces and conversations over the wire: what lists and edits say of them."""

from pathlib import Path
from typing import Any

from support import person
from support.inproc import Client
from support.refusals import refused

CONFLICT, CONTENT_MODIFIED = -32011, -32801


async def made(editor: Client, repository: Path, *scripts: str) -> tuple[Any, Any]:
    """A task and its start, after a turn for each script."""
    task = await person.new_task(editor, repository)
    started = await person.finished(editor, task, scripts[0])
    for script in scripts[1:]:
        reviewed = editor.wait_for("branchwork/changed", person.has_status(task, "InReview"))
        prompt = {
            "conversationId": started["session"]["conversationId"],
            "prompt": f"<script>{script}</script>",
        }
        await editor.request("branchwork/conversation/prompt", prompt)
        await reviewed
    return task, started


async def test_a_workspace_with_its_sessions(editor: Client, repository: Path) -> None:
    task, started = await made(editor, repository, '[{"message": "1"}]', '[{"message": "2"}]')
    about = {"workspaceId": started["workspace"]["id"]}
    read = await editor.request("branchwork/workspace/get", about)
    assert read["workspace"]["taskId"] == task["id"]
    assert read["workspace"]["branch"] == started["workspace"]["branch"]
    assert [one["targetBranch"] for one in read["workspace"]["repos"]] == ["main"]
    conversations = {session["conversationId"] for session in read["sessions"]}
    assert len(read["sessions"]) == 2
    assert conversations == {started["session"]["id"]}
    assert {session["executor"] for session in read["sessions"]} == {"SCRIPTED"}
    assert read.get("waiting") is None


async def test_a_workspace_is_named_pinned_and_archived(editor: Client, repository: Path) -> None:
    """An archived one is hidden, until something runs in it again."""
    _, started = await made(editor, repository, '[{"message": "1"}]')
    about = {"workspaceId": started["workspace"]["id"]}
    update, list_ = "branchwork/workspace/update", "branchwork/workspace/list"
    edit = {**about, "name": " My  try ", "pinned": True, "archived": True}
    edited = (await editor.request(update, edit))["workspace"]
    assert (edited["name"], edited["pinned"], edited["archived"]) == ("My try", True, True)
    assert (await editor.request(list_, {"archived": False}))["workspaces"] == []
    assert len((await editor.request(list_, {"archived": True}))["workspaces"]) == 1
    stale = {**about, "name": "Other", "expectedRevision": 1}
    await refused(editor, update, stale, CONTENT_MODIFIED, "contentModified")
    nameless = (await editor.request(update, {**about, "name": None}))["workspace"]
    assert nameless.get("name") is None
    assert nameless["pinned"] is True

    prompt = {"conversationId": started["session"]["conversationId"], "prompt": "Again"}
    await editor.request("branchwork/conversation/prompt", prompt)
    assert (await editor.request(list_, {"archived": True}))["workspaces"] == []
    archive = {**about, "archived": True}
    await refused(editor, update, archive, CONFLICT, "running", "stop it")
    await editor.request("branchwork/workspace/stop", about)


async def test_conversations_are_listed_newest_first(editor: Client, repository: Path) -> None:
    task, first = await made(editor, repository, '[{"message": "1"}]', '[{"message": "2"}]')
    reviewed = editor.wait_for("branchwork/changed", person.has_status(task, "InReview"))
    again = await editor.request(
        "branchwork/workspace/start",
        {
            "workspaceId": first["workspace"]["id"],
            "executor": "SCRIPTED",
            "prompt": '<script>[{"message": "3"}]</script>',
        },
    )
    await reviewed
    other, _ = await made(editor, repository, '[{"message": "4"}]')
    list_ = "branchwork/conversation/list"
    found = (await editor.request(list_, {"taskId": task["id"]}))["conversations"]
    ids = [again["session"]["conversationId"], first["session"]["conversationId"]]
    assert [one["id"] for one in found] == ids
    assert [one["summary"] for one in found] == ["3", "2"]
    assert [one["sessionCount"] for one in found] == [1, 2]
    assert {one["status"] for one in found} == {"Completed"}
    assert len((await editor.request(list_, {}))["conversations"]) == 3
    page = await editor.request(list_, {"limit": 2})
    rest = await editor.request(list_, {"limit": 2, "cursor": page["nextCursor"]})
    assert [len(page["conversations"]), len(rest["conversations"])] == [2, 1]
    assert rest["conversations"][0]["id"] == ids[1]
    assert other["id"] != task["id"]


async def test_what_was_looked_at_does_not_wait_any_more(
    editor: Client, second_editor: Client, repository: Path
) -> None:
    """In one editor, and so in all of them."""
    task, started = await made(editor, repository, '[{"message": "1"}]')
    about = {"conversationId": started["session"]["conversationId"]}
    read = await editor.request("branchwork/conversation/get", about)
    assert (read["conversation"]["seen"], read["conversation"]["needsYou"]) == (False, True)
    waits = (await second_editor.request("branchwork/attention/list", {}))["items"]
    assert [(item["kind"], item["taskId"]) for item in waits] == [("finished", task["id"])]
    told = second_editor.wait_for("branchwork/attention/changed", lambda p: p["items"] == [])
    seen = await editor.request("branchwork/conversation/markSeen", about)
    assert (seen["conversation"]["seen"], seen["conversation"]["needsYou"]) == (True, False)
    await told


async def test_entries_can_be_read_from_a_place_on(editor: Client, repository: Path) -> None:
    _, started = await made(editor, repository, '[{"message": "1"}]', '[{"message": "2"}]')
    about = {"conversationId": started["session"]["conversationId"]}
    entries = "branchwork/conversation/entries"
    whole = await editor.request(entries, about)
    for number, entry in enumerate(whole["entries"]):
        place = {"executionId": entry["executionId"], "index": entry["index"]}
        rest = await editor.request(entries, {**about, "from": place})
        assert rest["entries"] == whole["entries"][number:]
    behind = await editor.request(entries, {**about, "from": whole["next"]})
    assert behind["entries"] == []
