"""Documents in an editor without a plugin: opened, read, edited, acted on."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from branchwork.lsp import documents
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.protocol.documents import DocumentKind
from branchwork.services.app import App
from branchwork.services.document_names import Kind
from support.desk import OPEN, SHOWS, Desk, file_of, line_of
from support.inproc import Client, RequestFailed, connected


@pytest.fixture
async def desk(
    app: App, offered_features: Features, repository: Path, environment: dict[str, str]
) -> AsyncIterator[Desk]:
    async with connected(
        app, offered_features, initialize=False, environment=environment
    ) as client:
        await client.initialize(roots=(repository,), capabilities=SHOWS)
        yield Desk(client)


async def test_a_document_is_opened_in_the_editor(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository, "Fix it")
    uri, text = await desk.open("task", task["id"])
    assert uri.endswith(f"/documents/task/{task['id']}.branchwork.md")
    assert "# Fix it" in text


async def test_an_editor_that_can_not_open_files_is_told_where_it_is(
    editor: Client, repository: Path
) -> None:
    told = editor.wait_for("window/showMessage")
    opened = await editor.request("branchwork/document/open", {"kind": "board"})
    assert not opened["shown"]
    assert (await told)["message"] == f"The board is in {file_of(opened['uri'])}"
    assert file_of(opened["uri"]).is_file()


async def test_an_editor_that_refuses_to_open_it_is_told_too(desk: Desk) -> None:
    desk.client.on_request("window/showDocument", lambda _: {"success": False})
    told = desk.client.wait_for("window/showMessage")
    assert not (await desk.command(OPEN))["shown"]
    await told


async def test_a_document_can_be_written_without_being_shown(desk: Desk) -> None:
    opened = await desk.command(OPEN, {"kind": "attention", "show": False})
    assert (opened["shown"], desk.shown) == (False, [])
    assert "Nothing waits for you." in file_of(opened["uri"]).read_text()


async def test_what_is_not_there_is_a_typed_error(desk: Desk) -> None:
    for kind in ("task", "conversation", "log", "diff", "board"):
        with pytest.raises(RequestFailed) as refused:
            await desk.command(OPEN, {"kind": kind, "id": "../../x"})
        assert refused.value.code == -32010


async def test_without_an_id_it_is_what_the_folder_suggests(
    app: App,
    desk: Desk,
    offered_features: Features,
    repository: Path,
    environment: dict[str, str],
) -> None:
    """In the repository its project's board; in a worktree of ours its task and the rest."""
    task = await desk.new_task(repository)
    uri, _ = await desk.open("board")
    assert task["projectId"] in uri
    uri, _ = await desk.open("task")
    assert task["projectId"] in uri
    started = await desk.finished(task, '[{"message": "done"}]')
    worktree = Path(started["workspace"]["containerRef"])
    async with connected(
        app, offered_features, initialize=False, environment=environment
    ) as client:
        await client.initialize(roots=(worktree / "shop",), capabilities=SHOWS)
        inside = Desk(client)
        for kind, identifier in (
            ("task", task["id"]),
            ("conversation", started["session"]["conversationId"]),
            ("diff", started["workspace"]["id"]),
            ("log", started["execution"]["id"]),
        ):
            uri, _ = await inside.open(kind)
            assert uri.endswith(f"/{kind}/{identifier}.branchwork.md")


async def test_a_request_is_answered_from_the_attention_document(
    desk: Desk, repository: Path
) -> None:
    task = await desk.new_task(repository, "Ask me")
    started, item = await desk.asked(task)
    uri, text = await desk.open("attention")
    actions = await desk.actions(uri, line_of(text, "Reject"))
    titles = list(actions)
    assert titles[:3] == [
        f"{name}: {item['sentence']}" for name in ("Allow", "Allow for this session", "Reject")
    ]
    assert "Open the conversation: Ask me" in titles
    at_the_top = await desk.actions(uri, 0)
    assert not any(title.startswith("Allow") for title in at_the_top)
    reviewed = desk.reviewed(task)
    answered = await desk.run(actions[titles[0]])
    assert answered["approval"]["status"] == "Answered"
    await reviewed
    assert not any(t.startswith("Allow") for t in await desk.actions(uri, line_of(text, "Reject")))
    with pytest.raises(RequestFailed) as again:
        await desk.run(actions[titles[2]])
    assert again.value.data["kind"] == "alreadyAnswered"

    uri, text = await desk.open("attention")
    actions = await desk.actions(uri, line_of(text, "is ready"))
    await desk.run(actions["Mark as seen: Ask me"])
    _, text = await desk.open("attention")
    assert "Nothing waits for you." in text
    assert started["workspace"]["id"] not in text


async def test_a_task_is_started_as_its_document_stands(
    desk: Desk, repository: Path, git: Any
) -> None:
    """Edited in the editor and not saved: the agent, the branch, and the text."""
    git(repository, "branch", "develop")
    task = await desk.new_task(repository, "Old title", description="Old text")
    uri, text = await desk.open("task", task["id"])
    agent = next(line for line in text.split("\n") if line.startswith("- agent:"))
    desk.type(
        uri,
        text.replace(agent, "- agent: Scripted")
        .replace("- base branch: main", "base branch:  develop ")
        .replace("# Old title", "# New title 🎉")
        .replace("Old text", '<script>[{"message": "hi"}]</script>'),
    )
    actions = await desk.actions(uri)
    title = "Start with Scripted agent from develop, with the text as it stands here"
    assert list(actions)[:2] == ["Save the title and the description", title]
    assert actions[title]["arguments"] == [
        {
            "taskId": task["id"],
            "executor": "SCRIPTED",
            "baseBranch": "develop",
            "prompt": 'New title 🎉\n\n<script>[{"message": "hi"}]</script>',
        }
    ]
    reviewed = desk.reviewed(task)
    started = await desk.run(actions[title])
    assert started["workspace"]["repos"][0]["targetBranch"] == "develop"
    assert started["session"]["executor"] == "SCRIPTED"
    await reviewed
    saved = await desk.run((await desk.actions(uri))["Save the title and the description"])
    assert saved["task"]["title"] == "New title 🎉"
    assert not any(t.startswith("Save") for t in await desk.actions(uri))


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        (("isolation: worktree", "isolation: nowhere"), "isolation"),
        (("base branch: main", "base branch: nowhere"), "branch"),
        (("agent: ", "agent: nobody "), "executor"),
    ],
)
async def test_a_wrong_line_is_told_by_the_start(
    desk: Desk, repository: Path, edit: tuple[str, str], field: str
) -> None:
    task = await desk.new_task(repository)
    uri, text = await desk.open("task", task["id"])
    text = text.replace("- agent: ", "- agent: scripted\n- was: ", 1)
    desk.type(uri, text.replace(*edit, 1))
    actions = await desk.actions(uri)
    start = next(command for title, command in actions.items() if title.startswith("Start"))
    with pytest.raises(RequestFailed) as refused:
        await desk.run(start)
    assert "nowhere" in refused.value.message or "nobody" in refused.value.message
    assert field in refused.value.data or refused.value.data.get("field") == field


async def test_the_lines_of_a_start_reach_the_command(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    uri, text = await desk.open("task", task["id"])
    text = text.replace("- agent: ", "- agent: claude code\n- was: ", 1)
    in_place = text.replace("isolation: worktree", "isolation: in place")
    desk.type(uri, in_place.replace("changes: no", "changes: YES"))
    (title,) = [title for title in await desk.actions(uri) if title.startswith("Start")]
    assert title == "Start with Claude Code in your own checkout, with uncommitted changes"
    arguments = (await desk.actions(uri))[title]["arguments"][0]
    assert arguments["isolation"] == "in_place"
    assert arguments["carryUncommitted"] is True
    assert arguments["executor"] == "CLAUDE_CODE"


async def test_a_document_without_its_marks_offers_less_and_breaks_nothing(
    desk: Desk, repository: Path
) -> None:
    task = await desk.new_task(repository)
    uri, text = await desk.open("task", task["id"])
    for broken in ("", "\n".join(li for li in text.split("\n") if "<!--" not in li), "🎉" * 9000):
        desk.type(uri, broken)
        actions = await desk.actions(uri, 3)
        assert not any(title.startswith(("Save", "Start")) for title in actions)
        assert "Set the status: Done" in actions
        assert "Show this document as it is now" in actions


async def test_a_status_is_set_from_the_document(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    uri, _ = await desk.open("task", task["id"])
    actions = await desk.actions(uri)
    assert "Set the status: To do" not in actions
    moved = await desk.run(actions["Set the status: Cancelled"])
    assert moved["task"]["status"] == "Cancelled"
    assert "Set the status: To do" in await desk.actions(uri)


async def test_an_edit_over_a_newer_one_says_so(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository, "First")
    uri, text = await desk.open("task", task["id"])
    desk.type(uri, text.replace("# First", "# Mine"))
    update = {"taskId": task["id"], "title": "Theirs"}
    await desk.client.request("branchwork/task/update", update)
    saving = (await desk.actions(uri))["Save the title and the description over the newer ones"]
    await desk.client.request("branchwork/task/update", {**update, "title": "Theirs again"})
    with pytest.raises(RequestFailed) as refused:
        await desk.run(saving)
    assert refused.value.code == -32801
    saving = (await desk.actions(uri))["Save the title and the description over the newer ones"]
    assert (await desk.run(saving))["task"]["title"] == "Mine"


async def test_a_workspace_is_merged_from_its_task_and_from_its_diff(
    desk: Desk, repository: Path, git: Any
) -> None:
    task = await desk.new_task(repository)
    task_uri, text = await desk.open("task", task["id"])
    steps = '[{"write": "a.py"}, {"write": "b.py"}]'
    started = await desk.finished(task, steps)
    # The document is older than the run: who asks by hand gets the answer of now.
    assert "Merge into main: 2 files" in await desk.actions(task_uri)
    assert not any(
        title.startswith("Merge") for title in await desk.actions(task_uri, triggerKind=2)
    )
    task_uri, text = await desk.open("task", task["id"])
    line = line_of(text, "- merge:")
    assert next(iter(await desk.actions(task_uri, line, triggerKind=2))).startswith("Merge into")
    uri, text = await desk.open("diff", started["workspace"]["id"])
    assert "2 files" in text
    actions = await desk.actions(uri, 5)
    assert next(iter(actions)) == "Merge into main: 2 files"
    merged = await desk.run(actions["Merge into main: 2 files"])
    assert merged["task"]["status"] == "Done"
    assert git(repository, "show", "--name-only", "--format=").split() == ["a.py", "b.py"]
    assert not any(title.startswith("Merge") for title in await desk.actions(uri, 5))


async def test_a_prompt_is_written_sent_and_queued_in_the_conversation(
    desk: Desk, repository: Path
) -> None:
    task = await desk.new_task(repository)
    started = await desk.finished(task, '[{"message": "done"}]')
    conversation = started["session"]["conversationId"]
    uri, text = await desk.open("conversation", conversation)
    assert not any("the prompt" in title for title in await desk.actions(uri))
    prompt = '<script>[{"write": "a.py", "ask": true}]</script>\n<!-- approval:x -->'
    desk.type(uri, f"{text}{prompt}\n\n")
    actions = await desk.actions(uri, line_of(text, "<!-- write:") + 2)
    (title,) = [title for title in actions if title.startswith("Send the prompt: <script>")]
    asked = desk.asks()
    sent = await desk.run(actions[title])
    assert sent["outcome"] == "sent"
    await asked

    uri, text = await desk.open("conversation", conversation)
    assert not any("the prompt" in title for title in await desk.actions(uri))
    desk.type(uri, f"{text}Thanks.\n")
    actions = await desk.actions(uri)
    assert (await desk.run(actions["Queue the prompt: Thanks."]))["outcome"] == "queued"
    actions = await desk.actions(uri, line_of(text, "The agent asks you"))
    assert next(iter(actions)).startswith("Allow: ")
    stopped = await desk.run((await desk.actions(uri))["Stop the agent"])
    assert [one["status"] for one in stopped["stopped"]] == ["Killed"]


async def test_the_board_opens_and_starts_the_task_under_the_cursor(
    desk: Desk, repository: Path
) -> None:
    task = await desk.new_task(repository, "One [x](command:evil) <!-- y -->")
    other = await desk.new_task(repository, "Two")
    await desk.client.request(
        "branchwork/settings/update", {"values": {"default_executor": "scripted"}}
    )
    uri, text = await desk.open("board")
    at_one = await desk.actions(uri, line_of(text, "- [One"))
    assert list(at_one)[:2] == [
        "Open the task: One [x](command:evil) <!-- y -->",
        'Start: "One [x](command:evil) <!-- y -->" (Scripted agent, main)',
    ]
    await desk.run(at_one[next(iter(at_one))])
    assert desk.shown[-1].endswith(f"/task/{task['id']}.branchwork.md")
    assert not any(title.startswith("Start") for title in await desk.actions(uri, 0))
    reviewed = desk.asks()
    at_two = await desk.actions(uri, line_of(text, "- [Two]"))
    started = await desk.run(at_two['Start: "Two" (Scripted agent, main)'])
    assert started["workspace"]["taskId"] == other["id"]
    await reviewed


async def test_a_log_offers_to_stop_what_runs(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    started, _ = await desk.asked(task)
    uri, _ = await desk.open("log", started["execution"]["id"])
    stopped = await desk.run((await desk.actions(uri))["Stop the coding agent"])
    assert stopped["execution"]["status"] == "Killed"
    assert "Stop the coding agent" not in await desk.actions(uri)


async def test_of_a_deleted_task_only_its_end_can_be_heard(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    uri, _ = await desk.open("task", task["id"])
    await desk.client.request("branchwork/task/delete", {"taskId": task["id"]})
    actions = await desk.actions(uri)
    assert list(actions) == ["Show this document as it is now"]
    with pytest.raises(RequestFailed):
        await desk.run(actions["Show this document as it is now"])


async def test_other_kinds_of_actions_are_not_ours(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(repository)
    uri, _ = await desk.open("task", task["id"])
    assert await desk.actions(uri, only=["source.fixAll"]) == {}
    assert await desk.actions(uri, only=["quickfix"]) != {}


async def test_an_action_is_a_choice_and_never_preferred(desk: Desk, repository: Path) -> None:
    """An editor may run a preferred action, or an only one, without a question."""
    task = await desk.new_task(repository)
    await desk.asked(task)
    uri, text = await desk.open("attention")
    place = {"line": line_of(text, "Reject"), "character": 0}
    params = {
        "textDocument": {"uri": uri},
        "range": {"start": place, "end": place},
        "context": {"diagnostics": []},
    }
    actions = await desk.client.request("textDocument/codeAction", params)
    assert len(actions) > 1
    assert not any(action.get("isPreferred") for action in actions)
    assert all(len(action["command"]["arguments"]) == 1 for action in actions)


async def test_a_document_has_symbols_folds_and_links(desk: Desk, repository: Path) -> None:
    task = await desk.new_task(
        repository, "🎉 [x](command:evil)", description="[c](cart.py#L2) [n](no.py)"
    )
    uri, text = await desk.open("task", task["id"])
    of_document = {"textDocument": {"uri": uri}}
    (top,) = await desk.client.request("textDocument/documentSymbol", of_document)
    assert top["name"] == "🎉 [x](command:evil)"
    assert [child["name"] for child in top["children"]] == ["Start", "Workspaces"]
    assert top["selectionRange"]["end"]["character"] == len(text.split("\n")[1]) + 1
    folds = await desk.client.request("textDocument/foldingRange", of_document)
    assert {"startLine": 1, "endLine": len(text.rstrip().split("\n")) - 1} in folds
    links = await desk.client.request("textDocument/documentLink", of_document)
    into = [link["target"] for link in links if "target" in link]
    assert into == [(repository / "cart.py").as_uri() + "#L2"]
    (board,) = [link for link in links if "target" not in link]
    board_file = file_of(uri).parents[1] / "board" / f"{task['projectId']}.branchwork.md"
    assert not board_file.exists()
    resolved = await desk.client.request("documentLink/resolve", board)
    assert resolved["target"] == board_file.as_uri()
    assert board_file.exists()
    assert "🎉" in board_file.read_text()


async def test_other_files_get_nothing_from_us(desk: Desk, repository: Path) -> None:
    of_file = {"textDocument": {"uri": (repository / "cart.py").as_uri()}}
    for method in ("documentSymbol", "foldingRange", "documentLink"):
        assert await desk.client.request(f"textDocument/{method}", of_file) is None
    place = {"position": {"line": 0, "character": 0}}
    assert await desk.client.request("textDocument/hover", {**of_file, **place}) is None


async def test_a_task_on_the_board_is_told_in_plain_text(desk: Desk, repository: Path) -> None:
    evil = "[x](command:evil)"
    await desk.new_task(repository, "Hover", description=evil)
    uri, text = await desk.open("board")
    place = {"line": line_of(text, "[Hover]"), "character": 3}
    of_document = {"textDocument": {"uri": uri}, "position": place}
    hover = await desk.client.request("textDocument/hover", of_document)
    assert hover["contents"] == {"kind": "plaintext", "value": f"Hover\n\n{evil}"}


async def test_a_forged_link_is_refused(desk: Desk) -> None:
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 1}}
    forged = {"range": place, "data": {"kind": "task", "id": "../../../etc/passwd"}}
    with pytest.raises(RequestFailed) as refused:
        await desk.client.request("documentLink/resolve", forged)
    assert refused.value.code == -32010
    link = {"range": place, "data": ["x"]}
    assert "target" not in await desk.client.request("documentLink/resolve", link)


async def test_a_uri_is_known_however_it_is_written(desk: Desk) -> None:
    uri, _ = await desk.open("board")
    connection: EditorConnection = desk.client.connection
    assert documents.is_ours(connection, uri)
    assert documents.is_ours(
        connection, "file://" + quote(uri.removeprefix("file://"), safe="/").replace("d", "%64")
    )
    assert not documents.is_ours(connection, "untitled:board.branchwork.md")
    assert not documents.is_ours(connection, "file:///etc/passwd")


def test_both_lists_of_kinds_are_the_same() -> None:
    assert [kind.value for kind in DocumentKind] == [kind.value for kind in Kind]
