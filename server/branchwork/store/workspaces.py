"""Tables and queries of workspaces and of the repos in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Boolean, Column, ForeignKey, Integer, Table, Text, UniqueConstraint, select

from branchwork.domain.workspace import Isolation, Workspace, WorkspaceRepo
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.transaction import Transaction, among, listed, stored


def project_of(tx: Transaction, workspace_id: str) -> str | None:
    """The project that a workspace's changes belong to."""
    tasks = metadata.tables["tasks"]
    statement = (
        select(tasks.c.project_id)
        .join(workspaces, workspaces.c.task_id == tasks.c.id)
        .where(workspaces.c.id == workspace_id)
    )
    found = tx.scalar(statement)
    return None if found is None else str(found)


def _project_of_entity(tx: Transaction, entity: Workspace) -> str | None:
    tasks = metadata.tables["tasks"]
    found = tx.scalar(select(tasks.c.project_id).where(tasks.c.id == entity.task_id))
    return None if found is None else str(found)


workspaces = stored(
    Workspace,
    Table(
        "workspaces",
        metadata,
        identity(),
        owner("task_id", "tasks.id"),
        Column("container_ref", Text, index=True),
        Column("branch", Text, nullable=False),
        Column("agent_working_dir", Text),
        Column("setup_completed_at", Text),
        Column("archived", Boolean, nullable=False),
        Column("pinned", Boolean, nullable=False),
        Column("name", Text),
        Column("isolation", Text, nullable=False),
        Column("port_base", Integer),
        *bookkeeping(),
    ),
    "workspace",
    _project_of_entity,
)

attempt_repos = stored(
    WorkspaceRepo,
    Table(
        "attempt_repos",
        metadata,
        identity(),
        owner("workspace_id", "workspaces.id"),
        Column("repo_id", Text, ForeignKey("repos.id"), nullable=False, index=True),
        Column("target_branch", Text, nullable=False),
        Column("base_commit", Text, nullable=False),
        Column("directory", Text, nullable=False),
        *bookkeeping(),
        UniqueConstraint("workspace_id", "repo_id"),
        UniqueConstraint("workspace_id", "directory"),
    ),
    "workspaceRepo",
    lambda tx, entity: project_of(tx, entity.workspace_id),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which workspaces a list shows; None does not narrow it."""

    task_id: str | None = None
    project_id: str | None = None
    archived: bool | None = None


def page(tx: Transaction, limit: int, after: str | None, wanted: Wanted) -> list[Workspace]:
    """Workspaces, the newest first."""
    statement = select(workspaces).order_by(workspaces.c.id.desc()).limit(limit)
    if after:
        statement = statement.where(workspaces.c.id < after)
    if wanted.task_id:
        statement = statement.where(workspaces.c.task_id == wanted.task_id)
    if wanted.project_id:
        tasks = metadata.tables["tasks"]
        own = select(tasks.c.id).where(tasks.c.project_id == wanted.project_id)
        statement = statement.where(workspaces.c.task_id.in_(own))
    if wanted.archived is not None:
        statement = statement.where(workspaces.c.archived.is_(wanted.archived))
    return tx.all(Workspace, statement)


def of_task(tx: Transaction, task_id: str) -> list[Workspace]:
    """All attempts at a task, oldest first."""
    statement = select(workspaces).where(workspaces.c.task_id == task_id).order_by(workspaces.c.id)
    return tx.all(Workspace, statement)


_IN_FOLDERS = (
    select(workspaces)
    .where(workspaces.c.container_ref.in_(among("paths")))
    .order_by(workspaces.c.id.desc())
)


def in_folders(tx: Transaction, paths: Sequence[str]) -> dict[str, Workspace]:
    """The workspaces whose directories are among those paths, by path; of several, the oldest."""
    found = tx.all(Workspace, _IN_FOLDERS, paths=listed(paths))
    return {workspace.container_ref: workspace for workspace in found if workspace.container_ref}


def repos_of(tx: Transaction, workspace_id: str) -> list[WorkspaceRepo]:
    """The repos of a workspace in the order in which they were given."""
    statement = select(attempt_repos).where(attempt_repos.c.workspace_id == workspace_id)
    return tx.all(WorkspaceRepo, statement.order_by(attempt_repos.c.id))


_REPOS_OF_ALL = (
    select(attempt_repos)
    .where(attempt_repos.c.workspace_id.in_(among("workspaces")))
    .order_by(attempt_repos.c.id)
)


def repos_of_all(tx: Transaction, workspace_ids: Sequence[str]) -> dict[str, list[WorkspaceRepo]]:
    """The repos of several workspaces, by workspace."""
    found: dict[str, list[WorkspaceRepo]] = {id_: [] for id_ in workspace_ids}
    for link in tx.all(WorkspaceRepo, _REPOS_OF_ALL, workspaces=listed(workspace_ids)):
        found[link.workspace_id].append(link)
    return found


def branch_taken(tx: Transaction, branch: str) -> bool:
    """Whether a workspace has that branch already."""
    return tx.scalar(select(workspaces.c.id).where(workspaces.c.branch == branch)) is not None


def port_bases(tx: Transaction) -> set[int]:
    """The blocks of ports that are given away."""
    return {row[0] for row in tx.rows(select(workspaces.c.port_base)) if row[0] is not None}


def directories_of_repo(tx: Transaction, repo_id: str) -> list[Path]:
    """The directories of all worktrees of a repo that we made."""
    statement = (
        select(workspaces.c.container_ref, attempt_repos.c.directory)
        .join(attempt_repos, attempt_repos.c.workspace_id == workspaces.c.id)
        .where(attempt_repos.c.repo_id == repo_id)
        .where(workspaces.c.isolation == str(Isolation.WORKTREE))
        .where(workspaces.c.container_ref.is_not(None))
    )
    return [Path(container, directory) for container, directory in tx.rows(statement)]
