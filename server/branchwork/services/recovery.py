"""What a daemon does first: finish or undo what the one before it was killed in, and go on.

The rows say what was begun, the journals and exit files say what came of it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from branchwork.domain.errors import StorageFull
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.domain.repo import Repo
from branchwork.domain.run import Intent, RunPlan
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.execution import supervised
from branchwork.execution.attach import Ended, ShimGone, status
from branchwork.execution.supervised import TookTooLong
from branchwork.services import chain, changes, merges, run, worktrees
from branchwork.services.app import App
from branchwork.services.commits import COMMIT
from branchwork.services.removal import REMOVAL
from branchwork.store import executions, runs, workspaces
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)


async def recover(app: App) -> None:
    """Bring rows, worktrees and children together again.

    What has to wait for git commands that go on, or for space, is done while editors are served.
    """
    try:
        await _recover_all(app)
    except StorageFull as error:
        logger.warning("recovery waits for space: %s", error.sentence)
        app.start_job(_until_done(partial(_recover_all, app)), "recovery")


async def _recover_all(app: App) -> None:
    intents, running, plans = await app.store.read(_left_behind)
    late = {intent.workspace_id for intent in intents if _commands(app, intent)}
    for intent in intents:
        if intent.workspace_id not in late:
            await _try(_recover_intent(app, intent), f"intent {intent.id}")
    # The runs first: once something is followed, its end may change where they stand.
    for plan in plans:
        if plan.workspace_id not in late:
            await _try(_recover_plan(app, plan), f"run {plan.id}")
    await _try(changes.trim(app), "the list of changes")
    for execution in running:
        if execution.id not in app.live:
            chain.attend(app, execution)
    for workspace_id in late:
        work = _until_done(partial(_recover_late, app, workspace_id))
        app.start_job(work, f"recovery of {workspace_id}")


async def _recover_late(app: App, workspace_id: str | None) -> None:
    """As soon as the git commands in a workspace have ended: two at once would collide."""
    for intent in await app.store.read(lambda tx: runs.open_intents(tx, workspace_id)):
        await app.blocking(_wait_for_commands, app, intent)
        await _try(_recover_intent(app, intent), f"intent {intent.id}")
    for plan in await app.store.read(lambda tx: runs.open_plans(tx, workspace_id)):
        await _try(_recover_plan(app, plan), f"run {plan.id}")


async def _until_done(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            return await work()
        except StorageFull:
            await asyncio.sleep(chain.FULL_DISK_SECONDS)


async def _try(work: Awaitable[None], name: str) -> None:
    """One thing that can't be recovered must not keep the daemon from all the others."""
    try:
        await work
    except StorageFull:
        raise
    except Exception:
        logger.exception("%s was not recovered", name)


async def _recover_intent(app: App, intent: Intent) -> None:
    if intent.kind == merges.MERGE:
        await merges.recover(app, intent)
    elif intent.kind in (COMMIT, REMOVAL):
        # Both are asked for again by whoever wanted them, and find what is left to do.
        await app.store.write(lambda tx: worktrees.close_intent(tx, intent))
    else:
        await _undo_worktrees(app, intent)


def _left_behind(tx: Transaction) -> tuple[list[Intent], list[ExecutionProcess], list[RunPlan]]:
    return runs.open_intents(tx), executions.running(tx), runs.open_plans(tx)


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


async def _recover_plan(app: App, plan: RunPlan) -> None:
    """Go on with a run from where it stands; what runs of it is followed anyway."""
    current = await app.store.read(lambda tx: run.current_step(tx, plan.id))
    if current is None:
        await chain.advance(app, plan.id)
    elif current.status is not ExecutionStatus.RUNNING:
        chain.carry_on(app, current)


def _commands(app: App, intent: Intent) -> list[Path]:
    """The directories of the git commands of an operation that have not come to their end."""
    folders = (app.data / "intents").glob(f"{intent.id}*")
    found = [directory for folder in folders for directory in folder.iterdir()]
    return [one for one in sorted(found) if not isinstance(status(one), Ended)]


def _wait_for_commands(app: App, intent: Intent) -> None:
    """Git commands go on under their shims when the daemon dies, and even without a shim."""
    seconds = app.settings.values.git_seconds
    for directory in _commands(app, intent):
        tag = directory.parent.name
        with contextlib.suppress(ShimGone, TookTooLong):
            supervised.wait(directory, tag, app.run_directory, seconds)
        worktrees.wait_for_orphans(tag, seconds)
