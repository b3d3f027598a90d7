"""Which fields of a message nobody knows: for the one hint to a connection, and for strict mode."""

from collections.abc import Callable
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

Look = Callable[[Any, str, list[str]], None]


def unknown_fields(raw: Any, kind: Any) -> list[str]:
    """The paths of all fields of decoded JSON that the type has not got, such as `$.range.end.x`.

    What doesn't fit the type at all is passed over: decoding it says so better.
    """
    found: list[str] = []
    look = _look(kind)
    if look is not None:
        look(raw, "$", found)
    return found


@cache
def _look(kind: Any) -> Look | None:
    """What looks into values of a type, or None where nothing in them can be unknown."""
    if get_origin(kind) is Annotated:
        return _look(get_args(kind)[0])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _look_into_struct(kind)
    if get_origin(kind) in (Union, UnionType):
        return _look_into_union(get_args(kind))
    if get_origin(kind) in (list, tuple, dict):
        return _look_into_items(kind)
    return None


def _look_into_struct(kind: type[msgspec.Struct]) -> Look:
    known: dict[str, Look | None] = {}
    config = kind.__struct_config__
    if config.tag_field is not None:
        known[config.tag_field] = None

    def look(raw: Any, path: str, found: list[str]) -> None:
        if not isinstance(raw, dict):
            return
        for name, value in raw.items():
            if name not in known:
                found.append(f"{path}.{name}")
            elif (deeper := known[name]) is not None:
                deeper(value, f"{path}.{name}", found)

    for field in msgspec.structs.fields(kind):
        known[field.encode_name] = _look(field.type)
    return look


def _look_into_union(members: tuple[Any, ...]) -> Look | None:
    structs: list[type[msgspec.Struct]] = [
        each for each in members if isinstance(each, type) and issubclass(each, msgspec.Struct)
    ]
    if structs and structs[0].__struct_config__.tag_field is not None:
        return _look_by_tag(structs)
    looks = [look for each in members if (look := _look(each)) is not None]
    return looks[0] if looks else None


def _look_by_tag(structs: list[type[msgspec.Struct]]) -> Look:
    tag_field = structs[0].__struct_config__.tag_field
    by_tag = {each.__struct_config__.tag: _look(each) for each in structs}

    def look(raw: Any, path: str, found: list[str]) -> None:
        if isinstance(raw, dict):
            tag = raw.get(tag_field)
            deeper = by_tag.get(tag) if isinstance(tag, str) else None
            if deeper is not None:
                deeper(raw, path, found)

    return look


def _look_into_items(kind: Any) -> Look | None:
    arguments = get_args(kind)
    of_dict = get_origin(kind) is dict
    deeper = _look(arguments[1] if of_dict else arguments[0])
    if deeper is None:
        return None

    def look(raw: Any, path: str, found: list[str]) -> None:
        if of_dict and isinstance(raw, dict):
            for name, value in raw.items():
                deeper(value, f"{path}.{name}", found)
        elif not of_dict and isinstance(raw, list):
            for index, value in enumerate(raw):
                deeper(value, f"{path}[{index}]", found)

    return look
