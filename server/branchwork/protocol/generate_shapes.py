"""The types of the protocol as plain descriptions, for the writers of TypeScript, Lua and Markdown.

Nothing here knows a language; nothing but the writers needs it.
"""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from branchwork.protocol import capabilities, entries, errors
from branchwork.protocol.registry import NOTIFICATIONS, REQUESTS

NAMED_UNIONS: Mapping[Any, str] = {
    frozenset(get_args(entries.Entry)): "Entry",
    frozenset(get_args(entries.ToolContent)): "ToolContent",
}
PLAIN = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
    Any: "any",
}


@dataclass(frozen=True, slots=True)
class Plain:
    """string, integer, number, boolean, null or any."""

    name: str


@dataclass(frozen=True, slots=True)
class Named:
    """A type with a description of its own."""

    name: str


@dataclass(frozen=True, slots=True)
class Exactly:
    """One text."""

    value: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list."""

    item: "Type"


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object with any names."""

    value: "Type"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Any of several types."""

    members: tuple["Type", ...]


Type = Plain | Named | Exactly | ListOf | MapOf | OneOf


@dataclass(frozen=True, slots=True)
class Field:
    """A field as it is on the wire; `default` is JSON, None where there is nothing to tell."""

    name: str
    type: Type
    optional: bool
    default: Any
    doc: str


@dataclass(frozen=True, slots=True)
class Shape:
    """An object."""

    name: str
    doc: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Texts of which one is meant."""

    name: str
    doc: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """A name for one of several objects."""

    name: str
    members: tuple[str, ...]


Description = Shape | Choice | Alias


def descriptions() -> list[Description]:
    """Everything that some method sends or takes, by name."""
    found: dict[str, Description] = {}
    for kind in _roots():
        _collect(kind, found)
    return [found[name] for name in sorted(found)]


def shape(kind: type[msgspec.Struct]) -> Shape:
    """One struct."""
    docs = _field_docs(kind)
    config = kind.__struct_config__
    tag = [] if config.tag_field is None or config.tag is None else [_tag_field(config)]
    fields = [_field(each, docs.get(each.name, "")) for each in msgspec.structs.fields(kind)]
    return Shape(kind.__name__, one_line(kind.__doc__), (*tag, *fields))


def one_line(text: str | None) -> str:
    """A docstring or other text without its line ends."""
    return " ".join((text or "").split())


def _roots() -> Iterator[Any]:
    yield from (
        capabilities.ClientCapabilities,
        capabilities.ServerCapabilities,
        capabilities.InitializationOptions,
        errors.ErrorData,
    )
    for request in REQUESTS.values():
        yield request.params
        yield request.result
        if request.progress is not None:
            yield request.progress
    for notification in NOTIFICATIONS.values():
        yield notification.params


def _collect(kind: Any, found: dict[str, Description]) -> None:
    if get_origin(kind) is not None:
        _collect_arguments(kind, found)
    elif isinstance(kind, type) and kind.__name__ not in found:
        if issubclass(kind, StrEnum):
            values = tuple(member.value for member in kind)
            found[kind.__name__] = Choice(kind.__name__, one_line(kind.__doc__), values)
        elif issubclass(kind, msgspec.Struct):
            found[kind.__name__] = shape(kind)
            for field in msgspec.structs.fields(kind):
                _collect(field.type, found)


def _collect_arguments(kind: Any, found: dict[str, Description]) -> None:
    if get_origin(kind) is Literal:
        return
    arguments = get_args(kind)
    name = NAMED_UNIONS.get(frozenset(_without_null(arguments)))
    if name is not None:
        members = tuple(each.__name__ for each in _without_null(arguments))
        found[name] = Alias(name, members)
    for argument in arguments:
        _collect(argument, found)


def _without_null(members: tuple[Any, ...]) -> list[Any]:
    return [each for each in members if each not in (NoneType, msgspec.UnsetType)]


def _tag_field(config: Any) -> Field:
    return Field(config.tag_field, Exactly(config.tag), False, None, "")


def _field(field: msgspec.structs.FieldInfo, doc: str) -> Field:
    nothing_to_tell = (msgspec.NODEFAULT, msgspec.UNSET, ())
    default = None if field.default in nothing_to_tell else field.default
    described = described_type(field.type)
    if not field.required and field.default is None:
        # Leaving it out says the same as null: nobody has to write or expect both.
        described = _not_null(described)
    return Field(field.encode_name, described, not field.required, default, doc)


def _not_null(described: Type) -> Type:
    if not isinstance(described, OneOf):
        return described
    return _one_of([each for each in described.members if each != Plain("null")])


def described_type(kind: Any) -> Type:
    """The description of a type as a field has it."""
    origin, arguments = get_origin(kind), get_args(kind)
    if kind in PLAIN:
        return Plain(PLAIN[kind])
    if origin is Annotated:
        return described_type(arguments[0])
    if origin is Literal:
        return _one_of([Exactly(value) for value in arguments])
    if origin in (list, tuple):
        return ListOf(described_type(arguments[0]))
    if origin is dict:
        return MapOf(described_type(arguments[1]))
    if origin in (Union, UnionType):
        return _union(arguments)
    return Named(kind.__name__)


def _union(members: tuple[Any, ...]) -> Type:
    name = NAMED_UNIONS.get(frozenset(_without_null(members)))
    given = [described_type(each) for each in members if each is not msgspec.UnsetType]
    if name is not None:
        given = [Named(name), *(each for each in given if each == Plain("null"))]
    if Plain("number") in given:
        given = [each for each in given if each != Plain("integer")]
    return _one_of(given)


def _one_of(members: list[Type]) -> Type:
    return members[0] if len(members) == 1 else OneOf(tuple(members))


def _field_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """What stands as a text below each field, also of the classes that it inherits from."""
    docs: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("branchwork."):
            docs |= _docs_of_module(base.__module__).get(base.__name__, {})
    return docs


@cache
def _docs_of_module(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    return {node.name: dict(_docs_in(node)) for node in classes}


def _docs_in(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    for statement, following in zip(node.body, node.body[1:], strict=False):
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            yield statement.target.id, one_line(str(following.value.value))
