"""branchwork/document/*: the board, tasks, conversations and diffs as files to open."""

from enum import StrEnum

from branchwork.domain.errors import NotFound
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import Struct


class DocumentKind(StrEnum):
    """What a document shows."""

    BOARD = "board"
    ATTENTION = "attention"
    TASK = "task"
    CONVERSATION = "conversation"
    LOG = "log"
    DIFF = "diff"


class DocumentOpenParams(Struct, frozen=True, kw_only=True):
    """What to show."""

    kind: DocumentKind = DocumentKind.BOARD
    id: str | None = None
    """Of the task, conversation, execution (log) or workspace (diff); of a board, the project."""
    show: bool = True
    """Have the editor open it, where it can."""


class DocumentOpenResult(Struct, frozen=True, kw_only=True):
    """Where the document is."""

    uri: str
    shown: bool
    """The editor has opened it."""


OPEN = Request(
    method="branchwork/document/open",
    params=DocumentOpenParams,
    result=DocumentOpenResult,
    doc="Writes a document and has the editor open it.",
    errors=(NotFound,),
    example=Example(
        params={"kind": "task", "id": examples.TASK_ID},
        result={"uri": examples.DOCUMENT_URI, "shown": True},
    ),
    bare="Opens the board of the current project.",
)
