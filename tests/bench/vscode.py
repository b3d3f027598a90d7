"""The VS Code extension: what its start costs, how soon its first tree is painted, and the rest.

VS Code is the real one of the tests: code-server's workbench in a headless Chromium.
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench import board, vscode_log, vscode_seen
from bench.board import Board
from bench.figure import Figure, median
from bench.place import Place
from bench.size import Size
from branchwork.execution import processes
from support import tagged, vscode
from support.vscode import Host, Window

LOOK_MILLISECONDS = 50
WATCH = Path(__file__).with_name("watch.js")
# The log of the extension host says it before the extension's code is read.
_BEGIN = ("remoteexthost.log", r"ExtensionService#_doActivateExtension branchwork\.branchwork,")
# VS Code's own extensions that every window starts, in the same process and at the same time.
_OTHERS = ("remoteexthost.log", "Eager extensions activated")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """In milliseconds; the moments are counted from the begin of the activation.

    `server` is when the extension started its proxy, which is the last that `activate` does.
    """

    activation: float
    server: float
    tree: float
    others: float

    @property
    def tree_after(self) -> float:
        """From the end of the activation."""
        return self.tree - self.server


def extension(place: Place, size: Size) -> list[Figure]:
    """All of it."""
    with board.made(size) as found, _window(found) as (host, window):
        starts = [_start(host, window) for _ in range(size.windows)]
        return [
            *_start_figures(starts, found),
            *vscode_seen.figures(found, host, window, size),
            *vscode_log.figures(found, window, size),
        ]


@contextmanager
def _window(found: Board) -> Iterator[tuple[Host, Window]]:
    """A window on the board's repository with our views open; all that it started ends with it."""
    tag = tagged.new()
    folder = found.place.root / "code"
    run = folder / "run"
    run.mkdir(parents=True)
    # The zone is that of the time stamps in VS Code's logs; its sockets are to go, too.
    own = {"TZ": "UTC", "TMPDIR": str(run), "XDG_RUNTIME_DIR": str(run)}
    environ = {**found.place.environ, **own, tagged.TAG: tag}
    _install(found.place)
    try:
        with (
            vscode.hosted(folder, environ, {}) as host,
            vscode.browser() as chromium,
            vscode.window(chromium, host, found.root, "bench") as window,
        ):
            window.page.add_init_script(path=WATCH)
            window.view()
            window.row("Tasks", board.TITLE).wait_for()
            yield host, window
    finally:
        tagged.end(tag)


def _install(place: Place) -> None:
    """Where pip puts it: the PATH that the extension gets is that of a login shell."""
    command = place.home / ".local" / "bin" / "branchwork"
    command.parent.mkdir(parents=True)
    command.symlink_to(place.console[0])


def _start(host: Host, window: Window) -> Start:
    """A window that is loaded anew, with the views open that were open."""
    page = window.page
    before = {log: _moments(host, *log) for log in (_BEGIN, _OTHERS)}
    page.reload(wait_until="commit")
    page.evaluate("title => bench.watchRows(title)", board.TITLE)
    page.wait_for_function(
        "title => bench.painted[title]", arg=board.TITLE, polling=LOOK_MILLISECONDS
    )
    painted: float = page.evaluate("title => bench.painted[title]", board.TITLE)
    activation = _activation(window)
    begin, others = (_next(host, window, log, old) for log, old in before.items())
    server = _newest_proxy(host.environment[tagged.TAG])
    return Start(
        activation=activation, server=server - begin, tree=painted - begin, others=others - begin
    )


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


def _start_figures(starts: list[Start], found: Board) -> list[Figure]:
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
            note=f"at most {max(trees):.0f} ms; counted from the begin of the activation, its end "
            f"came after {median([one.server for one in starts]):.0f} ms, the tree after "
            f"{median([one.tree for one in starts]):.0f} ms, and VS Code's own extensions were up "
            f"after {median([one.others for one in starts]):.0f} ms",
        ),
    ]
