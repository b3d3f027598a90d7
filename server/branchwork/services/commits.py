"""The commit after a run: what an agent or a cleanup script left becomes part of the branch."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import BranchworkError, StorageFull
from branchwork.domain.execution_process import ExecutionProcess, RunReason
from branchwork.domain.repo import Repo
from branchwork.domain.run import Intent
from branchwork.domain.task import Task
from branchwork.domain.workspace import Isolation, Workspace
from branchwork.execution.attach import ShimGone
from branchwork.git import commits, copy_files
from branchwork.services import plans, worktrees
from branchwork.services.app import App
from branchwork.store import executions, runs, workspaces
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)
COMMIT = "commit"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    repo: Repo
    directory: Path
    copied: tuple[str, ...]


async def auto_commit(
    app: App, execution: ExecutionProcess, environment: Mapping[str, str]
) -> str | None:
    """Commit in every worktree that changed; the sentence of the first commit that failed.

    A commit that fails leaves everything where it is, for a person to look at.
    """
    message, places = await app.store.read(lambda tx: _subject(tx, execution))
    for place in places:
        problem = await _commit(app, execution, place, message, environment)
        if problem is not None:
            return problem
    return None


async def _commit(
    app: App,
    execution: ExecutionProcess,
    place: _Place,
    message: str,
    environment: Mapping[str, str],
) -> str | None:
    intent = await app.store.write(lambda tx: _intent(tx, execution, place.repo))

    async def commit() -> None:
        committed = await app.blocking(
            commits.commit_all,
            place.directory,
            message,
            place.copied,
            worktrees.runner(app, intent.id),
            environment,
        )
        if committed is not None and committed.left_out:
            names = ", ".join(entry.path for entry in committed.left_out[:10])
            logger.info("left uncommitted in %s: %s", execution.workspace_id, names)

    problem = None
    try:
        try:
            await commit()
        except ShimGone:
            # git went on without its shim, and is over now: do what it has left.
            await commit()
    except StorageFull:
        raise  # this waits for space
    except BranchworkError as error:
        problem = f"The work was not committed. {error.sentence}"
    await app.store.write(lambda tx: worktrees.close_intent(tx, intent))
    return problem


def _intent(tx: Transaction, execution: ExecutionProcess, repo: Repo) -> Intent:
    """The one that is open, where this is tried again because the disk was full."""
    payload: dict[str, object] = {"execution_id": execution.id, "repo_id": repo.id}
    for intent in runs.open_intents(tx, execution.workspace_id):
        if intent.kind == COMMIT and intent.payload == payload:
            return intent
    return worktrees.open_intent(tx, COMMIT, execution.workspace_id, payload)


def _subject(tx: Transaction, execution: ExecutionProcess) -> tuple[str, list[_Place]]:
    workspace = tx.get(Workspace, execution.workspace_id)
    task = stored_tasks.of_workspace(tx, workspace.id)
    if workspace.isolation is not Isolation.WORKTREE:
        return "", []
    places = []
    for link in workspaces.repos_of(tx, workspace.id):
        repo = tx.get(Repo, link.repo_id)
        if not repo.auto_commit:
            continue
        scripts = plans.scripts_of(tx, task.project_id, repo)
        places.append(
            _Place(
                repo=repo,
                directory=Path(workspace.container_ref or "") / link.directory,
                copied=tuple(copy_files.listed(scripts.copy_files or "")),
            )
        )
    return _message(tx, execution, task), places


def _message(tx: Transaction, execution: ExecutionProcess, task: Task) -> str:
    if execution.run_reason is RunReason.CLEANUP_SCRIPT:
        return f"Cleanup after: {task.title}"
    turn = executions.turn_of(tx, execution.id)
    summary = (turn.summary or "").strip() if turn else ""
    return summary or f"Work on: {task.title}"
