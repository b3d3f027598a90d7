"""branchwork/execution/*: the processes of a workspace and their logs."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from branchwork.domain.errors import Conflict, NotFound
from branchwork.domain.execution_process import AttentionKind, ExecutionStatus, RunReason
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ListParams, Page, ProgressToken, Reading, Struct


class LogView(StrEnum):
    """`text` is for a person, `raw` gives the journal's records."""

    TEXT = "text"
    RAW = "raw"


class CodingAgentTurn(Struct, frozen=True, kw_only=True):
    """One prompt and its answer; `usage` is what the agent said about tokens and cost."""

    id: str
    execution_process_id: str
    agent_session_id: str | None
    agent_message_id: str | None
    prompt: str | None
    summary: str | None
    seen: bool
    stop_reason: str | None
    usage: dict[str, Any] | None
    created_at: str
    updated_at: str
    revision: int


class ExecutionProcess(Struct, frozen=True, kw_only=True):
    """One process of a workspace: a script, a coding agent, a dev server."""

    id: str
    session_id: str
    workspace_id: str
    repo_id: str | None
    """The repo whose script it is."""
    plan_id: str | None
    step: int | None
    run_reason: RunReason
    status: ExecutionStatus
    exit_code: int | None
    dropped: bool
    stop_requested_at: str | None
    ended_reason: str | None
    """A word for programs, such as `needsLogin` or `lost`."""
    ended_sentence: str | None
    """The same for a person."""
    attention: AttentionKind | None
    started_at: str
    completed_at: str | None
    created_at: str
    updated_at: str
    revision: int
    executor_action: dict[str, Any] | None = None
    """What is run, with names of variables and never their values; left out in lists."""


class ExecutionProcessRepoState(Struct, frozen=True, kw_only=True):
    """HEAD of one repo's worktree around a process."""

    id: str
    execution_process_id: str
    repo_id: str
    before_head_commit: str | None
    after_head_commit: str | None
    merge_commit: str | None
    created_at: str
    updated_at: str
    revision: int


class Gap(Struct, frozen=True, kw_only=True):
    """Records that this client read too slowly to get; ask for them by `fromSeq`."""

    from_seq: int = msgspec.field(name="from")
    to_seq: int = msgspec.field(name="to")


class LogRecord(Struct, frozen=True, kw_only=True):
    """A record of the journal; `seq` has no holes, `t` is in milliseconds since 1970."""

    seq: int
    t: int
    s: str
    """`o` stdout, `e` stderr, `i` what was sent to it, `x` an event."""
    d: str | None = None
    """The line without its end."""
    b: str | None = None
    """Instead of `d`, as base64: a line that is not UTF-8."""
    more: bool | None = None
    """The line goes on in the next record of the same stream."""
    x: str | None = None
    """The event: started, execFailed, gap, paused, signal, closed."""
    bytes: int | None = None
    """How much a gap leaves out."""


class ExecutionListParams(ListParams, frozen=True, kw_only=True):
    """Of a workspace or a conversation; without either, all."""

    workspace_id: str | None = None
    conversation_id: str | None = None
    statuses: list[ExecutionStatus] | None = None
    run_reasons: list[RunReason] | None = None


class ExecutionListResult(Page, frozen=True, kw_only=True):
    """The newest first."""

    executions: list[ExecutionProcess]


class ExecutionGetParams(Struct, frozen=True, kw_only=True):
    """Which process."""

    execution_id: str


class ExecutionGetResult(Reading, frozen=True, kw_only=True):
    """A process and what hangs on it."""

    execution: ExecutionProcess
    repo_states: list[ExecutionProcessRepoState]
    turn: CodingAgentTurn | None = None


class ExecutionStopParams(Struct, frozen=True, kw_only=True):
    """Which process."""

    execution_id: str | None = None


class ExecutionStopResult(Struct, frozen=True, kw_only=True):
    """The process, ended."""

    execution: ExecutionProcess


class ExecutionLogsParams(Struct, frozen=True, kw_only=True):
    """Whose log, from where, in which form."""

    execution_id: str | None = None
    intent_id: str | None = None
    """Instead of `executionId`: a git operation with hooks."""
    view: LogView = LogView.TEXT
    from_seq: Annotated[int, msgspec.Meta(ge=1)] = 1
    follow: bool = False
    """Go on until the process has ended or the request is cancelled."""
    with_sent: bool = False
    """In the raw view, also what was sent to the process."""
    partial_result_token: ProgressToken | None = None


class ExecutionLogsPart(Struct, frozen=True, kw_only=True):
    """One piece of the stream: text, or records, or a gap."""

    execution_id: str | None = None
    intent_id: str | None = None
    next_seq: int
    """The `fromSeq` to go on with after this piece."""
    text: str | None = None
    records: list[LogRecord] | None = None
    gap: Gap | None = None


class ExecutionLogsResult(Struct, frozen=True, kw_only=True):
    """`text` or `records` are here only where no `partialResultToken` was given, up to 1 MiB."""

    next_seq: int
    status: ExecutionStatus
    exit_code: int | None
    text: str | None = None
    records: list[LogRecord] | None = None


LIST = Request(
    method="branchwork/execution/list",
    params=ExecutionListParams,
    result=ExecutionListResult,
    doc="The processes of a workspace or a conversation, the newest first; "
    "without either, all that match.",
    errors=(NotFound,),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID, "statuses": ["Running"]},
        result={**examples.READING, "executions": [examples.EXECUTION]},
    ),
)
GET = Request(
    method="branchwork/execution/get",
    params=ExecutionGetParams,
    result=ExecutionGetResult,
    doc="One process with HEAD of each repo before and after it, "
    "and its turn if it is a coding agent.",
    errors=(NotFound,),
    example=Example(
        params={"executionId": examples.EXECUTION_ID},
        result={
            **examples.READING,
            "execution": {**examples.EXECUTION, "executorAction": {"executor": "CLAUDE_CODE"}},
            "repoStates": [examples.REPO_STATE],
            "turn": examples.TURN,
        },
    ),
)
STOP = Request(
    method="branchwork/execution/stop",
    params=ExecutionStopParams,
    result=ExecutionStopResult,
    doc="Ends one process. An agent is asked to cancel its turn first; "
    "what does not end by itself is killed. The answer comes when it has ended.",
    errors=(NotFound, Conflict),
    example=Example(
        params={"executionId": examples.EXECUTION_ID},
        result={"execution": examples.EXECUTION_KILLED},
    ),
    mutating=True,
    bare="Ends the one process that runs in the current workspace or task; "
    "opens the board where that is not exactly one.",
)
LOGS = Request(
    method="branchwork/execution/logs",
    params=ExecutionLogsParams,
    result=ExecutionLogsResult,
    doc="The log of a process from a record on, and with `follow` what comes after it, "
    "as one stream without a gap or a repeat. "
    "`text` shows a script's output as it is and an agent's entries as text.",
    errors=(NotFound,),
    progress=ExecutionLogsPart,
    example=Example(
        params={
            "executionId": examples.EXECUTION_ID,
            "view": "raw",
            "fromSeq": 1,
            "follow": True,
            "partialResultToken": "p1",
        },
        result={"nextSeq": 58, "status": "Completed", "exitCode": 0},
        progress={
            "executionId": examples.EXECUTION_ID,
            "nextSeq": 2,
            "records": [{"seq": 1, "t": 1795423493239, "s": "o", "d": "added 12 packages"}],
        },
    ),
)
