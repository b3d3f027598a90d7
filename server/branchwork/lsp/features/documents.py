"""branchwork/document/*, and symbols, folds, links and hovers of our documents."""

from pathlib import Path

from lsprotocol import types

from branchwork.domain.errors import NotFound
from branchwork.lsp import document_files, document_outline
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.registry import Features
from branchwork.protocol import documents as wire
from branchwork.services import anchors, views
from branchwork.services.document_names import Document, Kind
from branchwork.store import repos
from branchwork.store.transaction import Transaction

_LONGEST_HOVER = 2000


async def open_document(
    ls: EditorConnection, params: wire.DocumentOpenParams
) -> wire.DocumentOpenResult:
    """Written anew. Without an id it is what the editor's folders suggest, else the board."""
    kind = Kind(params.kind.value)
    if params.id is not None and kind is not Kind.ATTENTION:
        document = Document(kind=kind, id=params.id)
    else:
        document = await document_files.current(ls, kind)
    if params.show:
        return await document_files.show(ls, document)
    path = await document_files.write(ls, document)
    return wire.DocumentOpenResult(uri=path.as_uri(), shown=False)


async def document_symbols(
    ls: EditorConnection, params: types.DocumentSymbolParams
) -> list[types.DocumentSymbol] | None:
    """The headings."""
    found = await _outline(ls, params.text_document.uri)
    return None if found is None else document_outline.symbols(found, ls.workspace.position_codec)


async def folding_ranges(
    ls: EditorConnection, params: types.FoldingRangeParams
) -> list[types.FoldingRange] | None:
    """Sections and blocks."""
    found = await _outline(ls, params.text_document.uri)
    return None if found is None else document_outline.folds(found)


async def document_links(
    ls: EditorConnection, params: types.DocumentLinkParams
) -> list[types.DocumentLink] | None:
    """To other documents and to files, from a task's description also into its repositories."""
    document = document_files.document_of(ls, params.text_document.uri)
    found = await _outline(ls, params.text_document.uri)
    if document is None or found is None:
        return None
    codec = ls.workspace.position_codec
    links = document_outline.links(found, codec)
    if document.kind is Kind.TASK:
        roots = await ls.app.store.read(lambda tx: _roots(tx, document.id))
        links += await ls.app.blocking(document_outline.links_into, found, codec, roots)
    return links


async def resolve_link(ls: EditorConnection, link: types.DocumentLink) -> types.DocumentLink:
    """The document that a link leads to is written when somebody follows it."""
    document = document_outline.document_of(link)
    if document is not None:
        link.target = (await document_files.write(ls, document)).as_uri()
    return link


async def hover(ls: EditorConnection, params: types.HoverParams) -> types.Hover | None:
    """The task that a line of the board is about, as plain text."""
    uri = params.text_document.uri
    document = document_files.document_of(ls, uri)
    if document is None or document.kind is not Kind.BOARD:
        return None
    lines = anchors.lines_of(await document_files.text_of(ls, uri))
    here = anchors.at(anchors.found(lines), params.position.line)
    if here is None or here.kind != Kind.TASK:
        return None
    task_id = here.id
    try:
        view = await ls.app.store.read(lambda tx: views.task_view(tx, task_id))
    except NotFound:
        return None
    text = "\n\n".join(filter(None, (view.task.title, view.task.description)))
    return types.Hover(types.MarkupContent(types.MarkupKind.PlainText, text[:_LONGEST_HOVER]))


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.OPEN, open_document)
    features.standard(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, document_symbols)
    features.standard(types.TEXT_DOCUMENT_FOLDING_RANGE, folding_ranges)
    features.standard(types.TEXT_DOCUMENT_DOCUMENT_LINK, document_links)
    features.standard(types.DOCUMENT_LINK_RESOLVE, resolve_link)
    features.standard(types.TEXT_DOCUMENT_HOVER, hover)


async def _outline(ls: EditorConnection, uri: str) -> document_outline.Outline | None:
    if document_files.document_of(ls, uri) is None:
        return None
    return document_outline.outline(await document_files.text_of(ls, uri))


def _roots(tx: Transaction, task_id: str) -> list[Path]:
    try:
        project_id = views.task_view(tx, task_id).task.project_id
    except NotFound:
        return []
    return [Path(repo.path) for repo in repos.of_project(tx, project_id)]
