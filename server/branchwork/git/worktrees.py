"""Linked worktrees: made, listed, repaired and removed; a half-made one never stays."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.git import branches, command, diffs, nested, paths, repositories
from branchwork.git.command import CommandFailed, Runner

LOCK_REASON = "branchwork: a workspace lives here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worktree:
    """One entry of a repository's list of worktrees."""

    directory: Path
    commit: str | None
    branch: str | None
    is_main: bool
    is_bare: bool
    lock_reason: str | None
    """Why it is locked; empty where no reason is given, none where it is not locked."""
    is_missing: bool
    """Whether git would prune it because its directory is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A worktree that has just been made."""

    directory: Path
    branch: str
    base_commit: str


def add(
    repository: Path,
    directory: Path,
    branch: str,
    base: str,
    runner: Runner,
    env: Mapping[str, str],
) -> Added:
    """Makes a branch at `base` and a locked worktree for it; leaves nothing when it fails."""
    base_commit = repositories.commit_id(repository, base)
    _require_free(directory)
    branches.create(repository, branch, base_commit)
    done = False
    try:
        checkout(repository, directory, branch, runner, env)
        done = True
    finally:
        if not done:
            undo_add(repository, directory, branch, base_commit)
    return Added(directory=directory.resolve(), branch=branch, base_commit=base_commit)


def checkout(
    repository: Path, directory: Path, branch: str, runner: Runner, env: Mapping[str, str]
) -> None:
    """Makes a locked worktree for a branch that exists, as after its directory was lost."""
    _require_free(directory)
    # An entry whose directory is gone, locked as ours are, would make git refuse.
    _forget(repository, directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    arguments = ("worktree", "add", "--lock", "--reason", LOCK_REASON, "--", str(directory), branch)
    ended = command.hooked(runner, env, repository, *arguments)
    if ended.code == 0:
        return
    printed = command.text(ended.stdout + ended.stderr).strip()
    last = printed.splitlines()[-1] if printed else f"exit code {ended.code}"
    raise CommandFailed(
        f"The worktree for “{branch}” could not be made: {last}",
        kind="worktreeFailed",
        argv=("git", *arguments),
        exit_code=ended.code,
        stderr=printed,
        branch=branch,
    )


def undo_add(repository: Path, directory: Path, branch: str, base_commit: str) -> None:
    """Removes what an interrupted `add` left: worktree, its entry, and the branch if unmoved."""
    _forget(repository, directory)
    if branches.exists(repository, branch):
        with suppress(CommandFailed):
            branches.delete(repository, branch, base_commit)


def remove(repository: Path, directory: Path, snapshot: str | None = None) -> None:
    """Removes a worktree; only what is on a ref already, or in the snapshot, may go with it."""
    if directory.is_dir() and any(directory.iterdir()):
        _require_ours(repository, directory)
        _require_saved(directory, snapshot)
    _forget(repository, directory)


def listed(repository: Path) -> list[Worktree]:
    """All worktrees of a repository, the main one first."""
    raw = command.read(repository, "worktree", "list", "--porcelain", "-z")
    blocks = [block for block in raw.split(b"\0\0") if block]
    return [_worktree(block, is_main=number == 0) for number, block in enumerate(blocks)]


def repair(repository: Path, *directories: Path) -> None:
    """Joins a repository and its worktrees again after one of them was moved."""
    command.output(repository, "worktree", "repair", *(str(path) for path in directories))


def prune(repository: Path) -> None:
    """Drops the entries of worktrees whose directories are gone and that are not locked."""
    command.output(repository, "worktree", "prune")


def unlock(repository: Path, directory: Path) -> None:
    """Lets git move, prune or remove a worktree; nothing happens where it is not locked."""
    command.output(repository, "worktree", "unlock", "--", str(directory), codes=(0, 128))


def _require_free(directory: Path) -> None:
    taken = directory.is_symlink() or (
        directory.exists() and (not directory.is_dir() or any(directory.iterdir()))
    )
    if taken:
        raise Conflict(
            f"{directory} already exists and is not empty.",
            kind="directoryExists",
            directory=str(directory),
        )


def _require_ours(repository: Path, directory: Path) -> None:
    """Without a whole entry nobody can say what is in a directory: then it is not removed."""
    real = directory.resolve()
    known = any(entry.directory == real and not entry.is_main for entry in listed(repository))
    if not known or not (real / ".git").exists():
        raise Conflict(
            f"{directory} is not a worktree of {repository} any more: look at what it holds and "
            "remove it by hand, or run `git worktree repair` in it.",
            kind="notAWorktree",
            directory=str(directory),
        )


def _require_saved(directory: Path, snapshot: str | None) -> None:
    nested.require_saved(directory)
    changed = (
        repositories.status(directory).changed if snapshot is None else _since(directory, snapshot)
    )
    unsaved = ("rev-list", "--max-count=1", "HEAD", "--not", "--branches", "--tags", "--remotes")
    if changed or command.line(directory, *unsaved, "--glob=refs/branchwork/*"):
        raise Conflict(
            f"{directory} holds work that is saved nowhere else: commit it or snapshot it first.",
            kind="uncommittedWork",
            directory=str(directory),
            paths=[paths.shown(path) for path in changed[:100]],
        )


def _since(directory: Path, snapshot: str) -> tuple[str, ...]:
    """What the worktree has that the snapshot has not."""
    if command.without_local_programs(directory):
        # Compared without the repository's own filters, its files would differ for ever.
        repositories.commit_id(directory, snapshot)
        return ()
    return tuple(change.path for change in diffs.worktree_files(directory, snapshot))


def _forget(repository: Path, directory: Path) -> None:
    real = directory.resolve()
    known = {entry.directory for entry in listed(repository) if not entry.is_main}
    if real in known:
        unlock(repository, real)
        arguments = ("worktree", "remove", "--force", "--force", "--", str(real))
        command.output(repository, *arguments, codes=(0, 128, 255))
        _drop(real)
        prune(repository)
        return
    if _is_leftover(real):
        _drop(real)


def _is_leftover(directory: Path) -> bool:
    """A directory that only a broken-off `git worktree add` can have left: no entry, no files."""
    return directory.is_dir() and not any(
        child for child in directory.iterdir() if child.name != ".git"
    )


def _drop(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory, ignore_errors=True)


def _worktree(block: bytes, *, is_main: bool) -> Worktree:
    pairs = (line.partition(b" ") for line in block.split(b"\0"))
    facts = {paths.decoded(key): paths.decoded(value) for key, _, value in pairs}
    commit = facts.get("HEAD")
    return Worktree(
        directory=Path(facts["worktree"]).resolve(),
        commit=commit if commit and commit.strip("0") else None,
        branch=facts["branch"].removeprefix("refs/heads/") if "branch" in facts else None,
        is_main=is_main,
        is_bare="bare" in facts,
        lock_reason=facts.get("locked"),
        is_missing="prunable" in facts,
    )
