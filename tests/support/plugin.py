"""What a person does with the Neovim plugin, and what they see of it."""

from __future__ import annotations

from dataclasses import dataclass

from support.neovim import Neovim

# One menu may lead to the next.
_ONE_AFTER_ANOTHER = """
local select = vim.ui.select
vim.ui.select = function(...)
  menus.wanted = table.remove(menus.chain or {}, 1) or menus.wanted
  select(...)
end
"""


@dataclass(frozen=True, slots=True)
class Plugin:
    """A Neovim in which the plugin is installed."""

    nvim: Neovim

    def __post_init__(self) -> None:
        self.nvim.lua(_ONE_AFTER_ANOTHER)

    def run(self, verb: str) -> None:
        """`:Branchwork …`"""
        self.nvim.command(f"Branchwork {verb}")

    def show(self, kind: str, of: str = "") -> None:
        """`:Branchwork board`, `log`, …, until it is the current buffer and has a title."""
        self.run(f"{kind} {of}".strip())
        name = f"branchwork://{kind}"
        self.nvim.until(f"vim.api.nvim_buf_get_name(0):find({_quoted(name)}, 1, true)")
        self.nvim.until("#vim.wo.winbar > 1")

    def choose(self, *wanted: str) -> None:
        """The next menus are answered by the items that hold those texts."""
        self.nvim.lua("menus.chain, menus.offered = { ... }, {}", *wanted)

    def offers(self) -> list[str]:
        """What the last menu had."""
        self.nvim.until("#menus.offered > 0")
        return list(self.nvim.lua("return menus.offered"))

    def sees(self, text: str) -> str:
        """Waits for a line of the current buffer that holds the text."""
        lines = "vim.iter(vim.api.nvim_buf_get_lines(0, 0, -1, false))"
        found: str = self.nvim.until(f"{lines}:find({_holds(text)})")
        return found

    def sees_no(self, text: str) -> None:
        """Waits until no line of the current buffer holds the text."""
        lines = "vim.iter(vim.api.nvim_buf_get_lines(0, 0, -1, false))"
        self.nvim.until(f"{lines}:find({_holds(text)}) == nil")

    def title(self, text: str) -> None:
        """Waits for that text above the current buffer."""
        plain = "vim.wo.winbar:gsub('%%#.-#', ''):gsub('%%%*', '')"
        self.nvim.until(f"({plain}):find({_quoted(text)}, 1, true)")

    def told(self, text: str) -> None:
        """Waits for a message that holds the text."""
        self.nvim.until(f"vim.iter(menus.notices):find({_holds(text)})")

    def on(self, text: str) -> None:
        """The cursor goes to the line that holds the text, which is waited for."""
        self.sees(text)
        self.nvim.go_to(text)

    def press(self, keys: str) -> None:
        """A key of the plugin's, typed as a person does."""
        self.nvim.keys(keys)

    def read_request(self) -> None:
        """Waits as long as a person needs to read a request that came up."""
        waits = "require('branchwork.mirror').waits_for(item.id)"
        items = "vim.iter(require('branchwork').attention())"
        self.nvim.until(f"{items}:any(function(item) return {waits} > 600 end)")

    def statusline(self, text: str) -> None:
        """Waits for that text in the status line."""
        shown = "vim.api.nvim_eval_statusline(vim.o.statusline, {}).str"
        self.nvim.until(f"{shown}:find({_quoted(text)}, 1, true)")


def _quoted(text: str) -> str:
    return "[==[" + text + "]==]"


def _holds(text: str) -> str:
    return f"function(line) return line:find({_quoted(text)}, 1, true) ~= nil end"
