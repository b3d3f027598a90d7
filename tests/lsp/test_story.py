"""The main job over the wire: what an editor sends and hears from a selection to a merge."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import person as story
from support.inproc import Client, RequestFailed


async def logged(client: Client, execution_id: str, token: str) -> tuple[str, Any]:
    """The whole text of a log that is followed to its end, and the answer."""
    done = await client.request(
        "branchwork/execution/logs",
        {"executionId": execution_id, "follow": True, "partialResultToken": token},
    )
    pieces = [
        params["value"]["text"]
        for method, params in client.notifications
        if method == "$/progress" and params["token"] == token
    ]
    return "".join(pieces), done


async def follow_up(client: Client, conversation: str, task: Any) -> None:
    """A second prompt in the same conversation, allowed and played to its end."""
    reviewed = client.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    asked = client.wait_for("branchwork/attention/changed", story.asks)
    sent = await client.request(
        "branchwork/conversation/prompt", {"conversationId": conversation, "prompt": "Once more."}
    )
    assert sent["outcome"] == "sent"
    await story.allow(client, await asked)
    await reviewed


async def test_the_main_job(editor: Client, repository: Path, git: Callable[..., str]) -> None:
    """Selection, task, run, approval, log, follow-up, diff, merge."""
    actions = await story.offered(editor, repository / "cart.py", 1, 2)
    assert actions[0]["title"] == 'Create task: "return items[0]"'
    task = (await story.run(editor, actions[0]))["task"]

    asked = editor.wait_for("branchwork/attention/changed", story.asks)
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    started = await story.start(editor, task)
    attention = await asked
    assert attention["items"][0]["taskId"] == task["id"]
    answered = (await story.allow(editor, attention))["approval"]
    with pytest.raises(RequestFailed) as again:
        await story.allow(editor, attention)
    assert again.value.data["kind"] == "alreadyAnswered"
    assert answered["status"] == "Answered"
    text, done = await logged(editor, started["execution"]["id"], "log")
    assert done["status"] == "Completed"
    assert "cart.py" in text
    await reviewed
    conversation = started["session"]["conversationId"]
    await follow_up(editor, conversation, task)

    workspace = {"workspaceId": started["workspace"]["id"]}
    diff = await editor.request("branchwork/workspace/diff", {**workspace, "withPatch": True})
    assert [file["path"] for file in diff["files"]] == ["NOTES.md", "cart.py"]
    assert diff["files"][0]["patch"].startswith("diff --git")
    preview = await editor.request("branchwork/workspace/mergePreview", workspace)
    assert preview["repos"][0]["conflicts"] == []
    merged = await editor.request("branchwork/workspace/merge", workspace)
    assert merged["task"]["status"] == "Done"
    assert git(repository, "log", "-1", "--format=%s") == "return items[0]"
    assert git(repository, "status", "--porcelain") == ""

    read = await editor.request("branchwork/conversation/entries", {"conversationId": conversation})
    kinds = [entry["kind"] for entry in read["entries"]]
    assert kinds.count("session_boundary") == kinds.count("user_message") == 2


async def test_two_editors_see_one_board(
    editor: Client, second_editor: Client, repository: Path
) -> None:
    """What one does the other sees; the first answer wins and withdraws the question."""
    seen = second_editor.wait_for(
        "branchwork/changed",
        lambda params: any(change["entity"] == "task" for change in params["changes"]),
    )
    task = await story.new_task(editor, repository)
    assert (await seen)["changes"][-1]["value"]["title"] == "First"

    both = [
        one.wait_for("branchwork/attention/changed", story.asks) for one in (editor, second_editor)
    ]
    await story.start(editor, task)
    first, second = [await one for one in both]
    assert first["items"] == second["items"]

    withdrawn = editor.wait_for(
        "branchwork/attention/changed", lambda params: not story.asks(params)
    )
    await story.allow(second_editor, second)
    await withdrawn
    with pytest.raises(RequestFailed) as late:
        await story.allow(editor, first)
    assert late.value.data["kind"] == "alreadyAnswered"


async def test_a_prompt_is_queued_while_the_agent_works(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    """It is sent when the turn has ended, once."""
    gate = tmp_path / "gate"
    task = await story.new_task(editor, repository)
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    started = await story.start(editor, task, f'[{{"until": "{gate}"}}, {{"message": "one"}}]')
    conversation = {"conversationId": started["session"]["conversationId"]}
    sent = await editor.request(
        "branchwork/conversation/prompt",
        {**conversation, "prompt": '<script>[{"message": "two"}]</script>'},
    )
    assert sent["outcome"] == "queued"
    gate.touch()
    await reviewed
    read = await editor.request("branchwork/conversation/get", conversation)
    assert [turn["summary"] for turn in read["turns"]] == ["one", "two"]
    assert read["queue"] == []


async def test_stopping_an_agent_cancels_its_turn(editor: Client, repository: Path) -> None:
    """The process is Killed, the task is in review, nothing asks for attention."""
    task = await story.new_task(editor, repository)
    started = await story.start(editor, task, '[{"message": "hello"}, {"sleep": 600}]')
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    stopped = await editor.request(
        "branchwork/execution/stop", {"executionId": started["execution"]["id"]}
    )
    assert stopped["execution"]["status"] == "Killed"
    await reviewed
    assert (await editor.request("branchwork/attention/list", {}))["items"] == []


async def test_an_end_that_was_seen_asks_for_nothing(editor: Client, repository: Path) -> None:
    """markSeen takes the finished run off the list."""
    task = await story.new_task(editor, repository)
    started = await story.finished(editor, task, '[{"message": "done"}]')
    (item,) = (await editor.request("branchwork/attention/list", {}))["items"]
    assert (item["kind"], item["sentence"]) == ("finished", "done")
    seen = await editor.request(
        "branchwork/conversation/markSeen",
        {"conversationId": started["session"]["conversationId"]},
    )
    assert seen["conversation"]["seen"]
    assert (await editor.request("branchwork/attention/list", {}))["items"] == []


async def test_raw_log_and_text_log_tell_the_same(editor: Client, repository: Path) -> None:
    """The raw view is the journal without what we sent; `withSent` has that too."""
    task = await story.new_task(editor, repository)
    started = await story.finished(editor, task, '[{"message": "hello there"}]')
    about = {"executionId": started["execution"]["id"], "view": "raw"}
    received = await editor.request("branchwork/execution/logs", about)
    whole = await editor.request("branchwork/execution/logs", {**about, "withSent": True})
    assert {record["s"] for record in received["records"]} <= {"o", "e", "x"}
    assert [record["seq"] for record in whole["records"]] == list(range(1, whole["nextSeq"]))
    later = await editor.request("branchwork/execution/logs", {**about, "fromSeq": 3})
    assert later["records"] == [one for one in received["records"] if one["seq"] >= 3]
    text, _ = await logged(editor, about["executionId"], "text")
    assert "hello there" in text


async def test_entries_of_a_live_run_grow_by_what_is_new(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    """A text that grows comes as `append`; put together, the stream is what a later read gives."""
    gate = tmp_path / "gate"
    task = await story.new_task(editor, repository)
    script = f'[{{"message": "first "}}, {{"until": "{gate}"}}, {{"message": "and second"}}]'
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    started = await story.start(editor, task, script)
    conversation = {"conversationId": started["session"]["conversationId"]}
    said_first = editor.wait_for("$/progress", lambda params: "first " in str(params))
    id_, _ = editor.start_request(
        "branchwork/conversation/entries",
        {**conversation, "follow": True, "partialResultToken": "e"},
    )
    await said_first
    said_second = editor.wait_for(
        "$/progress", lambda params: '"stop"' in str(params) or "'stop'" in str(params)
    )
    gate.touch()
    await said_second
    await reviewed
    editor.cancel(id_)
    assert (
        rebuilt(editor, "e")
        == (await editor.request("branchwork/conversation/entries", conversation))["entries"]
    )


def rebuilt(client: Client, token: str) -> list[Any]:
    """The entries that the changes of a stream make."""
    entries: list[Any] = []
    for method, params in client.notifications:
        if method != "$/progress" or params["token"] != token:
            continue
        for change in params["value"]["changes"]:
            if change["op"] == "append":
                field = "output" if entries[change["index"]]["kind"] == "tool_call" else "text"
                entries[change["index"]][field] += change["text"]
            elif change["op"] == "replace":
                entries[change["index"]] = change["entry"]
            else:
                assert change["index"] == len(entries)
                entries.append(change["entry"])
    return entries


async def test_a_held_prompt_is_sent_again_or_dropped(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    """After a stop it waits for a person, in "needs you"; it is never sent by itself."""
    task = await story.new_task(editor, repository)
    started = await story.start(editor, task, f'[{{"until": "{tmp_path / "never"}"}}]')
    conversation = {"conversationId": started["session"]["conversationId"]}
    for text in ("one", "two"):
        prompt = f'<script>[{{"message": "{text}"}}]</script>'
        await editor.request("branchwork/conversation/prompt", {**conversation, "prompt": prompt})
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    await editor.request("branchwork/workspace/stop", {"workspaceId": started["workspace"]["id"]})
    await reviewed
    held = (await editor.request("branchwork/attention/list", {}))["items"]
    assert [item["kind"] for item in held] == ["heldPrompt", "heldPrompt"]

    queue = "branchwork/conversation/queue"
    left = await editor.request(queue, {**conversation, "remove": held[0]["id"]})
    assert [one["id"] for one in left["queue"]] == [held[1]["id"]]
    edited = '<script>[{"message": "edited"}]</script>'
    await editor.request(queue, {**conversation, "edit": held[1]["id"], "prompt": edited})
    reviewed = editor.wait_for("branchwork/changed", story.has_status(task, "InReview"))
    sent = await editor.request(queue, {**conversation, "send": held[1]["id"]})
    assert (sent["queue"], sent["execution"]["status"]) == ([], "Running")
    await reviewed
    read = await editor.request("branchwork/conversation/get", conversation)
    assert read["turns"][-1]["summary"] == "edited"
