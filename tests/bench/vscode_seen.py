"""How soon a change made in one kind of editor is seen in the other, both ways."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import board, neovim
from bench.board import Board
from bench.figure import Figure, median, spread
from bench.size import Size
from support.apart import Do, apart
from support.neovim import Neovim
from support.vscode import Host, Window

TAP = Path(__file__).with_name("tap.py")
# A person makes one change and looks. VS Code gathers what comes within 200 ms of another.
PAUSE_MILLISECONDS = 300
LOOK_MILLISECONDS = 50
WAIT_SECONDS = 60.0

# The moment is that of the clock that the page has, too.
_CREATE = """
local title, project = ...
local rpc, protocol = require("branchwork.rpc"), require("branchwork.protocol")
local seconds, micros = vim.uv.gettimeofday()
rpc.request(protocol.methods.taskCreate, { projectId = project, title = title }, function() end)
return seconds * 1000 + micros / 1000
"""


def figures(found: Board, host: Host, window: Window, size: Size) -> list[Figure]:
    """A Neovim with a board and a window with our views, on the same repository."""
    with apart(_neovim(found)) as in_neovim:
        return [
            *_in_vscode(in_neovim, window, found.project_id, size),
            _in_neovim(in_neovim, found, host, window, size),
        ]


@contextmanager
def _neovim(found: Board) -> Iterator[Neovim]:
    """With a board in it."""
    with neovim.editor(found.place, found.root, "beside") as nvim:
        neovim.show_board(nvim)
        yield nvim


def _in_vscode(in_neovim: Do[Neovim], window: Window, project: str, size: Size) -> list[Figure]:
    calm = _created(in_neovim, window, project, "calm", size.changes, PAUSE_MILLISECONDS)
    dense = _created(in_neovim, window, project, "dense", size.changes, 0)
    return [
        Figure(
            name="a change in Neovim, in VS Code's tree, p50",
            unit="ms",
            measured=median(calm),
            best=min(calm),
            goal=100.0,
            rounds=len(calm),
            note=f"p95 {spread(calm, 95):.0f} ms",
        ),
        Figure(
            name="the same, each as soon as the one before is seen, p50",
            unit="ms",
            measured=median(dense),
            best=min(dense),
            rounds=len(dense),
            note="VS Code repaints a tree at once, or when 200 ms were quiet",
        ),
    ]


def _created(
    in_neovim: Do[Neovim], window: Window, project: str, kind: str, count: int, pause: int
) -> list[float]:
    """Milliseconds from Neovim's request to the row."""
    page = window.page
    page.evaluate("pattern => bench.watchRows(pattern)", rf"seen {kind} \d+")
    took = []
    for number in range(count):
        title = f"seen {kind} {number}"
        page.wait_for_timeout(pause)
        sent = in_neovim(lambda nvim, title=title: nvim.lua(_CREATE, title, project))
        row = page.wait_for_function(
            "title => bench.rows[title]", arg=title, polling=LOOK_MILLISECONDS
        )
        took.append(row.json_value() - sent)
    page.evaluate("bench.stopRows()")
    return took


def _in_neovim(
    in_neovim: Do[Neovim], found: Board, host: Host, window: Window, size: Size
) -> Figure:
    """By a person's command; what counts begins when the request leaves VS Code."""
    notes = _tapped(found, host, window)
    in_neovim(lambda nvim: nvim.lua(neovim.WATCH))
    seen: dict[str, int] = {}
    for number in range(size.commands):
        title = f"seen {number}"
        window.run("Branchwork: New Task…")
        window.type(title)
        shown = f"seen['{number}']"
        seen[title] = in_neovim(lambda nvim, shown=shown: nvim.until(shown))
    sent = {note["title"]: note["at"] for note in _read(notes) if note["title"]}
    assert sent.keys() == seen.keys(), f"{sorted(sent)} were sent"
    took = [(moment - sent[title]) / 1e6 for title, moment in seen.items()]
    return Figure(
        name="a change in VS Code, on Neovim's board, p50",
        unit="ms",
        measured=median(took),
        best=min(took),
        goal=100.0,
        rounds=len(took),
        note=f"p95 {spread(took, 95):.0f} ms; from when the request leaves VS Code",
    )


def _tapped(found: Board, host: Host, window: Window) -> Path:
    """From now on the connection leads through the tap; the extension follows its setting."""
    notes = host.folder / "tap.jsonl"
    command = [sys.executable, "-I", "-S", str(TAP), str(notes), json.dumps(found.place.command)]
    settings = host.user / "Machine" / "settings.json"
    settings.write_text(json.dumps({"branchwork.server.command": command}))
    deadline = time.monotonic() + WAIT_SECONDS
    # The last that a window asks before it shows its board.
    while not any(note["method"] == "branchwork/changes/since" for note in _read(notes)):
        assert time.monotonic() < deadline, "VS Code does not follow its setting"
        window.page.wait_for_timeout(LOOK_MILLISECONDS)
    window.row("Tasks", board.TITLE).wait_for()
    return notes


def _read(notes: Path) -> list[dict[str, Any]]:
    if not notes.exists():
        return []
    return [json.loads(line) for line in notes.read_text().splitlines()]
