"""A workspace of a large repository, beside what git alone takes for a worktree.

Where there is room it lies in memory: what a disk needs for so many files differs by more than
what is measured.
"""

import os
import time
from pathlib import Path

from bench import place
from bench.editor import Editor
from bench.figure import Figure, median
from bench.place import Place
from bench.size import Size

FOLDERS = 500
MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def creation(_: Place, size: Size) -> list[Figure]:
    """In pairs, each worktree beside the other's; what was made goes before the next."""
    with place.made(_roomy_memory()) as made:
        return _creation(made, size)


def _roomy_memory() -> Path | None:
    if not MEMORY.is_dir():
        return None
    found = os.statvfs(MEMORY)
    return MEMORY if found.f_bavail * found.f_frsize > ROOM else None


def _creation(place: Place, size: Size) -> list[Figure]:
    root = _large_repository(place, size.files)
    one = place.editor(root)
    project = one.request("branchwork/project/create", {"name": "large"})["project"]["id"]
    one.request("branchwork/project/addRepo", {"projectId": project, "path": str(root)})
    created = {"projectId": project, "title": "Look at it all"}
    task = one.request("branchwork/task/create", created)["task"]["id"]
    # The first pair warms what the kernel keeps.
    ours, plain = zip(
        *(_pair(place, root, one, task, number) for number in range(size.workspaces + 1)),
        strict=True,
    )
    ours, plain = ours[1:], plain[1:]
    one.close()
    return [
        Figure(
            name=f"workspace of {size.files:,} files",
            unit="ms",
            measured=median(ours),
            best=min(ours),
            versus=median(plain),
            versus_name="git worktree add",
            rounds=size.workspaces,
        ),
        Figure(
            name="the same, over 1.1 x git worktree add",
            unit="ms",
            measured=median([mine - 1.1 * git for mine, git in zip(ours, plain, strict=True)]),
            best=min(ours) - 1.1 * min(plain),
            goal=100.0,
            rounds=size.workspaces,
            note="the median over pairs; the best is best over best",
        ),
    ]


def _pair(place: Place, root: Path, one: Editor, task_id: str, number: int) -> tuple[float, float]:
    """Milliseconds of ours and of git's; each goes first in every other pair."""
    if number % 2:
        plain = _plain(place, root, number)
        return _ours(place, root, one, task_id), plain
    return _ours(place, root, one, task_id), _plain(place, root, number)


def _ours(place: Place, root: Path, one: Editor, task_id: str) -> float:
    os.sync()
    before = time.perf_counter()
    made = one.request("branchwork/workspace/create", {"taskId": task_id})["workspace"]
    took = (time.perf_counter() - before) * 1000
    _drop(place, root, Path(made["containerRef"]) / made["repos"][0]["directory"])
    return took


def _large_repository(place: Place, files: int) -> Path:
    """By fast-import, then checked out: a person's checkout is there too."""
    root = place.root / "large"
    root.mkdir()
    place.git(root, "init", "-q", "-b", "main")
    lines = [
        b"commit refs/heads/main\ncommitter Ada <ada@example.org> 1700000000 +0000\ndata 3\nAll"
    ]
    for number in range(files):
        text = b"def item_%d():\n    return %d\n" % (number, number) * 8
        path = b"part%03d/item%05d.py" % (number % FOLDERS, number)
        lines.append(b"M 100644 inline %b\ndata %d\n%b" % (path, len(text), text))
    place.git(root, "fast-import", "--quiet", given=b"\n".join(lines) + b"\n")
    place.git(root, "reset", "-q", "--hard")
    # Files as new as the index are read again by each look at them: real ones are older.
    time.sleep(1.1)
    place.git(root, "status")
    os.sync()
    return root


def _plain(place: Place, root: Path, number: int) -> float:
    directory = place.root / "worktrees" / f"plain{number}"
    directory.parent.mkdir(exist_ok=True)
    os.sync()
    before = time.perf_counter()
    place.git(root, "worktree", "add", "-q", "-b", f"plain{number}", str(directory), "main")
    took = (time.perf_counter() - before) * 1000
    _drop(place, root, directory)
    return took


def _drop(place: Place, root: Path, directory: Path) -> None:
    place.git(root, "worktree", "remove", "--force", "--force", str(directory))
