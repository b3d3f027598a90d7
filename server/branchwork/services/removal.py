"""Deleting a task with its workspaces: what they hold is on a ref before anything is removed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.domain.repo import Repo
from branchwork.domain.run import RunPlan
from branchwork.domain.task import Task
from branchwork.domain.workspace import Isolation, Workspace, WorkspaceRepo
from branchwork.git import snapshots
from branchwork.git import worktrees as git_worktrees
from branchwork.services import chain, worktrees
from branchwork.services.app import App
from branchwork.services.environments import cleaned
from branchwork.store import executions, runs, workspaces
from branchwork.store.transaction import Transaction

REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went, and the branches that stay in the repositories."""

    workspace_ids: tuple[str, ...]
    kept_branches: tuple[str, ...]


async def delete_task(
    app: App,
    task_id: str,
    environment: Mapping[str, str],
    *,
    expected_revision: int | None = None,
    stop_running: bool = False,
) -> Removed:
    """Snapshot and remove the worktrees, then the rows. Branches and snapshots stay."""
    task, found = await app.store.read(lambda tx: _subject(tx, task_id))
    for workspace in found:
        await _stop(app, workspace, wanted=stop_running)
    for workspace in found:
        if workspace.isolation is Isolation.WORKTREE:
            await _remove(app, workspace, cleaned(environment))

    def write(tx: Transaction) -> None:
        current = tx.get(Task, task.id)
        if expected_revision is not None and current.revision != expected_revision:
            tx.update(current, expected_revision)
        tx.delete(current)

    await app.store.write(write)
    return Removed(
        workspace_ids=tuple(workspace.id for workspace in found),
        kept_branches=tuple(
            workspace.branch for workspace in found if workspace.isolation is Isolation.WORKTREE
        ),
    )


def _subject(tx: Transaction, task_id: str) -> tuple[Task, list[Workspace]]:
    return tx.get(Task, task_id), workspaces.of_task(tx, task_id)


async def _stop(app: App, workspace: Workspace, *, wanted: bool) -> None:
    def busy(tx: Transaction) -> tuple[bool, list[RunPlan]]:
        return bool(executions.running(tx, workspace.id)), runs.open_plans(tx, workspace.id)

    running, plans = await app.store.read(busy)
    if (running or plans) and not wanted:
        raise Conflict(
            "Something is running in this task. Stop it first, or say that it may be stopped.",
            kind="running",
            task_id=workspace.task_id,
            workspace_id=workspace.id,
        )
    if running or plans:
        await chain.stop_workspace(app, workspace.id)


async def _remove(app: App, workspace: Workspace, environment: Mapping[str, str]) -> None:
    pairs = await app.store.read(lambda tx: _pairs(tx, workspace.id))
    intent = await app.store.write(
        lambda tx: worktrees.open_intent(tx, REMOVAL, workspace.id, {"branch": workspace.branch})
    )
    runner = worktrees.runner(app, intent.id)
    for repo, link in pairs:
        directory = Path(workspace.container_ref or "") / link.directory
        async with app.alone(f"repo:{repo.id}"):
            if directory.is_dir():
                number = len(snapshots.listed(Path(repo.path), workspace.id)) + 1
                taken = await app.blocking(
                    snapshots.take, directory, workspace.id, number, runner, environment
                )
                await app.blocking(git_worktrees.remove, Path(repo.path), directory, taken.commit)
    await app.blocking(worktrees.remove_empty, Path(workspace.container_ref or ""))
    await app.store.write(lambda tx: worktrees.close_intent(tx, intent))


def _pairs(tx: Transaction, workspace_id: str) -> list[tuple[Repo, WorkspaceRepo]]:
    return [(tx.get(Repo, link.repo_id), link) for link in workspaces.repos_of(tx, workspace_id)]
