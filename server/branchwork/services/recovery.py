"""What a daemon does first: finish or undo what the one before it was killed in, and go on.

The rows say what was begun, the journals and exit files say what came of it.
"""

import logging
from collections.abc import Awaitable

from branchwork.domain.errors import BranchworkError
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.domain.repo import Repo
from branchwork.domain.run import Intent, RunPlan
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.execution import supervised
from branchwork.execution.attach import Alive, status
from branchwork.services import chain, changes, merges, worktrees
from branchwork.services.app import App
from branchwork.services.commits import COMMIT
from branchwork.services.removal import REMOVAL
from branchwork.store import executions, runs, workspaces
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)


async def recover(app: App) -> None:
    """Bring rows, worktrees and children together again."""
    for intent in await app.store.read(runs.open_intents):
        await _try(_recover_intent(app, intent), f"intent {intent.id}")
    for execution in await app.store.read(executions.running):
        await _try(_recover_execution(app, execution), f"execution {execution.id}")
    for plan in await app.store.read(runs.open_plans):
        await _try(_recover_plan(app, plan), f"run {plan.id}")
    await changes.trim(app)


async def _try(work: Awaitable[None], name: str) -> None:
    """One thing that can't be recovered must not keep the daemon from all the others."""
    try:
        await work
    except Exception:
        logger.exception("%s was not recovered", name)


async def _recover_intent(app: App, intent: Intent) -> None:
    await app.blocking(_wait_for_commands, app, intent)
    try:
        if intent.kind == merges.MERGE:
            await merges.recover(app, intent)
        elif intent.kind in (COMMIT, REMOVAL):
            # Both are asked for again by whoever wanted them, and find what is left to do.
            await app.store.write(lambda tx: worktrees.close_intent(tx, intent))
        else:
            await _undo_worktrees(app, intent)
    except BranchworkError as error:
        logger.warning("intent %s (%s) stays open: %s", intent.id, intent.kind, error.sentence)


async def _undo_worktrees(app: App, intent: Intent) -> None:
    """Nobody heard of a workspace whose worktrees were not finished: take it back."""

    def read(tx: Transaction) -> tuple[Workspace, list[tuple[Repo, WorkspaceRepo]]] | None:
        workspace = tx.find(Workspace, intent.workspace_id or "")
        if workspace is None:
            return None
        links = workspaces.repos_of(tx, workspace.id)
        return workspace, [(tx.get(Repo, link.repo_id), link) for link in links]

    found = await app.store.read(read)
    if found is not None:
        await worktrees.undo(app, found[0], found[1])

    def write(tx: Transaction) -> None:
        worktrees.close_intent(tx, intent)
        if found is not None:
            tx.delete(found[0])

    await app.store.write(write)


async def _recover_execution(app: App, execution: ExecutionProcess) -> None:
    """Follow it again; one whose row was written but that was never started starts now."""
    if app.execution_directory(execution.id).is_dir():
        chain.attend(app, execution)
        return
    await chain.restart(app, execution)


async def _recover_plan(app: App, plan: RunPlan) -> None:
    begun = await app.store.read(lambda tx: executions.of_plan(tx, plan.id))
    current = next((e for e in begun if e.step == plan.position), None)
    if current is None:
        await chain.advance(app, plan.id)
    elif current.status is not ExecutionStatus.RUNNING:
        await chain.proceed(app, current)


def _wait_for_commands(app: App, intent: Intent) -> None:
    """Git commands go on under their shims when the daemon dies; two at once would collide."""
    for name in (intent.id, f"{intent.id}-move"):
        folder = worktrees.intent_directory(app, name)
        for directory in sorted(folder.iterdir()) if folder.is_dir() else ():
            if isinstance(status(directory), Alive):
                seconds = app.settings.values.git_seconds
                supervised.wait(directory, name, app.run_directory, seconds)
