"""Tag: a reusable piece of Markdown, written `@name` in a prompt."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    """`tag_name` is unique without regard to case."""

    id: str
    tag_name: str
    content: str
    created_at: str
    updated_at: str
    revision: int = 1
