"""The error codes of the protocol as data: `lsp` raises them, the generated page lists them.

-32001 and -32002 are never used: they are LSP's own.
"""

from dataclasses import dataclass
from types import MappingProxyType

from branchwork.domain import errors as domain
from branchwork.protocol.struct import Struct

INVALID_PARAMS = -32602
CONTENT_MODIFIED = -32801


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One row of the table."""

    code: int
    name: str
    meaning: str


class ErrorData(Struct, frozen=True, kw_only=True):
    """`data` of an error: beside these two, the ids of what it is about."""

    kind: str
    """A word for programs, finer than the code, such as `alreadyAnswered`."""
    retryable: bool
    """The same request may work later without any change."""


CODES = MappingProxyType(
    {
        domain.InvalidInput: ErrorCode(
            INVALID_PARAMS, "InvalidInput", "A value that can't be used; the field is named."
        ),
        domain.NotFound: ErrorCode(-32010, "NotFound", "Nothing has that id."),
        domain.Conflict: ErrorCode(
            -32011, "Conflict", "It can't be done as things stand; `kind` says why."
        ),
        domain.IllegalTransition: ErrorCode(
            -32012, "IllegalTransition", "That status may not follow the present one."
        ),
        domain.RevisionMismatch: ErrorCode(
            CONTENT_MODIFIED, "RevisionMismatch", "Somebody else edited it; read it again."
        ),
        domain.NotARepository: ErrorCode(
            -32013, "NotARepository", "No git repository that can be worked on."
        ),
        domain.AgentUnavailable: ErrorCode(
            -32014, "AgentUnavailable", "The agent is unknown, not installed or not logged in."
        ),
        domain.AgentFailed: ErrorCode(
            -32019, "AgentFailed", "The agent answered with an error or broke its protocol."
        ),
        domain.GitFailed: ErrorCode(-32015, "GitFailed", "A git command failed."),
        domain.StorageFailed: ErrorCode(
            -32018, "StorageFailed", "The data folder or its database can't be used."
        ),
        domain.StorageFull: ErrorCode(
            -32016, "StorageFull", "No space left where the data folder lies."
        ),
        domain.DaemonLost: ErrorCode(
            -32017, "DaemonLost", "The daemon went away meanwhile; send the request again."
        ),
    }
)
"""By class; the nearest base of a class that is not here counts."""

ANYWHERE = (
    domain.InvalidInput,
    domain.StorageFailed,
    domain.StorageFull,
    domain.DaemonLost,
)
"""What any method may answer, and so none lists."""


def error_code(error: type[domain.BranchworkError]) -> ErrorCode | None:
    """The code of a class or of its nearest base that has one."""
    for base in error.__mro__:
        if issubclass(base, domain.BranchworkError) and base in CODES:
            return CODES[base]
    return None
