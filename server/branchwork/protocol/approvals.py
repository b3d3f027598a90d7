"""branchwork/approval/*: what agents ask, and what people answer."""

from branchwork.domain.approval import ApprovalStatus
from branchwork.domain.errors import Conflict, NotFound
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ListParams, Page, Struct


class ApprovalOption(Struct, frozen=True, kw_only=True):
    """An answer that the agent offers."""

    id: str
    kind: str
    """ACP's word: allow_once, allow_always, reject_once or reject_always."""
    name: str


class Approval(Struct, frozen=True, kw_only=True):
    """A permission that an agent asks for. The first answer counts, whoever gives it."""

    id: str
    execution_process_id: str
    request_id: str
    tool_call_id: str | None
    sentence: str
    options: list[ApprovalOption]
    status: ApprovalStatus
    option_id: str | None
    answered_by: str | None
    answered_at: str | None
    created_at: str
    updated_at: str
    revision: int
    task_id: str | None = None
    workspace_id: str | None = None
    conversation_id: str | None = None


class ApprovalListParams(ListParams, frozen=True, kw_only=True):
    """Which requests of agents."""

    statuses: list[ApprovalStatus] | None = None
    """Without it, those that wait."""
    workspace_id: str | None = None
    conversation_id: str | None = None


class ApprovalListResult(Page, frozen=True, kw_only=True):
    """The oldest first."""

    approvals: list[Approval]


class ApprovalRespondParams(Struct, frozen=True, kw_only=True):
    """Which request, and which of its options."""

    approval_id: str | None = None
    option_id: str | None = None
    reason: str | None = None
    """Why not: sent to the agent as the next prompt after a reject."""


class ApprovalRespondResult(Struct, frozen=True, kw_only=True):
    """The request, answered."""

    approval: Approval


LIST = Request(
    method="branchwork/approval/list",
    params=ApprovalListParams,
    result=ApprovalListResult,
    doc="What agents ask, the oldest first.",
    errors=(NotFound,),
    example=Example(result={**examples.READING, "approvals": [examples.APPROVAL]}),
)
RESPOND = Request(
    method="branchwork/approval/respond",
    params=ApprovalRespondParams,
    result=ApprovalRespondResult,
    doc="Answers an agent's request with one of its options. "
    "The decision is stored before it is sent. "
    "A second answer is a Conflict of the kind `alreadyAnswered`.",
    errors=(NotFound, Conflict),
    example=Example(
        params={"approvalId": examples.APPROVAL_ID, "optionId": "o1"},
        result={"approval": examples.APPROVAL_ANSWERED},
    ),
    mutating=True,
    bare="Opens the attention document, where each request stands with its answers; "
    "it never answers one by itself.",
)
