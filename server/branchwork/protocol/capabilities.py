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
    """Code lenses over TODO comments: create a task, or create and start it."""
    progress: bool = True
    """Show what each running agent does at the moment, as work-done progress."""
    notices: bool = True
    """Tell by a message when something begins to need a person."""
    log_level: Literal["error", "warning", "info", "log"] = "warning"
    """The least serious message that the server writes to the editor's log."""
