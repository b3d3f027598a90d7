"""Table and queries of approvals, and which workspaces wait for a person."""

from collections.abc import Sequence

from sqlalchemy import JSON, Column, Index, Table, Text, UniqueConstraint, select, union

from branchwork.domain.approval import Approval, ApprovalStatus
from branchwork.domain.execution_process import ExecutionProcess
from branchwork.store.executions import execution_processes
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.sessions import queued_prompts, sessions
from branchwork.store.transaction import Transaction, stored
from branchwork.store.workspaces import project_of


def _project_of_approval(tx: Transaction, approval: Approval) -> str | None:
    execution = tx.find(ExecutionProcess, approval.execution_process_id)
    return None if execution is None else project_of(tx, execution.workspace_id)


approvals = stored(
    Approval,
    Table(
        "approvals",
        metadata,
        identity(),
        owner("execution_process_id", "execution_processes.id"),
        Column("request_id", Text, nullable=False),
        Column("tool_call_id", Text),
        Column("sentence", Text, nullable=False),
        Column("options", JSON, nullable=False),
        Column("status", Text, nullable=False),
        Column("option_id", Text),
        Column("answered_by", Text),
        Column("answered_at", Text),
        *bookkeeping(),
        UniqueConstraint("execution_process_id", "request_id"),
    ),
    "approval",
    _project_of_approval,
)
_pending = approvals.c.status == str(ApprovalStatus.PENDING)
Index("ix_approvals_pending", approvals.c.id, sqlite_where=_pending)

waiting_workspaces = select(
    union(
        select(execution_processes.c.workspace_id)
        .join(approvals, approvals.c.execution_process_id == execution_processes.c.id)
        .where(_pending),
        select(execution_processes.c.workspace_id).where(
            execution_processes.c.attention.is_not(None)
        ),
        select(sessions.c.workspace_id)
        .join(queued_prompts, queued_prompts.c.conversation_id == sessions.c.id)
        .where(queued_prompts.c.held_because.is_not(None)),
    ).subquery()
)
"""The ids of workspaces that wait for a person: an approval, an end not seen, a held prompt."""


def pending(tx: Transaction) -> list[Approval]:
    """Every request that waits for an answer, oldest first."""
    return tx.all(Approval, select(approvals).where(_pending).order_by(approvals.c.id))


def page(
    tx: Transaction,
    limit: int,
    after: str | None,
    statuses: Sequence[ApprovalStatus],
    workspace_id: str | None,
    conversation_id: str | None,
) -> list[Approval]:
    """Requests with one of the statuses, the oldest first."""
    statement = (
        select(approvals)
        .join(execution_processes, execution_processes.c.id == approvals.c.execution_process_id)
        .where(approvals.c.status.in_([str(one) for one in statuses]))
        .order_by(approvals.c.id)
        .limit(limit)
    )
    if after:
        statement = statement.where(approvals.c.id > after)
    if workspace_id:
        statement = statement.where(execution_processes.c.workspace_id == workspace_id)
    if conversation_id:
        own = select(sessions.c.id).where(sessions.c.conversation_id == conversation_id)
        statement = statement.where(execution_processes.c.session_id.in_(own))
    return tx.all(Approval, statement)


def of_execution(tx: Transaction, execution_id: str) -> list[Approval]:
    """All requests of one process, answered or not."""
    statement = select(approvals).where(approvals.c.execution_process_id == execution_id)
    return tx.all(Approval, statement.order_by(approvals.c.id))


def at_request(tx: Transaction, execution_id: str, request_id: str) -> Approval | None:
    """The row of an agent's request."""
    statement = select(approvals).where(
        approvals.c.execution_process_id == execution_id, approvals.c.request_id == request_id
    )
    return tx.one(Approval, statement)


def workspaces_waiting(tx: Transaction) -> set[str]:
    """The ids of workspaces in which something waits for a person."""
    return {row[0] for row in tx.rows(waiting_workspaces)}
