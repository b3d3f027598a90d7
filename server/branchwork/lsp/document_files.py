"""Our documents as an editor sees them: their uris, their text at this moment, showing them."""

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lsprotocol import types
from pygls.uris import to_fs_path

from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.dispatch import Stage
from branchwork.lsp.errors import EditorRefused
from branchwork.protocol.documents import DocumentOpenResult
from branchwork.services import documents, views
from branchwork.services.document_names import ALL, Document, Kind, document_at, path_of
from branchwork.store import executions
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

PATIENCE_SECONDS = 30
_NAMES: Mapping[Kind, str] = {
    Kind.BOARD: "board",
    Kind.ATTENTION: "list of what needs you",
    Kind.TASK: "task",
    Kind.CONVERSATION: "conversation",
    Kind.LOG: "log",
    Kind.DIFF: "diff",
}


def document_of(ls: EditorConnection, uri: str) -> Document | None:
    """The document behind a uri, None for any other file."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return document_at(ls.app.data, Path(path)) if path else None


async def text_of(ls: EditorConnection, uri: str) -> str:
    """The text as it is in the editor, with what is not saved; else as it is on disk."""
    in_editor = _in_editor(ls, uri)
    if in_editor is not None:
        return in_editor
    text: str = await ls.app.blocking(documents.read, Path(to_fs_path(uri) or ""))
    return text


async def show(ls: EditorConnection, document: Document) -> DocumentOpenResult:
    """Write a document and have the editor open it; where it can't, say where the file is."""
    path = await write(ls, document)
    shown = await _shown(ls, path.as_uri())
    if not shown:
        name = _NAMES[document.kind]
        said = types.ShowMessageParams(types.MessageType.Info, f"The {name} is in {path}")
        ls.notify(types.WINDOW_SHOW_MESSAGE, said)
    return DocumentOpenResult(uri=path.as_uri(), shown=shown)


async def write(ls: EditorConnection, document: Document) -> Path:
    """Write a document; what the person has typed into it and not sent is kept."""
    uri = path_of(ls.app.data, document).as_uri()
    return await documents.write(ls.app, document, ls.environment, _in_editor(ls, uri))


def opened(ls: EditorConnection) -> list[tuple[Document, str]]:
    """Our documents that are open in the editor, each with its text there."""
    if ls.protocol.stage is not Stage.READY:
        return []
    found = [
        (document_of(ls, uri), in_editor.source)
        for uri, in_editor in tuple(ls.workspace.text_documents.items())
    ]
    return [(document, text) for document, text in found if document is not None]


async def current(ls: EditorConnection, kind: Kind) -> Document:
    """The document of a kind that the editor's folders suggest, else their board."""
    roots = ls.roots

    def read(tx: Transaction) -> Document:
        place = views.place_of(tx, roots)
        identifier = _suggested(tx, kind, place)
        if identifier is not None:
            return Document(kind=kind, id=identifier)
        return Document(kind=Kind.BOARD, id=place.project.id if place.project else ALL)

    found: Document = await ls.app.store.read(read)
    return found


async def answer_to(ls: EditorConnection, method: str, params: object) -> Any:
    """What the editor answers; None where it refuses."""
    try:
        return await ls.ask(method, params)
    except EditorRefused as error:
        logger.warning("%s: %s", method, error)
        return None


def _in_editor(ls: EditorConnection, uri: str) -> str | None:
    opened = ls.workspace.text_documents.get(unquote(uri))
    return None if opened is None else opened.source


async def _shown(ls: EditorConnection, uri: str) -> bool:
    window = ls.client_capabilities.window
    if window is None or window.show_document is None or not window.show_document.support:
        return False
    params = types.ShowDocumentParams(uri=uri, take_focus=True)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = await answer_to(ls, types.WINDOW_SHOW_DOCUMENT, params)
    except TimeoutError:
        return False
    return answer is not None and bool(answer.success)


def _suggested(tx: Transaction, kind: Kind, place: views.Place) -> str | None:
    match kind:
        case Kind.BOARD:
            return place.project.id if place.project else ALL
        case Kind.ATTENTION:
            return ALL
        case Kind.TASK:
            return place.task.id if place.task else None
    if place.workspace is None:
        return None
    match kind:
        case Kind.DIFF:
            return place.workspace.id
        case Kind.CONVERSATION:
            return views.workspace_view(tx, place.workspace.id).conversation_id
        case Kind.LOG:
            wanted = executions.Wanted(workspace_id=place.workspace.id)
            newest = executions.page(tx, 1, None, wanted)
            return newest[0].id if newest else None
