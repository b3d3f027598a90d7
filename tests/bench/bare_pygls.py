"""A language server as pygls alone gives it, to compare with; nothing of ours is in it."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("bare", "1")


@server.feature(types.TEXT_DOCUMENT_CODE_ACTION)
def code_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
    """Nothing to offer, so that there is one feature at least."""
    return []


@server.feature("bare/nothing")
def nothing(ls: LanguageServer, params: object) -> dict[str, bool]:
    """The cheapest request that there is."""
    return {"ok": True}


if __name__ == "__main__":
    server.start_io()
