"""The main job in a real Neovim with the docs' ten lines: built-in LSP client, real command."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from support.git_repos import GitRepo
from support.neovim import Neovim
from support.real_home import COMMAND, RealHome, open_home

Documented: TypeAlias = Callable[[str], str]

pytestmark = pytest.mark.editor

TITLE = "handle empty input"
IN_BUFFER = "vim.api.nvim_buf_get_name(0):find('{}', 1, true)"
AGAIN = "The Branchwork daemon went away. Try again."


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    with open_home(tmp_path) as found:
        yield found


@pytest.fixture
def editor_env(home: RealHome) -> dict[str, str]:
    """With the real `branchwork` on the PATH."""
    person = home.person
    return {**person, "PATH": f"{COMMAND.parent}:{person['PATH']}"}


@pytest.fixture
def repo(repository: Path, editor_env: dict[str, str]) -> GitRepo:
    return GitRepo(repository, editor_env)


@pytest.fixture
def nvim(nvim: Neovim, repository: Path, documented: Documented) -> Neovim:
    """With the documented command, and the file open."""
    nvim.lua(documented("nvim_create_user_command"))
    nvim.edit(repository / "prices.py")
    return nvim


def test_from_a_selection_to_a_merge(nvim: Neovim, repo: GitRepo, home: RealHome) -> None:
    """By the documents; the daemon is killed while it has a request of the editor."""
    before = clients(nvim)
    nvim.go_to("TODO")
    nvim.act(f'Create task: "{TITLE}"', selected_lines=2)
    nvim.until(f"vim.fn.execute('messages'):find('Created the task “{TITLE}”', 1, true)")
    start_scripted(nvim)
    seen_in_status_line(nvim, "asks: Write prices.py?")
    nvim.until("#menus.asked > 0")
    assert nvim.questions() == [
        {"prompt": f"{TITLE} asks: Write prices.py?: ", "titles": ["Open", "Later"]}
    ]

    kill_with_a_request(nvim, home)
    open_document(nvim, "attention")
    nvim.answer_questions("Open")
    allow(nvim, "prices.py")
    nvim.act(f"Open the conversation: {TITLE}")
    shown(nvim, "/conversation/")
    nvim.keys("GoOnce more.<Esc>")
    nvim.act("Send the prompt: Once more.")
    shown(nvim, "/attention/")
    allow(nvim, "NOTES.md")
    assert len(nvim.questions()) == 4

    nvim.act(f"Open the diff: {TITLE}")
    shown(nvim, "/diff/")
    assert f"+# {TITLE}" in nvim.lines()
    nvim.act("Merge into main: 2 files")
    nvim.until_line("merged into `main` as")
    assert repo.run("log", "-1", "--format=%s") == TITLE
    assert repo.run("status", "--porcelain") == ""
    assert clients(nvim) == before


def allow(nvim: Neovim, file: str) -> None:
    """In the attention document, until the run stands there as finished."""
    nvim.until_line(f"Write {file}?")
    nvim.go_to("asks you")
    nvim.act(f"Allow: Write {file}")
    seen_in_status_line(nvim, "done")
    nvim.until_line("is ready to be looked at")
    nvim.go_to("is ready to be looked at")


def start_scripted(nvim: Neovim) -> None:
    """By the lines of the task's document."""
    open_document(nvim, "board")
    nvim.go_to(TITLE)
    nvim.act(f"Open the task: {TITLE}")
    shown(nvim, "/task/")
    nvim.go_to("- agent:")
    nvim.keys("f:C: scripted<Esc>")
    nvim.act("Start with Scripted agent from main")


def kill_with_a_request(nvim: Neovim, home: RealHome) -> None:
    """A stopped daemon does not answer a request; the editor is told to try again."""
    os.kill(home.daemon_pid(), signal.SIGSTOP)
    nvim.command("Branchwork board")
    home.kill_daemon()
    told = f"vim.iter(menus.notices):any(function(n) return n:find('{AGAIN}', 1, true) end)"
    # Or it had not been passed on yet, and the next daemon answers it.
    nvim.until(f"{told} or {IN_BUFFER.format('/board/')}")


def open_document(nvim: Neovim, kind: str) -> None:
    """By the documented command."""
    nvim.command(f"Branchwork {kind}")
    shown(nvim, f"/{kind}/")


def shown(nvim: Neovim, part: str) -> None:
    nvim.until(IN_BUFFER.format(part))


def seen_in_status_line(nvim: Neovim, what: str) -> None:
    nvim.until(f"(vim.g.lsp_progress or ''):find('{TITLE}: {what}', 1, true)")


def clients(nvim: Neovim) -> Any:
    """The ids of the language clients: another one would tell of a restart."""
    return nvim.lua("return vim.tbl_map(function(c) return c.id end, vim.lsp.get_clients())")
