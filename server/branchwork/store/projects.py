"""Tables and queries of projects and of the repos in them."""

from sqlalchemy import Boolean, Column, ForeignKey, Table, Text, select

from branchwork.domain.project import Project, ProjectRepo
from branchwork.store.schema import bookkeeping, identity, metadata
from branchwork.store.transaction import Transaction, stored

projects = stored(
    Project,
    Table(
        "projects",
        metadata,
        identity(),
        Column("name", Text, nullable=False),
        Column("default_agent_working_dir", Text),
        Column("remote_project_id", Text),
        *bookkeeping(),
    ),
    "project",
    lambda _tx, project: str(project.id),
)

project_repos = stored(
    ProjectRepo,
    Table(
        "project_repos",
        metadata,
        Column("project_id", Text, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
        Column(
            "repo_id",
            Text,
            ForeignKey("repos.id", ondelete="CASCADE"),
            primary_key=True,
            index=True,
        ),
        Column("setup_script", Text),
        Column("cleanup_script", Text),
        Column("copy_files", Text),
        Column("parallel_setup_script", Boolean),
        *bookkeeping(),
    ),
    "projectRepo",
    lambda _tx, link: str(link.project_id),
)


def page(tx: Transaction, limit: int, after: str | None) -> list[Project]:
    """Projects, the newest first."""
    statement = select(projects).order_by(projects.c.id.desc()).limit(limit)
    return tx.all(Project, statement.where(projects.c.id < after) if after else statement)


def of_repo(tx: Transaction, repo_id: str) -> list[Project]:
    """The projects that a repo is in, oldest first."""
    statement = (
        select(projects)
        .join(project_repos, project_repos.c.project_id == projects.c.id)
        .where(project_repos.c.repo_id == repo_id)
        .order_by(projects.c.id)
    )
    return tx.all(Project, statement)


def named(tx: Transaction, name: str) -> Project | None:
    """The oldest project with that name."""
    return tx.one(Project, select(projects).where(projects.c.name == name).order_by(projects.c.id))


def links(tx: Transaction, project_id: str) -> list[ProjectRepo]:
    """The repos of a project with its settings for them, oldest first."""
    statement = select(project_repos).where(project_repos.c.project_id == project_id)
    return tx.all(
        ProjectRepo, statement.order_by(project_repos.c.created_at, project_repos.c.repo_id)
    )


def link(tx: Transaction, project_id: str, repo_id: str) -> ProjectRepo | None:
    """A project's settings for one repo."""
    statement = select(project_repos).where(
        project_repos.c.project_id == project_id, project_repos.c.repo_id == repo_id
    )
    return tx.one(ProjectRepo, statement)
