"""The text of a file as this connection sees it: open in the editor, else on disk."""

import re
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types
from pygls.uris import to_fs_path
from pygls.workspace import PositionCodec

from branchwork.domain.errors import InvalidInput
from branchwork.lsp.connection import EditorConnection

MOST_BYTES = 16 << 20
_TODO = re.compile(r"\b(?:TODO|FIXME|HACK|XXX)\b(?:\([^)]*\))?[:\s-]*(?P<text>.*)")
_CLOSERS = re.compile(r"\s*(?:\*/|-->|\*\)|#\}|%\}|\"\"\"|''')\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file's path, its lines without their ends, and its language where the editor said it."""

    path: Path
    lines: list[str]
    language: str
    codec: PositionCodec

    def selected(self, place: types.Range) -> str:
        """The text of a range that the editor gave in its own units."""
        own = self.codec.range_from_client_units(self.lines, place)
        lines = self.lines[own.start.line : own.end.line + 1]
        if not lines:
            return ""
        if own.end.line < len(self.lines):
            lines[-1] = lines[-1][: own.end.character]
        lines[0] = lines[0][own.start.character :]
        return "\n".join(lines)

    def line(self, number: int) -> str:
        """A line by its number from 0; empty behind the last."""
        return self.lines[number] if 0 <= number < len(self.lines) else ""


def source(ls: EditorConnection, uri: str) -> Source:
    """The file behind a uri; raises InvalidInput where it can't be read as text."""
    path = local_path(uri)
    document = ls.workspace.text_documents.get(uri)
    if document is not None:
        text, language = document.source, document.language_id or ""
    else:
        text, language = _from_disk(path), ""
    return Source(
        path=path,
        lines=text.split("\n"),
        language=language or path.suffix.lstrip("."),
        codec=ls.workspace.position_codec,
    )


def local_path(uri: str) -> Path:
    """The file of a uri; raises InvalidInput for what is not on this machine."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    if not path or "\0" in path:
        raise InvalidInput(
            f"{uri} is no file on this machine; save the text to a file first.",
            kind="notAFile",
            field="uri",
        )
    return Path(path)


def todo_in(line: str) -> str | None:
    """The text of a TODO comment in a line."""
    found = _TODO.search(line)
    if found is None:
        return None
    return _CLOSERS.sub("", found["text"]).strip() or None


def _from_disk(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InvalidInput(
                f"{path} is too large to make a task of.", kind="tooLong", field="uri"
            )
        return path.read_text("utf-8", "replace").replace("\r\n", "\n")
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}.", kind="notReadable", field="uri"
        ) from error
