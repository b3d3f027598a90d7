"""Tables and queries of execution processes and of what hangs on them."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import JSON, Boolean, Column, Index, Integer, Table, Text, UniqueConstraint, select

from branchwork.domain.execution_process import (
    CodingAgentTurn,
    ExecutionProcess,
    ExecutionProcessLogs,
    ExecutionProcessRepoState,
    ExecutionStatus,
    RunReason,
)
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.sessions import sessions
from branchwork.store.transaction import Transaction, among, listed, stored
from branchwork.store.workspaces import project_of

execution_processes = stored(
    ExecutionProcess,
    Table(
        "execution_processes",
        metadata,
        identity(),
        owner("session_id", "sessions.id"),
        owner("workspace_id", "workspaces.id"),
        Column("repo_id", Text),
        Column("plan_id", Text),
        Column("step", Integer),
        Column("run_reason", Text, nullable=False),
        Column("executor_action", JSON, nullable=False),
        Column("status", Text, nullable=False),
        Column("exit_code", Integer),
        Column("dropped", Boolean, nullable=False),
        Column("stop_requested_at", Text),
        Column("ended_reason", Text),
        Column("ended_sentence", Text),
        Column("attention", Text),
        Column("started_at", Text, nullable=False),
        Column("completed_at", Text),
        *bookkeeping(),
    ),
    "execution",
    lambda tx, entity: project_of(tx, entity.workspace_id),
)
_running = execution_processes.c.status == str(ExecutionStatus.RUNNING)
Index("ix_execution_processes_running", execution_processes.c.workspace_id, sqlite_where=_running)
Index(
    "ix_execution_processes_attention",
    execution_processes.c.workspace_id,
    sqlite_where=execution_processes.c.attention.is_not(None),
)

execution_process_repo_states = stored(
    ExecutionProcessRepoState,
    Table(
        "execution_process_repo_states",
        metadata,
        identity(),
        owner("execution_process_id", "execution_processes.id"),
        Column("repo_id", Text, nullable=False),
        Column("before_head_commit", Text),
        Column("after_head_commit", Text),
        Column("merge_commit", Text),
        *bookkeeping(),
        UniqueConstraint("execution_process_id", "repo_id"),
    ),
)

execution_process_logs = stored(
    ExecutionProcessLogs,
    Table(
        "execution_process_logs",
        metadata,
        Column("execution_process_id", Text, primary_key=True),
        Column("segment", Integer, primary_key=True),
        Column("path", Text, nullable=False),
        Column("first_seq", Integer, nullable=False),
        Column("last_seq", Integer, nullable=False),
        Column("bytes", Integer, nullable=False),
    ),
)


def _project_of_turn(tx: Transaction, turn: CodingAgentTurn) -> str | None:
    execution = tx.find(ExecutionProcess, turn.execution_process_id)
    return None if execution is None else project_of(tx, execution.workspace_id)


coding_agent_turns = stored(
    CodingAgentTurn,
    Table(
        "coding_agent_turns",
        metadata,
        identity(),
        owner("execution_process_id", "execution_processes.id"),
        Column("agent_session_id", Text),
        Column("agent_message_id", Text),
        Column("prompt", Text),
        Column("summary", Text),
        Column("seen", Boolean, nullable=False),
        Column("stop_reason", Text),
        Column("usage", JSON),
        Column("folded_seq", Integer, nullable=False),
        *bookkeeping(),
        UniqueConstraint("execution_process_id"),
    ),
    "turn",
    _project_of_turn,
)

_BY_ID = select(execution_processes).order_by(execution_processes.c.id)
_NEWEST_FIRST = select(execution_processes).order_by(execution_processes.c.id.desc())
running_workspaces = select(execution_processes.c.workspace_id).where(_running)


def workspaces_at_work(tx: Transaction) -> set[str]:
    """The ids of workspaces in which something runs."""
    return {row[0] for row in tx.rows(running_workspaces)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which executions a list shows; what is left out does not narrow it."""

    workspace_id: str | None = None
    conversation_id: str | None = None
    statuses: tuple[ExecutionStatus, ...] = ()
    run_reasons: tuple[RunReason, ...] = ()


def page(tx: Transaction, limit: int, after: str | None, wanted: Wanted) -> list[ExecutionProcess]:
    """Executions, the newest first."""
    table = execution_processes
    statement = _NEWEST_FIRST.limit(limit)
    if after:
        statement = statement.where(table.c.id < after)
    if wanted.workspace_id:
        statement = statement.where(table.c.workspace_id == wanted.workspace_id)
    if wanted.conversation_id:
        own = select(sessions.c.id).where(sessions.c.conversation_id == wanted.conversation_id)
        statement = statement.where(table.c.session_id.in_(own))
    if wanted.statuses:
        statement = statement.where(table.c.status.in_([str(one) for one in wanted.statuses]))
    if wanted.run_reasons:
        reasons = [str(one) for one in wanted.run_reasons]
        statement = statement.where(table.c.run_reason.in_(reasons))
    return tx.all(ExecutionProcess, statement)


def running(tx: Transaction, workspace_id: str | None = None) -> list[ExecutionProcess]:
    """What runs, everywhere or in one workspace."""
    statement = _BY_ID.where(_running)
    if workspace_id:
        statement = statement.where(execution_processes.c.workspace_id == workspace_id)
    return tx.all(ExecutionProcess, statement)


_NOT_RUNNING = select(execution_processes.c.id).where(
    ~_running, execution_processes.c.id.in_(among("executions"))
)


def ended(tx: Transaction, execution_ids: Iterable[str]) -> set[str]:
    """Those of some executions that are over; ids that are none of ours are left out."""
    return {row[0] for row in tx.rows(_NOT_RUNNING, executions=listed(execution_ids))}


def of_conversation(tx: Transaction, conversation_id: str) -> list[ExecutionProcess]:
    """The coding agent processes of a conversation, oldest first, without the dropped ones."""
    statement = (
        _BY_ID.join(sessions, sessions.c.id == execution_processes.c.session_id)
        .where(sessions.c.conversation_id == conversation_id)
        .where(execution_processes.c.run_reason == str(RunReason.CODING_AGENT))
        .where(execution_processes.c.dropped.is_(False))
    )
    return tx.all(ExecutionProcess, statement)


_OF_SESSIONS = (
    _BY_ID.where(execution_processes.c.session_id.in_(among("sessions")))
    .where(execution_processes.c.run_reason == str(RunReason.CODING_AGENT))
    .where(execution_processes.c.dropped.is_(False))
)


def of_sessions(tx: Transaction, session_ids: Iterable[str]) -> list[ExecutionProcess]:
    """The coding agent processes of some sessions, oldest first, without the dropped ones."""
    return tx.all(ExecutionProcess, _OF_SESSIONS, sessions=listed(session_ids))


def newest_agent(tx: Transaction, workspace_id: str) -> ExecutionProcess | None:
    """The coding agent process that was started last in a workspace."""
    statement = (
        select(execution_processes)
        .where(execution_processes.c.workspace_id == workspace_id)
        .where(execution_processes.c.run_reason == str(RunReason.CODING_AGENT))
        .order_by(execution_processes.c.id.desc())
    )
    return tx.one(ExecutionProcess, statement.limit(1))


def of_plan(tx: Transaction, plan_id: str) -> list[ExecutionProcess]:
    """The processes that a run has started, in their order."""
    return tx.all(ExecutionProcess, _BY_ID.where(execution_processes.c.plan_id == plan_id))


def wanting_attention(tx: Transaction, workspace_id: str | None = None) -> list[ExecutionProcess]:
    """Ended processes that a person has not looked at yet."""
    statement = _BY_ID.where(execution_processes.c.attention.is_not(None))
    if workspace_id:
        statement = statement.where(execution_processes.c.workspace_id == workspace_id)
    return tx.all(ExecutionProcess, statement)


def repo_states(tx: Transaction, execution_id: str) -> list[ExecutionProcessRepoState]:
    """HEAD of each repo around a process."""
    table = execution_process_repo_states
    statement = select(table).where(table.c.execution_process_id == execution_id)
    return tx.all(ExecutionProcessRepoState, statement.order_by(table.c.id))


def turn_of(tx: Transaction, execution_id: str) -> CodingAgentTurn | None:
    """The turn of a coding agent process."""
    table = coding_agent_turns
    return tx.one(
        CodingAgentTurn, select(table).where(table.c.execution_process_id == execution_id)
    )


_TURNS_OF = select(coding_agent_turns).where(
    coding_agent_turns.c.execution_process_id.in_(among("executions"))
)


def turns_of(tx: Transaction, execution_ids: Iterable[str]) -> dict[str, CodingAgentTurn]:
    """The turns of coding agent processes, by process."""
    found = tx.all(CodingAgentTurn, _TURNS_OF, executions=listed(execution_ids))
    return {turn.execution_process_id: turn for turn in found}


def segments(tx: Transaction, execution_id: str) -> list[ExecutionProcessLogs]:
    """The journal's segment files that the database knows of."""
    table = execution_process_logs
    statement = select(table).where(table.c.execution_process_id == execution_id)
    return tx.all(ExecutionProcessLogs, statement.order_by(table.c.segment))


def put_segments(tx: Transaction, found: list[ExecutionProcessLogs]) -> None:
    """Upsert the segments of a journal by their natural key."""
    table = execution_process_logs
    for segment in found:
        tx.execute(
            table.delete().where(
                table.c.execution_process_id == segment.execution_process_id,
                table.c.segment == segment.segment,
            )
        )
        tx.insert(segment)
