"""Which repository a path belongs to, and how its worktrees and commits stand; reads only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from branchwork.domain.errors import NotARepository, NotFound
from branchwork.git import command, paths

Operation = Literal["rebase", "merge", "cherry_pick", "revert", "bisect"]

_STATE_FILES: tuple[tuple[str, Operation], ...] = (
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry_pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository found from a path inside it; all paths are real ones."""

    root: Path
    """The main worktree's root, which is what gets registered."""
    worktree: Path
    """The root of the worktree that the path lies in; the main one for a path inside `.git`."""
    common_dir: Path

    @property
    def is_linked(self) -> bool:
        """Whether the path lies in a linked worktree."""
        return self.worktree != self.root


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What differs from HEAD in a worktree; ignored files are not in it."""

    staged: tuple[str, ...]
    modified: tuple[str, ...]
    untracked: tuple[str, ...]
    conflicted: tuple[str, ...]
    operation: Operation | None

    @property
    def changed(self) -> tuple[str, ...]:
        """Every path in it, once, in order."""
        return tuple(
            dict.fromkeys((*self.staged, *self.modified, *self.conflicted, *self.untracked))
        )

    @property
    def is_clean(self) -> bool:
        """Whether nothing at all differs."""
        return not self.changed


def discover(path: Path) -> Repository:
    """The repository that a file or folder lies in."""
    start = _existing_folder(path)
    found = command.output(start, "rev-parse", "--is-inside-work-tree", codes=(0, 128))
    if found.code:
        raise _refusal(path, command.text(found.stderr))
    common_dir = _path(start, "--git-common-dir")
    if found.stdout.strip() != b"true":
        return _of_git_dir(path, common_dir)
    worktree = _path(start, "--show-toplevel")
    if _path(start, "--git-dir") == common_dir:
        return Repository(root=worktree, worktree=worktree, common_dir=common_dir)
    # A linked worktree of a bare repository has no main worktree: it stands for itself.
    return Repository(
        root=_main_worktree(common_dir) or worktree, worktree=worktree, common_dir=common_dir
    )


def init(folder: Path, branch: str | None = None) -> Repository:
    """Makes a folder a repository, on that branch or on the one that the user's settings name."""
    if not folder.is_dir():
        raise NotARepository(
            f"{folder} is not a folder: create it first.", kind="pathNotFound", path=str(folder)
        )
    named = () if branch is None else (f"--initial-branch={branch}",)
    command.output(folder, "init", "--quiet", *named)
    return discover(folder)


def require_commit(repository: Path) -> str:
    """The id of HEAD's commit; refuses a repository that has none yet."""
    commit = head_commit(repository)
    if commit is None:
        raise NotARepository(
            f"{repository} has no commit yet: make a first commit, then try again.",
            kind="emptyRepository",
            path=str(repository),
        )
    return commit


def head_commit(worktree: Path) -> str | None:
    """The id of HEAD's commit; none before the first commit."""
    return _verified(worktree, "HEAD")


def commit_id(repository: Path, name: str) -> str:
    """The id of the commit that a branch, tag or id names."""
    found = _verified(repository, name)
    if found is None:
        raise NotFound(
            f"There is no commit or branch “{name}” in {repository}.",
            kind="revisionNotFound",
            name=name,
        )
    return found


def has_commit(repository: Path, commit: str) -> bool:
    """Whether the commit's object is there."""
    return _verified(repository, commit) is not None


def tree_id(repository: Path, commit: str) -> str:
    """The id of the tree of a commit."""
    return command.line(
        repository, "rev-parse", "--verify", "--end-of-options", f"{commit}^{{tree}}"
    )


def common_dir(path: Path) -> Path:
    """The folder that all worktrees of a repository share."""
    return _path(path, "--git-common-dir")


def git_dir(worktree: Path) -> Path:
    """The folder with this worktree's HEAD and index."""
    return _path(worktree, "--git-dir")


def is_ancestor(repository: Path, ancestor: str, descendant: str) -> bool:
    """Whether the one commit is in the other's history, or is the same."""
    return command.succeeds(
        repository, "merge-base", "--is-ancestor", "--end-of-options", ancestor, descendant
    )


def merge_base(repository: Path, one: str, other: str) -> str | None:
    """The newest commit that both have; none for unrelated histories."""
    arguments = ("merge-base", "--end-of-options", one, other)
    return command.line(repository, *arguments, codes=(0, 1)) or None


def commit_count(repository: Path, base: str, head: str) -> int:
    """How many commits `head` has that `base` has not."""
    return int(
        command.line(repository, "rev-list", "--count", "--end-of-options", f"{base}..{head}")
    )


def ahead_behind(repository: Path, branch: str, target: str) -> tuple[int, int]:
    """How many commits the branch has that the target has not, and the other way round."""
    symmetric = f"{branch}...{target}"
    arguments = ("rev-list", "--left-right", "--count", "--end-of-options", symmetric)
    ahead, behind = command.line(repository, *arguments).split()
    return int(ahead), int(behind)


def status(worktree: Path) -> Status:
    """What differs in a worktree and what is under way there."""
    arguments = ("--porcelain=v2", "-z", "--untracked-files=all", "--no-renames")
    found = command.output(
        worktree,
        "status",
        *arguments,
        # Looking into a submodule would obey that submodule's configuration.
        "--ignore-submodules=dirty",
        env=command.without_local_programs(worktree),
    ).stdout
    lists: dict[str, list[str]] = {"staged": [], "modified": [], "untracked": [], "conflicted": []}
    for record in found.split(b"\0"):
        _sort_in(record, lists)
    return Status(
        **{name: tuple(names) for name, names in lists.items()}, operation=operation(worktree)
    )


def operation(worktree: Path) -> Operation | None:
    """The rebase, merge, … that waits to be finished in a worktree."""
    folder = git_dir(worktree)
    under_way = (kind for name, kind in _STATE_FILES if (folder / name).exists())
    return next(under_way, None)


def _sort_in(record: bytes, lists: dict[str, list[str]]) -> None:
    kind = record[:1]
    if kind == b"?":
        lists["untracked"].append(paths.decoded(record[2:]))
    elif kind == b"u":
        lists["conflicted"].append(paths.decoded(record.split(b" ", 10)[10]))
    elif kind == b"1":
        states, name = record[2:4], paths.decoded(record.split(b" ", 8)[8])
        if states[:1] != b".":
            lists["staged"].append(name)
        if states[1:] != b".":
            lists["modified"].append(name)


def _existing_folder(path: Path) -> Path:
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise NotARepository(
            f"There is nothing to open at {path}.", kind="pathNotFound", path=str(path)
        ) from error
    return real if real.is_dir() else real.parent


def _path(directory: Path, flag: str) -> Path:
    raw = command.read(directory, "rev-parse", "--path-format=absolute", flag)
    return Path(paths.decoded(raw.removesuffix(b"\n"))).resolve()


def _of_git_dir(path: Path, common_dir: Path) -> Repository:
    root = _main_worktree(common_dir)
    if root is None:
        raise NotARepository(
            f"{path} is a bare repository, without files to work on: open a worktree of it.",
            kind="bareRepository",
            path=str(path),
        )
    return Repository(root=root, worktree=root, common_dir=common_dir)


def _main_worktree(common_dir: Path) -> Path | None:
    """The main worktree by its `.git` folder; `git worktree list` is wrong for submodules."""
    if _setting(common_dir, "--type=bool", "core.bare") == "true":
        return None
    configured = _setting(common_dir, "core.worktree")
    if configured:
        return (common_dir / configured).resolve()
    return common_dir.parent if common_dir.name == ".git" else None


def _setting(common_dir: Path, *name: str) -> str:
    where = f"--git-dir={common_dir}"
    raw = command.read(common_dir, where, "config", "--null", "--get", *name, codes=(0, 1))
    return paths.decoded(raw.removesuffix(b"\0"))


def _verified(repository: Path, name: str) -> str | None:
    arguments = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    return command.line(repository, *arguments, codes=(0, 1)) or None


def _refusal(path: Path, stderr: str) -> NotARepository:
    if "dubious ownership" in stderr:
        return NotARepository(
            f"{path} belongs to another user, so git refuses to work there: "
            f"run `git config --global --add safe.directory {path}` if you trust it.",
            kind="dubiousOwnership",
            path=str(path),
        )
    if "not a git repository" in stderr:
        return NotARepository(
            f"{path} is not in a git repository: run `git init` there, or open another folder.",
            path=str(path),
        )
    last = stderr.strip().splitlines()[-1:] or ["no reason given"]
    return NotARepository(
        f"git can't open the repository at {path}: {last[0]}",
        kind="unreadableRepository",
        path=str(path),
    )
