"""What clients with views of their own need beyond documents and code actions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import person
from support.inproc import Client, RequestFailed

WRITES = '[{"write": "cart.py", "text": "new\\n"}, {"write": "more.py", "text": "more\\n"}]'


def workspace_is(workspace_id: str, **wanted: Any) -> Callable[[Any], bool]:
    """A `branchwork/changed` that tells of a workspace like that."""
    return lambda params: any(
        change["id"] == workspace_id
        and all((change.get("value") or {}).get(name) == value for name, value in wanted.items())
        for change in params["changes"]
    )


async def base_file(editor: Client, workspace: Any, path: str, **more: Any) -> Any:
    about = {"workspaceId": workspace["id"], "repoId": workspace["repos"][0]["repoId"]}
    return await editor.request("branchwork/workspace/baseFile", {**about, "path": path, **more})


async def test_the_left_side_of_a_diff(editor: Client, repository: Path) -> None:
    """A file as it was; null where it is new or is no file."""
    before = (repository / "cart.py").read_text()
    task = await person.new_task(editor, repository)
    workspace = (await person.finished(editor, task, WRITES, mode="edit"))["workspace"]
    assert await base_file(editor, workspace, "cart.py") == {"text": before}
    assert await base_file(editor, workspace, "cart.py", scope="lastTurn") == {"text": before}
    assert await base_file(editor, workspace, "cart.py", scope="uncommitted") == {"text": "new\n"}
    assert await base_file(editor, workspace, "more.py") == {"text": None}
    assert await base_file(editor, workspace, "") == {"text": None}


async def test_what_is_no_text_is_left_out(
    editor: Client, repository: Path, git: Callable[..., str]
) -> None:
    """An editor shows neither a picture nor a file of megabytes as text."""
    (repository / "logo.png").write_bytes(b"\x89PNG\0\0")
    (repository / "data.csv").write_text("1,2\n" * (2 << 20))
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", "More")
    task = await person.new_task(editor, repository)
    workspace = (await person.finished(editor, task, WRITES, mode="edit"))["workspace"]
    logo, data = [await base_file(editor, workspace, name) for name in ("logo.png", "data.csv")]
    assert logo == {"text": None, "omitted": "binary"}
    assert data == {"text": None, "omitted": "tooLarge"}


async def test_a_repository_that_is_not_the_workspaces(editor: Client, repository: Path) -> None:
    task = await person.new_task(editor, repository)
    workspace = (await person.finished(editor, task, WRITES, mode="edit"))["workspace"]
    with pytest.raises(RequestFailed, match="no such repository"):
        await base_file(editor, {**workspace, "repos": [{"repoId": "x"}]}, "cart.py")


async def test_one_of_two_windows_announces(
    editor: Client, second_editor: Client, repository: Path
) -> None:
    """Each item is given once, and again when it waits again."""
    task = await person.new_task(editor, repository)
    asked = editor.wait_for("branchwork/attention/changed", person.asks)
    await person.start(editor, task, '[{"write": "a.py", "ask": true}]')
    (item,) = (await asked)["items"]
    claim = {"ids": [item["id"]]}
    first = await editor.request("branchwork/attention/claim", claim)
    second = await second_editor.request("branchwork/attention/claim", claim)
    assert (first, second) == (claim, {"ids": []})


async def test_a_title_and_a_folder_are_enough(editor: Client, repository: Path) -> None:
    """The repository is registered; there is no place in the code to describe."""
    created = await editor.request(
        "branchwork/task/create", {"uri": repository.as_uri(), "title": "Tidy up"}
    )
    assert created["notes"] == [f"Made the project “shop” for {repository}."]
    assert created["task"]["title"] == "Tidy up"
    assert "description" not in created["task"]
    with pytest.raises(RequestFailed, match="title is missing"):
        await editor.request("branchwork/task/create", {"uri": repository.as_uri()})


async def test_a_workspace_tells_what_it_is_at(editor: Client, repository: Path) -> None:
    """Running, waiting for a person, over: each is told with the workspace itself."""
    task = await person.new_task(editor, repository)
    asked = editor.wait_for("branchwork/attention/changed", person.asks)
    script = '[{"write": "a.py", "ask": true}, {"until": "go"}]'
    started = await person.start(editor, task, script)
    workspace = started["workspace"]
    assert workspace["executor"] == "SCRIPTED"
    attention = await asked
    id_ = workspace["id"]
    answered = editor.wait_for(
        "branchwork/changed", workspace_is(id_, running=True, needsYou=False)
    )
    over = editor.wait_for("branchwork/changed", workspace_is(id_, running=False, needsYou=True))
    await person.allow(editor, attention)
    await answered
    Path(workspace["containerRef"], workspace["repos"][0]["directory"], "go").touch()
    await over
    seen = editor.wait_for("branchwork/changed", workspace_is(id_, needsYou=False))
    about = {"conversationId": workspace["conversationId"]}
    await editor.request("branchwork/conversation/markSeen", about)
    await seen
