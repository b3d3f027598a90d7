"""One editor's connection: what handlers get as `ls`, and the loop that reads its messages."""

import asyncio
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from branchwork.domain.errors import BranchworkError
from branchwork.lsp import errors, options, wire
from branchwork.lsp.dispatch import EditorProtocol, Stage
from branchwork.lsp.errors import EditorGone, Refused
from branchwork.lsp.outgoing import Outgoing
from branchwork.lsp.registry import Features

logger = logging.getLogger(__name__)

_LEVELS: Mapping[str, types.MessageType] = {
    "error": types.MessageType.Error,
    "warning": types.MessageType.Warning,
    "info": types.MessageType.Info,
    "log": types.MessageType.Log,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end. The environment holds secrets: it is never shown or logged.

    `again`: an editor that was connected to an earlier daemon, and may not know of the change.
    """

    pid: int = 0
    again: bool = False
    cwd: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much one connection may make the daemon hold."""

    frame_bytes: int = 64 << 20
    queued_bytes: int = 64 << 20


class EditorConnection(LanguageServer):
    """The language server of one editor, over an App that all of them share."""

    protocol: EditorProtocol

    def __init__(
        self,
        app: Any,
        features: Features,
        *,
        peer: Peer | None = None,
        version: str = "0",
        limits: Limits | None = None,
        failure: BranchworkError | None = None,
    ) -> None:
        self.app = app
        self.features = features
        self.peer = peer or Peer()
        self.failure = failure
        self._limits = limits or Limits()
        self._outgoing: Outgoing | None = None
        self._at_close: list[Callable[[], None]] = []
        self.abilities: Mapping[str, Any] = {}
        self.options, self.complaints = options.read(None)
        self.name = "an editor"
        super().__init__(
            "branchwork",
            version,
            text_document_sync_kind=types.TextDocumentSyncKind.Full,
            protocol_cls=EditorProtocol,
            converter_factory=wire.converter,
        )
        # Without a store nothing is offered, so that no editor asks at every move of the cursor.
        if failure is None:
            for method, standard in features.standard_methods.items():
                self.feature(method, standard.options)(standard.handler)

    # --- what handlers use -----------------------------------------------------------------------

    @property
    def environment(self) -> Mapping[str, str]:
        """The editor's environment, for what is started on its behalf."""
        return self.peer.environment

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders that are open in the editor, each also as what it is without links."""
        if self.protocol.stage in (Stage.NEW, Stage.INITIALIZING):
            return ()
        workspace = self.workspace
        uris = [folder.uri for folder in workspace.folders.values()]
        if not uris and workspace.root_uri:
            uris = [workspace.root_uri]
        paths = [to_fs_path(uri) for uri in uris if uri.startswith("file:")]
        both = [one for path in paths if path for one in (path, os.path.realpath(path))]
        return tuple(Path(path) for path in dict.fromkeys(both))

    @property
    def strict(self) -> bool:
        """An unknown field is an error on this connection."""
        return self.abilities.get("strict") is True

    @property
    def is_open(self) -> bool:
        return self.protocol.stage is not Stage.CLOSED

    @property
    def queued_bytes(self) -> int:
        """What was sent and not yet taken by the editor."""
        return 0 if self._outgoing is None else self._outgoing.queued_bytes

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification; nothing happens on a closed connection."""
        self.protocol.notify(method, params)

    async def ask(self, method: str, params: object = None) -> Any:
        """Send a request to the editor; EditorGone where the connection closes first."""
        return await self.protocol.send_request_async(method, params)

    async def send_raw(self, body: bytes) -> None:
        """Send a message that is JSON already, and wait while the editor reads too slowly."""
        if self._outgoing is None or not self.is_open:
            raise EditorGone
        self._outgoing.put(body)
        await self._outgoing.drain()

    async def drain(self) -> None:
        """Wait until the editor has taken most of what was sent."""
        if self._outgoing is None or not self.is_open:
            raise EditorGone
        await self._outgoing.drain()

    def log(self, sentence: str, kind: types.MessageType = types.MessageType.Warning) -> None:
        """A line in the editor's log of this server, where its options want such a line."""
        if kind <= _LEVELS[self.options.log_level]:
            self.notify(types.WINDOW_LOG_MESSAGE, types.LogMessageParams(kind, sentence))

    def show_error(self, sentence: str) -> None:
        """A message that a person can't miss."""
        params = types.ShowMessageParams(types.MessageType.Error, sentence)
        self.notify(types.WINDOW_SHOW_MESSAGE, params)

    def at_close(self, callback: Callable[[], None]) -> None:
        """Call this when the connection ends, however it ends."""
        self._at_close.append(callback)

    # --- the life of a connection ----------------------------------------------------------------

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read messages until the editor exits or is gone."""
        self._outgoing = Outgoing(writer, self._limits.queued_bytes)
        try:
            await self._read(reader)
        except wire.FrameError as error:
            refusal = errors.to_response_error(Refused(errors.PARSE_ERROR, str(error)), "")
            self._outgoing.put(wire.error_response(None, refusal))
        finally:
            await self._close(self._outgoing)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while self.is_open:
            body = await wire.read_frame(reader, self._limits.frame_bytes)
            if body is None:
                return
            self.protocol.receive(body)

    async def _close(self, outgoing: Outgoing) -> None:
        await self.protocol.close()
        for callback in self._at_close:
            callback()
        await outgoing.close()
        # pygls makes a pool of threads when it is asked for one.
        self.shutdown()  # type: ignore[no-untyped-call]

    def put(self, body: bytes) -> None:
        """For the protocol: one message of JSON into the queue."""
        if self._outgoing is not None:
            self._outgoing.put(body)

    def remember(self, initialize: Any) -> None:
        """For the protocol: what the editor says of itself beyond LSP's own fields."""
        if not isinstance(initialize, dict):
            return
        capabilities = _object(initialize, "capabilities")
        self.abilities = _object(_object(capabilities, "experimental"), "branchwork")
        self.options, self.complaints = options.read(initialize.get("initializationOptions"))
        self.name = str(_object(initialize, "clientInfo").get("name") or "an editor")

    def report_server_error(self, error: Exception, source: Any) -> None:
        """pygls would show Python's words to the person; ours are in the response or the log."""
        logger.error("%s", source, exc_info=error)


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
