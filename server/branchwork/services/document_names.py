"""Which documents there are and where their files lie."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FOLDER = "documents"
SUFFIX = ".branchwork.md"
ALL = "all"


class Kind(StrEnum):
    """What a document shows."""

    BOARD = "board"
    ATTENTION = "attention"
    TASK = "task"
    CONVERSATION = "conversation"
    LOG = "log"
    DIFF = "diff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document: `id` is a task's, a conversation's, an execution's (log), a workspace's (diff)
    or a project's (board); `all` for the board of all projects and for the attention list."""

    kind: Kind
    id: str = ALL


def path_of(data: Path, document: Document) -> Path:
    """The file of a document."""
    return data / FOLDER / document.kind / f"{document.id}{SUFFIX}"


def document_at(data: Path, path: Path) -> Document | None:
    """The document whose file a path is, None for any other file."""
    if not path.name.endswith(SUFFIX):
        return None
    folder = data / FOLDER
    if not path.is_relative_to(folder):
        # An editor may have followed a link on the way to our folder.
        folder, path = folder.resolve(), path.resolve()
    return _named(path.relative_to(folder).parts) if path.is_relative_to(folder) else None


def reference(kind: Kind, identifier: str = ALL) -> str:
    """The target of a link from one document to another."""
    return f"../{kind}/{identifier}{SUFFIX}"


def referenced(target: str) -> Document | None:
    """The document that a link leads to."""
    return _named(tuple(target.removeprefix("../").split("/"))) if target[:3] == "../" else None


def _named(parts: tuple[str, ...]) -> Document | None:
    if len(parts) != 2 or parts[0] not in list(Kind) or not parts[1].endswith(SUFFIX):
        return None
    return Document(kind=Kind(parts[0]), id=parts[1].removesuffix(SUFFIX))
