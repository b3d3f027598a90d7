"""The plugin in a real Neovim, with the real server and an agent that plays a script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from support import git_repos
from support.neovim import Neovim
from support.plugin import Plugin
from support.real_home import RealHome

pytestmark = pytest.mark.editor

TITLE = "Handle empty input"
SCRIPTED = "agent=scripted base=main"


def make(plugin: Plugin, title: str) -> None:
    plugin.run(f"new {title}")
    plugin.told(f"New task: {title}.")


def play(plugin: Plugin, repository: Path, title: str, *steps: dict[str, Any]) -> None:
    """Has the scripted agent play some steps, by the lines of a file."""
    file = repository / f"{title}.txt"
    file.write_text(f"<script>{json.dumps(steps)}</script>\n")
    plugin.nvim.edit(file)
    plugin.nvim.command(f"%Branchwork start {SCRIPTED} {title}")
    plugin.told("is started on")


def test_from_a_title_to_a_merge(
    plugin: Plugin, repository: Path, editor_env: dict[str, str]
) -> None:
    """In an editor that has no file open: board, start, answer, follow up, look, merge."""
    plugin.show("board")
    plugin.sees("There is no task yet.")
    make(plugin, TITLE)
    plugin.on(TITLE)
    plugin.run(f"start {SCRIPTED}")
    plugin.sees("needs you")
    plugin.press("gc")
    plugin.on("? Write NOTES.md?")
    plugin.read_request()
    plugin.press("ga")
    plugin.sees("→ Allow")
    plugin.sees("end of turn")
    plugin.title("done")

    plugin.run("prompt Say it again")
    plugin.sees("Say it again")
    plugin.show("attention")
    plugin.on("Reject ")
    plugin.read_request()
    plugin.press("<CR>")
    plugin.sees("is ready to be looked at")

    plugin.show("log")
    plugin.sees("Nothing was written to NOTES.md.")
    plugin.title("agent · done")
    plugin.show("patch")
    plugin.sees(f"+- {TITLE}")
    plugin.run("diff")
    found = plugin.nvim.until("#vim.fn.getqflist() > 0 and vim.fn.getqflist()")
    assert [(one["module"], one["lnum"]) for one in found] == [("NOTES.md", 1)]
    assert f"+1 -0  - {TITLE}" in found[0]["text"]

    plugin.choose("Merge 1 file into main")
    plugin.run("merge")
    plugin.told("Merged into main")
    repo = git_repos.GitRepo(repository, editor_env)
    assert repo.run("log", "-1", "--format=%s") == TITLE
    plugin.show("board")
    plugin.sees("Done 1")


def test_a_task_is_made_of_lines(plugin: Plugin, repository: Path) -> None:
    plugin.nvim.edit(repository / "prices.py")
    plugin.nvim.command("2,3Branchwork new")
    plugin.show("board")
    plugin.on("TODO: handle empty input")
    plugin.press("go")
    plugin.sees("return sum(prices)")


def test_a_task_is_named_when_it_is_asked_for(plugin: Plugin) -> None:
    plugin.show("board")
    plugin.sees("There is no task yet.")
    plugin.press("gn")
    plugin.press("Typed by hand<CR>")
    plugin.sees("Typed by hand")


def test_agent_and_branch_are_chosen(plugin: Plugin) -> None:
    make(plugin, TITLE)
    plugin.choose("nothing that is there")
    plugin.run(f"start {TITLE}")
    assert plugin.offers()[0].endswith("(default)")


def test_an_agent_is_started_in_a_mode(plugin: Plugin) -> None:
    make(plugin, TITLE)
    plugin.run(f"start {SCRIPTED} mode=bypass {TITLE}")
    plugin.told("is ready: Added")
    assert not any("asks:" in notice for notice in plugin.nvim.notices())


def test_prompts_wait_are_held_and_are_changed(plugin: Plugin, repository: Path) -> None:
    """Queued for an agent at work, held when it is stopped, changed, sent; another is dropped."""
    play(plugin, repository, "Wait", {"message": "waiting now"}, {"hang": True})
    plugin.show("conversation", "Wait")
    plugin.sees("waiting now")
    for text in ("First this", "Then that"):
        plugin.run(f"prompt {text}")
    plugin.title("2 queued")

    plugin.choose("Stop “Wait”")
    plugin.run("stop")
    plugin.told("Stopped.")
    plugin.title("stopped · 2 held")

    plugin.choose("Then that", "Drop")
    plugin.run("queue")
    plugin.told("Dropped. 1 left.")
    plugin.title("stopped · 1 held")
    plugin.choose("First this", "Change")
    plugin.run("queue")
    plugin.sees("First this")
    plugin.press("ccFirst another<Esc>:w<CR>")
    plugin.told("Changed. 1 left.")
    plugin.choose("First another", "Send now")
    plugin.run("queue")
    plugin.sees("First another")


def test_no_key_answers_what_was_not_read(plugin: Plugin) -> None:
    make(plugin, TITLE)
    plugin.show("attention")
    plugin.sees("Nothing waits for you.")
    plugin.run(f"start {SCRIPTED} {TITLE}")
    plugin.on("Write NOTES.md?")
    # At once, as if they were meant for what was there before.
    for key in ("a", "y", "1", "<CR>", "x", "<Space>", "ga"):
        plugin.press(key)
    plugin.show("attention")
    assert len(plugin.nvim.lua("return require('branchwork').attention()")) == 1
    plugin.read_request()
    plugin.on("Allow ")
    plugin.press("<CR>")
    plugin.sees("is ready to be looked at")
    plugin.on("is ready to be looked at")
    plugin.press("gS")
    plugin.sees("Nothing waits for you.")


def test_a_rejected_agent_hears_why(plugin: Plugin) -> None:
    make(plugin, TITLE)
    plugin.run(f"start {SCRIPTED} {TITLE}")
    plugin.told("asks: Write NOTES.md?")
    plugin.show("attention")
    plugin.on("Write NOTES.md?")
    plugin.read_request()
    plugin.press("gR")
    plugin.press("Not that file<CR>")
    plugin.show("conversation", TITLE)
    plugin.sees("→ Reject")
    plugin.sees("Not that file")


def test_two_editors_see_one_board(plugin: Plugin, open_plugin: Callable[[], Plugin]) -> None:
    other = open_plugin()
    make(plugin, TITLE)
    for one in (plugin, other):
        one.show("board", "all")
        one.sees(TITLE)
    plugin.run(f"start {SCRIPTED} {TITLE}")
    other.sees("needs you")
    other.statusline("● 1 running  ! 1 needs you")
    other.choose("Allow")
    other.run("answer allow")
    plugin.told("is ready")
    plugin.sees("In review 1")
    other.on(TITLE)
    other.run("move Done")
    plugin.sees("Done 1")


def test_an_editor_that_is_closed_and_opened_goes_on(
    run_neovim: Callable[[], AbstractContextManager[Neovim]], repository: Path, tmp_path: Path
) -> None:
    steps = [{"flood": 500, "pause": 0.002}, {"until": str(tmp_path / "go")}, {"message": "Over."}]
    with run_neovim() as nvim:
        first = Plugin(nvim)
        play(first, repository, "Count", *steps)
        first.show("log", "Count")
        first.sees("line 9")
    with run_neovim() as nvim:
        again = Plugin(nvim)
        again.show("conversation", "Count")
        again.sees("line 500")
        again.title("running")
        (tmp_path / "go").touch()
        again.sees("Over.")
        again.title("done")
        again.show("log", "Count")
        again.sees("Over.")
        assert [line for line in again.nvim.lines() if line.startswith("line ")] == counted(500)


def test_a_killed_daemon_costs_nothing(
    plugin: Plugin, home: RealHome, repository: Path, tmp_path: Path
) -> None:
    """Log, conversation and board go on with the next daemon; no line is lost or comes twice."""
    go = [{"until": str(tmp_path / name)} for name in ("one", "two")]
    flood = {"flood": 300, "pause": 0.002}
    ask = {"write": "made.txt", "text": "made\n", "ask": True}
    play(plugin, repository, "Survive", flood, go[0], ask, go[1], {"message": "Over."})
    plugin.show("board")
    plugin.sees("running")
    plugin.show("log", "Survive")
    plugin.sees("line 40")
    home.kill_daemon()
    plugin.sees("line 300")
    plugin.show("conversation", "Survive")
    plugin.sees("line 300")
    (tmp_path / "one").touch()
    plugin.on("? Write made.txt?")
    home.kill_daemon()
    plugin.read_request()
    plugin.on("? Write made.txt?")
    plugin.press("ga")
    plugin.sees("→ Allow")
    (tmp_path / "two").touch()
    plugin.sees("Over.")
    assert [line for line in plugin.nvim.lines() if line.startswith("line ")] == counted(300)
    assert len([line for line in plugin.nvim.lines() if "Write made.txt?" in line]) == 1
    plugin.title("done")
    plugin.show("log", "Survive")
    plugin.sees("Over.")
    assert [line for line in plugin.nvim.lines() if line.startswith("line ")] == counted(300)
    plugin.show("board")
    plugin.sees("In review 1")


def test_a_server_that_ends_is_started_again(plugin: Plugin, repository: Path) -> None:
    """The editor's own connection, not the daemon: what is shown says so, and R mends it."""
    play(plugin, repository, "Hold", {"message": "holding"}, {"hang": True})
    plugin.show("conversation", "Hold")
    plugin.sees("holding")
    plugin.nvim.lua("vim.lsp.get_clients()[1]:stop(true)")
    plugin.title("R connects again")
    plugin.press("R")
    plugin.title("running")
    plugin.sees("holding")
    plugin.choose("Stop")
    plugin.run("stop")
    plugin.title("stopped")


def test_what_happens_is_told_to_a_configuration(plugin: Plugin) -> None:
    plugin.nvim.lua("""
      _G.told = { changed = 0, attention = {} }
      vim.api.nvim_create_autocmd("User", { pattern = "BranchworkChanged", callback = function(e)
        told.changed = told.changed + #e.data.changes
      end })
      vim.api.nvim_create_autocmd("User", { pattern = "BranchworkAttention", callback = function(e)
        for _, item in ipairs(e.data.new) do table.insert(told.attention, item.sentence) end
      end })
    """)
    make(plugin, TITLE)
    plugin.run(f"start {SCRIPTED} {TITLE}")
    plugin.nvim.until("told.attention[1] == 'Write NOTES.md?'")
    assert plugin.nvim.lua("return told.changed > 3")


def test_the_health_check_finds_server_daemon_and_agents(plugin: Plugin) -> None:
    plugin.nvim.command("checkhealth branchwork")
    plugin.sees("Protocol version 1")
    plugin.sees("Claude Code")
    text = "\n".join(plugin.nvim.lines())
    assert "ERROR" not in text
    assert re.search(r"^Worktrees.*OK Worktrees will be made in .*^Machine", text, re.M | re.S)


def test_doctor_shows_what_is_wrong_and_what_to_do(plugin: Plugin, home: RealHome) -> None:
    (home.root / "worktrees").write_text("")
    plugin.run("doctor")
    plugin.sees("ERROR Worktrees can't be made in ")
    plugin.sees("ADVICE")
    plugin.sees("- Set BRANCHWORK_WORKTREES to another folder")


def test_titles_complete_after_a_verb(plugin: Plugin) -> None:
    make(plugin, TITLE)
    make(plugin, "Hand it over")
    plugin.show("board", "all")
    plugin.sees("Hand it over")
    complete = "return vim.fn.getcompletion(..., 'cmdline')"
    assert "conversation" in plugin.nvim.lua(complete, "Branchwork con")
    assert plugin.nvim.lua(complete, "Branchwork log handle em") == ["empty input"]
    assert plugin.nvim.lua(complete, "Branchwork log hand") == ["Hand it over", TITLE]
    assert plugin.nvim.lua(complete, "Branchwork move I") == ["InProgress", "InReview"]


def test_a_code_action_says_what_it_did(plugin: Plugin, repository: Path) -> None:
    plugin.nvim.edit(repository / "prices.py")
    plugin.nvim.go_to("TODO")
    plugin.nvim.act("Create task")
    plugin.told("New task: handle empty input. Made the project")


def test_a_tool_call_leads_to_its_file(plugin: Plugin, repository: Path) -> None:
    steps = [{"edit": "prices.py", "old": "sum(prices)", "new": "sum(prices or [])"}]
    play(plugin, repository, "Edit", *steps)
    plugin.choose("Edit")
    plugin.run("tasks")
    plugin.on("✓ edit    Edit prices.py  +1 -1")
    plugin.press("K")
    plugin.sees("+sum(prices or [])")
    plugin.press("q")
    plugin.on("✓ edit    Edit prices.py  +1 -1")
    plugin.press("<CR>")
    plugin.sees("    return sum(prices or [])")
    assert plugin.nvim.file() != repository / "prices.py"


def test_tasks_are_put_away(plugin: Plugin, repository: Path) -> None:
    play(plugin, repository, "Old", {"message": "Over."})
    make(plugin, "New")
    plugin.run("status")
    plugin.told("Branchwork 0.")
    plugin.told("is ready: Over.")
    plugin.show("board")
    plugin.on("Old")
    plugin.choose("Archive it")
    plugin.run("archive")
    plugin.told("Archived: Old")
    for title in ("Old", "New"):
        plugin.choose("Delete it")
        plugin.run(f"delete {title}")
        plugin.told(f"Deleted: {title}")
    plugin.sees("There is no task yet.")


def test_what_is_wrong_is_told_in_a_sentence(plugin: Plugin) -> None:
    plugin.run("dance")
    plugin.told("There is no :Branchwork dance.")
    plugin.run("log nothing like it")
    plugin.told("No task is called “nothing like it”.")
    make(plugin, TITLE)
    plugin.run(f"log {TITLE}")
    plugin.told("was not started yet")
    plugin.run(f"start agent=nobody base=main {TITLE}")
    plugin.told("nobody")


def counted(last: int) -> list[str]:
    return [f"line {number}" for number in range(1, last + 1)]
