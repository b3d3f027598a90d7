"""JSON-RPC over lines: what one line is, and how ours are written. Knows no method of ACP.

Whatever an agent prints, reading it never fails: what is no message is Garbage.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

METHOD_NOT_FOUND = -32601
PLAIN_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")

Id = int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request: it wants a reply with its id."""

    id: Id
    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A message without an answer."""

    method: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The error of a reply."""

    code: int
    message: str
    data: Any = None

    @property
    def text(self) -> str:
        """The message with what the agent says about it, on one line."""
        details = self.data
        if isinstance(details, Mapping):
            details = next((details[k] for k in ("details", "message") if k in details), None)
        said = self.message
        if isinstance(details, str) and details and details not in said:
            said = f"{said}: {details}"
        return " ".join(said.split())[:600] or f"error {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to a request; `fault` is None when it went well."""

    id: Id
    result: Any = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """A line that is no message."""

    text: str


Message = Call | Notification | Reply | Garbage


def read(data: str | bytes | None) -> Message:
    """What a line says."""
    text = _text(data)
    try:
        value = json.loads(text, parse_constant=lambda _: None)
        if "\\u" in text:
            # An escaped lone surrogate would poison every message that carries it further.
            value = without_surrogates(value)
    except (ValueError, RecursionError):
        return Garbage(text=text)
    if not isinstance(value, dict):
        return Garbage(text=text)
    return _message(value) or Garbage(text=text)


def _message(value: dict[str, Any]) -> Message | None:
    method, id_ = value.get("method"), value.get("id")
    if not (id_ is None or isinstance(id_, (int, str))) or isinstance(id_, bool):
        return None
    if isinstance(method, str):
        params = value.get("params")
        params = params if isinstance(params, dict) else {}
        if "id" in value:
            return Call(id=id_, method=method, params=params)
        return Notification(method=method, params=params)
    if "error" in value and value["error"] is not None:
        return Reply(id=id_, fault=_fault(value["error"]))
    if "result" in value:
        return Reply(id=id_, result=value["result"])
    return None


def _fault(error: Any) -> Fault:
    if not isinstance(error, dict):
        return Fault(code=0, message=str(error))
    code = error.get("code")
    message = error.get("message")
    return Fault(
        code=code if isinstance(code, int) and not isinstance(code, bool) else 0,
        message=message if isinstance(message, str) else "",
        data=error.get("data"),
    )


def _text(data: str | bytes | None) -> str:
    if data is None:
        return ""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    return scrubbed(text).rstrip("\r\n")


def scrubbed(text: str) -> str:
    """The text without halves of a character, which no encoder takes."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def without_surrogates(value: Any) -> Any:
    """The same value with every text in it scrubbed."""
    if isinstance(value, str):
        return scrubbed(value)
    if isinstance(value, list):
        return [without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {scrubbed(key): without_surrogates(item) for key, item in value.items()}
    return value


def dump(value: Any) -> str:
    """JSON on one line as people read it; never fails."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return "…"


def frame(message: Mapping[str, Any]) -> bytes:
    """One of our messages as the agent reads it."""
    return shown(message).encode() + b"\n"


def shown(message: Mapping[str, Any]) -> str:
    """The same message as one line of text."""
    return json.dumps({"jsonrpc": "2.0", **message}, separators=(",", ":"))


def key(id_: Id) -> str:
    """A request id as a short text without spaces, different for different ids."""
    if id_ is None or isinstance(id_, int):
        return json.dumps(id_)
    if PLAIN_ID.fullmatch(id_):
        return id_
    return "x" + hashlib.sha256(id_.encode("utf-8", "replace")).hexdigest()[:24]


def number(value: Any) -> int | float | None:
    """The value if it is a number that JSON can carry."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


def whole(value: Any) -> int | None:
    """The value if it is a whole number that every client can hold."""
    found = number(value)
    return int(found) if found is not None and abs(found) < 2**53 else None


def text(value: Any) -> str | None:
    """The value if it is a text."""
    return value if isinstance(value, str) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; whatever else stands in it is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
