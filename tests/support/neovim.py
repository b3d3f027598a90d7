"""A real Neovim without a screen, driven over its own RPC, as a person would use it.

Only what a person has: keys, commands, the built-in LSP client. Nothing here knows Branchwork.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pynvim  # type: ignore[import-untyped]

from support import tagged, tools

WAIT_SECONDS = 60.0
GRACE_SECONDS = 10.0
# A prompt that nobody answers would block every call for ever.
LONGEST_LIFE_SECONDS = 600.0

# Menus are answered by the test with the item that holds a text, or left when there is none:
# `wanted` for the next menu, `answer` for every message request of a server.
_MENUS = """
_G.menus = { offered = {}, asked = {}, notices = {} }
vim.notify = function(text) table.insert(menus.notices, text) end
vim.ui.select = function(items, options, on_choice)
  local titles = vim.tbl_map(options.format_item or tostring, items)
  local wanted
  if options.kind == "lsp_message" then
    wanted = menus.answer
    table.insert(menus.asked, { prompt = options.prompt, titles = titles })
  else
    wanted, menus.wanted = menus.wanted, nil
    menus.offered = titles
  end
  for number, title in ipairs(titles) do
    if wanted and title:find(wanted, 1, true) then
      return on_choice(items[number], number)
    end
  end
  on_choice(nil)
end
"""


class Neovim:
    """One running editor."""

    def __init__(self, session: pynvim.Nvim) -> None:
        self._session = session
        self.lua(_MENUS)

    def lua(self, code: str, *arguments: object) -> Any:
        """Runs Lua in the editor; `...` are the arguments, and what it returns comes back."""
        return self._session.exec_lua(code, *arguments)

    def command(self, line: str) -> None:
        """An Ex command, without its colon."""
        self._session.command(line)

    def keys(self, typed: str) -> None:
        """Types, and does not wait for what comes of it; special keys like `<Esc>`."""
        self._session.input(typed)

    def until(self, condition: str, seconds: float = WAIT_SECONDS) -> Any:
        """Waits until the Lua expression is true and gives its value."""
        deadline = time.monotonic() + seconds
        # In slices, so that the editor's own loop never stands and the deadline is ours.
        wait = f"local v; vim.wait(500, function() v = {condition} return v end, 20) return v"
        while not (value := self.lua(wait)):
            if time.monotonic() > deadline:
                raise AssertionError(f"not true in {seconds:.0f} s: {condition}\n{self.story()}")
        return value

    def edit(self, path: Path) -> None:
        """Opens a file and waits until a language server has it."""
        self._session.command(f"edit {self._session.funcs.fnameescape(str(path))}")
        self.until("#vim.lsp.get_clients({ bufnr = 0 }) > 0")
        self.until("vim.lsp.get_clients({ bufnr = 0 })[1].initialized")

    def lines(self) -> list[str]:
        """The text of the current buffer."""
        return list(self._session.current.buffer)

    def until_line(self, text: str) -> None:
        """Waits until a line of the current buffer holds the text."""
        found = "vim.iter(vim.api.nvim_buf_get_lines(0, 0, -1, true)):any(function(line)"
        self.until(f"{found} return line:find('{text}', 1, true) end)")

    def file(self) -> Path:
        """The file in the current window."""
        return Path(self._session.current.buffer.name)

    def go_to(self, text: str) -> None:
        """Puts the cursor on the first line that holds the text."""
        number = next((n for n, line in enumerate(self.lines(), 1) if text in line), None)
        assert number, f"no line holds {text!r}:\n" + "\n".join(self.lines())
        self._session.current.window.cursor = (number, 0)

    def offered(self, selected_lines: int = 0) -> list[str]:
        """The titles of the code actions for the cursor's line, or so many lines from it on."""
        self._act(None, selected_lines)
        return list(self.lua("return menus.offered"))

    def act(self, wanted: str, selected_lines: int = 0) -> None:
        """Runs the code action whose title holds that text, by the keys of the editor."""
        self._act(wanted, selected_lines)
        offered = self.lua("return menus.offered")
        assert any(wanted in title for title in offered), f"no {wanted!r} among {offered}"

    def _act(self, wanted: str | None, selected_lines: int) -> None:
        self.lua("menus.wanted, menus.offered, menus.notices = ..., {}, {}", wanted)
        select = f"V{'j' * (selected_lines - 1)}" if selected_lines else ""
        self.keys(f"<Esc>{select}gra")
        none = "vim.iter(menus.notices):any(function(n) return n:find('No code actions') end)"
        self.until(f"#menus.offered > 0 or {none}")

    def notices(self) -> list[str]:
        """What the editor told its person since the last code action."""
        return list(self.lua("return menus.notices"))

    def answer_questions(self, title: str | None) -> None:
        """From now on every message request of a server is answered by that title, or left."""
        self.lua("menus.answer = ...", title)

    def questions(self) -> list[dict[str, Any]]:
        """The servers' message requests so far: `prompt` and `titles`."""
        return list(self.lua("return menus.asked"))

    def story(self) -> str:
        """What helps to understand a failure: the buffer, the messages, the end of the LSP log."""
        log = self.lua("return vim.lsp.get_log_path()")
        tail = Path(log).read_text(errors="replace")[-3000:] if Path(log).exists() else ""
        said = self.lua("return vim.api.nvim_exec2('messages', { output = true }).output")
        menus = self.lua("return vim.inspect(menus)")
        return "\n".join(["buffer:", *self.lines(), "messages:", said, menus, "LSP log:", tail])


@contextmanager
def running(init: Path, folder: Path, cwd: Path, env: Mapping[str, str]) -> Iterator[Neovim]:
    """A Neovim with nothing but that init.lua; its own files lie in `folder`.

    What it started ends with it, unless the environment says that it is somebody else's to end.
    """
    tag = env.get(tagged.TAG) or tagged.new()
    own = {f"XDG_{kind}_HOME": str(folder / kind.lower()) for kind in _XDG}
    # A socket's path may be 100 bytes long, and pytest's folders are longer.
    with tempfile.TemporaryDirectory(prefix="nvim") as short:
        address = f"{short}/s"
        child = subprocess.Popen(
            [tools.neovim(), "--headless", "--clean", "-u", init, "--listen", address],
            cwd=cwd,
            env={**env, **own, tagged.TAG: tag},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        watchdog = threading.Timer(LONGEST_LIFE_SECONDS, child.kill)
        watchdog.start()
        try:
            session = _attached(child, address)
            try:
                yield Neovim(session)
            finally:
                _quit(session, child)
        finally:
            watchdog.cancel()
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if tagged.TAG not in env:
                tagged.end(tag)


_XDG = ("CONFIG", "DATA", "STATE", "CACHE")


def _attached(child: subprocess.Popen[bytes], address: str) -> pynvim.Nvim:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return pynvim.attach("socket", path=address)
        except OSError:
            assert child.poll() is None, f"Neovim ended with {child.returncode}"
            assert time.monotonic() < deadline, "Neovim does not listen"
            time.sleep(0.02)


def _quit(session: pynvim.Nvim, child: subprocess.Popen[bytes]) -> None:
    """As a person leaves: the servers get their shutdown and exit."""
    # The editor goes while it answers, so the answer is the end of the connection.
    with suppress(OSError, EOFError):
        session.command("qall!", async_=True)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)
    session.close()
