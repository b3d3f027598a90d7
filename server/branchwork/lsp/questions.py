"""Requests from the server to its editor, and the answers that are still to come."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from itertools import count
from typing import Any

import msgspec
from lsprotocol import types

from branchwork.lsp import errors, wire
from branchwork.lsp.errors import EditorGone, EditorRefused


class Questions:
    """Each is answered or refused, withdrawn with whoever asked it, or ends as EditorGone."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._open: dict[wire.MessageId, tuple[str, Future[Any]]] = {}
        # Unlike any id of an earlier daemon: an editor may still answer those.
        self._prefix = os.urandom(6).hex()
        self._numbers = count(1)

    def ask(self, method: str, params: bytes, id: wire.MessageId | None = None) -> Future[Any]:
        """Send a request; its answer is structured where LSP knows its type."""
        id = f"{self._prefix}-{next(self._numbers)}" if id is None else id
        future: Future[Any] = Future()
        self._open[id] = (method, future)
        future.add_done_callback(partial(self._withdraw, id))
        self._send(wire.request(id, method, params))
        return future

    def take(self, id: wire.MessageId, message: wire.Message) -> None:
        """An answer of the editor; to what nobody asked, there is nothing to do."""
        method, future = self._open.pop(id, ("", None))
        if future is None or not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(_result_of(method, message))
        except EditorRefused as error:
            future.set_exception(error)
        except (ValueError, TypeError, KeyError, AttributeError, ExceptionGroup) as error:
            sentence = f"its answer to {method} has another form: {error}"
            future.set_exception(EditorRefused(sentence, errors.INVALID_PARAMS))

    def close(self) -> None:
        """Nobody will answer any more."""
        opened, self._open = self._open, {}
        for _, future in opened.values():
            if future.set_running_or_notify_cancel():
                future.set_exception(EditorGone())

    def _withdraw(self, id: wire.MessageId, future: Future[Any]) -> None:
        if future.cancelled() and self._open.pop(id, None) is not None:
            cancel = wire.encode_standard(types.CancelParams(id))
            self._send(wire.notification(types.CANCEL_REQUEST, cancel))


def _result_of(method: str, message: wire.Message) -> Any:
    if message.error:
        error = msgspec.json.decode(message.error, type=errors.ResponseError)
        raise EditorRefused(error.message, error.code, error.data)
    result = wire.decode(message.result)
    if method not in types.METHOD_TO_TYPES:
        return result
    answer = {"jsonrpc": "2.0", "id": message.id, "result": result}
    kind: Any = types.METHOD_TO_TYPES[method][1]
    return wire.converter().structure(answer, kind).result
