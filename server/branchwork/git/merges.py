"""Squash merges in two steps, so that one that was cut off can be told and finished.

First the commit object, which changes nothing anybody sees; then the target branch moves to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.git import branches, command, commits, diffs, paths, repositories, targets
from branchwork.git.command import CommandFailed, Completed, Runner
from branchwork.git.diffs import FileChange


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
    merged = _merged_tree(_merge_here(repository, target_commit, source_commit), target, source)
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
    if command.names_merge_drivers(repository):
        arguments = _merge_tree(target_commit, source_commit)
        ended = command.hooked(runner, env, repository, *arguments)
    else:
        ended = _merge_here(repository, target_commit, source_commit)
    merged = _merged_tree(ended, target, source)
    if merged.conflicts:
        raise _conflicts(target, merged.conflicts)
    if merged.tree == repositories.tree_id(repository, target_commit):
        raise Conflict(
            f"“{target}” has everything that is on “{source}” already: nothing to merge.",
            kind="nothingToMerge",
            target=target,
        )
    place = targets.require_free(repository, target, target_commit, merged.tree) or repository
    return _commit_object(place, merged.tree, target_commit, message, runner, env)


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
    place = targets.require_free(repository, target, old, new)
    if place is None:
        _move_reference(repository, target, new, old, runner, env)
    else:
        _move_checkout(place, target, new, runner, env)
    if not is_merged(repository, target, new):
        raise _moved(target)


def put_back(repository: Path, target: str, new: str) -> None:
    """Takes the files of `new` back where a move was cut off between files and branch."""
    place = branches.checked_out_at(repository, target)
    if place is not None and place.is_dir():
        _put_back(place, new)


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


def _merge_here(repository: Path, target_commit: str, source_commit: str) -> Completed:
    return command.output(
        repository,
        *_merge_tree(target_commit, source_commit),
        codes=(0, 1, 128, 129),
        env=command.without_local_programs(repository),
    )


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
            signed = ("-S",) if _signs(place, env) else ()
            options = (*signed, "-p", parent, "-F", str(cleaned))
            arguments = ("commit-tree", *options, tree)
            ended = command.hooked(runner, env, place, *arguments)
    if ended.code:
        raise commits.failure(arguments, ended)
    return command.text(ended.stdout).strip()


def _signs(place: Path, env: Mapping[str, str]) -> bool:
    """Whether the user has their commits signed; their settings may not be the daemon's."""
    homes = {name: env[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in env}
    asked = ("config", "--type=bool", "--get", "commit.gpgSign")
    return command.output(place, *asked, codes=(0, 1), env=homes).stdout.strip() == b"true"


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
    _put_back(place, new)
    printed = command.text(ended.stdout + ended.stderr).strip()
    if "Not possible to fast-forward" in printed or "not something we can merge" in printed:
        raise _moved(target)
    if "would be overwritten" in printed or "would lose untracked" in printed:
        names = [line.strip() for line in printed.splitlines() if line.startswith("\t")]
        raise targets.dirty(target, place, names)
    raise CommandFailed(
        f"“{target}” could not be moved at {place}: {commits.last_line(ended)}",
        kind="mergeFailed",
        argv=("git", "merge", *options, new),
        exit_code=ended.code,
        stderr=printed,
    )


def _put_back(place: Path, new: str) -> None:
    """The files come before the branch: where git was refused the branch, they are the new ones.

    What is as it was stays, and so does what somebody has changed.
    """
    if repositories.head_commit(place) != new:
        command.output(place, "read-tree", "-m", "-u", new, "HEAD", codes=(0, 1, 128))


def _conflicts(target: str, names: Sequence[str]) -> Conflict:
    return Conflict(
        f"Merging into “{target}” would conflict in {targets.few(names)}: "
        f"merge “{target}” into the branch and resolve them there.",
        kind="mergeConflicts",
        target=target,
        paths=[paths.shown(name) for name in names],
    )


def _moved(target: str) -> Conflict:
    return Conflict(
        f"“{target}” has moved since the merge was prepared: look at the preview and merge again.",
        kind="targetMoved",
        target=target,
    )
