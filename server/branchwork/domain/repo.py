"""Repo: a git repository on the file system, shared by projects."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Repo:
    """`path` is the root of the main worktree; `auto_commit` false leaves changes uncommitted."""

    id: str
    path: str
    name: str
    display_name: str
    setup_script: str | None = None
    cleanup_script: str | None = None
    archive_script: str | None = None
    copy_files: str | None = None
    parallel_setup_script: bool = False
    dev_server_script: str | None = None
    default_target_branch: str | None = None
    default_working_dir: str | None = None
    auto_commit: bool = True
    created_at: str
    updated_at: str
    revision: int = 1
