"""Work-done progress: of a request that takes long, and of the agents that run.

A token that the editor gave is used as it is; where it gave none, and can show progress, we make
one. Payloads of logs never travel here.
"""

import contextlib
import secrets
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.progress import Progress

from branchwork.lsp import wire

if TYPE_CHECKING:
    from branchwork.lsp.connection import EditorConnection

CREATE = types.WINDOW_WORK_DONE_PROGRESS_CREATE


class WorkDoneProgress(Progress):
    """pygls keeps every token for ever; this one forgets a token at its end."""

    def end(self, token: types.ProgressToken, value: types.WorkDoneProgressEnd) -> Any:
        super().end(token, value)
        self.tokens.pop(token, None)


class Work:
    """One piece of work that an editor shows; without a token nothing is shown."""

    def __init__(self, ls: "EditorConnection", token: types.ProgressToken | None) -> None:
        self._ls = ls
        self._token = token

    def begin(self, title: str, *, cancellable: bool = False) -> None:
        """The first word; nothing may be said before it."""
        self._say(types.WorkDoneProgressBegin(title=title, cancellable=cancellable))

    def report(self, message: str, percentage: int | None = None) -> None:
        """What is done now."""
        self._say(types.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str | None = None) -> None:
        """The last word."""
        self._say(types.WorkDoneProgressEnd(message=message))

    def _say(self, value: Any) -> None:
        if self._token is not None:
            plain = wire.converter().unstructure(value)
            self._ls.notify(types.PROGRESS, types.ProgressParams(token=self._token, value=plain))


@contextlib.asynccontextmanager
async def work_done(
    ls: "EditorConnection", token: types.ProgressToken | None, title: str
) -> AsyncIterator[Work]:
    """The progress of one request, from its begin to its end however it ends."""
    if token is None:
        token = await made_token(ls, f"branchwork-{secrets.token_hex(6)}")
    work = Work(ls, token)
    work.begin(title)
    try:
        yield work
    except BaseException:
        work.end("it failed")
        raise
    work.end()


async def made_token(ls: "EditorConnection", token: str) -> str | None:
    """A token of ours that the editor has agreed to; None where it can't show progress."""
    window = ls.protocol.client_capabilities.window
    if window is None or not window.work_done_progress or not ls.options.progress:
        return None
    try:
        await ls.ask(CREATE, types.WorkDoneProgressCreateParams(token=token))
    except JsonRpcException:
        # Whatever it has against the token, the work goes on unseen.
        return None
    return token
