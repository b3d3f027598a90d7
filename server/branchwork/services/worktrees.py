"""Makes the directories of a workspace: all of its worktrees, or none of them."""

import itertools
import logging
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import BranchworkError
from branchwork.domain.repo import Repo
from branchwork.domain.run import Intent
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.execution import stop, supervised
from branchwork.execution.attach import ShimGone
from branchwork.execution.spawn import Spec
from branchwork.git import copy_files, worktrees
from branchwork.git.command import Completed, Runner
from branchwork.services.app import App, new_id
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

ORPHAN_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One worktree to make: of which repo, where, from which commit."""

    repo: Repo
    link: WorkspaceRepo
    directory: Path
    copy_files: str | None


def runner(app: App, intent_id: str) -> Runner:
    """Runs git commands that may run the user's programs: each under a shim, with a time limit.

    Their journals hang on the intent, so that a daemon that comes later finds them.
    """
    folder = intent_directory(app, intent_id)

    def run(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Completed:
        spec = Spec(argv=tuple(argv), cwd=cwd, env=dict(env), tag=intent_id, kind="script")
        seconds = app.settings.values.git_seconds
        try:
            finished = supervised.run(_next(folder), spec, app.run_directory, seconds)
        except ShimGone:
            wait_for_orphans(intent_id, seconds)
            raise
        code = finished.exit.code
        return Completed(
            stdout=finished.stdout, stderr=finished.stderr, code=-1 if code is None else code
        )

    return run


def wait_for_orphans(tag: str, seconds: float) -> None:
    """Let git end that has lost its shim: one that is killed leaves locks, or half a checkout."""
    deadline = time.monotonic() + seconds
    while stop.tagged(tag) and time.monotonic() < deadline:
        time.sleep(ORPHAN_SECONDS)
    stop.reap(tag)


def _next(folder: Path) -> Path:
    """One per command; those of a daemon that was killed in the middle stay."""
    numbers = (folder / str(number) for number in itertools.count(1))
    return next(directory for directory in numbers if not directory.exists())


def intent_directory(app: App, intent_id: str) -> Path:
    """Where the journals of a git operation's commands lie."""
    return app.data / "intents" / intent_id


def open_intent(
    tx: Transaction, kind: str, workspace_id: str | None, payload: dict[str, object]
) -> Intent:
    """Note a git operation before git runs."""
    return tx.insert(
        Intent(
            id=new_id(),
            kind=kind,
            workspace_id=workspace_id,
            payload=payload,
            step="begun",
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def close_intent(tx: Transaction, intent: Intent) -> None:
    """The operation is finished or undone."""
    tx.update(intent, closed_at=tx.now)


async def make(
    app: App,
    workspace: Workspace,
    checkouts: Sequence[Checkout],
    environment: Mapping[str, str],
    intent: Intent,
) -> list[str]:
    """Add every worktree and copy its files; sentences about what could not be copied.

    On a failure, a cancel included, the caller takes away what was made.
    """
    notes: list[str] = []
    for checkout in checkouts:
        async with app.alone(f"repo:{checkout.repo.id}"):
            await app.blocking(
                worktrees.add,
                Path(checkout.repo.path),
                checkout.directory,
                workspace.branch,
                checkout.link.base_commit,
                runner(app, intent.id),
                environment,
            )
        notes += await app.blocking(_copy_files, checkout)
    return notes


async def undo(app: App, workspace: Workspace, made: Sequence[tuple[Repo, WorkspaceRepo]]) -> None:
    """Take half-made worktrees away, with the branches that were made for them."""
    for repo, link in made:
        directory = Path(workspace.container_ref or "") / link.directory
        try:
            await app.blocking(
                worktrees.undo_add,
                Path(repo.path),
                directory,
                workspace.branch,
                link.base_commit,
            )
        except BranchworkError as error:
            logger.warning("a half-made worktree at %s stays: %s", directory, error.sentence)
    if workspace.container_ref:
        await app.blocking(remove_empty, Path(workspace.container_ref))


def _copy_files(checkout: Checkout) -> list[str]:
    if not checkout.copy_files:
        return []
    copied = copy_files.copy(Path(checkout.repo.path), checkout.directory, checkout.copy_files)
    return list(copied.warnings)


def remove_empty(directory: Path) -> None:
    """Remove a workspace's directory once nothing is in it any more."""
    if directory.is_dir() and not any(directory.iterdir()):
        shutil.rmtree(directory, ignore_errors=True)
