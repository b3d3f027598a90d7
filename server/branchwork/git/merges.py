"""Squash merges in two steps, so that one that was cut off can be told and finished.

First the commit object, which changes nothing anybody sees; then the target branch moves to it.
"""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from branchwork.domain.errors import Conflict
from branchwork.git import branches, command, commits, diffs, paths, repositories, worktrees
from branchwork.git.command import CommandFailed, Completed, Runner
from branchwork.git.diffs import FileChange

_HOLDS = (
    ("rebase-merge/head-name", "rebase"),
    ("rebase-apply/head-name", "rebase"),
    ("BISECT_START", "bisect"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a merge would do, worked out without touching any branch or file."""

    target_commit: str
    source_commit: str
    ahead: int
    """Commits that would be merged."""
    behind: int
    """Commits that the target got meanwhile."""
    files: tuple[FileChange, ...]
    """What would change on the target; with conflicts, what the source changed."""
    conflicts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _MergedTree:
    tree: str
    conflicts: tuple[str, ...]


def preview(repository: Path, target: str, source: str) -> Preview:
    """What merging `source` into `target` would do.

    Merge drivers that the repository itself names do not run here: their files count as conflicts.
    """
    target_commit = branches.commit(repository, target)
    source_commit = repositories.commit_id(repository, source)
    ahead, behind = repositories.ahead_behind(repository, source_commit, target_commit)
    ended = command.output(
        repository,
        *_merge_tree(target_commit, source_commit),
        codes=(0, 1, 128),
        env=command.without_local_programs(repository),
    )
    merged = _merged_tree(ended, target, source)
    if merged.conflicts:
        base = repositories.merge_base(repository, target_commit, source_commit) or target_commit
        changed = diffs.files(repository, base, source_commit)
    else:
        changed = diffs.files(repository, target_commit, merged.tree)
    return Preview(
        target_commit=target_commit,
        source_commit=source_commit,
        ahead=ahead,
        behind=behind,
        files=tuple(changed),
        conflicts=merged.conflicts,
    )


def squash_commit(
    repository: Path,
    target: str,
    source: str,
    message: str,
    runner: Runner,
    env: Mapping[str, str],
) -> str:
    """Makes the commit that merges `source` into `target`, and moves nothing.

    The message goes through the commit-msg hook; it is signed where the user's settings say so.
    """
    target_commit = branches.commit(repository, target)
    source_commit = repositories.commit_id(repository, source)
    ended = command.hooked(runner, env, repository, *_merge_tree(target_commit, source_commit))
    merged = _merged_tree(ended, target, source)
    if merged.conflicts:
        raise _conflicts(target, merged.conflicts)
    if merged.tree == repositories.tree_id(repository, target_commit):
        raise Conflict(
            f"“{target}” has everything that is on “{source}” already: nothing to merge.",
            kind="nothingToMerge",
            target=target,
        )
    place = require_target_free(repository, target, target_commit, merged.tree) or repository
    return _commit_object(place, merged.tree, target_commit, message, runner, env)


def require_target_free(repository: Path, target: str, commit: str, new: str) -> Path | None:
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
        raise _dirty(target, place, in_the_way)
    return place


def move_target(
    repository: Path,
    target: str,
    new: str,
    old: str,
    runner: Runner,
    env: Mapping[str, str],
) -> None:
    """Moves the target from `old` to `new`, with the files where it is checked out.

    Does nothing when the target has `new` already; refuses when it is no longer at `old`.
    """
    current = branches.commit(repository, target)
    if is_merged(repository, target, new):
        return
    if current != old:
        raise _moved(target)
    place = require_target_free(repository, target, old, new)
    if place is None:
        _move_reference(repository, target, new, old, runner, env)
    else:
        _move_checkout(place, target, new, runner, env)
    if not is_merged(repository, target, new):
        raise _moved(target)


def is_merged(repository: Path, target: str, commit: str) -> bool:
    """Whether the target branch has the commit."""
    branches.commit(repository, target)
    if not repositories.has_commit(repository, commit):
        return False
    return repositories.is_ancestor(repository, commit, f"refs/heads/{target}")


def keep_merged_head(repository: Path, workspace: str, number: int, commit: str) -> str:
    """Keeps a merged head from being collected, whatever becomes of its branch."""
    reference = f"refs/branchwork/merged/{workspace}/{number}"
    command.output(repository, "update-ref", reference, commit)
    return reference


def merged_heads(repository: Path, workspace: str) -> list[str]:
    """The heads of a workspace that were merged, in order."""
    form = "--format=%(refname) %(objectname)"
    raw = command.line(repository, "for-each-ref", form, f"refs/branchwork/merged/{workspace}/")
    pairs = [line.split(" ") for line in raw.splitlines()]
    return [commit for _, commit in sorted(pairs, key=lambda pair: int(pair[0].rsplit("/")[-1]))]


def move_branch_after_squash(
    worktree: Path, merged_head: str, commit: str, runner: Runner, env: Mapping[str, str]
) -> bool:
    """Moves a workspace's branch to the commit that its work became; says whether it did.

    Only a clean worktree that still stands at what was merged, on a branch never pushed.
    """
    branch = branches.default(worktree)
    if branch is None or repositories.head_commit(worktree) != merged_head:
        return False
    status = repositories.status(worktree)
    if not status.is_clean or status.operation or was_pushed(worktree, branch):
        return False
    return command.hooked(runner, env, worktree, "reset", "--quiet", "--keep", commit).code == 0


def was_pushed(repository: Path, branch: str) -> bool:
    """Whether a remote has, or had, a branch of that name."""
    remotes = command.line(repository, "for-each-ref", "--format=%(refname)", "refs/remotes")
    if any(name.split("/", 3)[3:] == [branch] for name in remotes.splitlines()):
        return True
    return command.succeeds(repository, "config", "--get", f"branch.{branch}.remote")


def _merge_tree(target_commit: str, source_commit: str) -> tuple[str, ...]:
    options = ("--write-tree", "-z", "--name-only", "--no-messages")
    return ("merge-tree", *options, target_commit, source_commit)


def _merged_tree(ended: Completed, target: str, source: str) -> _MergedTree:
    if ended.code not in (0, 1):
        stderr = command.text(ended.stderr)
        if "unrelated histories" in stderr:
            raise Conflict(
                f"“{source}” and “{target}” have no commit in common: they can't be merged.",
                kind="unrelatedHistories",
                target=target,
            )
        if "usage: git merge-tree" in stderr:
            command.require()
        command.fail(("git", "merge-tree"), ended)
    # A runner may hand over whole lines only, and so end the last record with one.
    tree, *conflicts = paths.split(ended.stdout.removesuffix(b"\n"))
    return _MergedTree(tree=tree, conflicts=tuple(dict.fromkeys(conflicts)))


def _commit_object(
    place: Path, tree: str, parent: str, message: str, runner: Runner, env: Mapping[str, str]
) -> str:
    with commits.message_file(message) as file:
        hook = ("hook", "run", "--ignore-missing", "commit-msg", "--", str(file))
        ended = command.hooked(runner, env, place, *hook)
        if ended.code:
            raise commits.failure(hook, ended)
        with commits.message_file(file.read_text("utf-8", "replace")) as cleaned:
            asked = ("config", "--type=bool", "--get", "commit.gpgSign")
            signs = command.hooked(runner, env, place, *asked).stdout.strip() == b"true"
            options = (*(("-S",) if signs else ()), "-p", parent, "-F", str(cleaned))
            arguments = ("commit-tree", *options, tree)
            ended = command.hooked(runner, env, place, *arguments)
    if ended.code:
        raise commits.failure(arguments, ended)
    return command.text(ended.stdout).strip()


def _in_the_way(
    place: Path, status: repositories.Status, changes: Sequence[FileChange]
) -> list[str]:
    """What the user has changed, or keeps untracked or ignored, where the merge would write."""
    written = {name for change in changes for name in (change.path, change.old_path) if name}
    edited = [
        name
        for name in status.changed
        if not written.isdisjoint(_with_parents(name)) or _is_above(name, written)
    ]
    created = [change.path for change in changes if change.status in ("added", "renamed", "copied")]
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


def _is_above(name: str, written: Collection[str]) -> bool:
    prefix = name.rstrip("/") + "/"
    return any(path.startswith(prefix) for path in written)


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


def _move_reference(
    repository: Path,
    target: str,
    new: str,
    old: str,
    runner: Runner,
    env: Mapping[str, str],
) -> None:
    why = ("-m", "branchwork: squash merge")
    arguments = ("update-ref", *why, f"refs/heads/{target}", new, old)
    ended = command.hooked(runner, env, repository, *arguments)
    if ended.code:
        if branches.commit(repository, target) != old:
            raise _moved(target)
        command.fail(("git", *arguments), ended)


def _move_checkout(
    place: Path, target: str, new: str, runner: Runner, env: Mapping[str, str]
) -> None:
    # Each option undoes a setting of the user's that would make this another kind of merge.
    options = ("--ff-only", "--no-squash", "--no-autostash", "--no-overwrite-ignore", "--no-stat")
    ended = command.hooked(runner, env, place, "merge", *options, new)
    if ended.code == 0:
        return
    printed = command.text(ended.stdout + ended.stderr).strip()
    if "Not possible to fast-forward" in printed or "not something we can merge" in printed:
        raise _moved(target)
    if "would be overwritten" in printed or "would lose untracked" in printed:
        names = [line.strip() for line in printed.splitlines() if line.startswith("\t")]
        raise _dirty(target, place, names)
    raise CommandFailed(
        f"“{target}” could not be moved at {place}: {commits.last_line(ended)}",
        kind="mergeFailed",
        argv=("git", "merge", *options, new),
        exit_code=ended.code,
        stderr=printed,
    )


def _conflicts(target: str, names: Sequence[str]) -> Conflict:
    return Conflict(
        f"Merging into “{target}” would conflict in {_few(names)}: "
        f"merge “{target}” into the branch and resolve them there.",
        kind="mergeConflicts",
        target=target,
        paths=[paths.shown(name) for name in names],
    )


def _dirty(target: str, place: Path, names: Sequence[str]) -> Conflict:
    return Conflict(
        f"{place} has changes of yours where the merge would write ({_few(names)}): "
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


def _moved(target: str) -> Conflict:
    return Conflict(
        f"“{target}” has moved since the merge was prepared: look at the preview and merge again.",
        kind="targetMoved",
        target=target,
    )


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(paths.shown(name) for name in names[:5]) + more
