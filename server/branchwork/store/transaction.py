"""A transaction: reads and writes entities as dataclasses, and notes each change as it is made.

Entities are built from rows, and rows from entities, by one generic pair of functions: the columns
of a table have the names of the dataclass' fields.
"""

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import msgspec
from sqlalchemy import (
    Connection,
    Executable,
    Row,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from branchwork.domain.change import Operation
from branchwork.domain.errors import NotFound, RevisionMismatch

Entity = TypeVar("Entity")


class StoredKind:
    """How one kind of entity is stored and under which name its changes are told.

    `project` finds the project that a change belongs to; a kind without a noun tells no changes.
    """

    def __init__(
        self,
        table: Table,
        noun: str | None = None,
        project: Callable[["Transaction", Any], str | None] | None = None,
    ) -> None:
        self.table = table
        self.noun = noun
        self.project = project
        self.columns = tuple(sys.intern(str(column.name)) for column in table.columns)
        self.key = tuple(table.primary_key.columns)

    @cached_property
    def by_id(self) -> Select[Any]:
        """The rows with some ids, given as `ids`; for kinds that have one."""
        return select(self.table).where(self.table.c.id.in_(among("ids")))

    def identity(self, entity: Any) -> str:
        """What a change names: the primary key, its parts joined by a slash."""
        return "/".join(str(getattr(entity, column.name)) for column in self.key)

    def matches(self, entity: Any) -> list[ColumnElement[bool]]:
        """The where clause that finds the row of an entity."""
        return [column == getattr(entity, column.name) for column in self.key]


STORED: dict[type, StoredKind] = {}


def stored(
    entity: type,
    table: Table,
    noun: str | None = None,
    project: Callable[["Transaction", Any], str | None] | None = None,
) -> Table:
    """Say in which table a kind of entity is stored."""
    STORED[entity] = StoredKind(table, noun, project)
    return table


class PendingChange(msgspec.Struct, frozen=True):
    """A change that will be written when its transaction commits."""

    project_id: str | None
    entity: str
    entity_id: str
    op: Operation
    revision: int | None


class Transaction:
    """One transaction on one connection; `now` is the one time of everything that it writes."""

    def __init__(self, connection: Connection, now: str) -> None:
        self.connection = connection
        self.now = now
        self.pending: list[PendingChange] = []

    def rows(self, statement: Executable, **values: str) -> Sequence[Any]:
        """All rows of a statement, with the values that it was made without."""
        return self.connection.execute(statement, values).all()

    def scalar(self, statement: Executable) -> Any:
        """The first column of the first row, or None."""
        return self.connection.execute(statement).scalar()

    def execute(self, statement: Executable) -> int:
        """Run a statement that changes rows without a change of its own; how many it changed."""
        return int(self.connection.execute(statement).rowcount)

    def all(self, kind: type[Entity], statement: Executable, **values: str) -> list[Entity]:
        """The entities of a select over the whole table."""
        return entities(kind, self.rows(statement, **values))

    def one(self, kind: type[Entity], statement: Executable) -> Entity | None:
        """The first entity of a select, or None."""
        row = self.connection.execute(statement).first()
        return None if row is None else entities(kind, [row])[0]

    def find(self, kind: type[Entity], identifier: str) -> Entity | None:
        """The entity with that id, or None."""
        table = STORED[kind].table
        return self.one(kind, select(table).where(table.c.id == identifier))

    def get(self, kind: type[Entity], identifier: str) -> Entity:
        """The entity with that id; raises NotFound."""
        found = self.find(kind, identifier)
        if found is None:
            noun = STORED[kind].noun or kind.__name__
            raise NotFound(
                f"There is no {noun} with the id {identifier}.", **{f"{noun}_id": identifier}
            )
        return found

    def by_id(self, kind: type[Entity], identifiers: Iterable[str]) -> dict[str, Entity]:
        """Several entities by their ids; what is not there is left out."""
        found = self.all(kind, STORED[kind].by_id, ids=listed(identifiers))
        return {entity.id: entity for entity in found}  # type: ignore[attr-defined]

    def insert(self, entity: Entity) -> Entity:
        """Store a new entity."""
        stored_kind = STORED[type(entity)]
        self.connection.execute(insert(stored_kind.table), row_of(entity))
        self._note(stored_kind, entity, Operation.CREATE)
        return entity

    def update(self, entity: Entity, expected_revision: int | None = None, **values: Any) -> Entity:
        """Store an edit of an entity with its next revision."""
        revision = getattr(entity, "revision", 0)
        if expected_revision is not None and expected_revision != revision:
            raise RevisionMismatch(
                "It was changed by somebody else meanwhile; read it again and repeat your edit.",
                revision=revision,
                expected_revision=expected_revision,
            )
        return self._put(entity, Operation.UPDATE, revision=revision + 1, **values)

    def derive(self, entity: Entity, **values: Any) -> Entity:
        """Store what follows from other facts: told to clients, but no edit and no revision."""
        return self._put(entity, Operation.DERIVED, **values)

    def touch(self, entity: Any) -> None:
        """Tell clients that something derived of an entity is different now."""
        self._note(STORED[type(entity)], entity, Operation.DERIVED)

    def delete(self, entity: Any) -> None:
        """Remove an entity and, by the foreign keys, what belongs to it."""
        stored_kind = STORED[type(entity)]
        self._note(stored_kind, entity, Operation.DELETE)
        self.connection.execute(delete(stored_kind.table).where(*stored_kind.matches(entity)))

    def _put(self, entity: Entity, operation: Operation, **values: Any) -> Entity:
        stored_kind = STORED[type(entity)]
        changed: Any = replace(entity, updated_at=self.now, **values)  # type: ignore[type-var]
        row = row_of(changed)
        new = {name: row[name] for name in ("updated_at", *values)}
        self.connection.execute(
            update(stored_kind.table).where(*stored_kind.matches(entity)).values(new)
        )
        self._note(stored_kind, changed, operation)
        return changed  # type: ignore[no-any-return]

    def _note(self, stored_kind: StoredKind, entity: Any, operation: Operation) -> None:
        if stored_kind.noun is None:
            return
        gone = operation is Operation.DELETE
        self.pending.append(
            PendingChange(
                project_id=stored_kind.project(self, entity) if stored_kind.project else None,
                entity=stored_kind.noun,
                entity_id=stored_kind.identity(entity),
                op=operation,
                revision=None if gone else getattr(entity, "revision", None),
            )
        )


def among(name: str) -> Select[Any]:
    """For `in_`: the texts of `listed(…)`, given by that name when the statement runs.

    So a statement is made once, and takes any number of them.
    """
    return select(func.json_each(bindparam(name)).table_valued("value").c.value)


def listed(texts: Iterable[str]) -> str:
    """Texts as one value, for `among`."""
    return msgspec.json.encode(list(texts)).decode()


def entities(kind: type[Entity], rows: Iterable[Row[Any]]) -> list[Entity]:
    """Rows of the whole table as entities."""
    columns = STORED[kind].columns
    values = [dict(zip(columns, row, strict=True)) for row in rows]
    # strict=False: SQLite has no booleans, and enums come as their text.
    return msgspec.convert(values, list[kind], strict=False)  # type: ignore[valid-type]


def row_of(entity: Any) -> dict[str, Any]:
    """An entity as the values of its row; enums become their text."""
    row = msgspec.to_builtins(entity)
    assert isinstance(row, dict)
    return row
