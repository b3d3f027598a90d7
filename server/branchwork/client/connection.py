"""Requests, notifications and answers over a stream, for programs that work step by step.

A thread reads and gives the plain answers that a server needs at once. All else happens on the
caller's thread: handlers run while it waits, one after the other, and may send requests. What
comes while a handler waits for its own answer is handled after it, in order.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from itertools import count
from typing import Any

import msgspec

from branchwork.client.errors import (
    BadMessage,
    ClientError,
    RequestFailed,
    ServerGone,
    TookTooLong,
)
from branchwork.client.stream import Stream
from branchwork.protocol.method import Notification, Params, Request, Result
from branchwork.protocol.struct import ProgressToken

SECONDS = 60.0
# More than this unhandled, and the server is not read until the caller waits again.
EVENTS = 4096
LOOK_SECONDS = 0.2
METHOD_NOT_FOUND = -32601
INTERNAL_ERROR = -32603

Answer = Callable[[Any], object]
Handler = Callable[[Any], None]


def _nothing(_: Any) -> None:
    return None


ANSWERS: Mapping[str, Answer] = {
    "window/workDoneProgress/create": _nothing,
    "client/registerCapability": _nothing,
    "client/unregisterCapability": _nothing,
    # "Later": nobody has looked at it.
    "window/showMessageRequest": _nothing,
    "window/showDocument": lambda _: {"success": False},
    "workspace/applyEdit": lambda _: {"applied": False},
    "workspace/configuration": lambda params: [None for _ in params["items"]],
}
"""What a client without a screen says; `answers` of a Connection goes over it."""


class Message(msgspec.Struct):
    """A request, a notification or a response."""

    id: int | str | msgspec.UnsetType | None = msgspec.UNSET
    method: str | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw(b"null")
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: "Error | None" = None


class Error(msgspec.Struct):
    """The error of a response."""

    code: int
    message: str
    data: Any = None


class _Progress(msgspec.Struct):
    token: ProgressToken
    value: msgspec.Raw = msgspec.Raw(b"null")


class Connection:
    """One connection, to be used from one thread."""

    def __init__(self, stream: Stream, answers: Mapping[str, Answer] | None = None) -> None:
        self._stream = stream
        self._answers = {**ANSWERS, **(answers or {})}
        self._handlers: dict[str, Handler] = {}
        self._progress: dict[ProgressToken, tuple[int, Handler]] = {}
        # How many handlers are under way, one inside the other.
        self._depth = 0
        self._deferred: deque[Message] = deque()
        self._events: queue.Queue[Message | ClientError] = queue.Queue(EVENTS)
        self._ids = count(1)
        self._waiting: set[int | str] = set()
        self._arrived: dict[int | str, Message] = {}
        self._trouble: ClientError | None = None
        self._closing = threading.Event()
        self._reader = threading.Thread(target=self._read, name="client-reader", daemon=True)
        self._reader.start()

    # --- what callers use ------------------------------------------------------------------------

    def request(
        self,
        request: Request[Params, Result],
        params: Params,
        *,
        seconds: float | None = SECONDS,
        on_part: Handler | None = None,
    ) -> Result:
        """Send a request of the protocol; `on_part` gets what is streamed before the result."""
        token = None if on_part is None else self._expect_parts(request, on_part)
        if token is not None:
            params = msgspec.structs.replace(params, partial_result_token=token)
        try:
            raw = self._ask(request.method, params, seconds)
        finally:
            if token is not None:
                self._progress.pop(token, None)
        result: Result = fit(request.method, raw, request.result)
        return result

    def call(
        self,
        method: str,
        params: object = None,
        kind: Any = Any,
        *,
        seconds: float | None = SECONDS,
    ) -> Any:
        """Send any other request; `kind` is the type of its result."""
        return fit(method, self._ask(method, params, seconds), kind)

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self._send({"method": method, **_given(params)})

    def on(self, notification: Notification[Params], handler: Callable[[Params], None]) -> None:
        """Hear of a notification of the protocol."""
        self.on_plain(
            notification.method,
            lambda raw: handler(fit(notification.method, raw, notification.params)),
        )

    def on_plain(self, method: str, handler: Handler) -> None:
        """Hear of any notification; the handler gets its raw params, for `fit`."""
        self._handlers[method] = handler

    def on_progress(self, token: ProgressToken, handler: Handler) -> None:
        """Hear of `$/progress` on a token; what has no handler goes to that of the method."""
        self._progress[token] = self._depth, lambda raw: handler(fit("$/progress", raw, Any))

    def wait_until(
        self, condition: Callable[[], bool], seconds: float | None = SECONDS, what: str = ""
    ) -> None:
        """Handle what comes until a handler has made the condition true."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not condition():
            if not self._take(deadline):
                raise TookTooLong(
                    f"Nothing came of {what or 'what was waited for'} in {seconds:g} s."
                )

    def close(self) -> str:
        """End the connection; the sentence that says how it ended."""
        self._closing.set()
        last_words = self._stream.close()
        self._reader.join(10 * LOOK_SECONDS)
        return last_words

    # --- asking and waiting ----------------------------------------------------------------------

    def _expect_parts(self, request: Request[Any, Any], on_part: Handler) -> str:
        kind = request.progress
        assert kind is not None, f"{request.method} streams nothing"
        token = f"part-{next(self._ids)}"
        self._progress[token] = self._depth, lambda raw: on_part(fit(request.method, raw, kind))
        return token

    def _ask(self, method: str, params: object, seconds: float | None) -> msgspec.Raw:
        id = next(self._ids)
        self._waiting.add(id)
        try:
            self._send({"id": id, "method": method, **_given(params)})
            self._wait_for_answer(id, method, seconds)
            message = self._arrived.pop(id)
        finally:
            self._waiting.discard(id)
        if message.error is not None:
            found = message.error
            data = found.data if isinstance(found.data, dict) else {}
            raise RequestFailed(method, found.code, found.message, data)
        return message.result

    def _wait_for_answer(self, id: int, method: str, seconds: float | None) -> None:
        def is_over() -> bool:
            # What was sent before the answer is handled before it.
            return id in self._arrived and (self._depth > 0 or not self._deferred)

        try:
            self.wait_until(is_over, seconds, method)
        except (TookTooLong, KeyboardInterrupt):
            with suppress(ServerGone):
                self.notify("$/cancelRequest", {"id": id})
            raise

    def _take(self, deadline: float | None) -> bool:
        """Handle the next message; False when there is none in time."""
        if self._deferred and not self._depth:
            self._handle(self._deferred.popleft())
            return True
        if self._trouble is not None:
            raise self._trouble
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            event = self._events.get(timeout=left)
        except queue.Empty:
            return False
        if isinstance(event, ClientError):
            self._trouble = event
            raise event
        self._handle(event)
        return True

    def _handle(self, message: Message) -> None:
        if isinstance(message.method, str):
            self._hear(message, message.method)
        elif isinstance(message.id, int | str) and message.id in self._waiting:
            self._arrived[message.id] = message
        elif message.id is None and message.error is not None:
            raise BadMessage(f"The server can't read what we sent: {message.error.message}")

    def _hear(self, message: Message, method: str) -> None:
        """Run the handler of a notification, unless another one is under way."""
        depth, handler, params = 0, self._handlers.get(method), message.params
        if method == "$/progress":
            progress: _Progress = fit(method, params, _Progress)
            if progress.token in self._progress:
                (depth, handler), params = self._progress[progress.token], progress.value
        if handler is None:
            return
        if self._depth > depth:
            self._deferred.append(message)
            return
        self._depth += 1
        try:
            handler(params)
        finally:
            self._depth -= 1

    def _send(self, message: dict[str, object]) -> None:
        self._stream.write(msgspec.json.encode({"jsonrpc": "2.0", **message}))

    # --- the reading thread ----------------------------------------------------------------------

    def _read(self) -> None:
        try:
            while (body := self._stream.read()) is not None:
                self._sort(_decode(body))
            raise ServerGone(self._stream.close())
        except ClientError as trouble:
            self._put(trouble)

    def _sort(self, message: Message) -> None:
        if isinstance(message.method, str) and isinstance(message.id, int | str):
            self._answer(message.id, message.method, message.params)
        else:
            self._put(message)

    def _put(self, event: Message | ClientError) -> None:
        while not self._closing.is_set():
            try:
                self._events.put(event, timeout=LOOK_SECONDS)
            except queue.Full:
                continue
            return

    def _answer(self, id: int | str, method: str, raw: msgspec.Raw) -> None:
        answer = self._answers.get(method)
        if answer is None:
            error = {"code": METHOD_NOT_FOUND, "message": f"This client has no {method}."}
            self._send({"id": id, "error": error})
            return
        try:
            result = answer(fit(method, raw, Any))
        except (LookupError, TypeError, ValueError, AttributeError) as problem:
            error = {"code": INTERNAL_ERROR, "message": f"{type(problem).__name__}: {problem}"}
            self._send({"id": id, "error": error})
        else:
            self._send({"id": id, "result": result})


def fit(method: str, raw: msgspec.Raw, kind: Any) -> Any:
    """The raw JSON as the type that the protocol gives it."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"The server's {method} is not what the protocol says: {error}") from error


def _given(params: object) -> dict[str, object]:
    """JSON-RPC has no params that are null."""
    return {} if params is None else {"params": params}


def _decode(body: bytes) -> Message:
    try:
        return msgspec.json.decode(body, type=Message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadMessage(f"The server sent something that is no message: {error}") from error
