"""A real Emacs with eglot, in batch: installed by apt where one may, else a loud skip."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from support import debian, npm_tools
from support.npm_tools import CannotInstall

OLDEST = 28
STORY_SECONDS = 400


def emacs() -> str:
    """The path of an Emacs that has eglot; skips the test where there is none and can be none."""
    with npm_tools.only_one(npm_tools.tools_folder() / "emacs"):
        found = shutil.which("emacs")
        if found is None or not _has_eglot(found):
            try:
                debian.install("emacs-nox", "elpa-eglot")
            except CannotInstall as problem:
                npm_tools.missing("Emacs with eglot", problem)
            found = shutil.which("emacs")
    assert found is not None, "apt-get said that it installed it"
    return found


def run(scripts: Sequence[Path], cwd: Path, env: Mapping[str, str]) -> str:
    """What Emacs printed; it fails the test where a script fails."""
    loads = [word for script in scripts for word in ("-l", str(script))]
    argv = [emacs(), "--batch", "-q", "--eval", "(package-initialize)", *loads]
    done = subprocess.run(
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=STORY_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def _has_eglot(command: str) -> bool:
    code = "(progn (package-initialize) (require 'eglot) (princ emacs-version))"
    argv = [command, "--batch", "-q", "--eval", code]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    version = re.search(r"(\d+)\.\d+", done.stdout)
    return done.returncode == 0 and version is not None and int(version[1]) >= OLDEST
