"""Use cases of approvals: what an agent asked, and the one answer that counts."""

from collections.abc import Sequence
from typing import Any

from branchwork.agents.agent import Request
from branchwork.domain.approval import MOVES, Approval, ApprovalStatus
from branchwork.domain.errors import Conflict, InvalidInput
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.domain.session import QueuedPrompt, Session
from branchwork.domain.transitions import with_status
from branchwork.services.app import App, new_id
from branchwork.services.text import bounded
from branchwork.store import approvals, sessions
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction


async def respond(
    app: App, approval_id: str, option_id: str, answered_by: str, reason: str | None = None
) -> Approval:
    """Answer a request; the first answer wins. The follower then tells the agent.

    A `reason` becomes the next prompt of the conversation, as ACP has no place for one.
    """
    reason = bounded("reason", reason)

    def write(tx: Transaction) -> Approval:
        approval = tx.get(Approval, approval_id)
        _require_pending(approval)
        if option_id not in {option.id for option in approval.options}:
            raise InvalidInput(
                f"{option_id!r} is no option of this request; choose one of "
                + ", ".join(f"{option.id} ({option.name})" for option in approval.options)
                + ".",
                kind="unknownOption",
                field="optionId",
            )
        if reason and reason.strip():
            _queue_reason(tx, approval, reason)
        return _close(
            tx,
            approval,
            ApprovalStatus.ANSWERED,
            option_id=option_id,
            answered_by=answered_by,
            answered_at=tx.now,
        )

    approval = await app.store.write(write)
    live = app.live.get(approval.execution_process_id)
    if live is not None:
        live.wake.set()
    return approval


def upsert(tx: Transaction, execution_id: str, requests: Sequence[Request]) -> None:
    """Make the rows say what the journal says; folding again changes nothing."""
    for request in requests:
        row = approvals.at_request(tx, execution_id, request.request_id)
        if row is None:
            row = tx.insert(
                Approval(
                    id=new_id(),
                    execution_process_id=execution_id,
                    request_id=request.request_id,
                    tool_call_id=request.tool_call_id,
                    sentence=request.sentence,
                    options=request.options,
                    created_at=tx.now,
                    updated_at=tx.now,
                )
            )
            _touch_work(tx, row)
        if request.outcome is not None and row.status is ApprovalStatus.PENDING:
            _close(tx, row, ApprovalStatus.WITHDRAWN)


def withdraw(tx: Transaction, execution_id: str) -> None:
    """Nobody needs the answers of an ended process any more."""
    for approval in approvals.of_execution(tx, execution_id):
        if approval.status is ApprovalStatus.PENDING:
            _close(tx, approval, ApprovalStatus.WITHDRAWN)


def decisions(found: Sequence[Approval]) -> dict[str, str | None]:
    """What is to be told to the agent: the chosen option by request, None for cancelled."""
    return {
        approval.request_id: approval.option_id
        for approval in found
        if approval.status is not ApprovalStatus.PENDING
    }


def _require_pending(approval: Approval) -> None:
    if approval.status is ApprovalStatus.ANSWERED:
        raise Conflict(
            f"It was answered already, by {approval.answered_by} at {approval.answered_at}.",
            kind="alreadyAnswered",
            approval_id=approval.id,
            option_id=approval.option_id,
        )
    if approval.status is ApprovalStatus.WITHDRAWN:
        raise Conflict(
            "The agent does not wait for this answer any more.",
            kind="withdrawn",
            approval_id=approval.id,
        )


def _close(tx: Transaction, approval: Approval, status: ApprovalStatus, **values: Any) -> Approval:
    with_status(approval, status, MOVES)
    closed = tx.update(approval, status=status, **values)
    _touch_work(tx, closed)
    return closed


def _touch_work(tx: Transaction, approval: Approval) -> None:
    execution = tx.get(ExecutionProcess, approval.execution_process_id)
    stored_tasks.touch_work(tx, execution.workspace_id)


def _queue_reason(tx: Transaction, approval: Approval, reason: str) -> None:
    execution = tx.get(ExecutionProcess, approval.execution_process_id)
    if execution.status is not ExecutionStatus.RUNNING:
        return
    conversation_id = tx.get(Session, execution.session_id).conversation_id
    tx.insert(
        QueuedPrompt(
            id=new_id(),
            conversation_id=conversation_id,
            position=sessions.next_position(tx, conversation_id),
            prompt=reason,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
