"""`branchwork/daemon/doctor`: each thing that can be wrong is, on a real machine's folders."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from branchwork.agents import registry
from branchwork.execution.layout import TAG_VARIABLE
from branchwork.lsp.registry import Features
from branchwork.services import doctor_folders, doctor_machine
from branchwork.services.app import App
from support.desk import Desk
from support.inproc import Client, connected
from support.refusals import require_sentence

METHOD = "branchwork/daemon/doctor"
SECRET = "s3cr3t-t0ken"


async def checks(client: Client) -> dict[str, dict[str, Any]]:
    """By id; the last one of those that share it."""
    found = (await client.request(METHOD, {}))["checks"]
    for check in found:
        require_sentence(check["sentence"])
    return {check["id"]: check for check in found}


@asynccontextmanager
async def asked_by(
    app: App, features: Features, environment: dict[str, str]
) -> AsyncIterator[Client]:
    """An editor with another environment."""
    async with connected(app, features, environment=environment) as client:
        yield client


async def test_what_is_well(editor: Client, app: App) -> None:
    """Groups follow each other, and nothing but the place in a temporary folder is wrong."""
    found = (await editor.request(METHOD, {}))["checks"]
    groups = list(dict.fromkeys(check["group"] for check in found))
    wanted = ["Server", "Git", "Data", "Worktrees", "Runs", "Agents", "Machine"]
    assert groups == wanted
    assert [check["group"] for check in found] == sorted(
        (check["group"] for check in found), key=wanted.index
    )
    by_id = {check["id"]: check for check in found}
    assert f"process {os.getpid()}" in by_id["version"]["sentence"]
    assert str(app.data / "log" / "daemon.log") in by_id["log"]["sentence"]
    assert "Ada <ada@example.org>" in by_id["gitIdentity"]["sentence"]
    assert "schema 0001, SQLite 3." in by_id["store"]["sentence"]
    assert by_id["runs"]["sentence"] == "0 running, 0 waiting; 0 held prompts."
    ours = {check["id"] for check in found if check["group"] not in ("Agents", "Machine")}
    wrong = {i for i in ours if by_id[i]["status"] in ("warning", "error")}
    assert wrong - {"dataSpace", "worktreesSpace"} == {"worktreesTemporary"}


async def test_what_it_says_holds_no_secret(
    app: App, offered_features: Features, environment: dict[str, str]
) -> None:
    secret = {"ANTHROPIC_API_KEY": SECRET, "PATH": f"{environment['PATH']}:/{SECRET}"}
    async with asked_by(app, offered_features, {**environment, **secret}) as client:
        assert SECRET not in json.dumps(await client.request(METHOD, {}))


# --- git -----------------------------------------------------------------------------------------


async def test_a_person_whom_git_does_not_know(
    app: App, offered_features: Features, environment: dict[str, str], own_home: Path
) -> None:
    """In the editor's environment; a repository that is open may know them."""
    nameless = {name: environment[name] for name in ("HOME", "PATH")}
    async with asked_by(app, offered_features, nameless) as client:
        identity = (await checks(client))["gitIdentity"]
        assert identity["status"] == "warning"
        assert "git config --global user.name" in identity["advice"]
        assert "git config --global user.email" in identity["advice"]
        (own_home / ".gitconfig").write_text("[user]\n\tname = Eve\n\temail = eve@example.org\n")
        identity = (await checks(client))["gitIdentity"]
        assert (identity["status"], identity["sentence"]) == (
            "ok",
            "Commits are by Eve <eve@example.org>.",
        )


async def test_a_person_whom_git_makes_up(
    app: App, offered_features: Features, environment: dict[str, str]
) -> None:
    """It would commit, under a name that nobody chose."""
    guessed = {**{name: environment[name] for name in ("HOME", "PATH")}, "EMAIL": "e@example.org"}
    async with asked_by(app, offered_features, guessed) as client:
        identity = (await checks(client))["gitIdentity"]
    assert identity["status"] == "warning"
    assert "<e@example.org>, which it guesses." in identity["sentence"]


@pytest.mark.parametrize(
    ("script", "status", "words"),
    [
        (None, "error", "git was not found"),
        ("echo git version 2.30.1", "error", "git 2.30.1 on the PATH of this editor is too old"),
        ("echo git version 3.1.0", "ok", "git 3.1.0 on the PATH of this editor."),
    ],
)
async def test_another_git_on_the_path(
    app: App,
    offered_features: Features,
    tmp_path: Path,
    script: str | None,
    status: str,
    words: str,
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if script is not None:
        (programs / "git").write_text(f"#!/bin/sh\n{script}\n")
        (programs / "git").chmod(0o755)
    async with asked_by(app, offered_features, {"PATH": str(programs)}) as client:
        git = (await checks(client))["git"]
    assert git["status"] == status
    assert words in git["sentence"]


# --- configuration -------------------------------------------------------------------------------


async def test_files_of_the_person_that_cannot_be_read(app: App, editor: Client) -> None:
    app.settings.path.parent.mkdir(exist_ok=True)
    app.settings.path.write_text("[daemon\n")
    app.settings.reload()
    file = app.settings.path.parent / "agents.json"
    file.write_text("{")
    app.agents = registry.load(file)
    app.complaints = ("there is no limit `speed`.",)
    found = await checks(editor)
    for id, word in (("settings", str(app.settings.path)), ("agentsFile", str(file))):
        assert (found[id]["status"], word in found[id]["sentence"]) == ("warning", True)
    assert found["limits"]["sentence"] == "there is no limit `speed`."


async def test_no_agent_at_all(
    app: App, offered_features: Features, tmp_path: Path, environment: dict[str, str]
) -> None:
    """What to install is said, and a default that is none."""
    app.settings.update({"default_executor": "NOBODY"})
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    async with asked_by(app, offered_features, {**environment, "PATH": str(programs)}) as client:
        found = await checks(client)
    assert found["anyAgent"]["status"] == "warning"
    assert (found["agent"]["status"], found["agent"]["advice"][:8]) == ("info", "Install ")
    assert "NOBODY" in found["defaultAgent"]["sentence"]


async def test_an_agent_that_is_installed(
    app: App, offered_features: Features, tmp_path: Path, environment: dict[str, str]
) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    program = app.agents.find("OPENCODE").executables[0].name
    (programs / program).write_text("#!/bin/sh\n")
    (programs / program).chmod(0o755)
    async with asked_by(app, offered_features, {**environment, "PATH": str(programs)}) as client:
        found = (await client.request(METHOD, {}))["checks"]
    there = [check["sentence"] for check in found if check["id"] == "agent"]
    assert sum(sentence.endswith(" is there.") for sentence in there) == 1
    assert "anyAgent" not in {check["id"] for check in found}


# --- folders -------------------------------------------------------------------------------------


async def test_a_data_folder_that_others_may_enter(app: App, editor: Client) -> None:
    app.data.chmod(0o755)
    folder = (await checks(editor))["dataFolder"]
    assert folder["status"] == "warning"
    assert f"chmod 700 {app.data}" in folder["advice"]


async def test_a_root_of_worktrees_that_is_a_file(app: App, editor: Client) -> None:
    app.worktrees.write_text("")
    found = await checks(editor)
    assert found["worktreesRoot"]["status"] == "error"
    assert "is a file" in found["worktreesRoot"]["sentence"]
    assert "BRANCHWORK_WORKTREES" in found["worktreesRoot"]["advice"]
    app.worktrees = app.worktrees / "below"
    assert (await checks(editor))["worktreesRoot"]["status"] == "error"


async def test_a_root_of_worktrees_with_a_space_inside_a_repository(
    app: App, editor: Client, repository: Path
) -> None:
    app.worktrees = repository / "my trees"
    app.worktrees.mkdir()
    found = await checks(editor)
    assert found["worktreesSpaces"]["status"] == "warning"
    assert str(repository) in found["worktreesInRepository"]["sentence"]
    assert found["worktreesRoot"]["status"] == "ok"
    if sys.platform == "linux":
        assert "clone files" in found["worktreesCloning"]["sentence"]


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By other limits: no test fills a disk."""
    for limit, status in (("LITTLE_SPACE", "warning"), ("NO_SPACE", "error")):
        monkeypatch.setattr(doctor_folders, limit, 1 << 62)
        found = doctor_folders.look(tmp_path, tmp_path, tmp_path / "worktrees")
        spaces = [str(check.status) for check in found if check.id.endswith("Space")]
        assert spaces == [status, status]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    found = doctor_folders.look(tmp_path / "gone", tmp_path, tmp_path)
    by_id = {check.id: check for check in found}
    assert by_id["dataFolder"].status == "warning"
    assert "could not be looked at: No such file" in by_id["dataFolder"].sentence


# --- runs ----------------------------------------------------------------------------------------


@contextmanager
def tagged(tag: str) -> Iterator[int]:
    """A process with the tag of an execution, as a tool that an agent left behind."""
    environment = {**os.environ, TAG_VARIABLE: tag}
    child = subprocess.Popen(
        ["sleep", "1000"], env=environment, start_new_session=True, stdin=subprocess.DEVNULL
    )
    try:
        yield child.pid
    finally:
        with suppress(ProcessLookupError):
            os.kill(child.pid, signal.SIGKILL)
        child.wait()


async def test_a_process_that_a_run_left_behind(editor: Client, repository: Path) -> None:
    """Only of a run that is over; what carries a tag of somebody else's is not ours."""
    desk = Desk(editor)
    running, _ = await desk.asked(await desk.new_task(repository, "It asks"))
    over = await desk.finished(await desk.new_task(repository, "It ends"), '[{"message": "Done"}]')
    with tagged(running["execution"]["id"]), tagged("019ac0de-0000-7000-8000-00000000f999"):
        found = await checks(editor)
        assert found["orphans"]["status"] == "ok"
        assert found["runs"]["sentence"].startswith("1 running, 0 waiting")
        with tagged(over["execution"]["id"]) as pid:
            orphans = (await checks(editor))["orphans"]
            assert orphans["status"] == "warning"
            assert f"go on: {pid}." in orphans["sentence"]
            assert f"kill {pid}" in orphans["advice"]
    assert (await checks(editor))["orphans"]["status"] == "ok"


# --- the machine ---------------------------------------------------------------------------------

SESSION = "0::/user.slice/user-1000.slice/session-2.scope\n"
MANAGER = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n"
KILLS = "[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\nKillExcludeUsers=\n"


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, ["background"]),
        ({"proc/self/cgroup": SESSION}, ["background"]),
        ({"proc/self/cgroup": SESSION, "etc/systemd/logind.conf": KILLS}, ["logind"]),
        # That of the person replaces that of the system, and a part goes over the whole.
        (
            {
                "proc/self/cgroup": SESSION,
                "usr/lib/systemd/logind.conf": KILLS,
                "etc/systemd/logind.conf": "[Login]\n",
            },
            ["background"],
        ),
        (
            {
                "proc/self/cgroup": SESSION,
                "etc/systemd/logind.conf": KILLS,
                "etc/systemd/logind.conf.d/50-mine.conf": "[Login]\nKillUserProcesses = no\n",
            },
            ["background"],
        ),
        ({"proc/self/cgroup": MANAGER}, ["linger"]),
        ({"proc/self/cgroup": MANAGER, "var/lib/systemd/linger/USER": ""}, ["background"]),
        ({"proc/version": "Linux version 5.15 (x@Microsoft.com)"}, ["wsl"]),
        ({".dockerenv": ""}, ["container"]),
        ({"proc/1/cgroup": "0::/system.slice/docker/abc"}, ["container"]),
    ],
)
def test_what_ends_processes_in_the_background(
    tmp_path: Path, files: dict[str, str], wanted: list[str]
) -> None:
    for name, content in files.items():
        file = tmp_path / name.replace("USER", doctor_machine.user())
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    found = doctor_machine.look(tmp_path)
    assert [check.id for check in found] == wanted
    assert all(check.advice for check in found if check.id != "background")
