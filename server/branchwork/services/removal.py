"""Deleting tasks and projects: what their worktrees hold is on a ref before any is removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict, RevisionMismatch
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.domain.run import RunPlan
from branchwork.domain.task import Task
from branchwork.domain.workspace import Isolation, Workspace, WorkspaceRepo
from branchwork.git import snapshots
from branchwork.git import worktrees as git_worktrees
from branchwork.services import chain, worktrees
from branchwork.services.app import App
from branchwork.services.environments import cleaned
from branchwork.services.views import ALL
from branchwork.store import executions, runs, workspaces
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

REMOVAL = "removal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went, and the branches that stay in the repositories."""

    task_ids: tuple[str, ...]
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

    def read(tx: Transaction) -> list[Workspace]:
        task = tx.get(Task, task_id)
        _require_revision(task, expected_revision)
        return workspaces.of_task(tx, task.id)

    found = await app.store.read(read)
    await _empty(app, found, environment, stop_running=stop_running)
    await app.store.write(lambda tx: tx.delete(tx.get(Task, task_id)))
    return _removed((task_id,), found)


async def delete_project(
    app: App,
    project_id: str,
    environment: Mapping[str, str],
    *,
    expected_revision: int | None = None,
    stop_running: bool = False,
) -> Removed:
    """As `delete_task`, for a project with all its tasks; its repos stay registered."""

    def read(tx: Transaction) -> tuple[list[Task], list[Workspace]]:
        project = tx.get(Project, project_id)
        _require_revision(project, expected_revision)
        own = stored_tasks.page(tx, ALL, None, project.id)
        return own, [workspace for task in own for workspace in workspaces.of_task(tx, task.id)]

    own, found = await app.store.read(read)
    await _empty(app, found, environment, stop_running=stop_running)
    await app.store.write(lambda tx: tx.delete(tx.get(Project, project_id)))
    return _removed([task.id for task in own], found)


async def _empty(
    app: App, found: Sequence[Workspace], environment: Mapping[str, str], *, stop_running: bool
) -> None:
    """Refused before anything is touched where something runs and may not be stopped."""
    for workspace in found:
        await _stop(app, workspace, wanted=stop_running)
    for workspace in found:
        if workspace.isolation is Isolation.WORKTREE:
            await _remove(app, workspace, cleaned(environment))


def _require_revision(entity: Task | Project, expected: int | None) -> None:
    """Before anything is removed: afterwards the entity has changed by itself."""
    if expected is not None and entity.revision != expected:
        raise RevisionMismatch(
            "It was changed by somebody else meanwhile; read it again before you delete it.",
            revision=entity.revision,
            expected_revision=expected,
        )


def _removed(task_ids: Sequence[str], found: Sequence[Workspace]) -> Removed:
    return Removed(
        task_ids=tuple(task_ids),
        workspace_ids=tuple(workspace.id for workspace in found),
        kept_branches=tuple(
            workspace.branch for workspace in found if workspace.isolation is Isolation.WORKTREE
        ),
    )


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
