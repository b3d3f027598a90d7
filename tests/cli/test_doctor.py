"""`branchwork doctor` and a real daemon: what it prints, and its exit codes."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from branchwork.daemon import lock
from support.inproc import PATIENCE
from support.real_home import COMMAND, RealHome, open_home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[RealHome]:
    with open_home(tmp_path / "person") as found:
        yield found


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "person").mkdir()


def doctor(
    home: RealHome, *options: str, code: int = 0, **more: str
) -> "subprocess.CompletedProcess[str]":
    """The verb as a person runs it."""
    done = subprocess.run(
        [COMMAND, "doctor", *options],
        env={**home.person, **more},
        cwd=home.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    assert done.returncode == code, done
    return done


def by_id(done: "subprocess.CompletedProcess[str]") -> dict[str, Any]:
    return {check["id"]: check for check in json.loads(done.stdout)["checks"]}


def test_what_is_well_for_a_person_and_for_programs(home: RealHome) -> None:
    """It starts the daemon that an editor would; warnings are no failure."""
    done = doctor(home)
    lines = done.stdout.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")][:3] == [
        "Server",
        "Git",
        "Data",
    ]
    assert any(line.startswith("    ok       Branchwork ") for line in lines)
    # The advice stands beneath, in the column of the sentence.
    assert any(line.startswith(" " * 13 + "Set BRANCHWORK_WORKTREES ") for line in lines)
    assert "warning" in lines[-1]
    assert "\x1b" not in done.stdout
    assert done.stderr == ""
    checks = by_id(doctor(home, "--json"))
    assert checks["git"]["status"] == "ok"
    assert f"process {home.daemon_pid()}" in checks["version"]["sentence"]


def test_an_error_is_the_exit_code(home: RealHome) -> None:
    """Here a root of worktrees that is a file."""
    (home.root / "worktrees").write_text("")
    done = doctor(home, code=1)
    assert "    error    Worktrees can't be made in" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 error")
    assert by_id(doctor(home, "--json", code=1))["worktreesRoot"]["status"] == "error"


def test_a_database_that_cannot_be_opened(home: RealHome) -> None:
    """It says so, and what else there is to say."""
    path = Path(home.data, "branchwork.sqlite")
    path.parent.mkdir(mode=0o700)
    path.write_bytes(os.urandom(64 << 10))
    done = doctor(home, code=1)
    assert "is damaged" in done.stdout
    assert "safe mode" in done.stdout
    assert "\nMachine\n" in done.stdout


def test_no_daemon_can_be_had(home: RealHome) -> None:
    """The same sentence that an editor would show."""
    Path(home.data).write_text("")
    done = doctor(home, code=1)
    assert done.stdout == ""
    assert "BRANCHWORK_DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr
    Path(home.data).unlink()


def test_a_daemon_that_cannot_start_has_left_why(home: RealHome) -> None:
    """Here a folder that can't be made; the daemon ends before it can answer."""
    Path(home.data).mkdir(mode=0o700)
    Path(home.data, "log").write_text("")
    done = doctor(home, code=1)
    assert f"The folder {home.data}/log can't be made" in done.stderr
    assert "BRANCHWORK_DATA_DIR" in done.stderr
    assert lock.holder(home.data) is None
    Path(home.data, "log").unlink()
