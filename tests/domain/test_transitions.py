"""Every cell of every table of moves: the legal ones change the status, the others raise."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from branchwork.domain import approval, execution_process, migration_state, task
from branchwork.domain.approval import Approval
from branchwork.domain.errors import Conflict, IllegalTransition
from branchwork.domain.execution_process import ExecutionProcess, RunReason
from branchwork.domain.migration_state import MigrationState
from branchwork.domain.task import Task
from branchwork.domain.transitions import with_status

TIME = "2026-11-23T08:44:53.239Z"
EDITED: dict[str, Any] = {"created_at": TIME, "updated_at": TIME}
TASK = Task(id="t", project_id="p", title="A task", **EDITED)
EXECUTION = ExecutionProcess(
    id="e",
    session_id="s",
    workspace_id="w",
    run_reason=RunReason.CODING_AGENT,
    started_at=TIME,
    **EDITED,
)
APPROVAL = Approval(id="a", execution_process_id="e", request_id="1", sentence="May I?", **EDITED)
MIGRATION = MigrationState(
    id="m", entity_type=migration_state.EntityType.TASK, local_id="t", **EDITED
)

# Written out here once more, by hand: the arrows of the domain model and of the decisions on it.
TASK_STATUSES = ["Todo", "InProgress", "InReview", "Done", "Cancelled"]
TABLES: dict[str, tuple[Any, Mapping[Any, Any], dict[str, str]]] = {
    "a person and a task": (
        TASK,
        task.PERSON_MOVES,
        {one: " ".join(s for s in TASK_STATUSES if s != one) for one in TASK_STATUSES},
    ),
    "the machine and a task": (
        TASK,
        task.MACHINE_MOVES,
        {
            "Todo": "InProgress",
            "InProgress": "InReview",
            "InReview": "InProgress Done",
            "Done": "",
            "Cancelled": "",
        },
    ),
    "an execution": (
        EXECUTION,
        execution_process.MOVES,
        {"Running": "Completed Failed Killed", "Completed": "", "Failed": "", "Killed": ""},
    ),
    "an approval": (
        APPROVAL,
        approval.MOVES,
        {"Pending": "Answered Withdrawn", "Answered": "", "Withdrawn": ""},
    ),
    "a migration": (
        MIGRATION,
        migration_state.MOVES,
        {
            "Pending": "Migrated Failed Skipped",
            "Migrated": "",
            "Failed": "Pending",
            "Skipped": "",
        },
    ),
}
CELLS = [
    pytest.param(entity, moves, old, new, new in legal[old].split(), id=f"{name}: {old} to {new}")
    for name, (entity, moves, legal) in TABLES.items()
    for old in legal
    for new in legal
]


def at(entity: Any, status: str) -> tuple[Any, type[StrEnum]]:
    """The entity with that status, however it came to it, and the kind of its statuses."""
    kind = type(entity.status)
    changed = object.__new__(type(entity))
    for name in type(entity).__dataclass_fields__:
        object.__setattr__(changed, name, getattr(entity, name))
    object.__setattr__(changed, "status", kind(status))
    return changed, kind


@pytest.mark.parametrize(("entity", "moves", "old", "new", "is_legal"), CELLS)
def test_a_cell(entity: Any, moves: Mapping[Any, Any], old: str, new: str, is_legal: bool) -> None:
    before, kind = at(entity, old)
    if is_legal:
        after = with_status(before, kind(new), moves)
        assert after.status == new
        assert before.status == old
        assert at(after, old)[0] == before
        return
    with pytest.raises(IllegalTransition) as refused:
        with_status(before, kind(new), moves)
    assert isinstance(refused.value, Conflict)
    assert refused.value.reason == "illegalTransition"
    assert refused.value.ids["status"] == old
    assert refused.value.ids["wanted"] == new
    assert refused.value.ids["id"] == entity.id
    assert before.status == old


@pytest.mark.parametrize("name", TABLES)
def test_a_table_knows_every_status(name: str) -> None:
    entity, moves, legal = TABLES[name]
    statuses = {str(status) for status in type(entity.status)}
    assert statuses == set(legal)
    assert {str(status) for status in moves} == statuses
