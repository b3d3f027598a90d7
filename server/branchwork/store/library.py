"""Tables of what is shared by all projects: images, tags, scratch, and the state of migrations."""

from sqlalchemy import JSON, Column, ForeignKey, Integer, Table, Text, UniqueConstraint

from branchwork.domain.image import Image, TaskImage
from branchwork.domain.migration_state import MigrationState
from branchwork.domain.scratch import Scratch
from branchwork.domain.tag import Tag
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.transaction import stored

images = stored(
    Image,
    Table(
        "images",
        metadata,
        identity(),
        Column("file_path", Text, nullable=False),
        Column("original_name", Text, nullable=False),
        Column("mime_type", Text),
        Column("size_bytes", Integer, nullable=False),
        Column("hash", Text, nullable=False, unique=True),
        *bookkeeping(),
    ),
    "image",
)

task_images = stored(
    TaskImage,
    Table(
        "task_images",
        metadata,
        identity(),
        owner("task_id", "tasks.id"),
        Column("image_id", Text, ForeignKey("images.id", ondelete="CASCADE"), nullable=False),
        Column("created_at", Text, nullable=False),
        UniqueConstraint("task_id", "image_id"),
    ),
)

tags = stored(
    Tag,
    Table(
        "tags",
        metadata,
        identity(),
        Column("tag_name", Text(collation="NOCASE"), nullable=False, unique=True),
        Column("content", Text, nullable=False),
        *bookkeeping(),
    ),
    "tag",
)

scratch = stored(
    Scratch,
    Table(
        "scratch",
        metadata,
        Column("id", Text, primary_key=True),
        Column("scratch_type", Text, primary_key=True),
        Column("payload", JSON, nullable=False),
        *bookkeeping(),
    ),
    "scratch",
)

migration_state = stored(
    MigrationState,
    Table(
        "migration_state",
        metadata,
        identity(),
        Column("entity_type", Text, nullable=False),
        Column("local_id", Text, nullable=False),
        Column("remote_id", Text),
        Column("status", Text, nullable=False),
        Column("error_message", Text),
        Column("attempt_count", Integer, nullable=False),
        *bookkeeping(),
        UniqueConstraint("entity_type", "local_id"),
    ),
)
