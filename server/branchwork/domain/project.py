"""Project: the container of repositories and tasks."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A named container; remote fields stay empty until a remote exists."""

    id: str
    name: str
    default_agent_working_dir: str | None = None
    remote_project_id: str | None = None
    created_at: str
    updated_at: str
    revision: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRepo:
    """A repo in a project. None takes the repo's own setting, an empty text means none here."""

    project_id: str
    repo_id: str
    setup_script: str | None = None
    cleanup_script: str | None = None
    copy_files: str | None = None
    parallel_setup_script: bool | None = None
    created_at: str
    updated_at: str
    revision: int = 1
