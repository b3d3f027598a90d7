"""File names as git gives them: any bytes but NUL; here they are text that converts back."""

import os
from collections.abc import Iterable


def decoded(raw: bytes) -> str:
    """A name as text; bytes that are not UTF-8 become lone surrogates, as everywhere in Python."""
    return os.fsdecode(raw)


def split(raw: bytes) -> list[str]:
    """The names in a list that git ended with NULs."""
    return [decoded(name) for name in raw.split(b"\0") if name]


def joined(names: Iterable[str]) -> bytes:
    """The list of names in the form that git reads with `-z`."""
    return b"".join(os.fsencode(name) + b"\0" for name in names)


def literal(names: Iterable[str]) -> bytes:
    """The same as path specifications, in which no character has a meaning of its own."""
    return joined(f":(top,literal){name}" for name in names)


def shown(name: str) -> str:
    """The name, or a text with names in it, as it may be sent: a lone surrogate becomes `\\xNN`."""
    if name.isascii():
        return name
    try:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        # Half of a character that stands for no byte of a name.
        return name.encode("utf-8", "replace").decode("utf-8")
