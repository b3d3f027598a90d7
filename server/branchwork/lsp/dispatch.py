"""Messages of one connection to handlers, results to responses: exactly one for each request.

This stands in the place of pygls' message loop; its feature registry, documents and capabilities
are kept. What is used of pygls' private parts has a contract test.
"""

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future
from enum import Enum, auto
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import msgspec
from cattrs import Converter
from lsprotocol import types
from pygls.protocol import LanguageServerProtocol, lsp_method

from branchwork import endpoint
from branchwork.domain.errors import BranchworkError
from branchwork.lsp import errors, params, wire
from branchwork.lsp.errors import EditorGone, Refused
from branchwork.lsp.progress import WorkDoneProgress
from branchwork.lsp.questions import Questions
from branchwork.lsp.registry import Custom

if TYPE_CHECKING:
    from branchwork.lsp.connection import EditorConnection

logger = logging.getLogger(__name__)

_CLOSE_SECONDS = 10


class Stage(Enum):
    """Where a connection stands between its first byte and its last."""

    NEW = auto()
    INITIALIZING = auto()
    READY = auto()
    SHUT_DOWN = auto()
    CLOSED = auto()


class _Command(msgspec.Struct):
    """The params of `workspace/executeCommand`."""

    command: str
    arguments: list[Any] | None = None


class EditorProtocol(LanguageServerProtocol):
    """The JSON-RPC of one editor: state machine, dispatch, responses, requests of our own."""

    _server: "EditorConnection"

    def __init__(self, server: "EditorConnection", converter: Converter) -> None:
        super().__init__(server, converter)
        self.progress = WorkDoneProgress(self)
        self.client_capabilities = types.ClientCapabilities()
        self.stage = Stage.NEW
        self._in_flight: dict[wire.MessageId, asyncio.Task[Any]] = {}
        self._jobs: set[asyncio.Task[Any]] = set()
        self._questions = Questions(server.put)
        self._named_unknown: set[str] = set()

    # --- incoming --------------------------------------------------------------------------------

    def receive(self, body: bytes) -> None:
        """Take one message; what it starts runs on its own."""
        try:
            message = wire.decode_message(body)
        except msgspec.ValidationError as error:
            self._reply_error(None, Refused(errors.INVALID_REQUEST, f"Not a message: {error}"))
        except (ValueError, RecursionError):
            self._reply_error(None, Refused(errors.PARSE_ERROR, "A message is not valid JSON."))
        else:
            self._take(message)

    def _take(self, message: wire.Message) -> None:
        if isinstance(message.method, str) and isinstance(message.id, int | str):
            self._take_request(message.id, message.method, message.params)
        elif isinstance(message.method, str) and message.id is msgspec.UNSET:
            self._take_notification(message.method, message.params)
        elif message.method is msgspec.UNSET and isinstance(message.id, int | str):
            self._questions.take(message.id, message)
        elif not message.error:
            refusal = Refused(errors.INVALID_REQUEST, "A message has no method or no usable id.")
            self._reply_error(None, refusal)

    def _take_request(self, id: wire.MessageId, method: str, raw: msgspec.Raw) -> None:
        try:
            if id in self._in_flight:
                raise Refused(errors.INVALID_REQUEST, f"The id {id!r} is already in use.")
            self._check_stage(method)
            work = self._prepare(method, raw)
        except Exception as error:  # noqa: BLE001 - it gets its answer, whatever it is
            self._reply_error(id, error, method)
            return
        if method == types.INITIALIZE:
            self.stage = Stage.INITIALIZING
        elif method == types.SHUTDOWN:
            self.stage = Stage.SHUT_DOWN
        # Always a job of its own, even for what never waits: jobs start in the order of messages.
        self._in_flight[id] = self._start(work, method, partial(self._respond, id, method))

    def _check_stage(self, method: str) -> None:
        if self.stage in (Stage.SHUT_DOWN, Stage.CLOSED):
            raise Refused(errors.INVALID_REQUEST, "This connection was shut down.")
        if method == types.INITIALIZE:
            if self.stage is not Stage.NEW:
                raise Refused(errors.INVALID_REQUEST, "This connection is initialized already.")
        elif self.stage is not Stage.READY:
            raise Refused(errors.SERVER_NOT_INITIALIZED, "Send `initialize` first.")
        elif self._server.failure is not None and not self._answers_in_safe_mode(method):
            raise self._server.failure

    def _answers_in_safe_mode(self, method: str) -> bool:
        return method == types.SHUTDOWN or method in self._server.features.in_safe_mode

    def _prepare(self, method: str, raw: msgspec.Raw) -> Coroutine[Any, Any, bytes]:
        """The work that yields the encoded result; raises Refused for what can't be begun."""
        if method == types.SHUTDOWN:
            return self._shut_down()
        if method == types.WORKSPACE_EXECUTE_COMMAND:
            return self._prepare_command(raw)
        custom = self._server.features.requests.get(method)
        if custom is not None:
            given, unknown = params.custom(raw, custom.params)
            return self._run_custom(method, custom, given, unknown)
        handler = self._standard_handler(method)
        if handler is None:
            raise Refused(errors.METHOD_NOT_FOUND, f"Branchwork has no method {method}.")
        if method == types.INITIALIZE:
            self._server.remember(params.decoded(raw))
        return self._run_standard(handler, params.standard(method, raw))

    def _prepare_command(self, raw: msgspec.Raw) -> Coroutine[Any, Any, bytes]:
        call, _ = params.custom(raw, _Command)
        custom = self._server.features.commands.get(call.command)
        if custom is None:
            raise errors.invalid_params(f"Branchwork has no command {call.command}.", "command")
        arguments = call.arguments or []
        if len(arguments) > 1:
            raise errors.invalid_params(f"{call.command} takes one object.", "arguments")
        given, unknown = params.plain(arguments[0] if arguments else None, custom.params)
        return self._run_custom(call.command, custom, given, unknown)

    def _standard_handler(self, method: str) -> Callable[..., Any] | None:
        handler = self.fm.builtin_features.get(method) or self.fm.features.get(method)
        return handler if method in types.METHOD_TO_TYPES else None

    def _take_notification(self, method: str, raw: msgspec.Raw) -> None:
        if method == types.EXIT:
            self.stage = Stage.CLOSED
            return
        if self.stage not in (Stage.INITIALIZING, Stage.READY):
            return
        try:
            work = self._prepare_notification(method, raw)
        except Exception as error:  # noqa: BLE001 - the connection goes on, whatever it is
            self._log_failure(method, error)
            return
        if work is not None:
            self._start(work, method, partial(self._notified, method))

    def _prepare_notification(
        self, method: str, raw: msgspec.Raw
    ) -> Coroutine[Any, Any, bytes] | None:
        if method == types.CANCEL_REQUEST:
            self._cancel(raw)
            return None
        if self._server.failure is not None and method != types.INITIALIZED:
            return None
        custom = self._server.features.notifications.get(method)
        if custom is not None:
            given, unknown = params.custom(raw, custom.params)
            return self._run_custom(method, custom, given, unknown)
        handler = self._standard_handler(method)
        return (
            None if handler is None else self._run_standard(handler, params.standard(method, raw))
        )

    def _cancel(self, raw: msgspec.Raw) -> None:
        value = params.decoded(raw)
        id: Any = value.get("id") if isinstance(value, dict) else None
        job = self._in_flight.get(id) if isinstance(id, int | str) else None
        if job is not None:
            job.cancel()

    # --- running ---------------------------------------------------------------------------------

    def _start(
        self,
        work: Coroutine[Any, Any, bytes],
        name: str,
        ended: Callable[["asyncio.Task[bytes]"], None],
    ) -> "asyncio.Task[bytes]":
        job = asyncio.create_task(work, name=name)
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)
        # Not at the end of the work: a job that is cancelled before it began has no end.
        job.add_done_callback(ended)
        return job

    async def _run_custom(
        self, name: str, custom: Custom, given: msgspec.Struct, unknown: list[str]
    ) -> bytes:
        if unknown:
            self._tell_unknown(name, unknown)
        result = await _run(custom.handler, (self._server, given))
        return wire.encode_standard(result) if wire.is_lsp(result) else wire.encode(result)

    async def _run_standard(self, handler: Callable[..., Any], given: Any) -> bytes:
        return wire.encode_standard(await _run(handler, (given,)))

    async def _shut_down(self) -> bytes:
        for job in self._in_flight.values():
            if job is not asyncio.current_task():
                job.cancel()
        return b"null"

    def _tell_unknown(self, name: str, paths: list[str]) -> None:
        """Once per connection and field; an error for those who asked for strictness."""
        fields = ", ".join(f"`{path}`" for path in paths)
        if self._server.strict:
            raise errors.invalid_params(f"{name} has no field {fields}.", paths[0])
        new = [path for path in paths if f"{name} {path}" not in self._named_unknown]
        if new:
            self._named_unknown.update(f"{name} {path}" for path in new)
            self._server.log(f"{name}: ignored what this version does not know: {fields}")

    # --- outgoing --------------------------------------------------------------------------------

    def _respond(self, id: wire.MessageId, method: str, job: "asyncio.Task[bytes]") -> None:
        """Every request ends here, whatever became of it."""
        self._in_flight.pop(id, None)
        error = None if job.cancelled() else job.exception()
        if self.stage is Stage.CLOSED:
            return
        if method == types.INITIALIZE:
            failed = error is not None or job.cancelled()
            self.stage = Stage.NEW if failed else Stage.READY
        if job.cancelled():
            error = Refused(errors.REQUEST_CANCELLED, "The request was cancelled.")
        if error is not None:
            self._reply_error(id, error, method)
        else:
            self._server.put(wire.response(id, job.result()))

    def _reply_error(
        self, id: wire.MessageId | None, error: BaseException, method: str = "A message"
    ) -> None:
        if not isinstance(error, EditorGone):
            answer = wire.error_response(id, errors.to_response_error(error, method))
            self._server.put(answer)

    def _notified(self, method: str, job: "asyncio.Task[bytes]") -> None:
        error = None if job.cancelled() else job.exception()
        if error is not None:
            self._log_failure(method, error)

    def _log_failure(self, method: str, error: BaseException) -> None:
        if isinstance(error, BranchworkError | Refused):
            logger.warning("%s: %s", method, error)
        elif not isinstance(error, EditorGone):
            logger.error("%s failed", method, exc_info=error)

    def notify(self, method: str, params: Any | None = None) -> None:
        """Send a notification; lsprotocol's types and our own may be mixed in its params."""
        if self.stage is not Stage.CLOSED:
            self._server.put(wire.notification(method, _encode_params(params)))

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: wire.MessageId | None = None,
    ) -> Future[Any]:
        """Ask the editor. When the connection closes first, the answer is EditorGone."""
        if self.stage is Stage.CLOSED:
            future: Future[Any] = Future()
            future.set_exception(EditorGone())
            return future
        future = self._questions.ask(method, _encode_params(params), msg_id)
        if callback is not None:
            future.add_done_callback(partial(_call_back, callback))
        return future

    async def close(self) -> None:
        """End what this connection started and release who waits for the editor."""
        self.stage = Stage.CLOSED
        jobs = [job for job in self._jobs if job is not asyncio.current_task()]
        for job in jobs:
            job.cancel()
        self._questions.close()
        if jobs:
            await asyncio.wait(jobs, timeout=_CLOSE_SECONDS)

    # --- in the place of parts of pygls ----------------------------------------------------------

    def get_message_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        """pygls caches these two on the class and with them every connection there ever was."""
        return types.METHOD_TO_TYPES.get(method, (None,))[0]

    def get_result_type(self, method: str) -> type[Any] | None:  # type: ignore[override]
        return types.METHOD_TO_TYPES.get(method, (None, None))[1]

    @lsp_method(types.INITIALIZE)
    def lsp_initialize(
        self, params: types.InitializeParams
    ) -> Generator[Any, Any, types.InitializeResult]:
        result = yield from super().lsp_initialize(params)
        features = self._server.features
        if features.commands:
            result.capabilities.execute_command_provider = types.ExecuteCommandOptions(
                commands=sorted(features.commands), work_done_progress=True
            )
        content = features.standard_methods.get(types.WORKSPACE_TEXT_DOCUMENT_CONTENT)
        if content is not None and result.capabilities.workspace is not None:
            # pygls puts neither this nor `experimental` there, whatever is registered.
            options: Any = content.options
            result.capabilities.workspace.text_document_content = options
        result.capabilities.experimental = {
            "branchwork": {"protocolVersion": endpoint.PROTOCOL, "features": features.abilities}
        }
        return result

    @lsp_method(types.INITIALIZED)
    def lsp_initialized(self, *args: Any) -> Generator[Any, Any, None]:
        if self._server.failure is not None:
            self._server.show_error(self._server.failure.sentence)
        else:
            yield from super().lsp_initialized(*args)  # type: ignore[no-untyped-call]

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(
        self, params: types.DidChangeTextDocumentParams
    ) -> Generator[Any, Any, None]:
        """After a replay by the proxy a document changes that this connection never saw opened."""
        document = params.text_document
        if unquote(document.uri) not in self.workspace.text_documents:
            opened = types.TextDocumentItem(document.uri, "", document.version, "")
            self.workspace.put_text_document(opened)
        yield from super().lsp_text_document__did_change(params)


async def _run(handler: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Call a handler of any kind; pygls' own are generators that yield further handlers."""
    outcome = handler(*arguments)
    if inspect.isgenerator(outcome):
        return await _drive(outcome)
    return await outcome if inspect.isawaitable(outcome) else outcome


async def _drive(generator: Generator[Any, Any, Any]) -> Any:
    value = None
    while True:
        try:
            handler, arguments, _ = generator.send(value)
        except StopIteration as end:
            return end.value
        value = await _run(handler, arguments)


def _encode_params(params: object) -> bytes:
    return wire.encode_standard(params) if wire.is_lsp(params) else wire.encode(params)


def _call_back(callback: Callable[[Any], None], future: Future[Any]) -> None:
    if not future.cancelled() and future.exception() is None:
        callback(future.result())
