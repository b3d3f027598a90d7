"""Table and queries of repositories."""

from collections.abc import Sequence

from sqlalchemy import Boolean, Column, Table, Text, select

from branchwork.domain.repo import Repo
from branchwork.store.projects import project_repos
from branchwork.store.schema import bookkeeping, identity, metadata
from branchwork.store.transaction import Transaction, among, listed, stored

repos = stored(
    Repo,
    Table(
        "repos",
        metadata,
        identity(),
        Column("path", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("display_name", Text, nullable=False),
        Column("setup_script", Text),
        Column("cleanup_script", Text),
        Column("archive_script", Text),
        Column("copy_files", Text),
        Column("parallel_setup_script", Boolean, nullable=False),
        Column("dev_server_script", Text),
        Column("default_target_branch", Text),
        Column("default_working_dir", Text),
        Column("auto_commit", Boolean, nullable=False),
        *bookkeeping(),
    ),
    "repo",
)


def page(tx: Transaction, limit: int, after: str | None) -> list[Repo]:
    """Repos, the newest first."""
    statement = select(repos).order_by(repos.c.id.desc()).limit(limit)
    return tx.all(Repo, statement.where(repos.c.id < after) if after else statement)


def at_path(tx: Transaction, path: str) -> Repo | None:
    """The repo registered for that main worktree."""
    return tx.one(Repo, select(repos).where(repos.c.path == path))


_AT_PATHS = select(repos).where(repos.c.path.in_(among("paths")))


def at_paths(tx: Transaction, paths: Sequence[str]) -> dict[str, Repo]:
    """The repos registered for main worktrees among those paths, by path."""
    return {repo.path: repo for repo in tx.all(Repo, _AT_PATHS, paths=listed(paths))}


def of_project(tx: Transaction, project_id: str) -> list[Repo]:
    """The repos of a project by display name, the order in which their scripts run."""
    statement = (
        select(repos)
        .join(project_repos, project_repos.c.repo_id == repos.c.id)
        .where(project_repos.c.project_id == project_id)
        .order_by(repos.c.display_name, repos.c.id)
    )
    return tx.all(Repo, statement)
