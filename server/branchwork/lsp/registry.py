"""What this server can do, collected once per process: methods, commands, standard features."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from branchwork.protocol.method import Request

if TYPE_CHECKING:
    from branchwork.lsp.connection import EditorConnection

Params = TypeVar("Params", bound=msgspec.Struct)
Handler = Callable[["EditorConnection", Params], Awaitable[object] | object]


@dataclass(frozen=True, slots=True)
class Custom:
    """A method or command of our own: the type of its params and who answers it."""

    params: type[msgspec.Struct]
    handler: Handler[Any]


@dataclass(frozen=True, slots=True)
class Standard:
    """A method of LSP, as pygls' feature registry takes it."""

    handler: Handler[Any]
    options: object | None


@dataclass(slots=True)
class Features:
    """Every handler takes the connection first, so one collection serves all connections."""

    requests: dict[str, Custom] = field(default_factory=dict)
    notifications: dict[str, Custom] = field(default_factory=dict)
    commands: dict[str, Custom] = field(default_factory=dict)
    standard_methods: dict[str, Standard] = field(default_factory=dict)
    abilities: list[str] = field(default_factory=list)
    in_safe_mode: set[str] = field(default_factory=set)

    def request(self, method: str, params: type[Params], handler: Handler[Params]) -> None:
        """A custom request."""
        _add(self.requests, method, Custom(params, handler))

    def command(self, name: str, params: type[Params], handler: Handler[Params]) -> None:
        """A command that takes one object or nothing."""
        _add(self.commands, name, Custom(params, handler))

    def method(self, request: Request[Any, Any], handler: Handler[Any]) -> None:
        """A request of the protocol and, where it has one, its command: the same handler."""
        self.request(request.method, request.params, handler)
        if request.in_safe_mode:
            self.in_safe_mode.add(request.method)
        if request.command is not None:
            self.command(request.command, request.params, handler)

    def notification(self, method: str, params: type[Params], handler: Handler[Params]) -> None:
        """A custom notification from the editor."""
        _add(self.notifications, method, Custom(params, handler))

    def standard(self, method: str, handler: Handler[Any], options: object | None = None) -> None:
        """A request or notification of LSP; the handler takes lsprotocol's params."""
        _add(self.standard_methods, method, Standard(handler, options))

    def ability(self, name: str) -> None:
        """A name for `capabilities.experimental.branchwork.features`."""
        self.abilities.append(name)


Entry = TypeVar("Entry")


def _add(table: dict[str, Entry], name: str, entry: Entry) -> None:
    if name in table:
        raise ValueError(f"{name} is registered twice")
    table[name] = entry
