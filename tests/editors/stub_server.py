"""A language server that offers just enough to try an editor's own LSP client against."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer

server = LanguageServer("branchwork-stub", "0")
RUN = "branchwork.server.task.create"
OPEN = "branchwork.server.document.open"


@server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION)
def code_action(ls: LanguageServer, params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
    lines = ls.workspace.get_text_document(params.text_document.uri).lines
    first, last = params.range.start.line, params.range.end.line
    chosen = "".join(lines[first : last + 1]).strip().splitlines()
    title = f'Create task: "{chosen[0].strip()}" ({len(chosen)} lines)'
    command = lsp.Command(title=title, command=RUN, arguments=[{"title": title}])
    return [lsp.CodeAction(title=title, kind=lsp.CodeActionKind.QuickFix, command=command)]


@server.command(RUN)
async def run(ls: LanguageServer, what: Any) -> None:
    token = "agent-1"
    await ls.work_done_progress.create_async(token)
    ls.work_done_progress.begin(token, lsp.WorkDoneProgressBegin(title="Fix prices"))
    ls.work_done_progress.report(token, lsp.WorkDoneProgressReport(message="writing prices.py"))
    actions = [lsp.MessageActionItem(title="Open"), lsp.MessageActionItem(title="Later")]
    answer = await ls.window_show_message_request_async(
        lsp.ShowMessageRequestParams(
            type=lsp.MessageType.Info, message="Write prices.py?", actions=actions
        )
    )
    chosen = answer.title if answer else "nothing"
    ls.work_done_progress.end(token, lsp.WorkDoneProgressEnd(message=f"chosen: {chosen}"))


@server.command(OPEN)
async def open_document(ls: LanguageServer, what: Any) -> None:
    document = Path(sys.argv[1]) / "attention.branchwork.md"
    document.write_text("# Attention\n\n- Write prices.py?\n")
    await ls.window_show_document_async(
        lsp.ShowDocumentParams(uri=document.as_uri(), take_focus=True)
    )


if __name__ == "__main__":
    asyncio.set_event_loop(asyncio.new_event_loop())
    server.start_io()
