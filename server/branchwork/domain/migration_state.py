"""MigrationState: how far a local entity's copy to a remote has come."""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class EntityType(StrEnum):
    """What can be copied to a remote."""

    PROJECT = "Project"
    TASK = "Task"
    PR_MERGE = "PrMerge"
    WORKSPACE = "Workspace"


class MigrationStatus(StrEnum):
    """Pending, and the three ways that a try can end."""

    PENDING = "Pending"
    MIGRATED = "Migrated"
    FAILED = "Failed"
    SKIPPED = "Skipped"


MOVES = MappingProxyType(
    {
        MigrationStatus.PENDING: frozenset(
            {MigrationStatus.MIGRATED, MigrationStatus.FAILED, MigrationStatus.SKIPPED}
        ),
        MigrationStatus.FAILED: frozenset({MigrationStatus.PENDING}),
        MigrationStatus.MIGRATED: frozenset[MigrationStatus](),
        MigrationStatus.SKIPPED: frozenset[MigrationStatus](),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationState:
    """One row per local entity and type."""

    id: str
    entity_type: EntityType
    local_id: str
    remote_id: str | None = None
    status: MigrationStatus = MigrationStatus.PENDING
    error_message: str | None = None
    attempt_count: int = 0
    created_at: str
    updated_at: str
    revision: int = 1
