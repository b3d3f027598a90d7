"""A workspace of a large repository, beside what git alone takes for a worktree.

Where there is room it lies in memory: what a disk needs for so many files differs by more than
what is measured.
"""

import os
import time
from pathlib import Path

from bench import machine, place
from bench.figure import Figure, median
from bench.place import Place

FILES, FOLDERS = 50_000, 500
ROUNDS = 5
MEMORY = Path("/dev/shm")
ROOM = 2 << 30


def creation(_: Place, files: int = FILES, folder: Path | None = None) -> list[Figure]:
    """In turns, each into a new folder beside the other's; what was made goes in between."""
    with place.made(folder or _roomy_memory()) as made:
        return _creation(made, files)


def _roomy_memory() -> Path | None:
    if not MEMORY.is_dir():
        return None
    found = os.statvfs(MEMORY)
    return MEMORY if found.f_bavail * found.f_frsize > ROOM else None


def _creation(place: Place, files: int) -> list[Figure]:
    root = _large_repository(place, files)
    busy = machine.busy_percent()
    one = place.editor(root)
    project = one.request("branchwork/project/create", {"name": "large"})["project"]["id"]
    one.request("branchwork/project/addRepo", {"projectId": project, "path": str(root)})
    created = {"projectId": project, "title": "Look at it all"}
    task = one.request("branchwork/task/create", created)["task"]["id"]
    ours: list[float] = []
    plain: list[float] = []
    for number in range(ROUNDS + 1):
        plain.append(_plain(place, root, number))
        os.sync()
        before = time.perf_counter()
        made = one.request("branchwork/workspace/create", {"taskId": task})["workspace"]
        ours.append((time.perf_counter() - before) * 1000)
        _drop(place, root, Path(made["containerRef"]) / made["repos"][0]["directory"])
    one.close()
    # The first of each warms what the kernel keeps.
    ours, plain = ours[1:], plain[1:]
    goal = median(plain) * 1.1 + 100
    over = median([mine - git for mine, git in zip(ours, plain, strict=True)])
    return [
        Figure(
            name=f"workspace of {files:,} files",
            unit="ms",
            measured=median(ours),
            best=min(ours),
            goal=goal,
            versus=median(plain),
            versus_name="git worktree add",
            rounds=ROUNDS,
            busy=busy,
            note=f"the goal is 1.1 x git's time + 100 ms; {over:+.0f} ms in the median of pairs",
        )
    ]


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
