"""`.ci/setup` on machines that lack something: what it installs, what it says, what it repeats.

Python, pip, git and apt-get are small scripts here that write down how they were called.
"""

import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).parents[1]
PYTHON = r"""#!/bin/sh
case "$*" in
*ensurepip*) [ -e "$STATE/venv-module" ] ;;
"-m venv"*)
    echo "python $*" >>"$STATE/log"
    mkdir -p .venv/bin && cp "$STATE/bin/pip-python" .venv/bin/python ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""
PIP_PYTHON = r"""#!/bin/sh
case "$*" in
*--version*) exit 0 ;;
*) echo "python $*" >>"$STATE/log"; [ ! -e "$STATE/offline" ] ;;
esac
"""
APT_GET = r"""#!/bin/sh
echo "apt-get $*" >>"$STATE/log"
case "$*" in *install*) [ ! -e "$STATE/offline" ] && touch "$STATE/venv-module" ;; esac
"""


class Machine:
    """A checkout's files, and a PATH of stand-ins before the real one."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.checkout = root / "checkout"
        self.state = root / "state"
        (self.state / "bin").mkdir(parents=True)
        (self.checkout / ".ci").mkdir(parents=True)
        for name in ("pyproject.toml", "constraints.txt", ".ci/setup"):
            shutil.copy(CHECKOUT / name, self.checkout / name)
        self.has("python3", PYTHON)
        self.has("pip-python", PIP_PYTHON)
        self.has("apt-get", APT_GET)
        self.has("git", "#!/bin/sh\necho git version 2.39.5\n")
        self.has("id", "#!/bin/sh\necho 0\n")
        self.mark("venv-module")

    def has(self, name: str, script: str) -> None:
        """A program of that name."""
        path = self.state / "bin" / name
        path.write_text(script)
        path.chmod(0o755)

    def mark(self, name: str, is_so: bool = True) -> None:
        """Something that is or is not the case."""
        (self.state / name).touch() if is_so else (self.state / name).unlink()

    @property
    def log(self) -> list[str]:
        """What was called since the last look."""
        file = self.state / "log"
        lines = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def set_up(self, kind: str = "run") -> "subprocess.CompletedProcess[str]":
        path = f"{self.state / 'bin'}{os.pathsep}{os.environ['PATH']}"
        env = {"PATH": path, "STATE": str(self.state), "REAL_PYTHON": sys.executable}
        return subprocess.run(
            [self.checkout / ".ci" / "setup", kind],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path / "a machine")


def test_it_makes_an_environment_of_pinned_packages_once(machine: Machine) -> None:
    assert machine.set_up().returncode == 0
    made, setuptools, package = machine.log
    assert made == "python -m venv --clear .venv"
    assert "--constraint constraints.txt setuptools" in setuptools
    assert package.endswith("--constraint constraints.txt --no-build-isolation --editable .")

    again = machine.set_up()

    assert (again.returncode, again.stdout, machine.log) == (0, "", [])


def test_what_the_tests_need_is_more_than_what_the_program_needs(machine: Machine) -> None:
    machine.set_up("run")
    assert machine.log

    machine.set_up("dev")

    assert machine.log[-1].endswith("--editable .[dev]")
    machine.set_up("run")
    assert machine.log == []


@pytest.mark.parametrize("name", ["constraints.txt", "pyproject.toml"])
def test_other_wishes_are_installed_into_the_same_environment(machine: Machine, name: str) -> None:
    machine.set_up()
    assert machine.log
    with open(machine.checkout / name, "a") as file:
        file.write("# another wish\n")

    machine.set_up()

    assert [line for line in machine.log if "venv" in line] == []
    machine.set_up()
    assert machine.log == []


def test_a_checkout_that_was_moved_gets_another_environment(machine: Machine) -> None:
    machine.set_up()
    assert machine.log
    machine.checkout = machine.checkout.rename(machine.root / "moved")

    machine.set_up()

    assert machine.log[0] == "python -m venv --clear .venv"


def test_what_failed_half_way_is_done_again(machine: Machine) -> None:
    machine.mark("offline")
    failed = machine.set_up()
    assert failed.returncode == 1
    assert "The packages could not be installed" in failed.stderr
    assert machine.log
    machine.mark("offline", False)

    assert machine.set_up().returncode == 0

    assert len(machine.log) == 2


def test_as_root_on_debian_the_missing_module_is_installed(machine: Machine) -> None:
    machine.mark("venv-module", False)
    package = f"python3.{sys.version_info.minor}-venv"

    done = machine.set_up()

    assert done.returncode == 0, done.stderr
    update, install, *_ = machine.log
    assert update.startswith("apt-get update")
    assert install.startswith("apt-get install")
    assert install.endswith(package)


@pytest.mark.parametrize("lack", ["root", "network"])
def test_elsewhere_it_says_what_is_missing(machine: Machine, lack: str) -> None:
    machine.mark("venv-module", False)
    if lack == "root":
        machine.has("id", "#!/bin/sh\necho 1000\n")
    else:
        machine.mark("offline")

    done = machine.set_up()

    assert done.returncode == 1
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in done.stderr
    assert not (machine.checkout / ".venv").exists()


def test_a_git_that_is_too_old_is_named(machine: Machine) -> None:
    machine.has("git", "#!/bin/sh\necho git version 2.30.2\n")

    done = machine.set_up()

    assert done.returncode == 1
    assert done.stderr == "git 2.30 is too old: install git 2.38 or newer.\n"


def test_without_a_python_that_is_new_enough_it_says_which_is(machine: Machine) -> None:
    for name in ("python3", "python3.14", "python3.13", "python3.12", "python3.11"):
        machine.has(name, "#!/bin/sh\nexit 1\n")

    done = machine.set_up()

    assert done.returncode == 1
    assert "Python 3.11 or newer" in done.stderr


def test_everything_that_is_installed_is_pinned_and_nothing_names_a_registry() -> None:
    text = (CHECKOUT / "constraints.txt").read_text()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pinned = {canonicalize_name(line.partition("==")[0]) for line in lines}

    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in lines)
    assert wanted("branchwork", frozenset({"dev"})) - pinned == {"branchwork"}


def wanted(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """A distribution and all that it needs on this machine."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        found.add(canonicalize_name(name))
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            is_needed = requirement.marker is None or any(
                requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}
            )
            if is_needed and canonicalize_name(requirement.name) not in found:
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found
