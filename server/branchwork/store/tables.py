"""All tables, for those who need the whole schema: importing this module defines every one."""

from branchwork.store import (
    approvals,
    changes,
    executions,
    library,
    merges,
    projects,
    repos,
    runs,
    sessions,
    tasks,
    workspaces,
)
from branchwork.store.schema import metadata

__all__ = [
    "approvals",
    "changes",
    "executions",
    "library",
    "merges",
    "metadata",
    "projects",
    "repos",
    "runs",
    "sessions",
    "tasks",
    "workspaces",
]
