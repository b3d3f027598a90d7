"""What both sides say of themselves at `initialize`."""

from typing import Literal

from branchwork.protocol.struct import Struct

PROTOCOL_VERSION = 1


class ClientCapabilities(Struct, frozen=True, kw_only=True):
    """`capabilities.experimental.branchwork` of the editor."""

    protocol_version: int = PROTOCOL_VERSION
    features: tuple[str, ...] = ()
    subscribe: Literal["all"] | list[str] | None = None
    """The projects to hear of by `branchwork/changed`; without it, none."""
    strict: bool = False
    """Unknown fields in params are an error; for tests of clients."""


class ServerCapabilities(Struct, frozen=True, kw_only=True):
    """`capabilities.experimental.branchwork` of the server."""

    protocol_version: int
    features: list[str]


class InitializationOptions(Struct, frozen=True, kw_only=True):
    """The section `branchwork` of an editor's settings: only about showing."""

    lens: bool = False
    """Code lenses over TODO comments."""
    progress: bool = True
    """Work-done progress for each running agent."""
    notices: bool = True
    """Ask by message when something needs a person."""
    log_level: Literal["error", "warning", "info", "log"] = "warning"
    """The least that is told by `window/logMessage`."""
