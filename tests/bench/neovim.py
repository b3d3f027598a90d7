"""The Neovim plugin: what it costs at the start, how soon it shows, whether typing goes on."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import board
from bench.board import Board
from bench.figure import Figure, median, spread
from bench.logs import PACE, Child, paced
from bench.place import Place
from bench.size import Size
from support import neovim, tools
from support.neovim import Neovim

CHECKOUT = Path(__file__).parents[2]
PLUGIN = CHECKOUT / "editor-clients" / "nvim"
INIT = CHECKOUT / "tests" / "editors" / "plugin_init.lua"

WATCH = """
local buf = vim.api.nvim_get_current_buf()
_G.seen = {}
vim.api.nvim_buf_attach(buf, false, { on_lines = function(_, _, _, first, _, last)
  local now = vim.uv.hrtime()
  for _, line in ipairs(vim.api.nvim_buf_get_lines(buf, first, last, false)) do
    local number = line:match("seen (%d+)")
    if number then seen[number] = seen[number] or now end
  end
end })
"""
_CREATE = """
local number, project = ...
local rpc, protocol = require("branchwork.rpc"), require("branchwork.protocol")
_G.sent = vim.uv.hrtime()
local params = { projectId = project, title = "seen " .. number }
rpc.request(protocol.methods.taskCreate, params, function() end)
return sent
"""
# Without a screen none is drawn, but it is worked out as for one.
_STATUS_LINE = (
    "local began = vim.uv.hrtime() "
    "vim.api.nvim_eval_statusline(vim.o.statusline, {}) "
    "io.stderr:write((vim.uv.hrtime() - began) / 1e6)"
)
_DRAW = """
local began = vim.uv.hrtime()
vim.cmd.edit()
vim.wait(10000, function() return vim.api.nvim_buf_line_count(0) > 2 end, 1)
return (vim.uv.hrtime() - began) / 1e6
"""
# How late a timer is that wants to run each 5 ms: so long a key would wait.
_LATENESS = """
_G.late, _G.timer = {}, vim.uv.new_timer()
local last = vim.uv.hrtime()
timer:start(5, 5, vim.schedule_wrap(function()
  local now = vim.uv.hrtime()
  table.insert(late, math.max(0, (now - last) / 1e6 - 5))
  last = now
end))
"""


def plugin(_: Place, size: Size) -> list[Figure]:
    """All of it."""
    with board.made(size) as found:
        return [_load(found, size), *_seen(found, size), *_flood(found.place, size)]


def _load(found: Board, size: Size) -> Figure:
    """What a start reads of the plugin, and what its first status line takes."""
    place, root = found.place, found.root
    took, lines = [], []
    for number in range(size.starts):
        file = place.root / f"startup-{number}"
        argv = [str(tools.neovim()), "--headless", "--clean", "-u", str(INIT)]
        argv += ["--startuptime", str(file), "-c", f"lua {_STATUS_LINE}", "+qall"]
        done = subprocess.run(
            argv, cwd=root, env=_environ(place), capture_output=True, check=True, timeout=60
        )
        # The columns are: when, how long with all that it loads, how long by itself, what.
        told = re.findall(rf"^\S+ +(\S+) +\S+: .*{re.escape(str(PLUGIN))}", file.read_text(), re.M)
        lines.append(float(done.stderr))
        took.append(sum(float(milliseconds) for milliseconds in told) + lines[-1])
    return Figure(
        name="Neovim plugin, load at start-up",
        unit="ms",
        measured=median(took),
        best=min(took),
        goal=3.0,
        rounds=len(took),
        note=f"with the first status line, which takes {median(lines):.2f} ms of it",
    )


def _seen(found: Board, size: Size) -> list[Figure]:
    place, root = found.place, found.root
    with editor(place, root, "one") as one, editor(place, root, "two") as two:
        one.command("edit cart.py")
        one.until("require('branchwork.rpc').client() ~= nil")
        show_board(two)
        two.lua(WATCH)
        took = []
        for number in range(size.changes):
            sent = one.lua(_CREATE, str(number), found.project_id)
            seen = two.until(f"seen['{number}']")
            took.append((seen - sent) / 1e6)
        drawn = [two.lua(_DRAW) for _ in range(min(size.changes, 20))]
        count = two.lua("return vim.tbl_count(require('branchwork.mirror').known().task)")
    return [
        Figure(
            name="a change in one Neovim, on the board of another",
            unit="ms",
            measured=median(took),
            best=min(took),
            goal=100.0,
            rounds=len(took),
            note=f"p95 {spread(took, 95):.0f} ms",
        ),
        Figure(
            name=f"Neovim board of {count} tasks, read anew and drawn",
            unit="ms",
            measured=median(drawn),
            best=min(drawn),
            rounds=len(drawn),
        ),
    ]


def _flood(place: Place, size: Size) -> list[Figure]:
    lines = size.editor_flood_lines
    child = Child(place, "nvim-flood", paced(lines))
    with editor(place, place.root / "nvim-flood", "flood") as nvim:
        nvim.command(f"edit branchwork://log/{child.execution_id}")
        nvim.until("vim.wo.winbar:find('running') ~= nil")
        nvim.lua(_LATENESS)
        child.go()
        nvim.until(f"vim.api.nvim_buf_line_count(0) > {lines}")
        nvim.until("vim.wo.winbar:find('exit code')")
        late = nvim.lua("timer:stop() return late")
        last = nvim.lua("return vim.api.nvim_buf_get_lines(0, -3, -2, false)[1]")
    child.editor.close()
    assert last.startswith(f"{lines - 1} "), f"the log ends with {last!r}"
    return [
        Figure(
            name=f"Neovim's longest pause, a log of {PACE:,} lines/s",
            unit="ms",
            measured=max(late),
            goal=100.0,
            note=f"p99 {spread(late, 99):.0f} ms, {lines:,} lines",
        )
    ]


def _environ(place: Place) -> dict[str, str]:
    command = str(Path(sys.executable).parent)
    path = f"{command}:{place.environ['PATH']}"
    return {**place.environ, "PATH": path, "BRANCHWORK_NVIM": str(PLUGIN)}


def show_board(nvim: Neovim) -> None:
    """All projects', and wait for it."""
    nvim.command("Branchwork board all")
    nvim.until("vim.api.nvim_buf_get_lines(0, 0, 1, false)[1]:find('tasks?')")


@contextmanager
def editor(place: Place, root: Path, name: str) -> Iterator[Neovim]:
    """A Neovim with the plugin, in that folder."""
    own = place.root / f"nvim-{name}-own"
    own.mkdir()
    with neovim.running(INIT, own, root, _environ(place)) as found:
        yield found
