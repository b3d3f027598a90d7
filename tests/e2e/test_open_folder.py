"""Which project and task an editor is in, by the folder that it has opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.git_repos import GitRepo
from support.lsp_editor import Editor, Opener


@pytest.fixture
async def made(editor: Editor, repo: GitRepo) -> Any:
    """A task with a workspace, made in another editor."""
    (repo.root / "src" / "deep").mkdir()
    action = (await editor.actions(repo.root / "cart.py", 1, 2))[0]
    task = (await editor.run(action))["task"]
    found = await editor.ask("branchwork/workspace/create", taskId=task["id"])
    return {"task": task, "workspace": found["workspace"]}


async def current(open_in: Opener, folder: Path) -> dict[str, str]:
    """What an editor that opens the folder is told; each list says the same."""
    async with open_in(folder) as editor:
        tasks = await editor.ask("branchwork/task/list")
        for noun in ("project", "workspace"):
            found = await editor.ask(f"branchwork/{noun}/list")
            assert found["current"] == tasks["current"]
        told: dict[str, str] = tasks["current"]
        return told


def of_repository(made: Any) -> dict[str, str]:
    return {
        "projectId": made["task"]["projectId"],
        "repoId": made["workspace"]["repos"][0]["repoId"],
    }


@pytest.mark.parametrize("inside", ["", "src/deep"])
async def test_a_repository(made: Any, repo: GitRepo, open_in: Opener, inside: str) -> None:
    assert await current(open_in, repo.root / inside) == of_repository(made)


@pytest.mark.parametrize("inside", ["", "src"])
async def test_a_worktree_of_ours(made: Any, open_in: Opener, inside: str) -> None:
    workspace = made["workspace"]
    folder = Path(workspace["containerRef"], workspace["repos"][0]["directory"], inside)
    assert await current(open_in, folder) == {
        **of_repository(made),
        "taskId": made["task"]["id"],
        "workspaceId": workspace["id"],
    }


async def test_a_link_to_a_repository(
    made: Any, repo: GitRepo, open_in: Opener, tmp_path: Path
) -> None:
    link = tmp_path / "link"
    link.symlink_to(repo.root)
    assert await current(open_in, link) == of_repository(made)


async def test_a_folder_that_nobody_knows(open_in: Opener, tmp_path: Path) -> None:
    assert await current(open_in, tmp_path) == {}
