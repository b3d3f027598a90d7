"""The plugin's specs by busted inside of a real Neovim: lua-busted comes by apt where one may."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from support import debian, npm_tools, tools
from support.npm_tools import CannotInstall

RUNNER = Path("/usr/share/lua/5.1/busted/runner.lua")
SPECS_SECONDS = 120


def ensure() -> None:
    """Skips the test loudly where there is no busted and can be none."""
    with npm_tools.only_one(npm_tools.tools_folder() / "lua-busted"):
        if not RUNNER.exists():
            try:
                debian.install("lua-busted")
            except CannotInstall as problem:
                npm_tools.missing("the Debian package lua-busted", problem)
    assert RUNNER.exists(), "apt-get said that it installed it"


def run(script: Path, env: Mapping[str, str], *options: str) -> tuple[int, str]:
    """The exit code of a script that runs busted, and what it printed."""
    ensure()
    done = subprocess.run(
        [str(tools.neovim()), "--clean", "-l", str(script), *options],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SPECS_SECONDS,
    )
    return done.returncode, done.stdout
