"""Pages of lists: what a cursor is, and the reading that a page carries."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from branchwork.domain.errors import InvalidInput
from branchwork.domain.project import Project
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace
from branchwork.lsp.connection import EditorConnection
from branchwork.services import conversations, views
from branchwork.services.views import Reading
from branchwork.store.transaction import Transaction

Value = TypeVar("Value")
_NARROWED_BY = {"project_id": Project, "task_id": Task, "workspace_id": Workspace}


class HasId(Protocol):
    """Anything that a cursor can point at."""

    @property
    def id(self) -> str: ...


async def read(
    ls: EditorConnection, params: msgspec.Struct, work: Callable[[Transaction], Value]
) -> Reading[Value]:
    """Read a list; NotFound where it is narrowed to something that is not there."""

    def known(tx: Transaction) -> Value:
        for name, kind in _NARROWED_BY.items():
            identifier = getattr(params, name, None)
            if identifier is not None:
                tx.get(kind, identifier)
        conversation_id = getattr(params, "conversation_id", None)
        if conversation_id is not None:
            conversations.last_session(tx, conversation_id)
        return work(tx)

    return await views.reading(ls.app, known)


def next_cursor(found: Sequence[HasId], limit: int) -> str | None:
    """The id of the last item, where there may be more behind it."""
    return found[-1].id if len(found) == limit else None


def reading(read: Reading[Any]) -> dict[str, Any]:
    """The moment of a read, for the result's own fields."""
    return {"epoch": read.epoch, "seq": read.seq}


def slice_of(items: Sequence[Any], limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
    """One page of a short list that is sorted by something else than its ids."""
    if cursor is not None and not (cursor.isdecimal() and cursor.isascii() and len(cursor) < 10):
        raise InvalidInput("That is no cursor of this list.", field="cursor")
    start = int(cursor or 0)
    end = start + limit
    return list(items[start:end]), str(end) if end < len(items) else None
