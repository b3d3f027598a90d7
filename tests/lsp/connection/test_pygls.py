"""What the connection layer takes for granted about pygls, so that an upgrade can't break it."""

import asyncio
import inspect
from importlib.metadata import version

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol, default_converter
from pygls.workspace import Workspace

from branchwork.lsp import wire
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.dispatch import EditorProtocol
from branchwork.lsp.registry import Features


def hover(ls: EditorConnection, params: types.HoverParams) -> tuple[EditorConnection, str]:
    return ls, params.text_document.uri


def connection() -> EditorConnection:
    features = Features()
    features.standard(types.TEXT_DOCUMENT_HOVER, hover)
    return EditorConnection(None, features)


def test_the_version_is_one_that_was_looked_at() -> None:
    assert version("pygls").startswith("2.1.")


def test_our_methods_stand_in_the_registry_in_the_place_of_theirs() -> None:
    builtin = connection().protocol.fm.builtin_features
    for method, ours in (
        (types.INITIALIZE, EditorProtocol.lsp_initialize),
        (types.INITIALIZED, EditorProtocol.lsp_initialized),
        (types.TEXT_DOCUMENT_DID_CHANGE, EditorProtocol.lsp_text_document__did_change),
    ):
        assert builtin[method].__func__ is ours


def test_builtin_handlers_are_generators_of_calls() -> None:
    protocol = LanguageServer("n", "1").protocol
    seen = []
    protocol.fm.feature(types.INITIALIZE)(lambda params: seen.append(params))
    params = types.InitializeParams(capabilities=types.ClientCapabilities())
    work = protocol.lsp_initialize(params)
    handler, arguments, keywords = work.send(None)
    assert (arguments, keywords) == ((params,), None)
    handler(*arguments)
    assert seen == [params]
    for name in ("lsp_initialized", "lsp_text_document__did_change", "lsp_set_trace"):
        assert inspect.isgeneratorfunction(getattr(LanguageServerProtocol, name))


def test_a_handler_in_the_registry_is_bound_to_its_connection() -> None:
    server = connection()
    params = types.HoverParams(types.TextDocumentIdentifier("u"), types.Position(0, 0))
    assert server.protocol.fm.features[types.TEXT_DOCUMENT_HOVER](params) == (server, "u")


def test_the_generated_methods_go_through_ours() -> None:
    source = inspect.getsource(LanguageServer.window_show_message_request_async)
    assert "self.protocol.send_request_async(" in source
    assert "self.protocol.notify(" in inspect.getsource(LanguageServer.window_show_message)
    source = inspect.getsource(LanguageServerProtocol.send_request_async)
    assert "self.send_request(method, params=params, msg_id=msg_id)" in source


def test_documents_are_found_by_their_decoded_uri() -> None:
    workspace = Workspace(None)
    workspace.put_text_document(types.TextDocumentItem("file:///a%20b", "", 1, "text"))
    assert list(workspace.text_documents) == ["file:///a b"]
    assert workspace.get_text_document("file:///a%20b").source == "text"
    assert not workspace.folders


def test_no_thread_and_no_loop_comes_with_a_connection() -> None:
    server = connection()
    assert server._thread_pool is None
    assert server._server is None
    assert server._stop_event is None


def test_the_types_of_a_method_are_request_response_params() -> None:
    request, response, params, _ = types.METHOD_TO_TYPES[types.TEXT_DOCUMENT_HOVER]
    assert (request, response, params) == (
        types.HoverRequest,
        types.HoverResponse,
        types.HoverParams,
    )


def test_the_converter_is_one_and_strict() -> None:
    assert wire.converter() is wire.converter()
    assert connection().protocol._converter is wire.converter()
    lenient = default_converter()
    # The reason for our own hooks: without them null becomes the text "None".
    assert lenient.structure({"uri": None}, types.TextDocumentIdentifier).uri == "None"


def test_warming_up_leaves_nothing_to_be_made_at_the_first_message() -> None:
    wire.warm_up([types.TEXT_DOCUMENT_CODE_ACTION])
    hook = wire.converter().get_structure_hook(types.CodeActionParams)
    assert wire.converter().get_structure_hook(types.CodeActionParams) is hook


async def test_a_shut_down_server_can_be_shut_down_again() -> None:
    server = connection()
    await asyncio.sleep(0)
    server.shutdown()
    server.shutdown()
