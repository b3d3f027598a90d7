"""What waits for a person: one list, the same for every editor, computed from the rows."""

from collections.abc import Collection
from dataclasses import dataclass

from branchwork.domain.approval import ApprovalOption
from branchwork.domain.execution_process import AttentionKind, ExecutionProcess
from branchwork.domain.session import Session
from branchwork.domain.task import Task
from branchwork.services.app import App
from branchwork.services.text import shortened
from branchwork.store import approvals, executions, sessions
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

APPROVAL = "approval"
HELD_PROMPT = "heldPrompt"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionItem:
    """`id` is the approval's, the execution's or the queued prompt's; `since` a timestamp."""

    id: str
    kind: str
    task: Task
    workspace_id: str
    conversation_id: str | None
    execution_id: str | None
    sentence: str
    options: tuple[ApprovalOption, ...] = ()
    since: str


async def items(app: App) -> list[AttentionItem]:
    """Everything that waits, oldest first."""
    return await app.store.read(read)


def read(tx: Transaction) -> list[AttentionItem]:
    """As `items`, inside a transaction that reads more."""
    found = [*_approvals(tx), *_endings(tx), *_held(tx)]
    return sorted(found, key=lambda item: (item.since, item.id))


def _approvals(tx: Transaction) -> list[AttentionItem]:
    found = approvals.pending(tx)
    asking = tx.by_id(ExecutionProcess, {one.execution_process_id for one in found})
    task_of, session_of = _around(tx, asking.values())
    result = []
    for approval in found:
        execution = asking[approval.execution_process_id]
        result.append(
            AttentionItem(
                id=approval.id,
                kind=APPROVAL,
                task=task_of[execution.workspace_id],
                workspace_id=execution.workspace_id,
                conversation_id=session_of[execution.session_id].conversation_id,
                execution_id=execution.id,
                sentence=approval.sentence,
                options=approval.options,
                since=approval.created_at,
            )
        )
    return result


def _endings(tx: Transaction) -> list[AttentionItem]:
    found = executions.wanting_attention(tx)
    task_of, session_of = _around(tx, found)
    turns = executions.turns_of(tx, [one.id for one in found])
    result = []
    for execution in found:
        assert execution.attention is not None, "the query asks for it"
        turn = turns.get(execution.id)
        result.append(
            AttentionItem(
                id=execution.id,
                kind=str(execution.attention),
                task=task_of[execution.workspace_id],
                workspace_id=execution.workspace_id,
                conversation_id=session_of[execution.session_id].conversation_id,
                execution_id=execution.id,
                sentence=_ending(execution, turn.summary if turn else None),
                since=execution.completed_at or execution.started_at,
            )
        )
    return result


def _held(tx: Transaction) -> list[AttentionItem]:
    result = []
    for queued in sessions.held(tx):
        session = tx.get(Session, queued.conversation_id)
        result.append(
            AttentionItem(
                id=queued.id,
                kind=HELD_PROMPT,
                task=stored_tasks.of_workspace(tx, session.workspace_id),
                workspace_id=session.workspace_id,
                conversation_id=queued.conversation_id,
                execution_id=None,
                sentence=f"{queued.held_because} Not sent: {shortened(queued.prompt)}",
                since=queued.created_at,
            )
        )
    return result


def _around(
    tx: Transaction, found: Collection[ExecutionProcess]
) -> tuple[dict[str, Task], dict[str, Session]]:
    """The tasks of processes by workspace, and their sessions by id: two questions for all."""
    task_of = stored_tasks.of_workspaces(tx, {one.workspace_id for one in found})
    return task_of, tx.by_id(Session, {one.session_id for one in found})


def _ending(execution: ExecutionProcess, summary: str | None) -> str:
    if execution.attention is AttentionKind.FINISHED:
        return shortened(summary, 200) if summary else "The agent is done."
    return execution.ended_sentence or "It failed."
