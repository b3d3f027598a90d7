"""Use cases of projects."""

from typing import Any

from branchwork.domain.errors import Conflict, InvalidInput
from branchwork.domain.project import Project, ProjectRepo
from branchwork.domain.repo import Repo
from branchwork.services.app import App, new_id
from branchwork.services.text import required
from branchwork.store import executions, projects
from branchwork.store.transaction import Transaction

UNFILED = "Unfiled"


async def create(app: App, name: str, repo_ids: tuple[str, ...] = (), **values: Any) -> Project:
    """Make a project with some registered repos."""
    name = required("name", name)

    def write(tx: Transaction) -> Project:
        project = insert(tx, name, **values)
        for repo_id in repo_ids:
            link_repo(tx, project.id, tx.get(Repo, repo_id))
        return project

    return await app.store.write(write)


async def update(
    app: App, project_id: str, expected_revision: int | None = None, **values: Any
) -> Project:
    """Edit a project's own fields."""
    if "name" in values:
        values["name"] = required("name", values["name"])
    return await app.store.write(
        lambda tx: tx.update(tx.get(Project, project_id), expected_revision, **values)
    )


async def add_repo(
    app: App, project_id: str, repo_id: str, expected_revision: int | None = None, **values: Any
) -> ProjectRepo:
    """Put a repo into a project, or change the project's settings for it."""

    def write(tx: Transaction) -> ProjectRepo:
        tx.get(Project, project_id)
        repo = tx.get(Repo, repo_id)
        existing = projects.link(tx, project_id, repo_id)
        if existing is not None:
            return tx.update(existing, expected_revision, **values) if values else existing
        return link_repo(tx, project_id, repo, **values)

    return await app.store.write(write)


async def remove_repo(app: App, project_id: str, repo_id: str) -> None:
    """Take a repo out of a project; the repository itself is not touched."""

    def write(tx: Transaction) -> None:
        tx.get(Project, project_id)
        tx.get(Repo, repo_id)
        link = projects.link(tx, project_id, repo_id)
        if link is None:
            raise InvalidInput(
                "That repository is not in this project.",
                kind="notInProject",
                project_id=project_id,
                repo_id=repo_id,
            )
        if any(execution.repo_id == repo_id for execution in executions.running(tx)):
            raise Conflict(
                "A script of that repository is running; stop it first.",
                kind="running",
                repo_id=repo_id,
            )
        tx.delete(link)

    await app.store.write(write)


def insert(tx: Transaction, name: str, **values: Any) -> Project:
    """A new project, inside a transaction that does more."""
    return tx.insert(
        Project(id=new_id(), name=name, created_at=tx.now, updated_at=tx.now, **values)
    )


def link_repo(tx: Transaction, project_id: str, repo: Repo, **values: Any) -> ProjectRepo:
    """Put a repo into a project, inside a transaction that does more."""
    return tx.insert(
        ProjectRepo(
            project_id=project_id,
            repo_id=repo.id,
            created_at=tx.now,
            updated_at=tx.now,
            **values,
        )
    )
