"""What is written about the plugin: its page, its help, and what it tells Neovim of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support import tools

PLUGIN = Path(__file__).parents[2] / "editor-clients" / "nvim"
INIT = Path(__file__).with_name("plugin_init.lua").read_text()
HELP = (PLUGIN / "doc" / "branchwork.txt").read_text()
LUA = sorted((PLUGIN / "lua").rglob("*.lua"))


def test_the_three_lines_are_those_that_are_tested(documented: Callable[[str], str]) -> None:
    block = documented("runtimepath:prepend").splitlines()
    tested = INIT.replace("vim.env.BRANCHWORK_NVIM", '"/path/to/branchwork/editor-clients/nvim"')
    assert len(block) == 3
    assert block == tested.splitlines()[1:4]


def test_every_verb_has_its_help() -> None:
    command = (PLUGIN / "lua" / "branchwork" / "command.lua").read_text()
    table = command.partition("local VERBS = {")[2].partition("\n}")[0]
    verbs = re.findall(r"^  (\w+) = ", table, flags=re.M)
    assert len(verbs) > 15
    assert [verb for verb in verbs if f"*:Branchwork-{verb}*" not in HELP] == []


def test_every_key_is_in_the_help() -> None:
    keys = re.findall(r'^  \{ "([^"]+)", "', (PLUGIN / "lua/branchwork/keys.lua").read_text(), re.M)
    section = HELP.partition("*branchwork-keys*")[2].partition("====")[0]
    assert "ga" in keys
    assert [key for key in keys if not re.search(rf"(?<!\w){re.escape(key)}\s", section)] == []


def test_every_group_of_colours_is_in_the_help() -> None:
    groups = re.findall(
        r"^  (\w+) = ", (PLUGIN / "lua/branchwork/highlights.lua").read_text(), re.M
    )
    used = {
        name for file in LUA for name in re.findall(r'"(Branchwork[A-Z]\w+)"', file.read_text())
    }
    events = {"BranchworkChanged", "BranchworkAttention"}
    assert used - events <= set(groups)
    assert [group for group in groups if group not in HELP] == []


def test_requests_are_sent_from_one_place() -> None:
    senders = [
        file.name for file in LUA if re.search(r":request\(|request_sync\(m", file.read_text())
    ]
    assert senders == ["rpc.lua"]


@pytest.mark.editor
def test_the_tags_of_the_help_are_those_that_neovim_makes(tmp_path: Path) -> None:
    shutil.copy(PLUGIN / "doc" / "branchwork.txt", tmp_path)
    argv = [tools.neovim(), "--headless", "--clean", "-c", f"helptags {tmp_path}", "-c", "quit"]
    subprocess.run(argv, check=True, timeout=120)
    assert (tmp_path / "tags").read_text() == (PLUGIN / "doc" / "tags").read_text()
