"""Symbols, folds and links of our documents: pure functions of a document's text."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lsprotocol import types
from pygls.workspace import PositionCodec

from branchwork.services import anchors, markdown
from branchwork.services.document_names import Document, Kind, referenced

_HEADING = re.compile(r"(#{1,6}) +(\S.*)")
_FENCE = re.compile(r"(`{3,})(.*)")
_LINK = re.compile(r"\[(?:\\.|[^\[\]\\])*+\]\((?P<target>[^()\s]+)\)")
_LONGEST_NAME = 120
_LONGEST_LINE = 4000
"""No line of ours is longer, and looking for links in longer ones takes its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading's section; `start` is its anchor's line where it has one, `end` its last line."""

    level: int
    title: str
    start: int
    heading: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A document's lines, those of them that are ours, and what can be seen in these."""

    lines: Sequence[str]
    own: Mapping[int, str]
    fences: Sequence[tuple[int, int]]

    @property
    def sections(self) -> list[Section]:
        """In their order."""
        headings = [(number, match) for number, line in self.own.items() if (match := _head(line))]
        return [
            self._section(number, match, headings[place + 1 :])
            for place, (number, match) in enumerate(headings)
        ]

    def _section(
        self,
        number: int,
        match: re.Match[str],
        later: Sequence[tuple[int, re.Match[str]]],
    ) -> Section:
        level = len(match[1])
        ends = (self._start(after) for after, other in later if len(other[1]) <= level)
        end = next(ends, len(self.lines)) - 1
        while end > number and not self.lines[end].strip():
            end -= 1
        return Section(
            level=level,
            title=_title(match[2]),
            start=self._start(number),
            heading=number,
            end=end,
        )

    def _start(self, heading: int) -> int:
        """A section begins with the anchor above its heading."""
        above = self.own.get(heading - 1, "")
        return heading - 1 if above.startswith("<!-- ") else heading


def outline(text: str) -> Outline:
    """Tells our own lines from those in fences and from those that a person wrote."""
    lines = anchors.lines_of(text)
    fences = list(_fences(lines))
    foreign = {number for first, last in fences for number in range(first, last + 1)}
    foreign |= _written(lines)
    own = {number: line for number, line in enumerate(lines) if number not in foreign}
    return Outline(lines=lines, own=own, fences=fences)


def symbols(outline_: Outline, codec: PositionCodec) -> list[types.DocumentSymbol]:
    """The headings, each with those below it."""
    roots: list[types.DocumentSymbol] = []
    above: list[tuple[int, types.DocumentSymbol]] = []
    for section in outline_.sections:
        symbol = _symbol(section, outline_.lines, codec)
        while above and above[-1][0] >= section.level:
            above.pop()
        siblings = above[-1][1].children if above else roots
        assert isinstance(siblings, list), "each symbol is made with a list"
        siblings.append(symbol)
        above.append((section.level, symbol))
    return roots


def folds(outline_: Outline) -> list[types.FoldingRange]:
    """Sections and fences of more than one line."""
    pairs = [(section.heading, section.end) for section in outline_.sections]
    return [
        types.FoldingRange(start_line=first, end_line=last)
        for first, last in sorted({*pairs, *outline_.fences})
        if last > first
    ]


def links(outline_: Outline, codec: PositionCodec) -> list[types.DocumentLink]:
    """To other documents, written when they are followed, and to files."""
    return [
        _link(place, target, document)
        for place, target in _targets(outline_, sorted(outline_.own), codec)
        if (document := referenced(target)) is not None or target.startswith("file:///")
    ]


def links_into(
    outline_: Outline, codec: PositionCodec, roots: Sequence[Path]
) -> list[types.DocumentLink]:
    """Links of a task's description to files of its repositories; reads which files there are."""
    inside = sorted(_written(outline_.lines))
    return [
        types.DocumentLink(range=place, target=uri)
        for place, target in _targets(outline_, inside, codec)
        if (uri := _file_in(roots, target)) is not None
    ]


def _written(lines: Sequence[str]) -> set[int]:
    """The lines of a person's text."""
    marks = anchors.found(lines)
    begin, end = anchors.first(marks, anchors.BEGIN), anchors.first(marks, anchors.END)
    write = anchors.first(marks, anchors.WRITE)
    inside: set[int] = set()
    if begin is not None:
        inside |= set(range(begin.line + 1, _after(lines, end.line) if end else len(lines)))
    if write is not None:
        inside |= set(range(write.line + 1, len(lines)))
    return inside


def _after(lines: Sequence[str], end: int) -> int:
    """Behind END there may be a line that closes what the text has left open."""
    following = lines[end + 1] if end + 1 < len(lines) else ""
    return end + 2 if following.startswith(("```", "~~~")) else end


def _fences(lines: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Fences of ours, which begin in the first column."""
    written = _written(lines)
    opened: tuple[int, str] | None = None
    for number, line in enumerate(lines):
        match = None if number in written else _FENCE.fullmatch(line.rstrip())
        if match is None:
            continue
        if opened is None:
            opened = number, match[1]
        elif not match[2] and match[1].startswith(opened[1]):
            yield opened[0], number
            opened = None


def _head(line: str) -> re.Match[str] | None:
    return _HEADING.fullmatch(line)


def _title(text: str) -> str:
    plain = markdown.unescaped(text).strip()
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


def _symbol(section: Section, lines: Sequence[str], codec: PositionCodec) -> types.DocumentSymbol:
    return types.DocumentSymbol(
        name=section.title,
        kind=types.SymbolKind.String,
        range=_range(codec, lines, (section.start, 0), (section.end, len(lines[section.end]))),
        selection_range=_range(
            codec, lines, (section.heading, 0), (section.heading, len(lines[section.heading]))
        ),
        children=[],
    )


def _targets(
    outline_: Outline, numbers: Sequence[int], codec: PositionCodec
) -> Iterator[tuple[types.Range, str]]:
    for number in numbers:
        for match in _LINK.finditer(outline_.lines[number][:_LONGEST_LINE]):
            start, end = (number, match.start()), (number, match.end())
            yield _range(codec, outline_.lines, start, end), match["target"]


def _link(place: types.Range, target: str, document: Document | None) -> types.DocumentLink:
    if document is None:
        return types.DocumentLink(range=place, target=target)
    data = {"kind": str(document.kind), "id": document.id}
    return types.DocumentLink(range=place, data=data)


def document_of(link: types.DocumentLink) -> Document | None:
    """The document that an unresolved link of ours leads to."""
    data = link.data
    if not isinstance(data, dict) or data.get("kind") not in list(Kind):
        return None
    return Document(kind=Kind(data["kind"]), id=str(data.get("id")))


def _file_in(roots: Sequence[Path], target: str) -> str | None:
    path, hash_, place = target.partition("#")
    for root in roots:
        file = (root / unquote(path)).resolve()
        if ":" not in path and file.is_relative_to(root) and file.is_file():
            return file.as_uri() + hash_ + place
    return None


def _range(
    codec: PositionCodec, lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]
) -> types.Range:
    own = types.Range(types.Position(*start), types.Position(*end))
    return codec.range_to_client_units(lines, own)
