"""An editor for end-to-end tests: pytest-lsp's client, which keeps all that it hears.

pytest-lsp catches a notification only when it was waited for before, refuses progress that is no
work-done progress, and makes classes of JSON. This one forgets nothing, takes every progress, and
gives what LSP has no types for as plain JSON.

    seen = editor.now
    await editor.ask("branchwork/workspace/start", taskId=task_id)
    await editor.hears("branchwork/changed", lambda params: …, since=seen)
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from lsprotocol import types
from lsprotocol.converters import get_converter
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import JsonRPCNotification, JsonRPCRequestMessage, JsonRPCResponseMessage
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pytest_lsp.protocol import LanguageClientProtocol

from support.inproc import PATIENCE
from support.real_home import COMMAND, RealHome

Opener: TypeAlias = Callable[..., AbstractAsyncContextManager["Editor"]]
"""Opens an editor on some folders; `open_editor` of a home."""

ABILITIES = {"protocolVersion": 1, "strict": True, "subscribe": "all"}
DAEMON_LOST = -32017


class _Protocol(LanguageClientProtocol):
    """Notes each message of the server before anybody handles it."""

    _server: Editor

    def get_result_type(self, method: str) -> Any:
        """lsprotocol takes every code action for a command, so those stay JSON."""
        if method == types.TEXT_DOCUMENT_CODE_ACTION:
            return None
        return super().get_result_type(method)

    def _handle_notification(self, method_name: str, params: Any) -> None:
        self._server.note(method_name, params)
        if method_name in self.fm.features:
            super()._handle_notification(method_name, params)

    def _handle_request(self, msg_id: Any, method_name: str, params: Any) -> None:
        self._server.note(method_name, params)
        super()._handle_request(msg_id, method_name, params)


class Editor(LanguageClient):
    """One editor; `heard` is every notification and request of the server, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        super().__init__(protocol_cls=_Protocol, converter_factory=_plain_converter)
        features = dict(DEFAULT_CLIENT_FEATURES)
        del features[types.PROGRESS]
        del features[types.WINDOW_LOG_MESSAGE]
        # "Later", as a person who has not looked.
        features[types.WINDOW_SHOW_MESSAGE_REQUEST] = _later
        features[types.WINDOW_WORK_DONE_PROGRESS_CREATE] = _take_token
        register_lsp_features(self, features)

    @property
    def now(self) -> int:
        """The place in `heard` from which on everything is new."""
        return len(self.heard)

    async def ask(self, method: str, **params: Any) -> Any:
        """The result; JsonRpcException for an error."""
        answer = self.protocol.send_request_async(method, params)
        return await asyncio.wait_for(answer, PATIENCE)

    def asking(self, method: str, **params: Any) -> asyncio.Task[Any]:
        """As `ask`, for an answer that comes later. When this returns, it is not sent yet."""
        return asyncio.create_task(self.ask(method, **params))

    async def insist(self, method: str, **params: Any) -> Any:
        """As `ask`, again and again while the server says that one may."""
        while True:
            try:
                return await self.ask(method, **params)
            except JsonRpcException as problem:
                if not (problem.data or {}).get("retryable"):
                    raise

    async def hears(
        self, method: str, wanted: Callable[[Any], object] = lambda _: True, since: int = 0
    ) -> Any:
        """The params of the first such message since then, heard already or still to come."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    for name, params in self.heard[since:]:
                        if name == method and wanted(params):
                            return params
                    since = self.now
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            said = [name for name, _ in self.heard]
            raise AssertionError(f"no such {method} among {said[-50:]}") from None

    def told(self, method: str, since: int = 0) -> list[Any]:
        """The params of all such messages so far."""
        return [params for name, params in self.heard[since:] if name == method]

    def parts(self, token: types.ProgressToken) -> list[Any]:
        """What came on a progress token so far."""
        return [params.value for params in self.told(types.PROGRESS) if params.token == token]

    def note(self, method: str, params: Any) -> None:
        """For the protocol."""
        self.heard.append((method, params))
        self._news.set()

    # --- what a person does ------------------------------------------------------------------

    def open(self, file: Path, language: str = "python") -> None:
        """Open a document."""
        item = types.TextDocumentItem(file.as_uri(), language, 1, file.read_text())
        self.text_document_did_open(types.DidOpenTextDocumentParams(item))

    async def actions(self, file: Path, start: int, end: int) -> list[Any]:
        """The code actions on some whole lines, as an editor asks when a person wants them."""
        lines = types.Range(types.Position(start, 0), types.Position(end, 0))
        found = await self.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(file.as_uri()),
                lines,
                types.CodeActionContext([], trigger_kind=types.CodeActionTriggerKind.Invoked),
            )
        )
        return list(found)

    async def run(self, action: Any) -> Any:
        """Choose a code action."""
        command = action["command"]
        return await self.workspace_execute_command_async(
            types.ExecuteCommandParams(command["command"], command["arguments"])
        )

    async def end(self) -> None:
        """As a person leaves."""
        await asyncio.wait_for(self.shutdown_session(), PATIENCE)


@asynccontextmanager
async def open_editor(
    home: RealHome, *roots: Path, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Editor]:
    """An editor with those folders open that has started `branchwork lsp`; `environment` is what
    the person's has more."""
    config = ClientServerConfig(
        server_command=[str(COMMAND), "lsp"],
        client_factory=Editor,
        server_env={**home.person, **(environment or {})},
    )
    editor = await config.start()
    assert isinstance(editor, Editor)
    try:
        capabilities = client_capabilities("visual-studio-code")
        capabilities.experimental = {"branchwork": ABILITIES}
        folders = [types.WorkspaceFolder(root.as_uri(), root.name) for root in roots]
        await asyncio.wait_for(
            editor.initialize_session(
                types.InitializeParams(
                    capabilities,
                    root_uri=roots[0].as_uri() if roots else None,
                    workspace_folders=folders,
                    client_info=types.ClientInfo(name="tests"),
                )
            ),
            PATIENCE,
        )
        yield editor
        await editor.end()
    finally:
        process = editor._server
        if process is not None and process.returncode is None:
            process.kill()
        await editor.stop()


def _plain_converter() -> Any:
    """lsprotocol's own; pygls' makes named tuples of everything that LSP does not name."""
    converter = get_converter()
    for kind in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        converter.register_structure_hook(kind, lambda value, cls: cls(**value))
    return converter


def _take_token(editor: Editor, params: types.WorkDoneProgressCreateParams) -> None:
    """As VS Code: a token may come back, but not before its end."""
    values = editor.parts(params.token)
    if values and values[-1]["kind"] != "end":
        raise JsonRpcInvalidParams(f"The token {params.token} is in use.")


def _later(_editor: Editor, _params: types.ShowMessageRequestParams) -> None:
    return None
