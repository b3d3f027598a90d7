"""The base of everything on the wire, and the shapes that many methods share.

A field without a default is always there; one with a default may be left out.
"""

from typing import Annotated

import msgspec

ProgressToken = str | int


class Struct(msgspec.Struct, frozen=True, rename="camel", kw_only=True, omit_defaults=True):
    """A JSON object: camelCase names, strict types, unknown fields ignored."""


Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class ListParams(Struct, frozen=True, kw_only=True):
    """One page of a list: at most `limit` items after `cursor`."""

    limit: Limit = 100
    cursor: str | None = None
    """The `nextCursor` of the page before."""


class Reading(Struct, frozen=True, kw_only=True):
    """What was true at one moment: `changes/since` with these two gives what came after."""

    epoch: str
    seq: int


class Page(Reading, frozen=True, kw_only=True):
    """One page of a list; without `nextCursor` it is the last."""

    next_cursor: str | None = None


class Current(Struct, frozen=True, kw_only=True):
    """What the folders of this connection belong to."""

    project_id: str | None = None
    repo_id: str | None = None
    task_id: str | None = None
    workspace_id: str | None = None


class Nothing(Struct, frozen=True, kw_only=True):
    """An empty object."""
