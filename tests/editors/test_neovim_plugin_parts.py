"""Parts of the plugin that need no server, in a real Neovim: entries, patches, logs, words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import neovim
from support.neovim import Neovim

pytestmark = pytest.mark.editor

CHECKOUT = Path(__file__).parents[2]
INIT = Path(__file__).with_name("plugin_init.lua")


@pytest.fixture(scope="module")
def nvim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    folder = tmp_path_factory.mktemp("nvim")
    plugin = str(CHECKOUT / "editor-clients" / "nvim")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "BRANCHWORK_NVIM": plugin, "TZ": "UTC"}
    with neovim.running(INIT, folder, folder, env) as found:
        yield found


def lines(nvim: Neovim, entry: dict[str, Any]) -> list[str]:
    """What an entry looks like."""
    code = """
      local rendered = require("branchwork.entries").render(...)
      return vim.tbl_map(require("branchwork.page").text, rendered.lines)
    """
    return list(nvim.lua(code, entry))


def tool(**more: Any) -> dict[str, Any]:
    given = {"title": "Edit a.py", "toolKind": "edit", "status": "completed", "toolCallId": "c"}
    return {"kind": "tool_call", "content": [], "locations": [], "output": "", **given, **more}


def test_a_message_is_shown_as_it_is(nvim: Neovim) -> None:
    text = "One\r\n\x1b[31mred\x1b[0m \x07two\n\n"
    assert lines(nvim, {"kind": "agent_message", "text": text}) == ["One", "red two"]


def test_a_change_of_a_tool_has_its_size(nvim: Neovim) -> None:
    diff = {"type": "diff", "path": "a.py", "oldText": "a\nb\n", "newText": "a\nc\nd\n"}
    found = lines(nvim, tool(content=[{**diff, "truncated": False}]))
    assert found == ["  ✓ edit    Edit a.py  +2 -1"]


def test_the_end_of_a_long_output_is_shown(nvim: Neovim) -> None:
    output = "".join(f"line {number}\n" for number in range(1, 31))
    found = lines(nvim, tool(toolKind="execute", title="make", output=output, exitCode=2))
    assert found[0] == "  ✓ execute make  exit code 2"
    assert found[1] == "      … 18 lines above: K shows all"
    assert found[2:] == [f"      line {number}" for number in range(19, 31)]


def test_a_file_that_was_read_is_not_shown(nvim: Neovim) -> None:
    content = [{"type": "text", "text": "secret", "truncated": False}]
    assert lines(nvim, tool(toolKind="read", title="Read a.py", content=content)) == [
        "  ✓ read    Read a.py"
    ]


OPTIONS = [
    {"id": "1", "kind": "allow_once", "name": "Allow"},
    {"id": "2", "kind": "something_new", "name": "Ask my boss"},
]


def test_a_request_has_its_answers_and_then_the_one_that_was_given(nvim: Neovim) -> None:
    entry = {"kind": "permission_request", "sentence": "Write?", "options": OPTIONS}
    assert lines(nvim, {**entry, "approvalId": "a"}) == [
        "  ? Write?",
        "      Allow                       ga or <CR> here",
        "      Ask my boss                 <CR> here",
        "      gR rejects it with a reason",
    ]
    answered = {**entry, "approvalId": "a", "outcome": "selected", "optionId": "2"}
    assert lines(nvim, answered) == ["  ? Write?  → Ask my boss"]


def test_an_entry_of_a_newer_server_is_named(nvim: Neovim) -> None:
    assert lines(nvim, {"kind": "hologram"}) == ["  [hologram]"]


def test_an_open_fence_is_closed(nvim: Neovim) -> None:
    close = "return require('branchwork.entries').closing_fence(...)"
    assert nvim.lua(close, ["```py", "x = 1"]) == "```"
    assert nvim.lua(close, ["```py", "x = 1", "```"]) is None
    assert nvim.lua(close, ["````md", "```py", "```"]) == "````"
    assert nvim.lua(close, ["```", "```py"]) == "```"
    assert nvim.lua(close, ["text"]) is None


def test_a_patch_is_places_to_go_to(nvim: Neovim) -> None:
    patch = (
        "--- a/a.py\n+++ b/a.py\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n@@ -9 +9,0 @@\n-nine\n"
    )
    file = {"path": "a.py", "uri": "file:///w/a.py", "status": "modified", "patch": patch}
    found = nvim.lua("return require('branchwork.hunks').quickfix(...)", file)
    told = [(one["filename"], one["lnum"], one["text"]) for one in found]
    assert told == [("/w/a.py", 2, "M +1 -1  two"), ("/w/a.py", 9, "M +0 -1  nine")]


def test_what_has_no_patch_is_named(nvim: Neovim) -> None:
    code = "return require('branchwork.hunks').quickfix(...)"
    (gone,) = nvim.lua(code, {"path": "a.py", "status": "deleted", "additions": 0, "deletions": 2})
    assert gone["text"] == "D +0 -2  a.py"
    picture = {"path": "a.png", "uri": "file:///w/a.png", "status": "added", "omitted": "binary"}
    assert nvim.lua(code, picture)[0]["text"] == "A binary"


def test_a_line_of_a_log_is_what_a_terminal_leaves(nvim: Neovim) -> None:
    code = "return require('branchwork.plain').line(...)"
    assert nvim.lua(code, "10 %\r50 %\r100 %\r") == "100 %"
    assert nvim.lua(code, "\x1b]0;title\x07\x1b[1;32mok\x1b[m\x08") == "ok"


def test_times_are_those_of_the_clock(nvim: Neovim) -> None:
    seconds = "return require('branchwork.words').seconds(...)"
    assert nvim.lua(seconds, "1970-01-01T00:00:00.000Z") == 0
    assert nvim.lua(seconds, "2024-02-29T23:59:59.999Z") == 1709251199
    ago = "return require('branchwork.words').ago('1970-01-01T00:00:00.000Z', ...)"
    found = [nvim.lua(ago, gone) for gone in (0, 59, 60, 3599, 3600, 86400 * 3)]
    assert found == ["now", "now", "1 min", "59 min", "1 h", "3 d"]


def test_titles_have_one_width_whatever_they_are_written_in(nvim: Neovim) -> None:
    code = "return require('branchwork.words').padded(...)"
    for title in ("short", "a much longer title", "日本語の題名です", "été"):
        width = nvim.lua("return vim.fn.strdisplaywidth(...)", nvim.lua(code, title, 10))
        assert width == 10


def test_a_transcript_follows_every_kind_of_change(nvim: Neovim) -> None:
    """Grown, replaced, told again after a reconnect, and a fence that was left open."""
    nvim.lua("""
      vim.cmd.enew()
      local page = require("branchwork.page")
      page.setup(0, { filetype = "x", closed = function() end })
      _G.talk = require("branchwork.transcript").new(vim.api.nvim_get_current_buf())
      _G.add = function(index, entry)
        entry.t = 0
        talk:take({ op = "add", executionId = "e", index = index, entry = entry })
      end
      _G.append = function(index, text)
        talk:take({ op = "append", executionId = "e", index = index, text = text })
      end
    """)
    add, append = "add(...)", "append(...)"
    nvim.lua(add, 0, {"kind": "user_message", "text": "Do it\n"})
    nvim.lua(add, 1, {"kind": "agent_message", "text": "Look:\n"})
    nvim.lua(append, 1, "\n```py\nx = ")
    nvim.lua(append, 1, "1\n")
    nvim.lua(add, 2, tool(status="in_progress", toolKind="execute", title="make"))
    nvim.lua(append, 2, "all\n")
    nvim.lua(append, 1, "y = 2")
    nvim.lua(add, 3, {"kind": "usage"})
    nvim.lua(add, 4, {"kind": "thought", "text": "Hm"})
    wanted = [
        "You  00:00",
        "Do it",
        "",
        "Agent  00:00",
        "Look:",
        "",
        "```py",
        "x = 1",
        "y = 2",
        "```",
        "",
        "  ● execute make",
        "      all",
        "",
        "Hm",
    ]
    assert nvim.lines() == wanted
    for index, entry in (
        (0, {"kind": "user_message", "text": "Do it\n"}),
        (1, {"kind": "agent_message", "text": "Look:\n\n```py\nx = 1\ny = 2"}),
        (2, tool(status="completed", toolKind="execute", title="make", output="all\nfine\n")),
        (4, {"kind": "thought", "text": "Hm"}),
    ):
        nvim.lua(add, index, entry)
    assert nvim.lines() == [*wanted[:11], "  ✓ execute make", "      all", "      fine", "", "Hm"]
    assert nvim.lua("return talk:subject_at(13).entry.title") == "make"


def test_a_server_that_is_not_there_is_named(nvim: Neovim) -> None:
    nvim.command("Branchwork board")
    nvim.until("menus.notices[#menus.notices]:find('is not on the PATH', 1, true)")
    nvim.command("checkhealth branchwork")
    assert any("`branchwork` is not on the PATH" in line for line in nvim.lines())
