"""Params of a message into typed values, or the path of the field that is wrong."""

import re
from typing import Any, TypeVar

import cattrs
import msgspec
from cattrs.errors import BaseValidationError
from lsprotocol import types

from branchwork.lsp import errors, wire
from branchwork.protocol.unknown import unknown_fields

Params = TypeVar("Params", bound=msgspec.Struct)

# LSP lets a client add these to any request.
_TOKENS = {"workDoneToken", "partialResultToken"}


def custom(raw: msgspec.Raw, kind: type[Params]) -> tuple[Params, list[str]]:
    """Params of a method of our own, and the paths of the fields that nobody knows."""
    return plain(decoded(raw), kind)


def plain(value: Any, kind: type[Params]) -> tuple[Params, list[str]]:
    """The same from JSON that is decoded already; null and nothing are an empty object."""
    if value is None:
        value = {}
    try:
        params = msgspec.convert(value, kind, str_keys=True)
    except msgspec.ValidationError as error:
        raise errors.invalid_params(str(error), _path_of(str(error))) from None
    known = {name: item for name, item in value.items() if name not in _TOKENS}
    return params, [path.removeprefix("$.") for path in unknown_fields(known, kind)]


def standard(method: str, raw: msgspec.Raw) -> Any:
    """Params of a method of LSP as lsprotocol's type."""
    kind: Any = types.METHOD_TO_TYPES[method][2]
    value = decoded(raw)
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


def decoded(raw: msgspec.Raw) -> Any:
    """Plain JSON of the params."""
    try:
        return wire.decode(raw)
    except (ValueError, RecursionError) as error:
        raise errors.invalid_params("The params can't be read.") from error


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
