"""The doctor's look at folders: who may enter, how much space there is, what worktrees need."""

import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from branchwork.domain.errors import GitFailed, NotARepository
from branchwork.git import repositories
from branchwork.services.checks import Check, Group, is_there

DATA, WORKTREES = Group("Data"), Group("Worktrees")

LITTLE_SPACE, NO_SPACE = 1 << 30, 100 << 20

_ANOTHER_ROOT = "Set BRANCHWORK_WORKTREES to another folder in the environment of your editor."
# Linux' ioctl that makes a file share the blocks of another one.
_FICLONE = 0x40049409


def look(data: Path, run: Path, worktrees: Path) -> list[Check]:
    """Checks of the data folder, the folder of the sockets and the root of the worktrees."""
    return [
        _private("dataFolder", "The data folder", data),
        _private("socketFolder", "The folder of the sockets", run),
        _space(DATA, "dataSpace", data),
        *_worktrees(worktrees),
    ]


def _private(id: str, what: str, folder: Path) -> Check:
    try:
        found = folder.stat()
    except OSError as error:
        return DATA.unknown(id, f"{what} {folder}", error)
    if found.st_uid != os.geteuid():
        return DATA.error(
            id,
            f"{what} {folder} belongs to another user (uid {found.st_uid}).",
            "Set BRANCHWORK_DATA_DIR to a folder of your own.",
        )
    if found.st_mode & 0o077:
        return DATA.warning(
            id,
            f"{what} {folder} can be entered by others: what agents said lies there.",
            f"Run `chmod 700 {folder}`.",
        )
    return DATA.ok(id, f"{what} {folder} is for you alone.")


def _space(group: Group, id: str, folder: Path) -> Check:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return group.unknown(id, f"The free space in {folder}", error)
    sentence = f"{_size(free)} free in {folder}."
    if free < NO_SPACE:
        return group.error(id, sentence, "Free some: agents stop when the disk is full.")
    if free < LITTLE_SPACE:
        return group.warning(id, sentence, "Free some: agents stop when the disk is full.")
    return group.ok(id, sentence)


def _size(count: int) -> str:
    gibibytes = count / (1 << 30)
    return f"{gibibytes:.1f} GiB" if gibibytes >= 1 else f"{count >> 20} MiB"


# --- worktrees -----------------------------------------------------------------------------------


def _worktrees(root: Path) -> Iterator[Check]:
    there = _nearest(root)
    writable = _writable(root, there)
    yield writable
    if there.is_dir():
        yield _space(WORKTREES, "worktreesSpace", there)
        yield from _place(root, there)
        if there == root and sys.platform == "linux":
            yield from _cloning(root)


def _nearest(folder: Path) -> Path:
    """The folder, or the one above it that is there already."""
    return next(one for one in (folder, *folder.parents) if is_there(one))


def _writable(root: Path, there: Path) -> Check:
    if not there.is_dir():
        return WORKTREES.error(
            "worktreesRoot",
            f"Worktrees can't be made in {root}: {there} is a file, not a folder.",
            _ANOTHER_ROOT,
        )
    if not os.access(there, os.W_OK | os.X_OK):
        return WORKTREES.error(
            "worktreesRoot",
            f"Worktrees can't be made in {root}: {there} can't be written.",
            _ANOTHER_ROOT,
        )
    if there != root:
        return WORKTREES.ok("worktreesRoot", f"Worktrees will be made in {root}.")
    return WORKTREES.ok("worktreesRoot", f"Worktrees are made in {root}.")


def _place(root: Path, there: Path) -> Iterator[Check]:
    """Where it lies, as far as that makes trouble."""
    if any(character.isspace() for character in str(root)):
        yield WORKTREES.warning(
            "worktreesSpaces",
            f"There is a space in {root}, which many build scripts do not expect.",
            _ANOTHER_ROOT,
        )
    temporary = _temporary_folder_of(root)
    if temporary is not None:
        yield WORKTREES.warning(
            "worktreesTemporary",
            f"{root} lies in {temporary}, where the system removes files by itself.",
            _ANOTHER_ROOT,
        )
    try:
        repository = repositories.discover(there)
    except NotARepository:
        return
    except GitFailed as error:
        yield WORKTREES.warning(
            "worktreesInRepository",
            f"Whether {root} lies in a repository could not be looked at: {error.sentence}",
        )
    else:
        yield WORKTREES.warning(
            "worktreesInRepository",
            f"{root} lies in the repository {repository.worktree}, where tools will take the "
            "worktrees for a part of it.",
            _ANOTHER_ROOT,
        )


def _temporary_folder_of(root: Path) -> Path | None:
    folders = dict.fromkeys(("/tmp", "/var/tmp", tempfile.gettempdir()))
    real = Path(os.path.realpath(root))
    within = (Path(os.path.realpath(folder)) for folder in folders)
    return next((folder for folder in within if real.is_relative_to(folder)), None)


def _cloning(root: Path) -> Iterator[Check]:
    """Found out by doing it, with two files that have no name."""
    try:
        with tempfile.TemporaryFile(dir=root) as source, tempfile.TemporaryFile(dir=root) as copy:
            source.write(b"x" * 4096)
            source.flush()
            try:
                fcntl.ioctl(copy.fileno(), _FICLONE, source.fileno())
            except OSError:
                yield WORKTREES.info("worktreesCloning", "Its file system can't clone files.")
            else:
                yield WORKTREES.info("worktreesCloning", "Its file system can clone files.")
    except OSError as error:
        yield WORKTREES.unknown("worktreesCloning", f"Whether files can be cloned in {root}", error)
