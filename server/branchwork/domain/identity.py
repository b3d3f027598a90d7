"""Ids and timestamps as text whose order is the order of time. No clock here: callers give it."""

from datetime import UTC, datetime


def uuid7(milliseconds: int, random: bytes) -> str:
    """A UUIDv7 (RFC 9562) of a Unix time in milliseconds and ten random bytes."""
    number = (milliseconds & ((1 << 48) - 1)) << 80 | int.from_bytes(random[:10], "big")
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def short_id(identifier: str, digits: int = 6) -> str:
    """The last hex digits of an id: the random part, so that ids made together differ in it."""
    return identifier.replace("-", "")[-digits:]


def timestamp(milliseconds: int) -> str:
    """`2026-11-23T08:44:53.239Z`, the one format of every stored and sent time."""
    moment = datetime.fromtimestamp(milliseconds // 1000, tz=UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
