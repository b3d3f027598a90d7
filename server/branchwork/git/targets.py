"""Whether a branch may move where it is checked out: what is under way or in the way there."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath

from branchwork.domain.errors import Conflict
from branchwork.git import branches, diffs, paths, repositories, worktrees
from branchwork.git.diffs import FileChange

_HOLDS = (
    ("rebase-merge/head-name", "rebase"),
    ("rebase-apply/head-name", "rebase"),
    ("BISECT_START", "bisect"),
)


def require_free(repository: Path, target: str, commit: str, new: str) -> Path | None:
    """Where the target is checked out, once nothing there stands in the way of moving to `new`."""
    _require_not_held(repository, target)
    place = branches.checked_out_at(repository, target)
    if place is None:
        return None
    if not place.is_dir():
        raise Conflict(
            f"“{target}” is checked out at {place}, which is gone: run `git worktree prune`.",
            kind="targetCheckoutMissing",
            directory=str(place),
        )
    status = repositories.status(place)
    if status.operation or status.conflicted:
        raise _under_way(target, place, status.operation or "merge")
    in_the_way = _in_the_way(place, status, diffs.files(repository, commit, new))
    if in_the_way:
        raise dirty(target, place, in_the_way)
    return place


def _in_the_way(
    place: Path, status: repositories.Status, changes: Sequence[FileChange]
) -> list[str]:
    """What the user has changed, or keeps untracked or ignored, where the merge would write."""
    written = {name for change in changes for name in (change.path, change.old_path) if name}
    above = {parent for name in written for parent in _with_parents(name)}
    edited = [
        name
        for name in status.changed
        if name.rstrip("/") in above or not written.isdisjoint(_with_parents(name))
    ]
    replaced = {change.old_path.casefold() for change in changes if change.old_path}
    created = [
        change.path
        for change in changes
        # Where names differ by case only, the file that is there may be the one renamed.
        if change.status in ("added", "renamed", "copied")
        and change.path.casefold() not in replaced
    ]
    kept = [
        name
        for path in created
        for name in _with_parents(path)
        if _is_not_gits(place, name, path, written)
    ]
    return list(dict.fromkeys((*edited, *kept)))


def _is_not_gits(place: Path, name: str, created: str, written: Collection[str]) -> bool:
    """Whether a file that the merge does not know lies where it would make a file or folder."""
    file = place / name
    if not os.path.lexists(file):
        return False
    if file.is_dir() and not file.is_symlink():
        below = (child for child in file.rglob("*") if child.is_symlink() or not child.is_dir())
        return name == created and any(
            child.relative_to(place).as_posix() not in written for child in below
        )
    return name == created or name not in written


def _with_parents(name: str) -> list[str]:
    parents = PurePosixPath(name).parents
    return [name.rstrip("/"), *(str(parent) for parent in parents if parent.name)]


def _require_not_held(repository: Path, target: str) -> None:
    """Refuses while a rebase or bisect, in any worktree, will come back to the target."""
    for entry in worktrees.listed(repository):
        if entry.branch is not None or entry.is_bare or entry.is_missing:
            continue
        folder = repositories.git_dir(entry.directory)
        for name, kind in _HOLDS:
            if _first_line(folder / name).removeprefix("refs/heads/") == target:
                raise _under_way(target, entry.directory, kind)


def _first_line(file: Path) -> str:
    try:
        return file.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def dirty(target: str, place: Path, names: Sequence[str]) -> Conflict:
    """The refusal because of the user's own changes."""
    return Conflict(
        f"{place} has changes of yours where the merge would write ({few(names)}): "
        "commit or move them, then merge again.",
        kind="targetDirty",
        target=target,
        directory=str(place),
        paths=[paths.shown(name) for name in names],
    )


def _under_way(target: str, place: Path, kind: str) -> Conflict:
    return Conflict(
        f"A {kind.replace('_', ' ')} of “{target}” is under way in {place}: "
        "finish or abort it, then merge again.",
        kind="operationInProgress",
        target=target,
        directory=str(place),
        operation=kind,
    )


def few(names: Sequence[str]) -> str:
    """The first of some names, for a sentence."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(paths.shown(name) for name in names[:5]) + more
