"""What a method of the protocol is: its types, its errors, its documentation, its example."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from branchwork.domain.errors import BranchworkError
from branchwork.protocol.struct import Struct

PREFIX = "branchwork/"
COMMAND_PREFIX = "branchwork.server."

Params = TypeVar("Params", bound=Struct)
Result = TypeVar("Result", bound=Struct)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """Params and result as JSON; a test decodes them and looks for unknown fields."""

    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    progress: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Generic[Params, Result]):
    """A request from the editor.

    `errors` are the domain errors that belong to this method; any method may answer with invalid
    params, a storage error or a lost daemon. `progress` is the value sent on `partialResultToken`.
    `bare` says what the command of the same name does without an argument: no `bare`, no command.
    `in_safe_mode` is for what answers also where the store could not be opened.
    """

    method: str
    params: type[Params]
    result: type[Result]
    doc: str
    errors: tuple[type[BranchworkError], ...] = ()
    example: Example
    progress: type[Struct] | None = None
    mutating: bool = False
    bare: str | None = None
    in_safe_mode: bool = False

    @property
    def noun(self) -> str:
        return self.method.split("/")[1]

    @property
    def verb(self) -> str:
        return self.method.split("/")[2]

    @property
    def command(self) -> str | None:
        """The name under which any LSP client can run it by `workspace/executeCommand`."""
        return None if self.bare is None else f"{COMMAND_PREFIX}{self.noun}.{self.verb}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification(Generic[Params]):
    """A notification to the editor, in the past tense."""

    method: str
    params: type[Params]
    doc: str
    example: Mapping[str, Any]
