"""Workspace: one attempt at a task, with a branch and, as a rule, worktrees of its own."""

from dataclasses import dataclass
from enum import StrEnum


class Isolation(StrEnum):
    """Where the agent works: only worktrees are made, committed in, merged and removed by us."""

    WORKTREE = "worktree"
    IN_PLACE = "in_place"
    DIRECTORY = "directory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """`container_ref` is the directory; it stays the same for the workspace's life."""

    id: str
    task_id: str
    container_ref: str | None = None
    branch: str
    agent_working_dir: str | None = None
    setup_completed_at: str | None = None
    archived: bool = False
    pinned: bool = False
    name: str | None = None
    isolation: Isolation = Isolation.WORKTREE
    port_base: int | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceRepo:
    """A repo of a workspace: `directory` is its worktree below the workspace's root."""

    id: str
    workspace_id: str
    repo_id: str
    target_branch: str
    base_commit: str
    directory: str
    created_at: str
    updated_at: str
    revision: int = 1
