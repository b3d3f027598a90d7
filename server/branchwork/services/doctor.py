"""The doctor: looks at all that Branchwork needs here, and says what is wrong and what to do.

Where the store could not be opened it says so and looks at the rest.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from branchwork import endpoint
from branchwork.agents import launch
from branchwork.domain.errors import AgentUnavailable, GitFailed, StorageFailed
from branchwork.execution import stop
from branchwork.git import command, identity
from branchwork.services import agents, doctor_folders, doctor_machine
from branchwork.services.app import App
from branchwork.services.checks import Check, Group, is_there
from branchwork.services.environments import cleaned
from branchwork.services.settings import Settings
from branchwork.store import executions, runs, sessions, versions
from branchwork.store.transaction import Transaction
from branchwork.store.unopened import UnopenedStore

SERVER, GIT, RUNS, AGENTS = Group("Server"), Group("Git"), Group("Runs"), Group("Agents")

_READ_AGAIN = "Mend the file and run `branchwork daemon stop`: the next daemon reads it."
_SET_IDENTITY = (
    'Run `git config --global user.name "Your Name"`\n'
    "and `git config --global user.email you@example.org`."
)

_SAFE_MODE = (
    "The daemon is in safe mode and does nothing else. It opens the database again when an editor "
    "connects: once it is mended, restart the server in one of them."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """Who asks: its environment, which is secret, and the folder that it has open."""

    environment: Mapping[str, str] = field(repr=False)
    folder: Path


async def examine(app: App, patient: Patient, protocol: int) -> list[Check]:
    """Every check, group by group."""
    return [
        # A generator works where it is read, so it is read on the thread.
        *await app.blocking(lambda: list(_server(app, protocol))),
        *await app.blocking(lambda: list(_git(patient))),
        *await _store(app),
        *await app.blocking(doctor_folders.look, app.data, app.run_directory, app.worktrees),
        *await _runs(app),
        *await _agents(app, patient.environment),
        *await app.blocking(doctor_machine.look),
    ]


# --- the daemon itself ---------------------------------------------------------------------------


def _server(app: App, protocol: int) -> Iterator[Check]:
    minutes = int(app.uptime_seconds() // 60)
    yield SERVER.ok(
        "version",
        f"Branchwork {endpoint.version()}, protocol {protocol}, "
        f"process {os.getpid()}, up {minutes} min.",
    )
    yield SERVER.info("log", f"Its log is {app.log_file}.")
    yield _settings(app.settings)
    for complaint in app.complaints:
        yield SERVER.warning("limits", complaint, _READ_AGAIN)
    for problem in app.agents.problems:
        yield SERVER.warning("agentsFile", problem.sentence, _READ_AGAIN)


def _settings(settings: Settings) -> Check:
    if settings.problem is not None:
        return SERVER.warning("settings", settings.problem, _READ_AGAIN)
    if is_there(settings.path):
        return SERVER.ok("settings", f"The settings in {settings.path} are in force.")
    return SERVER.ok("settings", f"There is no {settings.path}: the defaults are in force.")


async def _store(app: App) -> list[Check]:
    group, path = doctor_folders.DATA, app.store.path
    try:
        revision, sqlite = await app.store.read(versions.of_database)
    except StorageFailed as error:
        is_safe_mode = isinstance(app.store, UnopenedStore)
        return [group.error("store", error.sentence, _SAFE_MODE if is_safe_mode else None)]
    return [group.ok("store", f"The database {path}: schema {revision}, SQLite {sqlite}.")]


# --- git -----------------------------------------------------------------------------------------


def _git(patient: Patient) -> Iterator[Check]:
    environment = cleaned(patient.environment)
    try:
        yield from _git_versions(environment)
        yield _identity(patient.folder, environment)
    except (GitFailed, OSError) as error:
        why = error.sentence if isinstance(error, GitFailed) else f"git: {error.strerror}."
        wanted = _dotted(command.MINIMUM)
        yield GIT.error("git", why, f"Install git {wanted} or newer, and see that it runs.")


def _git_versions(environment: Mapping[str, str]) -> Iterator[Check]:
    """The daemon looks with its own, which is that of the editor that started it."""
    own, theirs = command.version(), identity.version(environment)
    yield _git_version(own, "")
    if theirs != own:
        yield _git_version(theirs, " on the PATH of this editor")


def _git_version(found: tuple[int, ...], where: str) -> Check:
    if found >= command.MINIMUM:
        return GIT.ok("git", f"git {_dotted(found)}{where}.")
    return GIT.error(
        "git",
        f"git {_dotted(found)}{where} is too old: merges and their previews do not work with it.",
        f"Install git {_dotted(command.MINIMUM)} or newer.",
    )


def _identity(folder: Path, environment: Mapping[str, str]) -> Check:
    found = identity.committer(folder if folder.is_dir() else Path("/"), environment)
    if found is None:
        return GIT.warning(
            "gitIdentity",
            "git does not know who you are: commits and merges will fail.",
            _SET_IDENTITY,
        )
    if found.guessed:
        return GIT.warning(
            "gitIdentity",
            f"git was not told who you are: commits will be by {found.text}, which it guesses.",
            _SET_IDENTITY,
        )
    return GIT.ok("gitIdentity", f"Commits are by {found.text}.")


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers)) or "of an unknown version"


# --- runs ----------------------------------------------------------------------------------------


async def _runs(app: App) -> list[Check]:
    try:
        running, waiting, held = await app.store.read(_counts)
        orphans = await _orphans(app)
    except StorageFailed:
        return []  # the check of the store says why
    except OSError as error:
        return [RUNS.unknown("orphans", "The list of processes", error)]
    counted = f"{running} running, {waiting} waiting; {held} held prompts."
    return [RUNS.info("runs", counted), _orphans_check(orphans)]


def _counts(tx: Transaction) -> tuple[int, int, int]:
    return len(executions.running(tx)), len(runs.waiting(tx)), len(sessions.held(tx))


async def _orphans(app: App) -> list[int]:
    """The processes of executions that are over; those of other data folders are not ours."""
    tags = await app.blocking(stop.all_tagged)
    ended = await app.store.read(lambda tx: executions.ended(tx, tags))
    # Looked at again: one that ended in between took a moment to be gone.
    left = await app.blocking(stop.all_tagged) if ended else {}
    return sorted(pid for tag in ended for pid in left.get(tag, ()))


def _orphans_check(pids: list[int]) -> Check:
    if not pids:
        return RUNS.ok("orphans", "No process of a run that is over goes on.")
    numbers = " ".join(map(str, pids))
    return RUNS.warning(
        "orphans",
        f"Processes of runs that are over go on: {numbers}.",
        f"Look at them with `ps -fp {','.join(map(str, pids))}`, and end them with "
        f"`kill {numbers}`.",
    )


# --- agents --------------------------------------------------------------------------------------


async def _agents(app: App, environment: Mapping[str, str]) -> list[Check]:
    found = await agents.listed(app, environment)
    checks = [_agent(one) for one in found]
    if not any(one.installed or one.downloads for one in found):
        checks.append(
            AGENTS.warning("anyAgent", "No agent can be started.", "Install one of these.")
        )
    wanted = app.settings.values.default_executor
    if wanted is not None:
        checks += _default_agent(app, wanted)
    return checks


def _agent(one: agents.Availability) -> Check:
    name = f"{one.agent.name} {one.agent.version}".rstrip()
    if one.installed:
        return AGENTS.ok("agent", f"{name} is there.")
    if one.downloads:
        return AGENTS.ok("agent", f"{name} is downloaded when it is first started.")
    how = launch.how_to_install(one.agent)
    return AGENTS.info(
        "agent", f"{one.agent.name} is not installed.", f"{how[0].upper()}{how[1:]}."
    )


def _default_agent(app: App, wanted: str) -> Iterator[Check]:
    try:
        app.agents.find(wanted)
    except AgentUnavailable as error:
        yield AGENTS.warning("defaultAgent", error.sentence, "Change the setting default_executor.")
