"""The one way to change a status: through its transition table."""

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from branchwork.domain.errors import IllegalTransition

Entity = TypeVar("Entity")
Status = TypeVar("Status", bound=StrEnum)
Moves = Mapping[Status, frozenset[Status]]


def with_status(entity: Entity, status: Status, moves: Moves[Status]) -> Entity:
    """The entity with that status; raises IllegalTransition where the table has no such move."""
    current: Any = getattr(entity, "status")  # noqa: B009  any entity that has one
    if status not in moves.get(current, frozenset()):
        noun = type(entity).__name__
        raise IllegalTransition(
            f"{noun} is {current} and can't become {status}.",
            entity=noun,
            id=getattr(entity, "id", None),
            status=str(current),
            wanted=str(status),
        )
    changed: Any = replace(entity, status=status)  # type: ignore[type-var]
    return changed  # type: ignore[no-any-return]
