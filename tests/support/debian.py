"""Debian packages that tests need beside Python's, installed where one may."""

from __future__ import annotations

import os
import shutil

from support import npm_tools
from support.npm_tools import CannotInstall


def install(*packages: str) -> None:
    """As root with apt-get; raises CannotInstall elsewhere, which says what is to be installed."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotInstall(f"install {' and '.join(packages)}; only root with apt-get does it")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    npm_tools.run(["apt-get", "update", "-qq"], None, env)
    argv = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    npm_tools.run(argv, None, env)
