"""branchwork/attention/*: what waits for a person."""

from enum import StrEnum

from branchwork.protocol import examples
from branchwork.protocol.approvals import ApprovalOption
from branchwork.protocol.method import Example, Notification, Request
from branchwork.protocol.struct import Reading, Struct


class AttentionItemKind(StrEnum):
    """Why a person is needed."""

    APPROVAL = "approval"
    FAILED = "failed"
    FINISHED = "finished"
    LOST = "lost"
    HELD_PROMPT = "heldPrompt"


class AttentionItem(Struct, frozen=True, kw_only=True):
    """One thing that waits; `id` is that of the approval, the execution or the queued prompt."""

    id: str
    kind: AttentionItemKind
    task_id: str
    task_title: str
    workspace_id: str
    conversation_id: str | None = None
    execution_id: str | None = None
    sentence: str
    """What to show."""
    options: list[ApprovalOption] | None = None
    """Of an approval."""
    since: str


class AttentionListParams(Struct, frozen=True, kw_only=True):
    """Of one project or of all."""

    project_id: str | None = None


class AttentionListResult(Reading, frozen=True, kw_only=True):
    """The oldest first."""

    items: list[AttentionItem]


class AttentionChangedParams(Reading, frozen=True, kw_only=True):
    """The whole list as it is now; every connection gets the same."""

    items: list[AttentionItem]


class AttentionClaimParams(Struct, frozen=True, kw_only=True):
    """Items that are new to this client."""

    ids: list[str]


class AttentionClaimResult(Struct, frozen=True, kw_only=True):
    """Those that are its to announce."""

    ids: list[str]


LIST = Request(
    method="branchwork/attention/list",
    params=AttentionListParams,
    result=AttentionListResult,
    doc="What waits for a person, the oldest first: requests of agents, runs that failed, "
    "were lost or finished and were not seen, and prompts that are held.",
    example=Example(result={**examples.READING, "items": [examples.ATTENTION_ITEM]}),
)
CLAIM = Request(
    method="branchwork/attention/claim",
    params=AttentionClaimParams,
    result=AttentionClaimResult,
    doc="Which of some new items this client shall announce. Each is given to whoever asks first, "
    "so that of many windows one tells the person.",
    example=Example(params={"ids": [examples.APPROVAL_ID]}, result={"ids": [examples.APPROVAL_ID]}),
)
CHANGED = Notification(
    method="branchwork/attention/changed",
    params=AttentionChangedParams,
    doc="The attention list is different now. "
    "An item that is gone was answered or seen, here or elsewhere.",
    example={**examples.READING, "items": [examples.ATTENTION_ITEM]},
)
