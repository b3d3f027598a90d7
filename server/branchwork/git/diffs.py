"""Which files differ and how, between commits or between a commit and a worktree's files.

The user's index is never touched: untracked files are shown through a copy of it.
"""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from branchwork.git import command, paths, repositories

PATCH_LIMIT = 2 * 1024 * 1024

ChangeStatus = Literal[
    "added", "deleted", "modified", "renamed", "copied", "typeChanged", "unmerged"
]

_STATUSES: Mapping[str, ChangeStatus] = {
    "A": "added",
    "D": "deleted",
    "M": "modified",
    "R": "renamed",
    "C": "copied",
    "T": "typeChanged",
    "U": "unmerged",
}
# Said in full, so that no setting of the user's changes what comes out.
_PLAIN = (
    "diff",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-relative",
    "--ignore-submodules=dirty",
    "--submodule=short",
    "--find-renames",
)
_PATCH = (
    "--patch",
    "--unified=3",
    "--src-prefix=a/",
    "--dst-prefix=b/",
    "--diff-algorithm=default",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileChange:
    """One file that differs."""

    path: str
    old_path: str | None
    """Where it was before a rename."""
    status: ChangeStatus
    additions: int
    deletions: int
    is_binary: bool
    old_mode: str
    new_mode: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """A unified diff; cut at a line's end where it was longer than the limit."""

    text: str
    is_cut: bool


def files(repository: Path, base: str, head: str) -> list[FileChange]:
    """What differs between two commits or trees."""
    return _parsed(command.read(repository, *_PLAIN, "--raw", "--numstat", "-z", base, head, "--"))


def worktree_files(worktree: Path, base: str) -> list[FileChange]:
    """What a worktree's files have over a commit: committed, uncommitted and untracked."""
    with _with_untracked(worktree, ()) as variables:
        arguments = (*_PLAIN, "--raw", "--numstat", "-z", base, "--")
        return _parsed(command.output(worktree, *arguments, env=variables).stdout)


def patch(
    repository: Path, base: str, head: str, names: Sequence[str] = (), limit: int = PATCH_LIMIT
) -> Patch:
    """The difference between two commits as text, of all files or of those named."""
    arguments = (*_PLAIN, *_PATCH, base, head, "--", *names)
    return _bounded(repository, arguments, None, limit)


def worktree_patch(
    worktree: Path, base: str, names: Sequence[str] = (), limit: int = PATCH_LIMIT
) -> Patch:
    """The difference between a commit and a worktree's files as text."""
    with _with_untracked(worktree, names) as variables:
        return _bounded(worktree, (*_PLAIN, *_PATCH, base, "--", *names), variables, limit)


@contextmanager
def _with_untracked(worktree: Path, names: Sequence[str]) -> Iterator[dict[str, str]]:
    """Variables under which untracked files count as added; nothing is hashed or stored."""
    untracked = [name for name in _untracked(worktree, names) if not name.endswith("/")]
    safe = command.without_local_programs(worktree)
    if not untracked:
        yield safe
        return
    with copied_index(worktree) as index:
        variables = {**safe, "GIT_INDEX_FILE": str(index)}
        from_stdin = ("--pathspec-from-file=-", "--pathspec-file-nul")
        arguments = ("add", "--intent-to-add", "--sparse", *from_stdin)
        command.output(worktree, *arguments, stdin=paths.literal(untracked), env=variables)
        yield variables


@contextmanager
def copied_index(worktree: Path) -> Iterator[Path]:
    """A throw-away copy of a worktree's index."""
    index = repositories.git_dir(worktree) / "index"
    with tempfile.TemporaryDirectory(prefix="branchwork-") as folder:
        copy = Path(folder, "index")
        if index.exists():
            shutil.copy2(index, copy)
        yield copy


def _untracked(worktree: Path, names: Sequence[str]) -> list[str]:
    listing = ("--literal-pathspecs", "ls-files", "--others", "--exclude-standard", "-z", "--")
    return paths.split(command.read(worktree, *listing, *names))


def _bounded(
    directory: Path, arguments: Sequence[str], variables: Mapping[str, str] | None, limit: int
) -> Patch:
    options = ("--literal-pathspecs", *arguments)
    raw = command.bounded(directory, *options, limit=limit, env=variables)
    is_cut = len(raw) > limit
    if is_cut:
        raw = raw[: raw.rfind(b"\n", 0, limit) + 1]
    return Patch(text=command.text(raw), is_cut=is_cut)


def _parsed(raw: bytes) -> list[FileChange]:
    """Reads `--raw --numstat -z`: all raw entries, then the counts of lines."""
    fields = iter(raw.split(b"\0"))
    entries: dict[str, tuple[list[str], str | None]] = {}
    counts: dict[str, tuple[bytes, bytes]] = {}
    for field in fields:
        if field.startswith(b":"):
            facts = field.decode("ascii").split()
            first = paths.decoded(next(fields))
            is_pair = facts[4][0] in "RC"
            path, old_path = (paths.decoded(next(fields)), first) if is_pair else (first, None)
            # An unmerged file comes twice: as such, and with what its file now holds.
            entries.setdefault(path, (facts, old_path))
        elif field:
            added, deleted, name = field.split(b"\t", 2)
            if not name:
                _, name = next(fields), next(fields)
            counts[paths.decoded(name)] = (added, deleted)
    return [_change(path, *entry, counts.get(path)) for path, entry in entries.items()]


def _change(
    path: str, facts: list[str], old_path: str | None, count: tuple[bytes, bytes] | None
) -> FileChange:
    added, deleted = count or (b"0", b"0")
    is_binary = added == b"-"
    return FileChange(
        path=path,
        old_path=old_path,
        status=_STATUSES.get(facts[4][0], "modified"),
        additions=0 if is_binary else int(added),
        deletions=0 if is_binary else int(deleted),
        is_binary=is_binary,
        old_mode=facts[0].removeprefix(":"),
        new_mode=facts[1],
    )
