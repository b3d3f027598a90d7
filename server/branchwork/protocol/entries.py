"""Conversation entries on the wire, in the vocabulary of the Agent Client Protocol.

`kind` tells them apart. A client shows a kind that it doesn't know as nothing more than its name.
"""

from branchwork.domain.entry import EntryKind, PermissionOutcome, SessionStart
from branchwork.protocol.approvals import ApprovalOption
from branchwork.protocol.struct import Struct


class EntryBase(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """`index` is the place in its execution, `seq` the record that began it, `t` its time in ms."""

    execution_id: str
    index: int
    seq: int
    t: int


class TextEntry(EntryBase, frozen=True, kw_only=True):
    """A text, which may grow."""

    text: str
    message_id: str | None = None
    parent_id: str | None = None
    """The tool call of the subagent that speaks."""


class UserMessageEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.USER_MESSAGE.value):
    """A prompt."""


class AgentMessageEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.AGENT_MESSAGE.value):
    """What the agent says to the person; Markdown."""


class ThoughtEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.THOUGHT.value):
    """What the agent says to itself."""


class StderrEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.STDERR.value):
    """What the process printed to its standard error."""


class ScriptOutputEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.SCRIPT_OUTPUT.value):
    """What a script printed."""


class UnreadableEntry(TextEntry, frozen=True, kw_only=True, tag=EntryKind.UNREADABLE.value):
    """Output of an agent that is no message of its protocol."""


class ToolText(Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    """A text that a tool call shows."""

    text: str
    truncated: bool


class ToolDiff(Struct, frozen=True, kw_only=True, tag_field="type", tag="diff"):
    """A change as the agent tells it, to look at while it works; the truth is `workspace/diff`."""

    path: str
    old_text: str | None
    new_text: str
    truncated: bool


class ToolTerminal(Struct, frozen=True, kw_only=True, tag_field="type", tag="terminal"):
    """Here belongs the tool call's `output`."""

    terminal_id: str


class ToolMedia(Struct, frozen=True, kw_only=True, tag_field="type", tag="media"):
    """Content that is no text; `text` names it."""

    media: str
    text: str


ToolContent = ToolText | ToolDiff | ToolTerminal | ToolMedia


class Location(Struct, frozen=True, kw_only=True):
    """A file that a tool call is about; lines count from 1."""

    path: str
    line: int | None = None


class ToolCallEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.TOOL_CALL.value):
    """One use of a tool; `toolKind` and `status` are ACP's words, or those of a newer agent."""

    tool_call_id: str
    title: str
    tool_kind: str
    """read, edit, delete, move, search, execute, think, fetch, switch_mode or other."""
    status: str
    """pending, in_progress, completed or failed."""
    content: list[ToolContent]
    locations: list[Location]
    raw_input: str | None = None
    """JSON as text, cut where it is long."""
    raw_output: str | None = None
    output: str
    """What its terminal printed, which may grow."""
    output_truncated: bool
    exit_code: int | None = None
    parent_id: str | None = None


class PlanItem(Struct, frozen=True, kw_only=True):
    """One step of the agent's plan."""

    content: str
    priority: str
    status: str


class PlanEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.PLAN.value):
    """The agent's plan; a newer one replaces it."""

    items: list[PlanItem]


class PermissionRequestEntry(
    EntryBase, frozen=True, kw_only=True, tag=EntryKind.PERMISSION_REQUEST.value
):
    """The agent asks; without an `outcome` it waits for `approval/respond`."""

    request_id: str
    approval_id: str | None = None
    tool_call_id: str | None
    sentence: str
    options: list[ApprovalOption]
    outcome: PermissionOutcome | None
    option_id: str | None


class ModeChangeEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.MODE_CHANGE.value):
    """The agent works in another mode from here on."""

    mode_id: str
    name: str


class UsageEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.USAGE.value):
    """How full the context is, and what the session cost so far."""

    used: int | None
    size: int | None
    cost: float | None
    currency: str | None


class AvailableCommand(Struct, frozen=True, kw_only=True):
    """A slash command that the agent understands at the beginning of a prompt."""

    name: str
    description: str
    hint: str | None = None


class AvailableCommandsEntry(
    EntryBase, frozen=True, kw_only=True, tag=EntryKind.AVAILABLE_COMMANDS.value
):
    """The agent's slash commands."""

    commands: list[AvailableCommand]


class SessionBoundaryEntry(
    EntryBase, frozen=True, kw_only=True, tag=EntryKind.SESSION_BOUNDARY.value
):
    """A session begins here; `sentence` says so when the agent lost its history."""

    session_id: str | None = None
    executor: str | None = None
    agent_session_id: str
    start: SessionStart
    sentence: str


class CompactionEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.COMPACTION.value):
    """The agent shortened its own history."""

    compaction_id: str
    status: str
    summary: str


class NoticeEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.NOTICE.value):
    """Something to know that is no message."""

    severity: str
    title: str
    description: str


class StopEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.STOP.value):
    """The turn is over; `usage` counts tokens by the agent's own names."""

    stop_reason: str
    usage: dict[str, int | float]


class ErrorEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.ERROR.value):
    """Something failed; `reason` is a word for programs."""

    reason: str
    sentence: str
    code: int | None = None


class UnknownEntry(EntryBase, frozen=True, kw_only=True, tag=EntryKind.UNKNOWN.value):
    """An update that this version doesn't know; `raw` is its JSON."""

    name: str
    raw: str


Entry = (
    UserMessageEntry
    | AgentMessageEntry
    | ThoughtEntry
    | ToolCallEntry
    | PlanEntry
    | PermissionRequestEntry
    | ModeChangeEntry
    | UsageEntry
    | AvailableCommandsEntry
    | SessionBoundaryEntry
    | CompactionEntry
    | NoticeEntry
    | StopEntry
    | ErrorEntry
    | UnreadableEntry
    | UnknownEntry
    | StderrEntry
    | ScriptOutputEntry
)


class EntryPosition(Struct, frozen=True, kw_only=True):
    """An entry of a conversation: `index` counts from 0 in each execution."""

    execution_id: str
    index: int
