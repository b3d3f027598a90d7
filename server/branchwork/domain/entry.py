"""Conversation entries: what an execution said and did, in the vocabulary of ACP.

Values only. How a journal becomes entries is known by `agents`, how they are sent by `protocol`.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from branchwork.domain.approval import ApprovalOption


class EntryKind(StrEnum):
    """What an entry is; clients treat a kind that they don't know as text."""

    USER_MESSAGE = "user_message"
    AGENT_MESSAGE = "agent_message"
    THOUGHT = "thought"
    TOOL_CALL = "tool_call"
    PLAN = "plan"
    PERMISSION_REQUEST = "permission_request"
    MODE_CHANGE = "mode_change"
    USAGE = "usage"
    AVAILABLE_COMMANDS = "available_commands"
    SESSION_BOUNDARY = "session_boundary"
    COMPACTION = "compaction"
    NOTICE = "notice"
    STOP = "stop"
    ERROR = "error"
    UNREADABLE = "unreadable"
    UNKNOWN = "unknown"
    STDERR = "stderr"
    SCRIPT_OUTPUT = "script_output"


class SessionStart(StrEnum):
    """How the agent's session came to be; `restarted` means that its history was lost."""

    NEW = "new"
    RESUMED = "resumed"
    LOADED = "loaded"
    RESTARTED = "restarted"


class PermissionOutcome(StrEnum):
    """What became of a request; none of these while it waits for a person."""

    SELECTED = "selected"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`index` is the place in its execution, `seq` the journal's record that began it."""

    kind: ClassVar[EntryKind]
    index: int
    seq: int
    t: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEntry(Entry):
    """An entry that is one text, which may grow; a text that was cut says so at its end.

    `message_id` is the agent's, `parent_id` the tool call of the subagent that speaks.
    """

    text: str
    message_id: str | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserMessage(TextEntry):
    """The prompt."""

    kind: ClassVar[EntryKind] = EntryKind.USER_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMessage(TextEntry):
    """What the agent says to the person."""

    kind: ClassVar[EntryKind] = EntryKind.AGENT_MESSAGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Thought(TextEntry):
    """What the agent says to itself."""

    kind: ClassVar[EntryKind] = EntryKind.THOUGHT


@dataclass(frozen=True, slots=True, kw_only=True)
class Stderr(TextEntry):
    """What the process printed to its standard error, lines joined."""

    kind: ClassVar[EntryKind] = EntryKind.STDERR


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptOutput(TextEntry):
    """What a script printed to its standard output, lines joined."""

    kind: ClassVar[EntryKind] = EntryKind.SCRIPT_OUTPUT


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable(TextEntry):
    """Lines of an agent's standard output that are not messages of its protocol."""

    kind: ClassVar[EntryKind] = EntryKind.UNREADABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolText:
    """A text that a tool call shows."""

    text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolDiff:
    """A change as the agent tells it: to be shown while it works, never to be counted or applied.

    The truth is git in the worktree. `old_text` is None or empty for a new file.
    """

    path: str
    old_text: str | None
    new_text: str
    truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTerminal:
    """Where the output of a command belongs; the output itself stands in `ToolCall.output`."""

    terminal_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolMedia:
    """Content that is no text: an image, a link, a resource; `text` names it."""

    media: str
    text: str


ToolContent = ToolText | ToolDiff | ToolTerminal | ToolMedia


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A file that a tool call is about."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(Entry):
    """One use of a tool. `tool_kind` and `status` are ACP's words, or a newer agent's.

    `raw_input` and `raw_output` are JSON, cut where long; `output` is what its terminal printed.
    """

    kind: ClassVar[EntryKind] = EntryKind.TOOL_CALL
    tool_call_id: str
    title: str
    tool_kind: str = "other"
    status: str = "pending"
    content: tuple[ToolContent, ...] = ()
    locations: tuple[Location, ...] = ()
    raw_input: str | None = None
    raw_output: str | None = None
    output: str = ""
    output_truncated: bool = False
    exit_code: int | None = None
    parent_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """One step of the agent's plan."""

    content: str
    priority: str = "medium"
    status: str = "pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Entry):
    """The agent's plan as it stands; a new one replaces it."""

    kind: ClassVar[EntryKind] = EntryKind.PLAN
    items: tuple[PlanItem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PermissionRequest(Entry):
    """The agent asks; `option_id` is the answer it was given."""

    kind: ClassVar[EntryKind] = EntryKind.PERMISSION_REQUEST
    request_id: str
    tool_call_id: str | None
    sentence: str
    options: tuple[ApprovalOption, ...] = ()
    outcome: PermissionOutcome | None = None
    option_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChange(Entry):
    """The agent works in another mode from here on."""

    kind: ClassVar[EntryKind] = EntryKind.MODE_CHANGE
    mode_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage(Entry):
    """How full the context is and what the session cost so far; one entry, kept up to date."""

    kind: ClassVar[EntryKind] = EntryKind.USAGE
    used: int | None = None
    size: int | None = None
    cost: float | None = None
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableCommand:
    """A slash command that the agent understands."""

    name: str
    description: str = ""
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailableCommands(Entry):
    """The agent's slash commands; one entry, kept up to date."""

    kind: ClassVar[EntryKind] = EntryKind.AVAILABLE_COMMANDS
    commands: tuple[AvailableCommand, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionBoundary(Entry):
    """A session of the agent begins here; `sentence` says so when its history was lost."""

    kind: ClassVar[EntryKind] = EntryKind.SESSION_BOUNDARY
    agent_session_id: str
    start: SessionStart
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction(Entry):
    """The agent shortened its own history."""

    kind: ClassVar[EntryKind] = EntryKind.COMPACTION
    compaction_id: str
    status: str
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Entry):
    """Something to know that is no message: from the agent, or about its process."""

    kind: ClassVar[EntryKind] = EntryKind.NOTICE
    severity: str
    title: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Entry):
    """The turn is over; `usage` is the agent's count of tokens by its own names."""

    kind: ClassVar[EntryKind] = EntryKind.STOP
    stop_reason: str
    usage: dict[str, int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Entry):
    """Something failed; `reason` is a word for programs, `sentence` is for a person."""

    kind: ClassVar[EntryKind] = EntryKind.ERROR
    reason: str
    sentence: str
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown(Entry):
    """An update of a kind that this version doesn't know, as the agent sent it."""

    kind: ClassVar[EntryKind] = EntryKind.UNKNOWN
    name: str
    raw: str
