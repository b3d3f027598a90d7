"""How long a window takes from the begin of the extension's activation to the first tree.

Beside it a window whose extension has the same rows at hand and asks nobody for them: sooner than
that VS Code paints no tree.
"""

import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import board
from bench.board import Board
from bench.figure import Figure, median
from bench.size import Size
from branchwork.execution import processes
from support import tagged, vscode
from support.vscode import Host, Window

LOOK_MILLISECONDS = 50
WATCH = Path(__file__).with_name("watch.js")
BARE = Path(__file__).with_name("bare_vscode")
_LOG = "remoteexthost.log"
# The log of the extension host says it before the extension's code is read.
_BEGIN = (_LOG, r"ExtensionService#_doActivateExtension branchwork\.branchwork,")
_BARE_BEGIN = (_LOG, r"ExtensionService#_doActivateExtension bare\.bare,")
# VS Code's own extensions that every window starts, in the same process and at the same time.
_OTHERS = (_LOG, "Eager extensions activated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Of one window, in milliseconds; all but `activation` counted from the begin of it.

    `end` is when the extension started its proxy, which is the last that `activate` does, and
    `activation` what VS Code itself says of ours.
    """

    tree: float
    others: float
    end: float = 0.0
    activation: float = 0.0

    @property
    def tree_after(self) -> float:
        """From the end of the activation."""
        return self.tree - self.end


def bare_extensions(folder: Path, size: Size) -> Path:
    """A folder of extensions in which is only the bare one, with as many rows as the board has."""
    made = folder / "bare-extensions"
    shutil.copytree(BARE, made / "bare.bare-0.0.1")
    groups: dict[str, list[str]] = {status: [] for status in board.STATUSES}
    for number in range(size.board):
        groups[board.status(number)].append(f"{board.TITLE} {number}")
    rows = [
        {
            "label": status,
            "isOpen": status != "Done",
            "rows": [{"label": title} for title in titles],
        }
        for status, titles in groups.items()
    ]
    (made / "bare.bare-0.0.1" / "rows.json").write_text(json.dumps(rows))
    return made


def bare_starts(host: Host, window: Window, size: Size) -> list[Start]:
    """The window of the bare extension, loaded anew with the views open that were open."""
    return [_bare_start(host, window) for _ in range(size.windows)]


def figures(
    found: Board, host: Host, window: Window, bare: list[Start], size: Size
) -> list[Figure]:
    """The same for ours, which is compared with the bare one."""
    starts = [_start(host, window) for _ in range(size.windows)]
    return _figures(starts, bare, found)


def _start(host: Host, window: Window) -> Start:
    painted, (begin, others) = _reload(host, window, _BEGIN, _OTHERS)
    activation = _activation(window)
    server = _newest_proxy(host.environment[tagged.TAG])
    return Start(
        activation=activation, end=server - begin, tree=painted - begin, others=others - begin
    )


def _bare_start(host: Host, window: Window) -> Start:
    painted, (begin, others) = _reload(host, window, _BARE_BEGIN, _OTHERS)
    return Start(tree=painted - begin, others=others - begin)


def _reload(host: Host, window: Window, *logs: tuple[str, str]) -> tuple[float, tuple[float, ...]]:
    """When the first row was painted, and when each of these was logged."""
    page = window.page
    before = {log: _moments(host, *log) for log in logs}
    page.reload(wait_until="commit")
    page.evaluate("title => bench.watchRows(title)", board.TITLE)
    page.wait_for_function(
        "title => bench.painted[title]", arg=board.TITLE, polling=LOOK_MILLISECONDS
    )
    painted: float = page.evaluate("title => bench.painted[title]", board.TITLE)
    return painted, tuple(_next(host, window, log, old) for log, old in before.items())


def _newest_proxy(tag: str) -> float:
    """When the newest proxy was started, in milliseconds of the clock, to a hundredth of a second:
    what the extension writes to its log at its start has the time at which the log is there."""
    found = [
        processes.start_time(pid)
        for pid in tagged.pids(tag)
        if b"branchwork.proxy" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    newest = max(int(ticks) for ticks in found if ticks is not None)
    up = float(Path("/proc/uptime").read_text().split()[0])
    return (time.time() - up + newest / os.sysconf("SC_CLK_TCK")) * 1000


def _next(host: Host, window: Window, log: tuple[str, str], before: set[float]) -> float:
    """When it was logged once more."""
    deadline = time.monotonic() + vscode.WAIT_SECONDS
    while not (new := _moments(host, *log) - before):
        assert time.monotonic() < deadline, f"{log[0]} does not say {log[1]}"
        window.page.wait_for_timeout(LOOK_MILLISECONDS)
    assert len(new) == 1, f"{log[0]} says {log[1]} {len(new)} times"
    return new.pop()


def _moments(host: Host, files: str, words: str) -> set[float]:
    """When that was logged so far, in any window, in milliseconds of the clock."""
    found = set()
    for log in host.user.glob(f"logs/*/exthost*/{files}"):
        for stamp in re.findall(rf"^(\S+ \S+) \[info\] {words}", log.read_text("utf-8"), re.M):
            moment = datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
            found.add(moment.timestamp() * 1000)
    return found


def _activation(window: Window) -> float:
    """As VS Code itself shows it: to read the code and to run `activate`."""
    window.run("Developer: Show Running Extensions")
    row = window.page.locator(".runtime-extensions-editor .extension").filter(has_text="Branchwork")
    told = row.locator(".activation-time").filter(has_text=re.compile(r"\d+ms")).first.inner_text()
    window.run("View: Close All Editors")
    return float(told.removesuffix("ms").rpartition(" ")[2])


def _figures(starts: list[Start], bare: list[Start], found: Board) -> list[Figure]:
    activations = [start.activation for start in starts]
    trees = [start.tree_after for start in starts]
    return [
        Figure(
            name="VS Code extension, its activation",
            unit="ms",
            measured=median(activations),
            best=min(activations),
            goal=200.0,
            rounds=len(starts),
            note=f"at most {max(activations):.0f} ms; as VS Code shows it",
        ),
        Figure(
            name=f"VS Code, first tree of {found.tasks} tasks after the activation",
            unit="ms",
            measured=median(trees),
            best=min(trees),
            goal=500.0,
            rounds=len(starts),
            note=f"at most {max(trees):.0f} ms",
        ),
        Figure(
            name="the same from the begin of the activation",
            unit="ms",
            measured=median([start.tree for start in starts]),
            best=min(start.tree for start in starts),
            versus=median([start.tree for start in bare]),
            versus_name="rows at hand, no server",
            rounds=len(starts),
            note="VS Code's own extensions were up after "
            f"{median([start.others for start in starts]):.0f} ms, with the rows at hand after "
            f"{median([start.others for start in bare]):.0f} ms",
        ),
    ]
