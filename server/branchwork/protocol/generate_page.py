"""Writes docs/protocol.md: the rules, then every method with its types, errors and example."""

import json
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import msgspec

from branchwork.protocol import capabilities, page_text
from branchwork.protocol.errors import ANYWHERE, CODES, ErrorData, error_code
from branchwork.protocol.generate_shapes import (
    Alias,
    Choice,
    Description,
    Exactly,
    Field,
    ListOf,
    MapOf,
    Named,
    OneOf,
    Plain,
    Shape,
    Type,
    descriptions,
    shape,
)
from branchwork.protocol.registry import COMMANDS, NOTIFICATIONS, REQUESTS, AnyRequest

WIDTH = 96
OWN_SECTION = ("Params", "Result", "Part")


def page() -> str:
    """The whole page."""
    lines = chain(
        _block(page_text.INTRODUCTION),
        _contents(),
        _block(page_text.CLIENTS),
        _block(page_text.CONVENTIONS),
        _initialize(),
        _errors(),
        _block(page_text.LIVE_STATE),
        _block(page_text.STREAMS),
        _commands(),
        chain.from_iterable(_noun(noun) for noun in _nouns()),
        _notifications(),
        _types(),
    )
    return "\n".join(lines).rstrip() + "\n"


def _block(text: str) -> list[str]:
    return [*text.strip().splitlines(), ""]


def _nouns() -> list[str]:
    return list(dict.fromkeys(request.noun for request in REQUESTS.values()))


def _contents() -> list[str]:
    rows = [
        f"- {noun}: " + ", ".join(f"[{each.verb}](#{_anchor(each.method)})" for each in _of(noun))
        for noun in _nouns()
    ]
    told = ", ".join(f"[{name}](#{_anchor(name)})" for name in NOTIFICATIONS)
    return ["## All methods", "", *rows, f"- notifications: {told}", ""]


def _of(noun: str) -> list[AnyRequest]:
    return [request for request in REQUESTS.values() if request.noun == noun]


def _initialize() -> Iterable[str]:
    yield from _block(page_text.INITIALIZE)
    for kind in (
        capabilities.ClientCapabilities,
        capabilities.ServerCapabilities,
        capabilities.InitializationOptions,
    ):
        yield from _object(shape(kind))


def _errors() -> Iterable[str]:
    yield from _block(page_text.ERRORS)
    anywhere = [CODES[each] for each in ANYWHERE]
    yield from ("| code | name | when |", "|---|---|---|")
    for each in CODES.values():
        mark = " Any method." if each in anywhere else ""
        yield f"| {each.code} | {each.name} | {each.meaning}{mark} |"
    yield ""
    yield from _object(shape(ErrorData))


def _commands() -> Iterable[str]:
    yield from _block(page_text.COMMANDS)
    yield from ("| command | without an argument |", "|---|---|")
    for command, request in COMMANDS.items():
        yield f"| [`{command}`](#{_anchor(request.method)}) | {request.bare} |"
    yield ""


def _noun(noun: str) -> Iterable[str]:
    yield from (f"## Methods of {noun}", "")
    for request in _of(noun):
        yield from _request(request)


def _request(request: AnyRequest) -> Iterable[str]:
    yield from (f"### {request.method}", "", *_sentences(request.doc))
    if request.command is not None:
        yield f"Command: `{request.command}`."
    listed = [code.name for each in request.errors if (code := error_code(each)) is not None]
    yield f"Errors: {', '.join(listed)}." if listed else "No errors of its own."
    yield ""
    yield from _fields("Params", request.params)
    yield from _fields("Result", request.result)
    if request.progress is not None:
        yield from _fields("Each piece on `partialResultToken`", request.progress)
    yield from _example(request)


def _fields(title: str, kind: type[msgspec.Struct]) -> Iterable[str]:
    described = shape(kind)
    doc = f": {described.doc}" if described.doc else "."
    yield from (f"**{title}**{doc}", "")
    if described.fields:
        yield from _rows(described.fields)


def _rows(fields: Iterable[Field]) -> Iterable[str]:
    yield from ("| field | type | |", "|---|---|---|")
    for field in fields:
        mark = "?" if field.optional else ""
        yield f"| `{field.name}{mark}` | {_type(field.type)} | {_remark(field)} |"
    yield ""


def _remark(field: Field) -> str:
    default = "" if field.default is None else f"Default `{json.dumps(field.default)}`."
    return " ".join(filter(None, (field.doc, default)))


def _type(described: Type) -> str:
    match described:
        case Plain(name=name):
            return name
        case Named(name=name):
            return f"[{name}](#{_anchor(name)})"
        case Exactly(value=value):
            return f'`"{value}"`'
        case ListOf(item=item):
            return f"list of {_type(item)}"
        case MapOf(value=value):
            return f"object of {_type(value)}"
        case OneOf(members=members):
            return " or ".join(map(_type, members))


def _example(request: AnyRequest) -> Iterable[str]:
    example = request.example
    yield from ("```jsonc", "// params", *_json(example.params))
    if example.progress is not None:
        yield from ("// a piece", *_json(example.progress))
    yield from ("// result", *_json(example.result), "```", "")


def _notifications() -> Iterable[str]:
    yield from ("## Notifications", "")
    for notification in NOTIFICATIONS.values():
        yield from (f"### {notification.method}", "", *_sentences(notification.doc), "")
        yield from _fields("Params", notification.params)
        yield from ("```jsonc", *_json(notification.example), "```", "")


def _types() -> Iterable[str]:
    yield from _block(page_text.TYPES)
    shown_above = {
        kind.__name__
        for kind in (
            ErrorData,
            capabilities.ClientCapabilities,
            capabilities.ServerCapabilities,
            capabilities.InitializationOptions,
        )
    }
    for described in descriptions():
        if described.name in shown_above or _belongs_to_a_method(described):
            continue
        yield from _object(described)


def _belongs_to_a_method(described: Description) -> bool:
    return isinstance(described, Shape) and described.name.endswith(OWN_SECTION)


def _object(described: Description) -> Iterable[str]:
    yield from (f"### {described.name}", "")
    match described:
        case Alias(members=members):
            yield "One of " + ", ".join(_type(Named(each)) for each in members) + "."
        case Choice(doc=doc, values=values):
            yield from (*_sentences(doc), ", ".join(f"`{value}`" for value in values))
        case Shape(doc=doc, fields=fields):
            yield from (*_sentences(doc), "", *_rows(fields))
            return
    yield ""


def _sentences(text: str) -> list[str]:
    return text.replace(". ", ".\n").splitlines()


def _anchor(heading: str) -> str:
    return heading.replace("/", "").lower()


def _json(value: Mapping[str, Any]) -> list[str]:
    return _lines(dict(value), "", "")


def _lines(value: Any, indent: str, tail: str) -> list[str]:
    """JSON that breaks only what is too long for a line, and fills each line."""
    flat = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent + flat) < WIDTH:
        return [f"{indent}{flat}{tail}"]
    inner = indent + "  "
    if isinstance(value, list):
        pairs = [("", each) for each in value]
    else:
        pairs = [(f"{json.dumps(name)}: ", each) for name, each in value.items()]
    lines: list[str] = []
    for place, (name, each) in enumerate(pairs, 1):
        first, *others = _lines(each, inner, "," if place < len(pairs) else "")
        _fill(lines, inner + name + first.removeprefix(inner), inner, bool(others))
        lines += others
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return [indent + opening, *lines, indent + closing + tail]


def _fill(lines: list[str], line: str, indent: str, goes_on: bool) -> None:
    """Put a short line behind the last one where both are of one level and there is room."""
    last = lines[-1] if lines else ""
    joined = f"{last} {line.removeprefix(indent)}"
    closed = last.strip() in ("},", "],")
    if last and not goes_on and not closed and len(joined) < WIDTH and "{" not in line:
        lines[-1] = joined
    else:
        lines.append(line)
