"""What a person had not committed when a worktree was made: carried over, or left where it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from branchwork.git import branches, commits, paths, repositories, snapshots
from branchwork.git.command import Runner
from branchwork.services.app import App
from branchwork.services.worktrees import Checkout

SHOWN_FILES = 10


async def with_changes(app: App, checkouts: Sequence[Checkout]) -> list[Checkout]:
    """Those whose repos have uncommitted changes in the user's own checkout."""
    found = [
        await app.blocking(repositories.status, Path(checkout.repo.path)) for checkout in checkouts
    ]
    return [one for one, status in zip(checkouts, found, strict=True) if not status.is_clean]


def left_behind(changed: Sequence[Checkout]) -> list[str]:
    """That the changes are not on the new branch, as notes."""
    return [
        f"Your uncommitted changes in {checkout.repo.path} are not on the new branch."
        for checkout in changed
    ]


def carry(
    workspace_id: str, checkout: Checkout, runner: Runner, environment: Mapping[str, str]
) -> list[str]:
    """Make the changes the first commit of the new branch; notes about it. Waits for git.

    What an auto-commit would never add is not carried over either.
    """
    root = Path(checkout.repo.path)
    kept_back = commits.kept_back(root)
    number = len(snapshots.listed(root, workspace_id)) + 1
    taken = snapshots.take(root, workspace_id, number, runner, environment)
    without = [left.path for left in kept_back]
    message = f"WIP from {branches.default(root) or 'HEAD'}"
    made = snapshots.begin_with(checkout.directory, taken, message, runner, environment, without)
    notes = [] if made is None else [f"The branch begins with your uncommitted changes in {root}."]
    if kept_back:
        names = ", ".join(paths.shown(left.path) for left in kept_back[:SHOWN_FILES])
        notes.append(f"Not carried over, as it may be secret or is too large: {names}.")
    return notes
