"""The docs' config in a real Neovim against a stub server: what the editor's side can do."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from support.neovim import Neovim

Documented: TypeAlias = Callable[[str], str]

pytestmark = pytest.mark.editor


@pytest.fixture
def editor_env(editor_env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """With a `branchwork` on the PATH that is the stub server."""
    stub = Path(__file__).with_name("stub_server.py")
    command = tmp_path / "bin" / "branchwork"
    command.parent.mkdir()
    words = shlex.join([sys.executable, str(stub), str(tmp_path)])
    command.write_text(f"#!/bin/sh\nexec {words}\n")
    command.chmod(0o755)
    return {**editor_env, "PATH": f"{command.parent}:{editor_env['PATH']}"}


def test_a_selection_offers_its_code_action(nvim: Neovim, repository: Path) -> None:
    nvim.edit(repository / "prices.py")
    nvim.go_to("TODO")
    assert nvim.offered(selected_lines=2) == ['Create task: "# TODO: handle empty input" (2 lines)']


def test_a_run_is_seen_in_the_status_line(nvim: Neovim, repository: Path) -> None:
    nvim.edit(repository / "prices.py")
    nvim.act("Create task")
    nvim.until("(vim.g.lsp_progress or ''):find('chosen: nothing')")
    assert nvim.questions() == [{"prompt": "Write prices.py?: ", "titles": ["Open", "Later"]}]
    shown = nvim.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
    assert "prices.py" in shown
    assert shown.endswith("Fix prices: chosen: nothing")


def test_a_question_of_the_server_is_answered(nvim: Neovim, repository: Path) -> None:
    nvim.edit(repository / "prices.py")
    nvim.answer_questions("Later")
    nvim.act("Create task")
    nvim.until("(vim.g.lsp_progress or ''):find('chosen: Later')")


def test_a_document_belongs_to_the_same_client(
    nvim: Neovim, repository: Path, documented: Documented
) -> None:
    nvim.lua(documented("nvim_create_user_command"))
    nvim.edit(repository / "prices.py")
    nvim.command("Branchwork attention")
    nvim.until("vim.api.nvim_buf_get_name(0):find('attention.branchwork.md', 1, true)")
    nvim.until("#vim.lsp.get_clients({ bufnr = 0 }) == 1")
    assert nvim.lines()[0] == "# Attention"
    assert nvim.lua("return #vim.lsp.get_clients()") == 1


def test_the_documented_handler_leaves_questions_for_later(
    nvim: Neovim, repository: Path, documented: Documented
) -> None:
    nvim.lua(documented("window/showMessageRequest"))
    nvim.edit(repository / "prices.py")
    nvim.act("Create task")
    nvim.until("(vim.g.lsp_progress or ''):find('chosen: nothing')")
    assert nvim.questions() == []
    assert nvim.notices() == ["Write prices.py?  (:Branchwork attention)"]
