"""What an editor does with a language server, and what it says of itself: LSP's own messages."""

import os
from pathlib import Path
from typing import Any

import msgspec

from branchwork.client.connection import SECONDS, Connection
from branchwork.protocol.capabilities import PROTOCOL_VERSION
from branchwork.protocol.method import Params, Request, Result
from branchwork.protocol.positions import Range
from branchwork.protocol.struct import Struct

# As VS Code says it, without what no server of ours looks at.
CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"], "markdown": {"parser": "marked"}},
    "workspace": {
        "applyEdit": True,
        "configuration": True,
        "workspaceFolders": True,
        "executeCommand": {"dynamicRegistration": True},
        "workspaceEdit": {"documentChanges": True},
    },
    "textDocument": {
        "synchronization": {"didSave": True, "willSave": True},
        "codeAction": {
            "codeActionLiteralSupport": {
                "codeActionKind": {"valueSet": ["", "quickfix", "refactor", "source"]}
            },
            "dataSupport": True,
            "isPreferredSupport": True,
        },
        "publishDiagnostics": {"versionSupport": True},
    },
    "window": {
        "workDoneProgress": True,
        "showMessage": {"messageActionItem": {"additionalPropertiesSupport": True}},
        "showDocument": {"support": True},
    },
}


class Command(Struct, frozen=True, kw_only=True):
    """What a code action runs."""

    title: str
    command: str
    arguments: list[Any] = msgspec.field(default_factory=list)


class CodeAction(Struct, frozen=True, kw_only=True):
    """What can be done with a selection."""

    title: str
    kind: str | None = None
    command: Command | None = None


class ServerInfo(Struct, frozen=True, kw_only=True):
    """Who answers."""

    name: str
    version: str | None = None


class InitializeResult(Struct, frozen=True, kw_only=True):
    """What the server says of itself."""

    capabilities: dict[str, Any]
    server_info: ServerInfo | None = None


class Editor:
    """An editor with one folder open."""

    def __init__(self, connection: Connection, root: Path, name: str = "branchwork") -> None:
        self.connection = connection
        self._root = root
        self._name = name

    def initialize(self, seconds: float = SECONDS) -> InitializeResult:
        """The first two messages; what happens anywhere is told from then on."""
        branchwork = {"protocolVersion": PROTOCOL_VERSION, "subscribe": "all"}
        folder = {"uri": self._root.as_uri(), "name": self._root.name}
        params = {
            "processId": os.getpid(),
            "clientInfo": {"name": self._name},
            "rootUri": self._root.as_uri(),
            "capabilities": {**CAPABILITIES, "experimental": {"branchwork": branchwork}},
            "workspaceFolders": [folder],
        }
        result: InitializeResult = self.connection.call(
            "initialize", params, InitializeResult, seconds=seconds
        )
        self.connection.notify("initialized", {})
        return result

    def open(self, path: Path, language_id: str) -> None:
        """Show a file."""
        document = {
            "uri": path.as_uri(),
            "languageId": language_id,
            "version": 1,
            "text": path.read_text("utf-8"),
        }
        self.connection.notify("textDocument/didOpen", {"textDocument": document})

    def code_actions(self, path: Path, selection: Range) -> list[CodeAction]:
        """What the server offers for a selection."""
        params = {
            "textDocument": {"uri": path.as_uri()},
            "range": selection,
            "context": {"diagnostics": [], "triggerKind": 1},
        }
        found: list[CodeAction] | None = self.connection.call(
            "textDocument/codeAction", params, list[CodeAction] | None
        )
        return found or []

    def run(self, command: Command, request: Request[Params, Result]) -> Result:
        """Run a command that is the given request of the protocol."""
        params = {"command": command.command, "arguments": command.arguments}
        result: Result = self.connection.call("workspace/executeCommand", params, request.result)
        return result

    def shut_down(self) -> str:
        """Say goodbye as an editor does, and close; the sentence that says how it ended."""
        self.connection.call("shutdown")
        self.connection.notify("exit")
        return self.connection.close()
