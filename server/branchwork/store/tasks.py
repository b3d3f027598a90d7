"""Table and queries of tasks, with the derived facts that a board shows beside their fields."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, ForeignKey, Index, Select, Table, Text, func, or_, select

from branchwork.domain.task import Task, TaskStatus
from branchwork.domain.workspace import Workspace
from branchwork.store.approvals import waiting_workspaces
from branchwork.store.executions import running_workspaces
from branchwork.store.schema import bookkeeping, identity, metadata
from branchwork.store.transaction import Transaction, among, entities, listed, stored
from branchwork.store.workspaces import workspaces

tasks = stored(
    Task,
    Table(
        "tasks",
        metadata,
        identity(),
        Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), nullable=False),
        Column("title", Text, nullable=False),
        Column("description", Text),
        Column("status", Text, nullable=False),
        Column("parent_workspace_id", Text, index=True),
        *bookkeeping(),
    ),
    "task",
    lambda _tx, task: str(task.project_id),
)
Index("ix_tasks_board", tasks.c.project_id, tasks.c.status, tasks.c.id)
# A page of a project's tasks is read in order, without sorting all of them.
Index("ix_tasks_newest", tasks.c.project_id, tasks.c.id)

_NEWEST_FIRST = select(tasks).order_by(tasks.c.id.desc())


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFlags:
    """What follows from a task's workspaces."""

    running: bool = False
    needs_you: bool = False
    workspace_count: int = 0


def page(
    tx: Transaction,
    limit: int,
    after: str | None,
    project_id: str | None = None,
    statuses: Sequence[TaskStatus] = (),
) -> list[Task]:
    """Tasks, the newest first, narrowed to a project and to some statuses."""
    statement = _NEWEST_FIRST.limit(limit)
    if after:
        statement = statement.where(tasks.c.id < after)
    if project_id:
        statement = statement.where(tasks.c.project_id == project_id)
    if statuses:
        statement = statement.where(tasks.c.status.in_([str(status) for status in statuses]))
    return tx.all(Task, statement)


def children(tx: Transaction, workspace_id: str) -> list[Task]:
    """The subtasks that a workspace spawned."""
    return tx.all(Task, _NEWEST_FIRST.where(tasks.c.parent_workspace_id == workspace_id))


def search(tx: Transaction, words: str, limit: int, project_id: str | None = None) -> list[Task]:
    """Tasks whose title or description holds every word, newest first."""
    statement = _NEWEST_FIRST.limit(limit)
    for word in words.split():
        statement = statement.where(
            or_(
                tasks.c.title.icontains(word, autoescape=True),
                tasks.c.description.icontains(word, autoescape=True),
            )
        )
    if project_id:
        statement = statement.where(tasks.c.project_id == project_id)
    return tx.all(Task, statement)


def of_workspace(tx: Transaction, workspace_id: str) -> Task:
    """The task that a workspace is an attempt at; the workspace is known to exist."""
    statement = (
        select(tasks)
        .join(workspaces, workspaces.c.task_id == tasks.c.id)
        .where(workspaces.c.id == workspace_id)
    )
    task = tx.one(Task, statement)
    assert task is not None, "the foreign key holds"
    return task


_OF_WORKSPACES = (
    select(workspaces.c.id, tasks)
    .join(workspaces, workspaces.c.task_id == tasks.c.id)
    .where(workspaces.c.id.in_(among("workspaces")))
)


def of_workspaces(tx: Transaction, workspace_ids: Iterable[str]) -> dict[str, Task]:
    """The tasks that several workspaces are attempts at, by workspace."""
    rows = tx.rows(_OF_WORKSPACES, workspaces=listed(workspace_ids))
    found = entities(Task, [row[1:] for row in rows])
    return {row[0]: task for row, task in zip(rows, found, strict=True)}


def touch_work(tx: Transaction, workspace_id: str) -> None:
    """Tell clients that what runs or waits in a workspace is different: of it and of its task."""
    tx.touch(tx.get(Workspace, workspace_id))
    tx.touch(of_workspace(tx, workspace_id))


def flags(tx: Transaction, found: Sequence[Task]) -> dict[str, TaskFlags]:
    """The flags of some tasks by their ids. Running and waiting are few, so both are read whole."""
    running = {row[0] for row in tx.rows(_AT_WORK)}
    waiting = {row[0] for row in tx.rows(_WAITING)}
    counted = tx.rows(_ATTEMPTS, tasks=listed(task.id for task in found))
    counts: dict[str, int] = dict(tuple(row) for row in counted)
    return {
        task.id: TaskFlags(
            running=task.id in running,
            needs_you=task.id in waiting,
            workspace_count=counts.get(task.id, 0),
        )
        for task in found
    }


def projects_at_work(tx: Transaction) -> set[str]:
    """The ids of projects in which something runs."""
    return {row[0] for row in tx.rows(_projects_of(running_workspaces))}


def projects_waiting(tx: Transaction) -> set[str]:
    """The ids of projects in which something waits for a person."""
    return {row[0] for row in tx.rows(_projects_of(waiting_workspaces))}


def counts(tx: Transaction) -> dict[str, int]:
    """How many tasks each project has."""
    statement = select(tasks.c.project_id, func.count()).group_by(tasks.c.project_id)
    return dict(tuple(row) for row in tx.rows(statement))


def _projects_of(workspace_ids: Select[str]) -> Select[str]:
    return select(tasks.c.project_id).where(tasks.c.id.in_(_tasks_of(workspace_ids)))


def _tasks_of(workspace_ids: Select[str]) -> Select[str]:
    return select(workspaces.c.task_id).where(workspaces.c.id.in_(workspace_ids))


_AT_WORK = _tasks_of(running_workspaces)
_WAITING = _tasks_of(waiting_workspaces)
_ATTEMPTS = (
    select(workspaces.c.task_id, func.count())
    .where(workspaces.c.task_id.in_(among("tasks")))
    .group_by(workspaces.c.task_id)
)
