"""branchwork/daemon/*: the process that answers."""

from enum import StrEnum

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
    """The store could not be opened: every method but `status` and `doctor` answers why."""
    problem: str | None = None
    """What is wrong, and what to do."""
    current: Current | None = None


class CheckStatus(StrEnum):
    """How something that was looked at is."""

    OK = "ok"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Check(Struct, frozen=True, kw_only=True):
    """Something that was looked at, and how it is."""

    id: str
    """What was looked at, for programs; each agent has a check with the same one."""
    group: str
    """The heading to show it under; checks of one group follow each other."""
    status: CheckStatus
    sentence: str
    advice: str | None = None
    """What to do about it; it may have several lines."""


class DaemonDoctorParams(Struct, frozen=True, kw_only=True):
    """No parameters."""


class DaemonDoctorResult(Struct, frozen=True, kw_only=True):
    """Everything that was looked at, group by group."""

    checks: list[Check]


STATUS = Request(
    method="branchwork/daemon/status",
    params=DaemonStatusParams,
    result=DaemonStatusResult,
    doc="Which daemon answers, where its data is, and how it is. It answers in safe mode too.",
    example=Example(result=examples.DAEMON_STATUS),
    in_safe_mode=True,
)
DOCTOR = Request(
    method="branchwork/daemon/doctor",
    params=DaemonDoctorParams,
    result=DaemonDoctorResult,
    doc="Looks at all that Branchwork needs here, and says what is wrong and what to do. "
    "Programs are looked for in this connection's environment. It answers in safe mode too.",
    example=Example(result={"checks": examples.CHECKS}),
    in_safe_mode=True,
)
