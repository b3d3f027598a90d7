"""Places in a text and diagnostics, as LSP has them: only what a task is made from."""

from typing import Annotated, Any

import msgspec

from branchwork.protocol.struct import Struct

FromZero = Annotated[int, msgspec.Meta(ge=0)]


class Position(Struct, frozen=True, kw_only=True):
    """Line and character count from 0, characters in UTF-16 units as in LSP."""

    line: FromZero
    character: FromZero


class Range(Struct, frozen=True, kw_only=True):
    """From `start` up to `end`."""

    start: Position
    end: Position


class Diagnostic(Struct, frozen=True, kw_only=True):
    """LSP's diagnostic as the editor gave it."""

    message: str
    range: Range | None = None
    severity: int | None = None
    code: int | str | None = None
    source: str | None = None
    code_description: Any = None
    tags: list[int] | None = None
    related_information: Any = None
    data: Any = None
