"""branchwork/daemon/*: the process that answers."""

from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import Current, Struct


class DaemonStatusParams(Struct, frozen=True, kw_only=True):
    """No parameters."""


class DaemonStatusResult(Struct, frozen=True, kw_only=True):
    """The daemon, its data and its health."""

    version: str
    protocol_version: int
    pid: int
    uptime_seconds: float
    data_folder: str
    connections: int
    running_executions: int
    git_version: str | None
    """null: no git was found."""
    sqlite_version: str
    schema_revision: str | None
    safe_mode: bool
    """The store could not be opened: every other method answers why."""
    problem: str | None = None
    """What is wrong, and what to do."""
    current: Current | None = None


STATUS = Request(
    method="branchwork/daemon/status",
    params=DaemonStatusParams,
    result=DaemonStatusResult,
    doc="Which daemon answers, where its data is, and how it is. It answers in safe mode too.",
    example=Example(result=examples.DAEMON_STATUS),
)
