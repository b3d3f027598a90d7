"""From what went wrong to what the editor is told: the only place that makes JSON-RPC errors.

The codes themselves are data of the protocol, in `protocol/errors.py`.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from pygls.exceptions import JsonRpcException

from branchwork.domain.errors import BranchworkError
from branchwork.git.paths import shown
from branchwork.protocol.errors import error_code

logger = logging.getLogger(__name__)

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
SERVER_NOT_INITIALIZED = -32002
REQUEST_CANCELLED = -32800
REQUEST_FAILED = -32803


class EditorGone(Exception):
    """The connection is closed: nobody will read this or answer that."""


class EditorRefused(JsonRpcException):
    """The editor answered a question of ours with an error, or with something else than asked."""


class Refused(Exception):
    """A request that gets an error from the connection itself, before any handler."""

    def __init__(self, code: int, sentence: str, data: Mapping[str, Any] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.data = data


class ResponseError(msgspec.Struct, frozen=True, omit_defaults=True):
    """The `error` of a response."""

    code: int
    message: str
    data: Mapping[str, Any] | None = None


def to_response_error(error: BaseException, method: str) -> ResponseError:
    """What the editor hears; what it need not know goes to the log."""
    if isinstance(error, Refused):
        return ResponseError(error.code, error.sentence, error.data)
    if isinstance(error, BranchworkError):
        return from_domain(error)
    if isinstance(error, EditorRefused):
        return ResponseError(REQUEST_FAILED, f"The editor refused: {error.message}")
    if isinstance(error, JsonRpcException) and error.code != INTERNAL_ERROR:
        return ResponseError(error.code, error.message)
    logger.error("%s failed", method, exc_info=error)
    return ResponseError(
        INTERNAL_ERROR,
        "Internal error in Branchwork; the daemon's log says more.",
        {"kind": "internal", "retryable": False},
    )


def from_domain(error: BranchworkError) -> ResponseError:
    """An error that a person can cause or has to know about."""
    entry = error_code(type(error))
    ids = {_camel(name): _plain(value) for name, value in error.ids.items()}
    return ResponseError(
        INTERNAL_ERROR if entry is None else entry.code,
        shown(error.sentence),
        {**ids, "kind": error.reason, "retryable": error.retryable},
    )


def invalid_params(sentence: str, field: str | None = None) -> Refused:
    """-32602, with the path of the field that is wrong."""
    data: dict[str, Any] = {"kind": "invalidInput", "retryable": False}
    return Refused(INVALID_PARAMS, sentence, data if field is None else {**data, "field": field})


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _plain(value: object) -> Any:
    """Ids are text, numbers or lists of them; a path or an enum becomes its text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return shown(str(value))
