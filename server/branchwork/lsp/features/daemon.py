"""branchwork/daemon/*."""

import os
import sqlite3

from branchwork import endpoint
from branchwork.domain.errors import GitFailed
from branchwork.git import command
from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import targets
from branchwork.lsp.registry import Features
from branchwork.protocol import daemon as wire
from branchwork.protocol.capabilities import PROTOCOL_VERSION
from branchwork.services import doctor
from branchwork.store import schema_version


async def daemon_status(
    ls: EditorConnection, _params: wire.DaemonStatusParams
) -> wire.DaemonStatusResult:
    """Who answers, and how it is."""
    app = ls.app
    return wire.DaemonStatusResult(
        version=endpoint.version(),
        protocol_version=PROTOCOL_VERSION,
        pid=os.getpid(),
        uptime_seconds=app.uptime_seconds(),
        data_folder=str(app.data),
        connections=len(app.environments.sources),
        running_executions=len(app.live),
        git_version=await app.blocking(_git_version),
        sqlite_version=sqlite3.sqlite_version,
        schema_revision=schema_version.known()[-1],
        safe_mode=ls.failure is not None,
        problem=app.settings.problem if ls.failure is None else ls.failure.sentence,
        current=None if ls.failure else to_protocol.current(await targets.place(ls)),
    )


async def examine(
    ls: EditorConnection, _params: wire.DaemonDoctorParams
) -> wire.DaemonDoctorResult:
    """Everything that can be wrong, looked at now."""
    folder = next(iter(ls.roots), ls.peer.cwd)
    patient = doctor.Patient(environment=ls.environment, folder=folder)
    checks = await doctor.examine(ls.app, patient, PROTOCOL_VERSION)
    return wire.DaemonDoctorResult(checks=[to_protocol.check(one) for one in checks])


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.STATUS, daemon_status)
    features.method(wire.DOCTOR, examine)


def _git_version() -> str | None:
    try:
        return ".".join(str(part) for part in command.version())
    except GitFailed:
        return None
