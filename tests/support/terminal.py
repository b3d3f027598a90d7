"""A program in a real terminal: tmux with a socket of its own. Keys go in, a screen comes out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from support import debian, npm_tools
from support.npm_tools import CannotInstall

WAIT_SECONDS = 60.0
# Longer than any test, should that be killed.
LONGEST_LIFE_SECONDS = 600
COLUMNS, ROWS = 120, 36


@dataclass(frozen=True, slots=True)
class Terminal:
    """What is typed, and what is on the screen."""

    argv: tuple[str, ...]

    def press(self, *keys: str) -> None:
        """Keys by the names that tmux has for them, such as `Enter`."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Letters as they are."""
        self._tmux("send-keys", "-l", text)

    def sees(self, *texts: str) -> str:
        """Waits until all of it is on the screen, and gives the screen."""
        deadline = time.monotonic() + WAIT_SECONDS
        while not all(text in (screen := self.screen()) for text in texts):
            assert time.monotonic() < deadline, f"{texts} are not all on the screen:\n{screen}"
            time.sleep(0.05)
        return screen

    def screen(self) -> str:
        """The letters."""
        return self._tmux("capture-pane", "-p")

    def picture(self) -> str:
        """The letters with their colours, as a terminal would be sent them, and the cursor."""
        lines = self._tmux("capture-pane", "-p", "-e", "-N").removesuffix("\n").split("\n")
        where = "\x1b[#{e|+:#{cursor_y},1};#{e|+:#{cursor_x},1}H"
        return "\r\n".join(lines) + self._tmux("display-message", "-p", where).rstrip("\n")

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run([*self.argv, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout


@contextmanager
def running(argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Iterator[Terminal]:
    """That program; it ends with the terminal."""
    with tempfile.TemporaryDirectory(prefix="tmux") as folder:
        tmux = (_tmux(), "-f", "/dev/null", "-S", f"{folder}/s")
        size = ("-x", str(COLUMNS), "-y", str(ROWS))
        own = {**env, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        limited = ("timeout", "--foreground", str(LONGEST_LIFE_SECONDS), *argv)
        start = [*tmux, "new-session", "-d", *size, "-c", str(cwd), *limited]
        # Its own bar would be a row of the screen.
        start += [";", "set", "status", "off"]
        subprocess.run(start, cwd=cwd, env=own, check=True, stdin=subprocess.DEVNULL)
        try:
            yield Terminal(tmux)
        finally:
            with suppress(subprocess.TimeoutExpired):
                subprocess.run([*tmux, "kill-server"], capture_output=True, check=False, timeout=10)


def _tmux() -> str:
    with npm_tools.only_one(npm_tools.tools_folder() / "tmux"):
        if shutil.which("tmux") is None:
            try:
                debian.install("tmux")
            except CannotInstall as problem:
                npm_tools.missing("the Debian package tmux", problem)
        found = shutil.which("tmux")
    assert found is not None, "apt-get said that it installed it"
    return found
