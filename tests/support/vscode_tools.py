"""What it takes to drive a real VS Code: code-server, Chromium, Playwright, and our extension.

Each is installed once per machine, into the folder that `npm_tools` names; Chromium comes as a
Debian package where one may install those. Nothing here is used by the product.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from support import debian, npm_tools
from support.npm_tools import CHECKOUT, STAMP, CannotInstall

CODE_SERVER = "4.139.1"
PLAYWRIGHT = "1.65.2"
EXTENSION = CHECKOUT / "editor-clients" / "vscode"
PACKAGES = Path("node_modules", ".installed")
# The two that VS Code's server can't do without: its log files, and its watch over its parent.
NATIVES = ("@vscode/spdlog", "@vscode/native-watchdog")
CHROMIUMS = ("chromium", "chromium-headless-shell", "google-chrome")


def code_server() -> Path:
    """The folder of VS Code's own server within code-server; `out/server-main.js` starts it."""
    folder = npm_tools.tools_folder() / f"code-server-{CODE_SERVER}"
    with npm_tools.only_one(folder):
        if not (folder / STAMP).exists():
            try:
                _install_code_server(folder)
            except CannotInstall as problem:
                npm_tools.missing(f"code-server {CODE_SERVER}", problem)
            (folder / STAMP).write_text(f"{CODE_SERVER}\n")
    return _vscode_in(folder)


def chromium() -> str:
    """The path of a Chromium; as root with apt-get it is installed where there is none."""
    with npm_tools.only_one(npm_tools.tools_folder() / "chromium"):
        found = _chromium_of_the_machine()
        if found is None:
            try:
                debian.install("chromium", "fonts-dejavu-core")
            except CannotInstall as problem:
                npm_tools.missing("the Debian package chromium", problem)
            found = _chromium_of_the_machine()
    assert found is not None, "apt-get said that it installed it"
    return found


def playwright() -> Any:
    """The module `playwright.sync_api`."""
    folder = npm_tools.tools_folder() / f"playwright-{PLAYWRIGHT}"
    with npm_tools.only_one(folder):
        if not (folder / STAMP).exists():
            shutil.rmtree(folder, ignore_errors=True)
            try:
                npm_tools.pip_install(folder, f"playwright=={PLAYWRIGHT}")
            except CannotInstall as problem:
                npm_tools.missing(f"playwright {PLAYWRIGHT}", problem)
            (folder / STAMP).write_text(f"{PLAYWRIGHT}\n")
    # Last, so that nothing that it brings along takes the place of what is in the environment.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    from playwright import sync_api

    return sync_api


def node_environment() -> dict[str, str]:
    """This process's environment with the node first on its PATH that code-server wants."""
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{npm_tools.own_node_folder()}{os.pathsep}{path}"}


def extension_folder() -> Path:
    """Our extension's source with its packages installed."""
    with npm_tools.only_one(npm_tools.tools_folder() / "vscode-extension"):
        argv = ["make", "--silent", str((EXTENSION / PACKAGES).relative_to(CHECKOUT))]
        try:
            npm_tools.run(argv, CHECKOUT, node_environment())
        except CannotInstall as problem:
            npm_tools.missing("the extension's packages", problem)
    return EXTENSION


def npm_run(script: str, *arguments: str) -> str:
    """What a script of the extension says; it fails the test where the script fails."""
    return _said(["npm", "run", "--silent", script, "--", *arguments], extension_folder())


@cache
def vsix() -> Path:
    """Our extension as people install it, built once of what the source is now."""
    extension_folder()
    with npm_tools.only_one(npm_tools.tools_folder() / "vscode-vsix"):
        _said(["make", "--silent", "vsix"], CHECKOUT)
    return EXTENSION / "branchwork.vsix"


@cache
def extensions() -> Path:
    """A folder of VS Code's extensions with ours in it, to be copied."""
    folder = Path(tempfile.mkdtemp(prefix="extensions-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    entry = code_server().parents[1] / "out" / "node" / "entry.js"
    places = ["--user-data-dir", str(folder / "user"), "--extensions-dir", str(folder / "made")]
    _said(["node", str(entry), *places, "--install-extension", str(vsix())], CHECKOUT)
    return folder / "made"


def _said(argv: list[str], cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, env=node_environment(), capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _vscode_in(folder: Path) -> Path:
    return folder / "node_modules" / "code-server" / "lib" / "vscode"


def _install_code_server(folder: Path) -> None:
    """Without the scripts of its packages, most of which compile what we never load."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "package.json").write_text('{"private": true}\n')
    node = npm_tools.own_node_folder()
    # Headers that belong to this node, whatever the machine's npm is told.
    env = {**node_environment(), "npm_config_nodedir": str(node.parent), "JOBS": "2"}
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    npm_tools.run(["npm", "install", *quiet, f"code-server@{CODE_SERVER}"], folder, env)
    vscode = _vscode_in(folder)
    npm_tools.run(["npm", "install", "--omit=dev", *quiet], vscode, env)
    npm_tools.run(["npm", "install", "--omit=dev", *quiet], vscode / "extensions", env)
    npm_tools.run(["npm", "rebuild", "--foreground-scripts", *NATIVES], vscode, env)
    built = vscode / "node_modules" / "@vscode" / "spdlog" / "build" / "Release" / "spdlog.node"
    if not built.exists():
        raise CannotInstall(f"{built} was not compiled; it takes make and a C++ compiler")


def _chromium_of_the_machine() -> str | None:
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)
