"""The run chain: what a run consists of and what follows the end of each of its processes.

The table is pure: services read it, do what it says, and write the result in one transaction.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from branchwork.domain.execution_process import AttentionKind, RunReason


class StepKind(StrEnum):
    """What a step is, more finely than its run reason: the same script differs by its place."""

    SETUP = "setup"
    PARALLEL_SETUP = "parallel_setup"
    CODING_AGENT = "coding_agent"
    CLEANUP = "cleanup"
    ARCHIVE = "archive"
    DEV_SERVER = "dev_server"
    BY_HAND = "by_hand"


class End(StrEnum):
    """How a process ended; `lost` is a shim that vanished without an exit file."""

    COMPLETED = "completed"
    FAILED = "failed"
    KILLED = "killed"
    LOST = "lost"


class Next(StrEnum):
    """What the chain does after a process."""

    STEP = "step"
    STEP_IF_CHANGED = "step_if_changed"
    STOP = "stop"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One process of a run, with its script as it was when the run was planned."""

    kind: StepKind
    run_reason: RunReason
    repo_id: str | None = None
    script: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """The ordered steps of a run and the position of the one that runs or comes next.

    `prompt`, `executor`, `resume` and `mode` are for its coding agent step. `closed_at` is set when
    nothing of it will start any more.
    """

    id: str
    workspace_id: str
    session_id: str
    steps: tuple[Step, ...]
    position: int = 0
    prompt: str | None = None
    executor: str | None = None
    resume: str | None = None
    mode: str | None = None
    closed_at: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRun:
    """A planned run whose next process can't start yet; `place` is its place in the line."""

    id: str
    plan_id: str
    why: str
    until: str | None = None
    place: int = 0
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """At most one coding agent in a directory, whichever workspace it belongs to."""

    real_path: str
    execution_process_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A git operation under way, written before git runs, closed when its rows are written."""

    id: str
    kind: str
    workspace_id: str | None = None
    payload: dict[str, object]
    step: str
    closed_at: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What follows one end of one kind of step.

    `commit`: auto-commit what it changed first. `in_review`: the chain is over and the task goes to
    InReview. `attention`: a person should look. `hold_queue`: queued prompts wait for a person.
    `setup_done`: the last setup sets `setup_completed_at`. `resume`: offer to resume the agent.
    """

    next: Next
    commit: bool = False
    in_review: bool = False
    attention: AttentionKind | None = None
    hold_queue: bool = False
    setup_done: bool = False
    resume: bool = False


_STATUS_ONLY = Cell(next=Next.NOTHING)
_STOPPED_SCRIPT = Cell(next=Next.STOP, in_review=True, hold_queue=True)
_FAILED_SCRIPT = Cell(
    next=Next.STOP, in_review=True, hold_queue=True, attention=AttentionKind.FAILED
)

CHAIN = MappingProxyType(
    {
        (StepKind.SETUP, End.COMPLETED): Cell(next=Next.STEP, setup_done=True),
        (StepKind.SETUP, End.FAILED): _FAILED_SCRIPT,
        (StepKind.SETUP, End.KILLED): _STOPPED_SCRIPT,
        (StepKind.SETUP, End.LOST): _FAILED_SCRIPT,
        (StepKind.PARALLEL_SETUP, End.COMPLETED): Cell(next=Next.NOTHING, setup_done=True),
        (StepKind.PARALLEL_SETUP, End.FAILED): Cell(
            next=Next.NOTHING, attention=AttentionKind.FAILED
        ),
        (StepKind.PARALLEL_SETUP, End.KILLED): _STATUS_ONLY,
        (StepKind.PARALLEL_SETUP, End.LOST): Cell(
            next=Next.NOTHING, attention=AttentionKind.FAILED
        ),
        (StepKind.CODING_AGENT, End.COMPLETED): Cell(next=Next.STEP_IF_CHANGED, commit=True),
        (StepKind.CODING_AGENT, End.FAILED): Cell(
            next=Next.STOP, in_review=True, hold_queue=True, attention=AttentionKind.FAILED
        ),
        (StepKind.CODING_AGENT, End.KILLED): Cell(next=Next.STOP, in_review=True, hold_queue=True),
        (StepKind.CODING_AGENT, End.LOST): Cell(
            next=Next.STOP,
            in_review=True,
            hold_queue=True,
            attention=AttentionKind.LOST,
            resume=True,
        ),
        (StepKind.CLEANUP, End.COMPLETED): Cell(next=Next.STEP, commit=True),
        (StepKind.CLEANUP, End.FAILED): _FAILED_SCRIPT,
        (StepKind.CLEANUP, End.KILLED): _STOPPED_SCRIPT,
        (StepKind.CLEANUP, End.LOST): _FAILED_SCRIPT,
    }
    | {
        (kind, end): _STATUS_ONLY
        for kind in (StepKind.ARCHIVE, StepKind.DEV_SERVER, StepKind.BY_HAND)
        for end in End
    }
)
"""Every kind of step, every end. Finalising (no step left) is `finalised` below."""


def what_follows(kind: StepKind, end: End) -> Cell:
    """The cell of the table."""
    return CHAIN[kind, end]
