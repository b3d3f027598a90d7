"""What a method is about where the editor did not say: the place that its folders belong to.

A command without an argument does something useful: it takes the obvious target, or opens a
document from which a person goes on.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from branchwork.domain.errors import InvalidInput
from branchwork.lsp import announce
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import documents
from branchwork.lsp.registry import Features
from branchwork.lsp.streams import ProgressStream
from branchwork.protocol.documents import DocumentKind, DocumentOpenParams
from branchwork.protocol.method import Request
from branchwork.protocol.struct import ProgressToken
from branchwork.services import views

Params = TypeVar("Params", bound=msgspec.Struct)
Handler = Callable[[EditorConnection, Any], Awaitable[object]]
Bare = Callable[[EditorConnection, views.Place], Awaitable[dict[str, Any] | None]]


async def place(ls: EditorConnection) -> views.Place:
    """What the folders of this connection belong to."""
    roots = ls.roots
    found: views.Place = await ls.app.store.read(lambda tx: views.place_of(tx, roots))
    return found


def required(params: msgspec.Struct, *fields: str) -> None:
    """Raises InvalidInput where none of the fields was given."""
    if all(getattr(params, field) is None for field in fields):
        names = " or ".join(_camel(field) for field in fields)
        raise InvalidInput(f"{names} is missing.", kind="missing", field=_camel(fields[0]))


def answer(
    features: Features,
    request: Request[Any, Any],
    handler: Handler,
    fields: tuple[str, ...],
    bare: Bare,
    otherwise: DocumentKind = DocumentKind.BOARD,
) -> None:
    """Register a method and its command. Without any of `fields` the method is refused; the command
    takes them from `bare`, and where that finds nothing, opens a document."""

    async def strictly(ls: EditorConnection, params: Any) -> object:
        required(params, *fields)
        return await handler(ls, params)

    async def run(ls: EditorConnection, params: Any) -> object:
        if all(getattr(params, field) is None for field in fields):
            found = await bare(ls, await place(ls))
            if found is None:
                return await documents.open_document(ls, DocumentOpenParams(kind=otherwise))
            params = msgspec.structs.replace(params, **found)
        result = await handler(ls, params)
        announce.tell(ls, result)
        return result

    features.request(request.method, request.params, strictly)
    if request.command is not None:
        features.command(request.command, request.params, run)


async def nothing(_ls: EditorConnection, _place: views.Place) -> dict[str, Any] | None:
    """There is no obvious target."""
    return None


async def current_workspace(_ls: EditorConnection, at: views.Place) -> dict[str, Any] | None:
    """The workspace whose worktree is open."""
    return None if at.workspace is None else {"workspace_id": at.workspace.id}


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(part.capitalize() for part in tail)


async def send_part(ls: EditorConnection, token: ProgressToken, part: msgspec.Struct) -> None:
    """One part of a result, on its partial-result token."""
    await ProgressStream(ls, token).send(msgspec.json.encode(part))
