"""Approval: an agent's request for a permission, and a person's decision on it."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class ApprovalStatus(StrEnum):
    """Pending until a person answers, or until nobody needs the answer any more."""

    PENDING = "Pending"
    ANSWERED = "Answered"
    WITHDRAWN = "Withdrawn"


MOVES = MappingProxyType(
    {
        ApprovalStatus.PENDING: frozenset({ApprovalStatus.ANSWERED, ApprovalStatus.WITHDRAWN}),
        ApprovalStatus.ANSWERED: frozenset[ApprovalStatus](),
        ApprovalStatus.WITHDRAWN: frozenset[ApprovalStatus](),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalOption:
    """An answer that the agent offers; `kind` is ACP's (allow_once, reject_once, …)."""

    id: str
    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """`request_id` is the JSON-RPC id of the agent's request, as text."""

    id: str
    execution_process_id: str
    request_id: str
    tool_call_id: str | None = None
    sentence: str
    options: tuple[ApprovalOption, ...] = ()
    status: ApprovalStatus = ApprovalStatus.PENDING
    option_id: str | None = None
    answered_by: str | None = None
    answered_at: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1
