"""Code actions of our documents, for whoever answers `textDocument/codeAction`."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from lsprotocol import types

from branchwork.domain.errors import NotFound
from branchwork.lsp import document_actions as offered
from branchwork.lsp import document_files, document_task_actions
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.document_actions import Offer, Place, opening
from branchwork.services import anchors
from branchwork.services.document_names import Kind

_OFFERS: Mapping[Kind, Callable[[Place], Awaitable[list[Offer]]]] = {
    Kind.BOARD: document_task_actions.on_board,
    Kind.ATTENTION: offered.in_attention,
    Kind.TASK: document_task_actions.in_task,
    Kind.CONVERSATION: offered.in_conversation,
    Kind.LOG: offered.in_log,
    Kind.DIFF: offered.in_diff,
}


def is_ours(ls: EditorConnection, uri: str) -> bool:
    """Whether a uri is one of our documents."""
    return document_files.document_of(ls, uri) is not None


async def document_actions(
    ls: EditorConnection, params: types.CodeActionParams
) -> list[types.CodeAction]:
    """What can be done at a place of a document, as it stands in the editor now."""
    document = document_files.document_of(ls, params.text_document.uri)
    if document is None or not _wanted(params.context):
        return []
    text = await document_files.text_of(ls, params.text_document.uri)
    found = anchors.found(anchors.lines_of(text))
    place = Place(
        ls=ls,
        document=document,
        text=text,
        here=anchors.at(found, params.range.start.line),
        thorough=params.context.trigger_kind is not types.CodeActionTriggerKind.Automatic,
    )
    try:
        offers = await _OFFERS[document.kind](place)
    except NotFound:
        # What it shows is deleted: nothing can be done with it but to hear that.
        offers = []
    again = opening("Show this document as it is now", document.kind, document.id)
    return [_action(offer) for offer in (*offers, again)]


def _wanted(context: types.CodeActionContext) -> bool:
    """An editor that asks for source actions on save must not get ours."""
    ours = types.CodeActionKind.QuickFix.value
    only = context.only or [ours]
    kinds = [kind.value if isinstance(kind, types.CodeActionKind) else kind for kind in only]
    return any(kind in ("", ours) for kind in kinds)


def _action(offer: Offer) -> types.CodeAction:
    command = offer.request.command
    assert command is not None, "each request that a document offers has one"
    return types.CodeAction(
        title=offer.title,
        kind=types.CodeActionKind.QuickFix,
        command=types.Command(
            title=offer.title, command=command, arguments=[msgspec.to_builtins(offer.params)]
        ),
    )
