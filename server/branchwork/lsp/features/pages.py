"""Pages of lists: what a cursor is, and the reading that a page carries."""

from collections.abc import Sequence
from typing import Any, Protocol

from branchwork.domain.errors import InvalidInput
from branchwork.services.views import Reading


class HasId(Protocol):
    """Anything that a cursor can point at."""

    @property
    def id(self) -> str: ...


def next_cursor(found: Sequence[HasId], limit: int) -> str | None:
    """The id of the last item, where there may be more behind it."""
    return found[-1].id if len(found) == limit else None


def reading(read: Reading[Any]) -> dict[str, Any]:
    """The moment of a read, for the result's own fields."""
    return {"epoch": read.epoch, "seq": read.seq}


def slice_of(items: Sequence[Any], limit: int, cursor: str | None) -> tuple[list[Any], str | None]:
    """One page of a short list that is sorted by something else than its ids."""
    try:
        start = int(cursor or 0)
    except ValueError:
        raise InvalidInput("That is no cursor of this list.", field="cursor") from None
    end = start + limit
    return list(items[start:end]), str(end) if end < len(items) else None
