"""Task: a unit of work, and the two tables of moves of its status."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class TaskStatus(StrEnum):
    """Where a task is on the board."""

    TODO = "Todo"
    IN_PROGRESS = "InProgress"
    IN_REVIEW = "InReview"
    DONE = "Done"
    CANCELLED = "Cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A card on the board; `parent_workspace_id` makes it a subtask of that attempt."""

    id: str
    project_id: str
    title: str
    description: str | None = None
    status: TaskStatus = TaskStatus.TODO
    parent_workspace_id: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


PERSON_MOVES = MappingProxyType({status: frozenset(TaskStatus) - {status} for status in TaskStatus})
"""A person may set any status."""

MACHINE_MOVES = MappingProxyType(
    {
        TaskStatus.TODO: frozenset({TaskStatus.IN_PROGRESS}),
        TaskStatus.IN_PROGRESS: frozenset({TaskStatus.IN_REVIEW}),
        TaskStatus.IN_REVIEW: frozenset({TaskStatus.IN_PROGRESS, TaskStatus.DONE}),
        TaskStatus.DONE: frozenset[TaskStatus](),
        TaskStatus.CANCELLED: frozenset[TaskStatus](),
    }
)
"""The machine follows the arrows, and goes back to InProgress when work resumes.

It never reopens what a person called Done or Cancelled.
"""
