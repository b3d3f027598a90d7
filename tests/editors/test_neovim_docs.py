"""The Neovim page: what people copy from it is what the tests run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

CONFIG = Path(__file__).with_name("init.lua").read_text()


def test_the_config_is_the_one_that_is_tested(documented: Callable[[str], str]) -> None:
    assert documented("vim.lsp.enable") == CONFIG


def test_the_config_is_ten_lines() -> None:
    assert len(CONFIG.splitlines()) == 10
