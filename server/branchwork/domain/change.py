"""Change: one committed change of an entity, in the order in which all clients see them."""

from dataclasses import dataclass
from enum import StrEnum


class Operation(StrEnum):
    """What happened. `derived` touches what follows from other facts, never the revision."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    DERIVED = "derived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`revision` is the entity's after the change; None where it is deleted."""

    seq: int
    at: str
    project_id: str | None
    entity: str
    entity_id: str
    op: Operation
    revision: int | None
