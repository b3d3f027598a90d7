"""Image: a picture that belongs to tasks, stored once by its hash."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """`file_path` is relative to the image folder, `hash` is SHA-256 in hex."""

    id: str
    file_path: str
    original_name: str
    mime_type: str | None = None
    size_bytes: int
    hash: str
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskImage:
    """An image on a task."""

    id: str
    task_id: str
    image_id: str
    created_at: str
