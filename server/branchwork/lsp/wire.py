"""Bytes to messages and back: frames, JSON, the one cattrs converter. No handler is known here."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from enum import Enum
from functools import cache
from typing import Any, get_args

import attrs
import msgspec
from cattrs import Converter
from cattrs.errors import StructureHandlerNotFoundError
from lsprotocol import types
from pygls.protocol import default_converter

from branchwork.lsp.errors import ResponseError

MessageId = int | str

_encoder = msgspec.json.Encoder()


class FrameError(Exception):
    """The stream holds something that is no message: it can't be read on."""


class Message(msgspec.Struct):
    """A request, a notification or a response, its contents not looked at yet."""

    id: MessageId | msgspec.UnsetType | None = msgspec.UNSET
    method: str | msgspec.UnsetType = msgspec.UNSET
    params: msgspec.Raw = msgspec.Raw()
    result: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()


_messages = msgspec.json.Decoder(Message)


# --- frames --------------------------------------------------------------------------------------


async def read_frame(reader: asyncio.StreamReader, limit: int) -> bytes | None:
    """The body of the next message; None at the end of the stream, however it ends."""
    try:
        header = await reader.readuntil(b"\r\n\r\n")
        return await reader.readexactly(_content_length(header, limit))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    except asyncio.LimitOverrunError as error:
        raise FrameError("The header of a message is too long.") from error


def _content_length(header: bytes, limit: int) -> int:
    for line in header.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            if not value.strip().isdigit():
                raise FrameError("Content-Length is not a number.")
            length = int(value)
            if length > limit:
                raise FrameError(f"A message of {length} bytes is over the limit of {limit}.")
            return length
    raise FrameError("A message has no Content-Length.")


def frame(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


# --- JSON ----------------------------------------------------------------------------------------


def decode_message(body: bytes) -> Message:
    """Raises ValidationError for JSON that is no message, else a ValueError."""
    try:
        return _messages.decode(body)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _messages.decode(_well_formed_json(body))


def decode(raw: msgspec.Raw) -> Any:
    """Plain JSON of a part of a message; None where it is missing."""
    return msgspec.json.decode(raw) if raw else None


def encode(value: object) -> bytes:
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        return _encoder.encode(_well_formed(msgspec.to_builtins(value)))


def _well_formed_json(body: bytes) -> bytes:
    """An editor in JavaScript may send half of a surrogate pair, which is no text for anyone."""
    return _encoder.encode(_well_formed(json.loads(body)))


def _well_formed(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


def response(id: MessageId | None, result: bytes) -> bytes:
    # The id stands before the result: the proxy reads no further.
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encoder.encode(id), result)


def error_response(id: MessageId | None, error: ResponseError) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_encoder.encode(id), encode(error))


def request(id: MessageId, method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % (
        _encoder.encode(id),
        _encoder.encode(method),
        params,
    )


def notification(method: str, params: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","method":%b,"params":%b}' % (_encoder.encode(method), params)


# --- the converter for standard LSP --------------------------------------------------------------


@cache
def converter() -> Converter:
    """One for the whole process: each new one costs 60-120 ms at its first message."""
    shared: Converter = default_converter()  # type: ignore[no-untyped-call]
    for kind in (str, int, bool):
        shared.register_structure_hook(kind, _strictly)
    return shared


def _strictly(value: Any, kind: type) -> Any:
    """cattrs alone would make the text "None" of null and True of "no"."""
    if type(value) is kind:
        return value
    if issubclass(kind, Enum):
        # LSP's enumerations are texts and numbers too, so their values come here as well.
        return kind(value)
    if kind is int and isinstance(value, float) and value.is_integer():
        return int(value)
    raise TypeError(f"expected {kind.__name__}, got {type(value).__name__}")


def encode_standard(value: object) -> bytes:
    """A value with lsprotocol types in it, however deep."""
    return encode(converter().unstructure(value))


def is_lsp(value: object) -> bool:
    return attrs.has(type(value))


def warm_up(methods: Iterable[str] = ()) -> None:
    """Have the converter's code made before the first editor waits for it."""
    taken: set[Any] = set()
    given: set[Any] = {types.ShowMessageParams, types.ProgressParams}
    for method in (types.INITIALIZE, *methods):
        _, answer, params, *_ = types.METHOD_TO_TYPES[method]
        taken.update(_attrs_classes([params]))
        given.update(_attrs_classes([answer]))
    for kind in _closure(taken):
        # A few types that only a server sends can't be read.
        with suppress(StructureHandlerNotFoundError):
            converter().get_structure_hook(kind)
    for kind in _closure(given):
        converter().get_unstructure_hook(kind)


def _closure(kinds: set[Any]) -> set[Any]:
    found: set[Any] = set()
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop()
        if kind not in found:
            found.add(kind)
            waiting.extend(_attrs_classes([field.type for field in attrs.fields(kind)]))
    return found


def _attrs_classes(annotations: Iterable[Any]) -> Iterator[Any]:
    for annotation in annotations:
        if isinstance(annotation, type) and attrs.has(annotation):
            yield annotation
        yield from _attrs_classes(get_args(annotation))
