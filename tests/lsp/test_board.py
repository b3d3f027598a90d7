"""Projects, repositories and tasks over the wire."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import person as story
from support.inproc import Client, RequestFailed


async def refused(client: Client, method: str, params: Any) -> Any:
    """The `data` of the error that a request gets, with its code."""
    with pytest.raises(RequestFailed) as failed:
        await client.request(method, params)
    return {"code": failed.value.code, "message": failed.value.message, **(failed.value.data or {})}


async def test_the_first_task_makes_its_project(editor: Client, repository: Path) -> None:
    """Nobody has registered anything when the first code action runs."""
    created = await editor.request(
        "branchwork/task/create", {"uri": (repository / "cart.py").as_uri(), "title": "First"}
    )
    assert created["notes"] == [f"Made the project “shop” for {repository}."]
    listed = await editor.request("branchwork/project/list", {})
    (project,) = listed["projects"]
    assert (project["name"], project["taskCount"]) == ("shop", 1)
    repos = await editor.request("branchwork/repo/list", {"projectId": project["id"]})
    assert [repo["path"] for repo in repos["repos"]] == [str(repository)]
    assert listed["current"] == {"projectId": project["id"], "repoId": repos["repos"][0]["id"]}


async def test_a_file_in_no_repository_gives_a_task_that_says_so(
    editor: Client, tmp_path: Path
) -> None:
    """It is in "Unfiled" and can't be started."""
    file = tmp_path / "notes.txt"
    file.write_text("buy milk\n")
    created = await editor.request(
        "branchwork/task/create", {"uri": file.as_uri(), "title": "Milk"}
    )
    assert "can't be started" in created["notes"][0]
    error = await refused(
        editor,
        "branchwork/workspace/start",
        {"taskId": created["task"]["id"], "executor": "SCRIPTED"},
    )
    assert error["kind"] == "noRepository"


async def test_projects_are_edited_and_deleted(editor: Client, repository: Path) -> None:
    """create, get, update with a revision, addRepo, removeRepo, delete."""
    made = await editor.request("branchwork/project/create", {"name": "  Shop  front "})
    project = made["project"]
    assert project["name"] == "Shop front"
    about = {"projectId": project["id"]}
    added = await editor.request(
        "branchwork/project/addRepo", {**about, "path": str(repository), "setupScript": "true"}
    )
    assert added["member"]["overrides"]["setupScript"] == "true"
    repo_id = added["member"]["repo"]["id"]
    read = await editor.request("branchwork/project/get", about)
    assert read["project"]["repoIds"] == [repo_id]
    await editor.request("branchwork/project/update", {**about, "expectedRevision": 1, "name": "S"})
    stale = {**about, "expectedRevision": 1, "name": "T"}
    error = await refused(editor, "branchwork/project/update", stale)
    assert (error["code"], error["kind"]) == (-32801, "contentModified")
    await editor.request("branchwork/project/removeRepo", {**about, "repoId": repo_id})
    await editor.request("branchwork/project/delete", about)
    assert (await refused(editor, "branchwork/project/get", about))["code"] == -32010


async def test_repositories_are_registered_once(
    editor: Client, repository: Path, git: Callable[..., str]
) -> None:
    """By any path inside, also of a linked worktree; nothing in it changes."""
    git(repository, "worktree", "add", "-q", "../other", "-b", "other")
    first = await editor.request("branchwork/repo/register", {"path": str(repository)})
    again = await editor.request(
        "branchwork/repo/register", {"path": str(repository.parent / "other" / "cart.py")}
    )
    assert first["repo"]["id"] == again["repo"]["id"]
    about = {"repoId": first["repo"]["id"]}
    branches = await editor.request("branchwork/repo/branches", about)
    assert {one["name"]: one["isCurrent"] for one in branches["branches"]} == {
        "main": True,
        "other": False,
    }
    git(repository, "remote", "add", "origin", "https://me:secret@example.org/shop.git")
    remotes = await editor.request("branchwork/repo/remotes", about)
    assert remotes["remotes"] == [{"name": "origin", "url": "https://example.org/shop.git"}]
    found = await editor.request("branchwork/repo/get", {"path": str(repository / "cart.py")})
    assert found["repo"]["id"] == about["repoId"]


async def test_a_repository_that_moved_is_found_again(
    editor: Client, repository: Path, git: Callable[..., str]
) -> None:
    """Its worktrees are connected to its new place."""
    task = await story.new_task(editor, repository)
    started = await story.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    moved = repository.rename(repository.parent / "moved")
    (repo,) = (await editor.request("branchwork/repo/list", {}))["repos"]
    await editor.request("branchwork/repo/update", {"repoId": repo["id"], "path": str(moved)})
    merged = await editor.request(
        "branchwork/workspace/merge", {"workspaceId": started["workspace"]["id"]}
    )
    assert merged["task"]["status"] == "Done"
    assert git(moved, "show", "HEAD:a.txt") == "a"


async def test_init_makes_a_repository(editor: Client, tmp_path: Path) -> None:
    """A new folder, with a name for people."""
    made = await editor.request(
        "branchwork/repo/init", {"path": str(tmp_path / "fresh"), "displayName": "Fresh"}
    )
    assert made["repo"]["displayName"] == "Fresh"
    assert (tmp_path / "fresh" / ".git").is_dir()


async def test_repo_settings_are_edited(editor: Client, repository: Path) -> None:
    """null takes a setting away; a branch that is not there is refused."""
    repo = (await editor.request("branchwork/repo/register", {"path": str(repository)}))["repo"]
    about = {"repoId": repo["id"]}
    changed = await editor.request(
        "branchwork/repo/update", {**about, "setupScript": "make", "displayName": "Shop"}
    )
    assert changed["repo"]["setupScript"] == "make"
    changed = await editor.request("branchwork/repo/update", {**about, "setupScript": None})
    assert (changed["repo"]["setupScript"], changed["repo"]["displayName"]) == (None, "Shop")
    error = await refused(
        editor, "branchwork/repo/update", {**about, "defaultTargetBranch": "nowhere"}
    )
    assert error["kind"] == "branchNotFound"


async def test_tasks_are_paged_filtered_and_found(editor: Client, repository: Path) -> None:
    """The newest first; a cursor goes on where a page ended."""
    titles = [f"Task {number}" for number in range(5)]
    made = [await story.new_task(editor, repository, title) for title in titles]
    first = await editor.request("branchwork/task/list", {"limit": 3})
    rest = await editor.request("branchwork/task/list", {"limit": 3, "cursor": first["nextCursor"]})
    assert [task["title"] for task in first["tasks"] + rest["tasks"]] == titles[::-1]
    assert "nextCursor" not in rest
    await editor.request("branchwork/task/update", {"taskId": made[2]["id"], "status": "Done"})
    done = await editor.request("branchwork/task/list", {"statuses": ["Done"]})
    assert [task["title"] for task in done["tasks"]] == ["Task 2"]
    found = await editor.request("branchwork/task/search", {"query": "task 3"})
    assert [match["task"]["title"] for match in found["matches"]] == ["Task 3"]


async def test_subtasks_hang_on_a_workspace(editor: Client, repository: Path) -> None:
    """children finds them by the task or by the workspace."""
    task = await story.new_task(editor, repository)
    made = await editor.request("branchwork/workspace/create", {"taskId": task["id"]})
    workspace_id = made["workspace"]["id"]
    child = await editor.request(
        "branchwork/task/create",
        {"projectId": task["projectId"], "title": "Part", "parentWorkspaceId": workspace_id},
    )
    for about in ({"taskId": task["id"]}, {"workspaceId": workspace_id}):
        found = await editor.request("branchwork/task/children", about)
        assert [one["id"] for one in found["tasks"]] == [child["task"]["id"]]


async def test_deleting_a_task_keeps_what_its_worktree_held(
    editor: Client, repository: Path, git: Callable[..., str]
) -> None:
    """The worktree goes, a snapshot and the branch stay."""
    task = await story.new_task(editor, repository)
    made = (await editor.request("branchwork/workspace/create", {"taskId": task["id"]}))[
        "workspace"
    ]
    worktree = Path(made["containerRef"]) / made["repos"][0]["directory"]
    (worktree / "draft.txt").write_text("not committed")
    gone = await editor.request("branchwork/task/delete", {"taskId": task["id"]})
    assert gone == {"workspaceIds": [made["id"]], "keptBranches": [made["branch"]]}
    assert not worktree.exists()
    assert git(repository, "show", f"refs/branchwork/snapshots/{made['id']}/1:draft.txt")
    assert made["branch"] in git(repository, "branch", "--list", made["branch"])
    assert (await editor.request("branchwork/workspace/list", {}))["workspaces"] == []


async def test_a_running_task_is_not_deleted_unasked(
    editor: Client, repository: Path, tmp_path: Path
) -> None:
    """`stopRunning` ends what runs first."""
    task = await story.new_task(editor, repository)
    await story.start(editor, task, f'[{{"until": "{tmp_path / "never"}"}}]')
    about = {"taskId": task["id"]}
    assert (await refused(editor, "branchwork/task/delete", about))["kind"] == "running"
    await editor.request("branchwork/task/delete", {**about, "stopRunning": True})
    assert (await editor.request("branchwork/execution/list", {}))["executions"] == []


async def test_changes_since_a_reading(editor: Client, repository: Path) -> None:
    """What came after it, in order; a snapshot where the epoch is another."""
    before = await editor.request("branchwork/task/list", {})
    task = await story.new_task(editor, repository)
    since = await editor.request(
        "branchwork/changes/since", {"epoch": before["epoch"], "seq": before["seq"]}
    )
    assert [change["entity"] for change in since["changes"]][-1] == "task"
    assert since["changes"][-1]["value"]["id"] == task["id"]
    other = await editor.request("branchwork/changes/since", {"epoch": "another", "seq": 1})
    assert [one["id"] for one in other["snapshot"]["tasks"]] == [task["id"]]


async def test_a_connection_hears_only_of_its_projects(editor: Client, repository: Path) -> None:
    """changes/subscribe narrows what is told."""
    other = (await editor.request("branchwork/project/create", {"name": "Other"}))["project"]
    await editor.request("branchwork/changes/subscribe", {"projects": [other["id"]]})
    told = editor.wait_for(
        "branchwork/changed",
        lambda params: any(change["entity"] == "task" for change in params["changes"]),
    )
    await story.new_task(editor, repository, "Not told")
    await editor.request("branchwork/task/create", {"projectId": other["id"], "title": "Told"})
    titles = [one["value"]["title"] for one in (await told)["changes"] if one["entity"] == "task"]
    assert titles == ["Told"]


async def test_settings_are_kept_in_the_users_file(editor: Client, tmp_path: Path) -> None:
    """Comments survive; a wrong value changes nothing."""
    file = tmp_path / "config" / "branchwork.toml"
    file.parent.mkdir()
    file.write_text("# mine\n[daemon]\nbranch_prefix = 'me'  # short\n")
    update = "branchwork/settings/update"
    changed = await editor.request(update, {"values": {"agents_at_once": 2}})
    assert {one["name"]: one["value"] for one in changed["settings"]}["agents_at_once"] == 2
    assert "# mine" in file.read_text()
    assert "# short" in file.read_text()
    before = file.read_text()
    for wrong in ({"agents_at_once": "many"}, {"no_such": 1}):
        assert (await refused(editor, update, {"values": wrong}))["kind"] == "settingInvalid"
    assert file.read_text() == before


async def test_settings_of_a_repo_and_of_a_workspace(editor: Client, repository: Path) -> None:
    """They stand in the rows."""
    task = await story.new_task(editor, repository)
    made = (await editor.request("branchwork/workspace/create", {"taskId": task["id"]}))[
        "workspace"
    ]
    update = "branchwork/settings/update"
    about = {"scope": "workspace", "id": made["id"]}
    changed = await editor.request(update, {**about, "values": {"pinned": True}})
    assert {one["name"]: one["value"] for one in changed["settings"]}["pinned"] is True
    repo = {"scope": "repo", "id": made["repos"][0]["repoId"]}
    wrong = {**repo, "values": {"auto_commit": "yes"}}
    assert (await refused(editor, update, wrong))["kind"] == "settingInvalid"
    read = await editor.request("branchwork/settings/get", repo)
    assert {one["name"]: one["value"] for one in read["settings"]}["auto_commit"] is True


async def test_the_daemon_tells_of_itself(editor: Client) -> None:
    """What a bug report needs."""
    status = await editor.request("branchwork/daemon/status", {})
    assert (status["safeMode"], status["connections"]) == (False, 1)


async def test_agents_are_looked_for_in_the_editors_environment(editor: Client) -> None:
    """Not in the daemon's; the scripted one is not offered unasked."""
    listed = await editor.request("branchwork/agent/list", {})
    executors = {agent["executor"] for agent in listed["agents"]}
    assert {"CLAUDE_CODE", "CODEX", "GEMINI", "OPENCODE", "COPILOT", "QWEN_CODE"} == executors


async def test_a_new_repository_has_a_commit_and_its_project(
    editor: Client, tmp_path: Path, git: Callable[..., str]
) -> None:
    """On the branch that was asked for, so that work can start from it."""
    project = (await editor.request("branchwork/project/create", {"name": "Fresh"}))["project"]
    asked = {"path": str(tmp_path / "new" / "fresh"), "defaultBranch": "trunk"}
    made = await editor.request("branchwork/repo/init", {**asked, "projectId": project["id"]})
    assert git(tmp_path / "new" / "fresh", "log", "--format=%an %s", "trunk") == "Ada First commit"
    read = await editor.request("branchwork/project/get", {"projectId": project["id"]})
    assert read["project"]["repoIds"] == [made["repo"]["id"]]
    error = await refused(editor, "branchwork/repo/init", asked)
    assert (error["code"], error["kind"]) == (-32011, "alreadyARepository")
    inside = {"path": str(tmp_path / "new" / "fresh" / "inner")}
    assert (await refused(editor, "branchwork/repo/init", inside))["kind"] == "alreadyARepository"


async def test_registering_says_whether_it_was_new(editor: Client, repository: Path) -> None:
    """And puts it into a project where one is named."""
    project = (await editor.request("branchwork/project/create", {"name": "Mine"}))["project"]
    first = await editor.request("branchwork/repo/register", {"path": str(repository)})
    asked = {"path": str(repository), "projectId": project["id"]}
    again = await editor.request("branchwork/repo/register", asked)
    assert (first["created"], again["created"]) == (True, False)
    found = await editor.request("branchwork/repo/list", {"projectId": project["id"]})
    assert [repo["id"] for repo in found["repos"]] == [first["repo"]["id"]]


async def test_deleting_a_project_keeps_what_its_worktrees_held(
    editor: Client, repository: Path, git: Callable[..., str]
) -> None:
    """As for a task; a stale revision is refused before anything is touched."""
    task = await story.new_task(editor, repository)
    started = await story.finished(editor, task, '[{"write": "a.txt", "text": "a"}]')
    about = {"projectId": task["projectId"]}
    error = await refused(editor, "branchwork/project/delete", {**about, "expectedRevision": 99})
    assert error["kind"] == "contentModified"
    worktree = Path(started["workspace"]["containerRef"]) / repository.name
    (worktree / "unsaved.txt").write_text("unsaved")
    gone = await editor.request("branchwork/project/delete", about)
    assert gone["taskIds"] == [task["id"]]
    assert gone["workspaceIds"] == [started["workspace"]["id"]]
    assert gone["keptBranches"] == [started["workspace"]["branch"]]
    assert not worktree.exists()
    assert git(repository, "show", f"{started['workspace']['branch']}:a.txt") == "a"
    snapshots = f"refs/branchwork/snapshots/{started['workspace']['id']}"
    (snapshot,) = git(repository, "for-each-ref", "--format=%(refname)", snapshots).splitlines()
    assert git(repository, "show", f"{snapshot}:unsaved.txt") == "unsaved"
    assert (await refused(editor, "branchwork/task/get", {"taskId": task["id"]}))["code"] == -32010
    listed = await editor.request("branchwork/repo/list", {})
    assert [repo["path"] for repo in listed["repos"]] == [str(repository)]
