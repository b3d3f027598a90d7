"""Anchors: comment lines in our documents that say to a machine what stands below them.

What a person can do at a line follows from the document's text alone. Only whole lines count, and
`markdown.escaped` keeps foreign text from having such a line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_WORD = r"[A-Za-z0-9_.-]+"
_ANCHOR = re.compile(rf"<!-- ([a-z]+):({_WORD})((?: [a-z]+:{_WORD})*) -->[ \t]*")

BEGIN, END = "text", "end"
"""Between these two stands text of a person, in which nothing counts."""
WRITE = "write"
"""Below this one, to the end of the document, a person writes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One comment line; `line` counts from 0."""

    line: int
    kind: str
    id: str
    values: Mapping[str, str]


def anchor(kind: str, identifier: str, **values: object) -> str:
    """The comment line; a value of None is left out."""
    more = "".join(f" {name}:{value}" for name, value in values.items() if value is not None)
    return f"<!-- {kind}:{identifier}{more} -->"


def lines_of(text: str) -> list[str]:
    """The lines as an editor counts them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def found(lines: Sequence[str]) -> list[Anchor]:
    """The anchors of a document, without what people wrote."""
    result: list[Anchor] = []
    is_text = False
    for number, line in enumerate(lines):
        match = _ANCHOR.fullmatch(line)
        if match is None or (is_text and match[1] != END):
            continue
        is_text = match[1] == BEGIN
        values = dict(pair.split(":", 1) for pair in match[3].split())
        result.append(Anchor(line=number, kind=match[1], id=match[2], values=values))
        if match[1] == WRITE:
            break
    return result


def at(anchors: Sequence[Anchor], line: int) -> Anchor | None:
    """The item that a line belongs to: the last anchor at or above it."""
    above = [one for one in anchors if one.line <= line]
    return above[-1] if above else None


def first(anchors: Sequence[Anchor], kind: str) -> Anchor | None:
    """The first anchor of a kind."""
    return next((one for one in anchors if one.kind == kind), None)


def text_between(lines: Sequence[str], anchors: Sequence[Anchor]) -> str | None:
    """What a person wrote between BEGIN and END; None where these are gone."""
    begin, end = first(anchors, BEGIN), first(anchors, END)
    if begin is None or end is None or end.line < begin.line:
        return None
    return "\n".join(lines[begin.line + 1 : end.line]).strip("\n")


def written(lines: Sequence[str], anchors: Sequence[Anchor]) -> str:
    """What a person wrote below WRITE."""
    begin = first(anchors, WRITE)
    return "" if begin is None else "\n".join(lines[begin.line + 1 :]).strip()
