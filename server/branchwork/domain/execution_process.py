"""ExecutionProcess and what hangs on it: repo states, log segments, the coding agent's turn."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any


class RunReason(StrEnum):
    """What a process is for."""

    SETUP_SCRIPT = "SetupScript"
    CLEANUP_SCRIPT = "CleanupScript"
    ARCHIVE_SCRIPT = "ArchiveScript"
    CODING_AGENT = "CodingAgent"
    DEV_SERVER = "DevServer"


class ExecutionStatus(StrEnum):
    """Running, and the three ways to end."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    FAILED = "Failed"
    KILLED = "Killed"


MOVES = MappingProxyType(
    {
        ExecutionStatus.RUNNING: frozenset(
            {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.KILLED}
        ),
        ExecutionStatus.COMPLETED: frozenset[ExecutionStatus](),
        ExecutionStatus.FAILED: frozenset[ExecutionStatus](),
        ExecutionStatus.KILLED: frozenset[ExecutionStatus](),
    }
)


class AttentionKind(StrEnum):
    """Why an ended process waits for a person to look at it."""

    FINISHED = "finished"
    FAILED = "failed"
    LOST = "lost"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionProcess:
    """`executor_action` holds names of variables, never their values.

    `repo_id` is set for scripts; `plan_id` and `step` say which step of which run this is;
    `ended_reason` is a word for programs (`agentExited`, `needsLogin`, `lost`, …) and
    `ended_sentence` the sentence for a person; `attention` stays until somebody has looked.
    """

    id: str
    session_id: str
    workspace_id: str
    repo_id: str | None = None
    plan_id: str | None = None
    step: int | None = None
    run_reason: RunReason
    executor_action: Mapping[str, Any] = field(default_factory=dict)
    status: ExecutionStatus = ExecutionStatus.RUNNING
    exit_code: int | None = None
    dropped: bool = False
    stop_requested_at: str | None = None
    ended_reason: str | None = None
    ended_sentence: str | None = None
    attention: AttentionKind | None = None
    started_at: str
    completed_at: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionProcessRepoState:
    """HEAD of one repo's worktree around a process."""

    id: str
    execution_process_id: str
    repo_id: str
    before_head_commit: str | None = None
    after_head_commit: str | None = None
    merge_commit: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionProcessLogs:
    """One segment file of a process' journal; the lines themselves never enter the database."""

    execution_process_id: str
    segment: int
    path: str
    first_seq: int
    last_seq: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CodingAgentTurn:
    """One prompt and its answer. `usage` is the agent's own word, `folded_seq` the last record
    of the journal that these columns know of."""

    id: str
    execution_process_id: str
    agent_session_id: str | None = None
    agent_message_id: str | None = None
    prompt: str | None = None
    summary: str | None = None
    seen: bool = False
    stop_reason: str | None = None
    usage: Mapping[str, Any] | None = None
    folded_seq: int = 0
    created_at: str
    updated_at: str
    revision: int = 1
