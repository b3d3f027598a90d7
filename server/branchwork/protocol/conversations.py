"""branchwork/conversation/*: an agent's sessions in a workspace as one talk."""

from enum import StrEnum

import msgspec

from branchwork.domain.errors import AgentUnavailable, Conflict, NotFound
from branchwork.domain.execution_process import ExecutionStatus
from branchwork.protocol import examples
from branchwork.protocol.approvals import Approval
from branchwork.protocol.entries import Entry, EntryPosition
from branchwork.protocol.executions import CodingAgentTurn, ExecutionProcess
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ListParams, Page, ProgressToken, Reading, Struct
from branchwork.protocol.workspaces import Session


class PromptOutcome(StrEnum):
    """What became of a prompt."""

    SENT = "sent"
    QUEUED = "queued"


class EntryChangeOp(StrEnum):
    """`append` adds `text` to an entry's text, of a tool call to its `output`."""

    ADD = "add"
    REPLACE = "replace"
    APPEND = "append"


class Conversation(Struct, frozen=True, kw_only=True):
    """A chain of sessions with one agent; `id` is that of the first."""

    id: str
    workspace_id: str
    task_id: str
    executor: str | None
    session_count: int
    status: ExecutionStatus | None
    """Of the newest coding agent; null before the first has started."""
    summary: str | None
    """The agent's last word."""
    seen: bool
    running: bool
    needs_you: bool
    queued_count: int
    created_at: str
    updated_at: str


class QueuedPrompt(Struct, frozen=True, kw_only=True):
    """A message that waits for its turn; `heldBecause` says why it is not sent by itself."""

    id: str
    conversation_id: str
    position: int
    prompt: str
    held_because: str | None
    created_at: str
    updated_at: str
    revision: int


class ConversationListParams(ListParams, frozen=True, kw_only=True):
    """Of a workspace or a task; without either, all."""

    workspace_id: str | None = None
    task_id: str | None = None


class ConversationListResult(Page, frozen=True, kw_only=True):
    """The newest first."""

    conversations: list[Conversation]


class ConversationGetParams(Struct, frozen=True, kw_only=True):
    """Which conversation."""

    conversation_id: str


class ConversationGetResult(Reading, frozen=True, kw_only=True):
    """All of a conversation but its entries."""

    conversation: Conversation
    sessions: list[Session]
    executions: list[ExecutionProcess]
    turns: list[CodingAgentTurn]
    approvals: list[Approval]
    """Those that wait."""
    queue: list[QueuedPrompt]


class ConversationEntriesParams(Struct, frozen=True, kw_only=True):
    """Which entries, and whether to go on."""

    conversation_id: str
    from_position: EntryPosition | None = msgspec.field(name="from", default=None)
    """The first entry to send; without it, from the beginning."""
    follow: bool = False
    """Go on until the request is cancelled, also over follow-ups."""
    partial_result_token: ProgressToken | None = None


class EntryChange(Struct, frozen=True, kw_only=True):
    """A new entry, another one in its place, or more text for it."""

    op: EntryChangeOp
    execution_id: str
    index: int
    entry: Entry | None = None
    text: str | None = None


class ConversationEntriesPart(Struct, frozen=True, kw_only=True):
    """Changes in order."""

    changes: list[EntryChange]
    gap: EntryPosition | None = None
    """What comes from here on was left out: ask again from there."""


class ConversationEntriesResult(Struct, frozen=True, kw_only=True):
    """`entries` are here only where no `partialResultToken` was given, up to 1 MiB."""

    next: EntryPosition | None
    """The `from` to go on with; null while there is no execution."""
    status: ExecutionStatus | None
    entries: list[Entry] | None = None


class ConversationPromptParams(Struct, frozen=True, kw_only=True):
    """What to say to whom."""

    conversation_id: str | None = None
    prompt: str | None = None


class ConversationPromptResult(Struct, frozen=True, kw_only=True):
    """`queued`, or the `session` that it was sent in, with its `execution` unless that waits."""

    outcome: PromptOutcome
    queued: QueuedPrompt | None = None
    session: Session | None = None
    execution: ExecutionProcess | None = None
    note: str | None = None
    """A sentence for the person, such as what it waits for."""


class ConversationQueueParams(Struct, frozen=True, kw_only=True):
    """Which conversation, and at most one thing to do with its queue."""

    conversation_id: str | None = None
    send: str | None = None
    """The id of a prompt to send now, such as one that is held."""
    remove: str | None = None
    """The id of a prompt to drop."""
    edit: str | None = None
    """The id of a prompt to change to `prompt`."""
    prompt: str | None = None


class ConversationQueueResult(Struct, frozen=True, kw_only=True):
    """The queue as it is now, and the run that was begun."""

    queue: list[QueuedPrompt]
    session: Session | None = None
    execution: ExecutionProcess | None = None


class ConversationMarkSeenParams(Struct, frozen=True, kw_only=True):
    """Which conversation."""

    conversation_id: str | None = None


class ConversationMarkSeenResult(Struct, frozen=True, kw_only=True):
    """The conversation, seen."""

    conversation: Conversation


LIST = Request(
    method="branchwork/conversation/list",
    params=ConversationListParams,
    result=ConversationListResult,
    doc="The conversations of a workspace or a task, the newest first.",
    errors=(NotFound,),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID},
        result={**examples.READING, "conversations": [examples.CONVERSATION]},
    ),
)
GET = Request(
    method="branchwork/conversation/get",
    params=ConversationGetParams,
    result=ConversationGetResult,
    doc="One conversation with its sessions, processes, turns, open requests and queue.",
    errors=(NotFound,),
    example=Example(
        params={"conversationId": examples.CONVERSATION_ID},
        result={
            **examples.READING,
            "conversation": examples.CONVERSATION,
            "sessions": [examples.SESSION],
            "executions": [examples.EXECUTION],
            "turns": [examples.TURN],
            "approvals": [examples.APPROVAL],
            "queue": [],
        },
    ),
)
ENTRIES = Request(
    method="branchwork/conversation/entries",
    params=ConversationEntriesParams,
    result=ConversationEntriesResult,
    doc="What was said and done, over all sessions, each beginning with a boundary entry. "
    "A text that grows comes as `append`, never as a whole again.",
    errors=(NotFound,),
    progress=ConversationEntriesPart,
    example=Example(
        params={
            "conversationId": examples.CONVERSATION_ID,
            "from": {"executionId": examples.EXECUTION_ID, "index": 1},
            "follow": True,
            "partialResultToken": "p2",
        },
        result={
            "next": {"executionId": examples.EXECUTION_ID, "index": 3},
            "status": "Completed",
        },
        progress={
            "changes": [
                {
                    "op": "add",
                    "executionId": examples.EXECUTION_ID,
                    "index": 2,
                    "entry": examples.ENTRY,
                },
                {
                    "op": "append",
                    "executionId": examples.EXECUTION_ID,
                    "index": 2,
                    "text": " now returns None.",
                },
            ]
        },
    ),
)
PROMPT = Request(
    method="branchwork/conversation/prompt",
    params=ConversationPromptParams,
    result=ConversationPromptResult,
    doc="Sends a follow-up: at once where nothing runs, else it is queued. "
    "It is stored before the answer comes.",
    errors=(NotFound, Conflict, AgentUnavailable),
    example=Example(
        params={"conversationId": examples.CONVERSATION_ID, "prompt": "Add a test."},
        result={"outcome": "queued", "queued": examples.QUEUED_PROMPT},
    ),
    mutating=True,
    bare="Opens the current conversation as a document, where a prompt can be written; "
    "else the board.",
)
QUEUE = Request(
    method="branchwork/conversation/queue",
    params=ConversationQueueParams,
    result=ConversationQueueResult,
    doc="The prompts that wait, in their order; sends, drops or changes one of them. "
    "A prompt that is held is never sent by itself.",
    errors=(NotFound, Conflict, AgentUnavailable),
    example=Example(
        params={"conversationId": examples.CONVERSATION_ID},
        result={"queue": [examples.QUEUED_PROMPT]},
    ),
    mutating=True,
    bare="Opens the attention document, where each prompt that is held has its actions.",
)
MARK_SEEN = Request(
    method="branchwork/conversation/markSeen",
    params=ConversationMarkSeenParams,
    result=ConversationMarkSeenResult,
    doc="Says that a person has looked: its finished and failed turns leave the attention list.",
    errors=(NotFound,),
    example=Example(
        params={"conversationId": examples.CONVERSATION_ID},
        result={"conversation": {**examples.CONVERSATION, "seen": True}},
    ),
    mutating=True,
    bare="Marks the current conversation, else opens the attention document.",
)
