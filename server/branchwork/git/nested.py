"""Repositories inside a worktree: submodules and clones that somebody put there.

Their commits and changes live outside of the worktree's own repository, so that neither a commit
nor a snapshot of the worktree saves them.
"""

from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.git import command, paths, repositories


def unsaved(worktree: Path) -> list[str]:
    """The inner repositories with work that would be lost with the worktree."""
    others = command.read(worktree, "ls-files", "--others", "--exclude-standard", "-z")
    # Of a folder that is a repository only the folder itself is listed.
    clones = [name for name in paths.split(others) if name.endswith("/")]
    return [*clones, *(name for name in submodules(worktree) if _has_work(worktree / name))]


def require_saved(worktree: Path) -> None:
    """Refuses a worktree in which an inner repository has work of its own."""
    found = unsaved(worktree)
    if found:
        shown = [paths.shown(name) for name in found]
        raise Conflict(
            f"{', '.join(shown[:5])} in {worktree}: a repository inside the worktree whose work "
            "can't be saved in a snapshot. Commit and push it, or move it away.",
            kind="nestedRepository",
            directory=str(worktree),
            paths=shown,
        )


def submodules(worktree: Path) -> list[str]:
    """The submodules that are checked out, by path."""
    raw = command.read(worktree, "ls-files", "--stage", "-z")
    names = [
        paths.decoded(entry.split(b"\t", 1)[1])
        for entry in raw.split(b"\0")
        if entry.startswith(b"160000 ")
    ]
    return [name for name in dict.fromkeys(names) if (worktree / name / ".git").exists()]


def registered(worktree: Path) -> set[str]:
    """The paths of the submodules that `.gitmodules` names."""
    if not (worktree / ".gitmodules").is_file():
        return set()
    pattern = r"^submodule\..*\.path$"
    arguments = ("config", "--null", "--file", ".gitmodules", "--get-regexp", pattern)
    settings = paths.split(command.read(worktree, *arguments, codes=(0, 1)))
    return {setting.partition("\n")[2] for setting in settings}


def _has_work(directory: Path) -> bool:
    """Whether it has changes, or commits that none of its remotes has, or such a one inside."""
    if not repositories.status(directory).is_clean or unsaved(directory):
        return True
    unpushed = ("rev-list", "--max-count=1", "--branches", "HEAD", "--not", "--remotes")
    return bool(command.line(directory, *unpushed))
