"""Announces what needs a person and what a command did, in an editor that has no better way.

A modal list must never take a keystroke as "allow": the choices are to look, or to look later.
"""

import logging

from lsprotocol import types

from branchwork.domain.errors import BranchworkError
from branchwork.lsp import document_files
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.errors import EditorGone
from branchwork.services.attention import APPROVAL, AttentionItem
from branchwork.services.document_names import Document, Kind
from branchwork.services.markdown import plain_line
from branchwork.services.text import shortened

logger = logging.getLogger(__name__)

OPEN, LATER = "Open", "Later"
OWN_FEATURE = "attention"
_LONGEST_TITLE, _LONGEST_SENTENCE = 60, 200


def announce(ls: EditorConnection, item: AttentionItem) -> None:
    """Ask whether to look at it now, where this editor wants to be asked; never waits."""
    if wants(ls):
        ls.app.start_job(_announce(ls, item), f"announce {item.id}")


def tell(ls: EditorConnection, result: object, done: str | None = None) -> None:
    """Show what a command did, with the notes of its result: such an editor drops results."""
    notes = [str(note) for note in getattr(result, "notes", ())]
    said = " ".join([*([done] if done else []), *notes])
    if said and wants(ls):
        params = types.ShowMessageParams(types.MessageType.Info, said)
        ls.notify(types.WINDOW_SHOW_MESSAGE, params)


def wants(ls: EditorConnection) -> bool:
    """Its options allow notices, and its client shows the attention list by itself no better."""
    features = ls.abilities.get("features")
    has_own = isinstance(features, list) and OWN_FEATURE in features
    return ls.options.notices and not has_own


async def _announce(ls: EditorConnection, item: AttentionItem) -> None:
    params = types.ShowMessageRequestParams(
        type=types.MessageType.Info,
        message=sentence(item),
        actions=[types.MessageActionItem(OPEN), types.MessageActionItem(LATER)],
    )
    try:
        chosen = await document_files.answer_to(ls, types.WINDOW_SHOW_MESSAGE_REQUEST, params)
        if chosen is not None and chosen.title == OPEN:
            await document_files.show(ls, Document(kind=Kind.ATTENTION))
    except EditorGone:
        return
    except BranchworkError as error:
        logger.warning("announcing %s: %s", item.id, error)


def sentence(item: AttentionItem) -> str:
    """What the message says."""
    said = shortened(plain_line(item.sentence), _LONGEST_SENTENCE)
    asks = " asks" if item.kind == APPROVAL else ""
    return f"{shortened(plain_line(item.task.title), _LONGEST_TITLE)}{asks}: {said}"
