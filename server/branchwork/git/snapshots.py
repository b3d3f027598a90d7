"""Snapshots of a worktree's tracked and untracked files under refs of our own, and the way back.

Taking one touches neither the user's index nor any branch.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.git import command, commits, diffs, nested, paths, repositories
from branchwork.git.command import Runner

REFS = "refs/branchwork/snapshots"
# Not the user's: nothing that they made, and it must work where they have no identity.
_IDENTITY = {
    "GIT_AUTHOR_NAME": "Branchwork",
    "GIT_AUTHOR_EMAIL": "branchwork@localhost",
    "GIT_COMMITTER_NAME": "Branchwork",
    "GIT_COMMITTER_EMAIL": "branchwork@localhost",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A commit whose tree is what the worktree held and whose parent is what HEAD was."""

    reference: str
    commit: str
    head: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """What a snapshot does not hold."""

    count: int
    size: int


def take(
    worktree: Path, workspace: str, number: int, runner: Runner, env: Mapping[str, str]
) -> Snapshot:
    """Saves all files but ignored ones; the commits up to HEAD are kept with it."""
    nested.require_saved(worktree)
    head = repositories.head_commit(worktree)
    with diffs.copied_index(worktree) as index:
        variables = {"GIT_INDEX_FILE": str(index)}
        _stage_all(worktree, runner, env, variables)
        tree = command.text(command.output(worktree, "write-tree", env=variables).stdout).strip()
    parents = ("-p", head) if head else ()
    message = ("-m", f"Snapshot {number} of workspace {workspace}")
    made = command.output(worktree, "commit-tree", *parents, *message, tree, env=_IDENTITY)
    commit = command.text(made.stdout).strip()
    reference = f"{REFS}/{workspace}/{number}"
    command.output(worktree, "update-ref", reference, commit)
    return Snapshot(reference=reference, commit=commit, head=head)


def listed(repository: Path, workspace: str) -> list[Snapshot]:
    """The snapshots of a workspace, in order."""
    form = "--format=%(refname) %(objectname) %(parent)"
    raw = command.line(repository, "for-each-ref", form, f"{REFS}/{workspace}/")
    rows = [row.split(" ") for row in raw.splitlines()]
    found = [Snapshot(reference=row[0], commit=row[1], head=row[2] or None) for row in rows]
    return sorted(found, key=lambda snapshot: int(snapshot.reference.rsplit("/", 1)[1]))


def forget(repository: Path, workspace: str) -> None:
    """Lets the snapshots of a workspace go."""
    for snapshot in listed(repository, workspace):
        command.output(repository, "update-ref", "-d", snapshot.reference, snapshot.commit)


def ignored(worktree: Path) -> Ignored:
    """How much of the worktree is ignored, and so in no snapshot."""
    arguments = ("ls-files", "--others", "--ignored", "--exclude-standard", "-z")
    names = paths.split(command.read(worktree, *arguments))
    return Ignored(count=len(names), size=sum(_size(worktree / name) for name in names))


def restore(
    worktree: Path, branch: str, snapshot: str, runner: Runner, env: Mapping[str, str]
) -> None:
    """Brings files, branch and HEAD back to a snapshot; what was made since is gone."""
    head = repositories.commit_id(worktree, f"{snapshot}^")
    _go_back(worktree, branch, (snapshot, head), runner, env)


def restore_commit(
    worktree: Path, branch: str, commit: str, runner: Runner, env: Mapping[str, str]
) -> None:
    """Brings files, branch and HEAD back to a commit; what was made since is gone."""
    found = repositories.commit_id(worktree, commit)
    _go_back(worktree, branch, (found, found), runner, env)


def begin_with(
    worktree: Path,
    snapshot: Snapshot,
    message: str,
    runner: Runner,
    env: Mapping[str, str],
    without: Sequence[str] = (),
) -> str | None:
    """Make what a snapshot holds the next commit of a clean worktree that stands where it began;
    none where nothing is left of it without the named files."""
    head = repositories.head_commit(worktree)
    if head is None or head != snapshot.head:
        raise Conflict(
            "Uncommitted changes can be carried over only to a branch that starts from the commit "
            "that is checked out. Choose that base branch, or go on without them.",
            kind="otherBase",
        )
    tree = _tree_without(worktree, snapshot.commit, without)
    if tree == repositories.tree_id(worktree, head):
        return None
    arguments = ("commit-tree", "-p", head, "-m", message, tree)
    made = command.hooked(runner, env, worktree, *arguments)
    if made.code:
        raise commits.failure(arguments, made)
    commit = command.text(made.stdout).strip()
    _run(worktree, runner, env, "reset", "--quiet", "--keep", commit)
    return commit


def _tree_without(worktree: Path, commit: str, names: Sequence[str]) -> str:
    if not names:
        return repositories.tree_id(worktree, commit)
    with tempfile.TemporaryDirectory(prefix="branchwork-index-") as folder:
        variables = {"GIT_INDEX_FILE": str(Path(folder, "index"))}
        command.output(worktree, "read-tree", commit, env=variables)
        removing = ("update-index", "--force-remove", "-z", "--stdin")
        command.output(worktree, *removing, stdin=paths.joined(names), env=variables)
        return command.text(command.output(worktree, "write-tree", env=variables).stdout).strip()


def _go_back(
    worktree: Path,
    branch: str,
    to: tuple[str, str],
    runner: Runner,
    env: Mapping[str, str],
) -> None:
    """Each step may be run again, so one that was cut off is finished by starting over."""
    files, head = to
    nested.require_saved(worktree)
    _end_operation(worktree, runner, env)
    # Once git knows of every file, it also removes those that the snapshot does not have.
    _stage_all(worktree, runner, env, {})
    _run(worktree, runner, env, "read-tree", "--reset", "-u", files)
    _run(worktree, runner, env, "symbolic-ref", "HEAD", f"refs/heads/{branch}")
    _run(worktree, runner, env, "reset", "--quiet", "--mixed", head)


def _end_operation(worktree: Path, runner: Runner, env: Mapping[str, str]) -> None:
    under_way = repositories.operation(worktree)
    if under_way == "rebase":
        _run(worktree, runner, env, "rebase", "--quit")
    elif under_way == "bisect":
        _run(worktree, runner, env, "bisect", "reset", "HEAD")


def _stage_all(
    worktree: Path, runner: Runner, env: Mapping[str, str], variables: Mapping[str, str]
) -> None:
    arguments = ("add", "--all", "--sparse")
    ended = command.hooked(runner, env, worktree, *arguments, extra=variables)
    if ended.code:
        raise commits.failure(arguments, ended)


def _run(worktree: Path, runner: Runner, env: Mapping[str, str], *arguments: str) -> None:
    ended = command.hooked(runner, env, worktree, *arguments)
    if ended.code:
        command.fail(("git", *arguments), ended)


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:
        return 0
