"""Params of a message into typed values, or the path of the field that is wrong."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, TypeVar

import cattrs
import msgspec
from cattrs.errors import BaseValidationError
from lsprotocol import types
from msgspec import inspect

from branchwork.lsp import errors, wire

Params = TypeVar("Params", bound=msgspec.Struct)

# LSP lets a client add these to any request.
_TOKENS = {"workDoneToken", "partialResultToken"}


def custom(raw: msgspec.Raw, kind: type[Params]) -> tuple[Params, list[str]]:
    """Params of a method of our own, and the paths of the fields that nobody knows."""
    return plain(_decoded(raw), kind)


def plain(value: Any, kind: type[Params]) -> tuple[Params, list[str]]:
    """The same from JSON that is decoded already; null and nothing are an empty object."""
    if value is None:
        value = {}
    try:
        params = msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise errors.invalid_params(str(error), _path_of(str(error))) from None
    known = {name: item for name, item in value.items() if name not in _TOKENS}
    return params, list(_unknown(known, _type_info(kind), ""))


def standard(method: str, raw: msgspec.Raw) -> Any:
    """Params of a method of LSP as lsprotocol's type."""
    kind: Any = types.METHOD_TO_TYPES[method][2]
    value = _decoded(raw)
    if kind is None or (value is None and method == types.INITIALIZED):
        return None
    if not isinstance(value, dict):
        raise errors.invalid_params(f"The params of {method} must be an object.", "")
    try:
        return wire.converter().structure(value, kind)
    except (BaseValidationError, TypeError, ValueError, KeyError, AttributeError) as error:
        complaints = [_in_camel(line) for line in _complaints(error)]
        raise errors.invalid_params(
            "; ".join(complaints[:5]), complaints[0].rpartition("$.")[2]
        ) from None


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return wire.decode(raw)
    except ValueError as error:
        raise errors.invalid_params("The params are not valid UTF-8.") from error


def _complaints(error: Exception) -> list[str]:
    if isinstance(error, BaseValidationError):
        return cattrs.transform_error(error, path="$")
    return [f"{error} @ $"]


def _in_camel(complaint: str) -> str:
    """cattrs names the path as Python does; the editor wrote camelCase."""
    text, at, path = complaint.rpartition(" @ ")
    return text + at + re.sub(r"_(\w)", lambda match: match[1].upper(), path)


def _path_of(message: str) -> str | None:
    """The field in a message of msgspec: the missing one, or where the wrong value is."""
    where = re.search(r" - at `\$\.?([^`]*)`$", message)
    path = where[1] if where else ""
    missing = re.search(r"missing required field `([^`]+)`", message)
    if missing:
        return f"{path}.{missing[1]}" if path else missing[1]
    return path or None


@cache
def _type_info(kind: type) -> inspect.Type:
    return inspect.type_info(kind)


def _unknown(value: Any, kind: inspect.Type, path: str) -> Iterator[str]:
    """The paths of the keys in `value` that no Struct in `kind` has."""
    if isinstance(kind, inspect.Metadata):
        yield from _unknown(value, kind.type, path)
    elif isinstance(kind, inspect.UnionType):
        chosen = _chosen(value, kind)
        if chosen is not None:
            yield from _unknown(value, chosen, path)
    elif isinstance(value, dict) and isinstance(kind, inspect.StructType):
        yield from _unknown_keys(value, kind, path)
    elif isinstance(value, dict) and isinstance(kind, inspect.DictType):
        for key, item in value.items():
            yield from _unknown(item, kind.value_type, f"{path}.{key}")
    elif isinstance(value, list) and isinstance(kind, inspect.ListType | inspect.VarTupleType):
        for index, item in enumerate(value):
            yield from _unknown(item, kind.item_type, f"{path}[{index}]")


def _unknown_keys(value: dict[str, Any], kind: inspect.StructType, path: str) -> Iterator[str]:
    fields = {field.encode_name: field.type for field in kind.fields}
    for key, item in value.items():
        if key in fields:
            yield from _unknown(item, fields[key], f"{path}.{key}")
        elif key != kind.tag_field:
            yield f"{path}.{key}".lstrip(".")


def _chosen(value: Any, union: inspect.UnionType) -> inspect.Type | None:
    """Which member of a union a value is: by its tag among Structs, else by its shape."""
    for kind in union.types:
        if isinstance(kind, inspect.StructType) and kind.tag_field is not None:
            if isinstance(value, dict) and value.get(kind.tag_field) == kind.tag:
                return kind
        elif isinstance(value, _SHAPES.get(type(kind), ())):
            return kind
    return None


_SHAPES: dict[type[inspect.Type], type] = {
    inspect.StructType: dict,
    inspect.DictType: dict,
    inspect.ListType: list,
    inspect.VarTupleType: list,
}
