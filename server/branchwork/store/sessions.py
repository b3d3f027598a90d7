"""Tables and queries of sessions and of the prompts that wait for their turn."""

from collections.abc import Sequence

from sqlalchemy import Column, Integer, Table, Text, func, select

from branchwork.domain.session import QueuedPrompt, Session
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.transaction import Transaction, among, listed, stored
from branchwork.store.workspaces import project_of

sessions = stored(
    Session,
    Table(
        "sessions",
        metadata,
        identity(),
        owner("workspace_id", "workspaces.id"),
        Column("conversation_id", Text, nullable=False, index=True),
        Column("executor", Text),
        *bookkeeping(),
    ),
    "session",
    lambda tx, entity: project_of(tx, entity.workspace_id),
)


def _project_of_queued(tx: Transaction, queued: QueuedPrompt) -> str | None:
    first = tx.find(Session, queued.conversation_id)
    return None if first is None else project_of(tx, first.workspace_id)


queued_prompts = stored(
    QueuedPrompt,
    Table(
        "queued_prompts",
        metadata,
        identity(),
        owner("conversation_id", "sessions.id"),
        Column("position", Integer, nullable=False),
        Column("prompt", Text, nullable=False),
        Column("held_because", Text),
        *bookkeeping(),
    ),
    "queuedPrompt",
    _project_of_queued,
)


def of_workspace(tx: Transaction, workspace_id: str) -> list[Session]:
    """The sessions of a workspace, oldest first."""
    statement = select(sessions).where(sessions.c.workspace_id == workspace_id)
    return tx.all(Session, statement.order_by(sessions.c.id))


_WITH_AGENT = (
    select(sessions)
    .where(sessions.c.workspace_id.in_(among("workspaces")), sessions.c.executor.is_not(None))
    .order_by(sessions.c.id)
)


def newest_with_agent(tx: Transaction, workspace_ids: Sequence[str]) -> dict[str, Session]:
    """The newest session with an agent of several workspaces, by workspace."""
    found = tx.all(Session, _WITH_AGENT, workspaces=listed(workspace_ids))
    return {session.workspace_id: session for session in found}


def of_conversation(tx: Transaction, conversation_id: str) -> list[Session]:
    """The sessions of a conversation, oldest first."""
    statement = select(sessions).where(sessions.c.conversation_id == conversation_id)
    return tx.all(Session, statement.order_by(sessions.c.id))


_OF_CONVERSATIONS = (
    select(sessions)
    .where(sessions.c.conversation_id.in_(among("conversations")))
    .order_by(sessions.c.id)
)


def of_conversations(tx: Transaction, conversation_ids: Sequence[str]) -> list[Session]:
    """The sessions of some conversations, oldest first."""
    return tx.all(Session, _OF_CONVERSATIONS, conversations=listed(conversation_ids))


def heads(
    tx: Transaction, workspace_ids: Sequence[str] | None, limit: int, after: str | None
) -> list[Session]:
    """The first session of each conversation with an agent, the newest first."""
    statement = (
        select(sessions)
        .where(sessions.c.id == sessions.c.conversation_id, sessions.c.executor.is_not(None))
        .order_by(sessions.c.id.desc())
        .limit(limit)
    )
    if workspace_ids is not None:
        statement = statement.where(sessions.c.workspace_id.in_(workspace_ids))
    return tx.all(Session, statement.where(sessions.c.id < after) if after else statement)


def queue(tx: Transaction, conversation_id: str) -> list[QueuedPrompt]:
    """The queued prompts of a conversation in their order."""
    statement = select(queued_prompts).where(queued_prompts.c.conversation_id == conversation_id)
    return tx.all(QueuedPrompt, statement.order_by(queued_prompts.c.position))


_QUEUES = (
    select(queued_prompts)
    .where(queued_prompts.c.conversation_id.in_(among("conversations")))
    .order_by(queued_prompts.c.position)
)


def queues(tx: Transaction, conversation_ids: Sequence[str]) -> list[QueuedPrompt]:
    """The queued prompts of some conversations, each conversation's in their order."""
    return tx.all(QueuedPrompt, _QUEUES, conversations=listed(conversation_ids))


def held(tx: Transaction) -> list[QueuedPrompt]:
    """Every queued prompt that waits for a person."""
    statement = select(queued_prompts).where(queued_prompts.c.held_because.is_not(None))
    return tx.all(QueuedPrompt, statement.order_by(queued_prompts.c.id))


def next_position(tx: Transaction, conversation_id: str) -> int:
    """The place behind the last queued prompt."""
    highest = select(func.max(queued_prompts.c.position))
    last = tx.scalar(highest.where(queued_prompts.c.conversation_id == conversation_id))
    return 0 if last is None else int(last) + 1


def last_executor(tx: Transaction, project_id: str) -> str | None:
    """The agent that was used last in a project."""
    tasks, workspaces = metadata.tables["tasks"], metadata.tables["workspaces"]
    statement = (
        select(sessions.c.executor)
        .join(workspaces, workspaces.c.id == sessions.c.workspace_id)
        .join(tasks, tasks.c.id == workspaces.c.task_id)
        .where(tasks.c.project_id == project_id, sessions.c.executor.is_not(None))
        .order_by(sessions.c.id.desc())
        .limit(1)
    )
    found = tx.scalar(statement)
    return None if found is None else str(found)
