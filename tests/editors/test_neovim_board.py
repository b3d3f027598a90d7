"""The plugin's board with a thousand tasks in one project."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support import seeding
from support.neovim import Neovim
from support.plugin import Plugin
from support.real_home import RealHome

pytestmark = pytest.mark.editor

COUNT = 1000
# What is drawn anew from now on, as the number of lines and what stands there.
WATCH = """
_G.drawn = {}
vim.api.nvim_buf_attach(0, false, { on_lines = function(_, buf, _, first, _, last)
  vim.list_extend(drawn, vim.api.nvim_buf_get_lines(buf, first, last, false))
end })
"""
MOVE = """
local id, status = ...
local rpc, protocol = require("branchwork.rpc"), require("branchwork.protocol")
rpc.request(protocol.methods.taskUpdate, { taskId = id, status = status }, function() end)
"""


@pytest.fixture
def repository(repository: Path, home: RealHome) -> Path:
    """With its tasks."""
    data = Path(home.data)
    data.mkdir()
    asyncio.run(seeding.seed(data / "branchwork.sqlite", str(repository), COUNT, 0))
    return repository


def case(number: int) -> str:
    return f"Handle the empty cart, case {number}"


def position(nvim: Neovim) -> dict[str, Any]:
    """What the cursor is on, and which line of the window that is."""
    code = "return { task = require('branchwork.page').subject().taskId, row = vim.fn.winline() }"
    return dict(nvim.lua(code))


def test_a_thousand_tasks(plugin: Plugin, open_plugin: Callable[[], Plugin]) -> None:
    nvim, other = plugin.nvim, open_plugin()
    plugin.show("board")
    plugin.sees("1000 tasks · 0 running · 0 need you")
    assert len([line for line in nvim.lines() if "Handle the empty cart" in line]) == COUNT
    other.show("board")
    other.sees("1000 tasks")

    complete = "return vim.fn.getcompletion(..., 'cmdline')"
    assert len(nvim.lua(complete, "Branchwork open Handle the")) == COUNT
    assert nvim.lua(complete, f"Branchwork open {case(99)}") == [
        str(number) for number in [*range(999, 989, -1), 99]
    ]

    # In the middle of a window in the middle of the board, while another is moved past it.
    plugin.on(case(444))
    nvim.command("normal! zz")
    before = position(nvim)
    nvim.lua(WATCH)
    other.nvim.lua("vim.fn.search([[case 3\\>]])")
    moved = position(other.nvim)
    other.nvim.lua(MOVE, moved["task"], "Done")
    plugin.sees("Done 200")
    other.sees("Done 200")
    assert position(nvim) == before
    assert position(other.nvim)["task"] == moved["task"]
    assert len(nvim.lua("return drawn")) < 6

    other.run(f"open {case(500)}")
    other.nvim.until_line(case(500))
    plugin.run(f"start agent=scripted base=main {case(77)}")
    other.told(f"{case(77)} asks:")
    other.run(f"log {case(77)}")
    other.title(case(77))
    other.show("board")
    for one in (plugin, other):
        one.sees("1000 tasks · 1 running · 1 needs you")
    assert position(nvim) == before
