"""The VS Code extension: what its start costs, how soon its first tree is painted, and the rest.

VS Code is the real one of the tests: code-server's workbench in a headless Chromium.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import board, vscode_log, vscode_seen, vscode_start
from bench.board import Board
from bench.figure import Figure
from bench.place import Place
from bench.size import Size
from support import tagged, vscode
from support.vscode import Host, Window


def extension(place: Place, size: Size) -> list[Figure]:
    """All of it."""
    with board.made(size) as found, vscode.browser() as chromium:
        # One after the other: a window beside another starts more slowly.
        extensions = vscode_start.bare_extensions(found.place.root, size)
        with _window(found, chromium, "bare", extensions) as (host, window):
            bare = vscode_start.bare_starts(host, window, size)
        with _window(found, chromium, "code") as (host, window):
            return [
                *vscode_start.figures(found, host, window, bare, size),
                *vscode_seen.figures(found, host, window, size),
                *vscode_log.figures(found, window, size),
            ]


@contextmanager
def _window(
    found: Board, chromium: Any, name: str, extensions: Path | None = None
) -> Iterator[tuple[Host, Window]]:
    """A window on the board's repository with the views open; all that it started ends with it."""
    tag = tagged.new()
    folder = found.place.root / name
    run = folder / "run"
    run.mkdir(parents=True)
    # The zone is that of the time stamps in VS Code's logs; its sockets are to go, too.
    own = {"TZ": "UTC", "TMPDIR": str(run), "XDG_RUNTIME_DIR": str(run)}
    environ = {**found.place.environ, **own, tagged.TAG: tag}
    if extensions is None:
        _install(found.place)
    try:
        with (
            vscode.hosted(folder, environ, extensions) as host,
            vscode.window(chromium, host, found.root, "bench") as window,
        ):
            window.page.add_init_script(path=vscode_start.WATCH)
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
