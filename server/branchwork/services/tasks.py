"""Use cases of tasks, and how a piece of code becomes one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from branchwork.domain.project import Project
from branchwork.domain.task import MACHINE_MOVES, PERSON_MOVES, Task, TaskStatus
from branchwork.domain.transitions import with_status
from branchwork.domain.workspace import Workspace
from branchwork.services import projects, repos
from branchwork.services.app import App, new_id
from branchwork.services.text import bounded, required, shortened
from branchwork.store import projects as stored_projects
from branchwork.store import workspaces
from branchwork.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class CodePlace:
    """Where in the code a task comes from; `line` counts from 1, `text` is the selection.

    Without a line it is only the folder whose repository is meant.
    """

    path: Path
    line: int = 0
    text: str = ""
    language: str = ""
    todo: str | None = None
    diagnostic: str | None = None


async def create(
    app: App,
    project_id: str,
    title: str,
    description: str | None = None,
    parent_workspace_id: str | None = None,
) -> Task:
    """Make a task in a project."""
    title = required("title", title)
    description = bounded("description", description)

    def write(tx: Transaction) -> Task:
        tx.get(Project, project_id)
        if parent_workspace_id is not None:
            tx.get(Workspace, parent_workspace_id)
        return insert(tx, project_id, title, description, parent_workspace_id)

    return await app.store.write(write)


@dataclass(frozen=True, slots=True, kw_only=True)
class Created:
    """A task of a piece of code; `note` says what was made for it, or why it can't be started."""

    task: Task
    note: str | None = None


async def create_from_code(
    app: App, place: CodePlace, title: str | None = None, description: str | None = None
) -> Created:
    """Make a task of a piece of code, with its repository and project where they are not known.

    A file in no repository gives a task in the project "Unfiled", which can't be started.
    """
    found = await repos.of_file(app, place.path)
    title = required("title", title or title_of(place))
    worktree = found.worktree if found else None
    if place.line:
        description = description or description_of(place, worktree)
    description = bounded("description", description)
    root = found.root if found else None

    def write(tx: Transaction) -> Created:
        project = ensure_project(tx, root, place.path)
        note = None
        if root is None:
            note = f"{place.path} is in no git repository: this task can't be started."
        elif project.created_at == tx.now:
            note = f"Made the project “{project.name}” for {root}."
        return Created(task=insert(tx, project.id, title, description), note=note)

    return await app.store.write(write)


async def update(
    app: App, task_id: str, expected_revision: int | None = None, **values: Any
) -> Task:
    """Edit a task; a person may set any status. Cancelling leaves its runs to the caller."""
    if "title" in values:
        values["title"] = required("title", values["title"])
    bounded("description", values.get("description"))

    def write(tx: Transaction) -> Task:
        task = tx.get(Task, task_id)
        if values.get("status") == task.status:
            values.pop("status")
        if "status" in values:
            with_status(task, values["status"], PERSON_MOVES)
        return tx.update(task, expected_revision, **values) if values else task

    return await app.store.write(write)


def insert(
    tx: Transaction,
    project_id: str,
    title: str,
    description: str | None,
    parent_workspace_id: str | None = None,
) -> Task:
    """A new task, inside a transaction that does more."""
    return tx.insert(
        Task(
            id=new_id(),
            project_id=project_id,
            title=title,
            description=description,
            parent_workspace_id=parent_workspace_id,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def ensure_project(tx: Transaction, root: Path | None, path: Path) -> Project:
    """The project of a repository or of a file in a worktree of ours, made where there is none."""
    ours = None if root is None else _project_of_worktree(tx, path)
    if ours is not None:
        return ours
    if root is None:
        known = stored_projects.named(tx, projects.UNFILED)
        return known or projects.insert(tx, projects.UNFILED)
    repo = repos.ensure(tx, root)
    of_repo = stored_projects.of_repo(tx, repo.id)
    if of_repo:
        return of_repo[0]
    project = projects.insert(tx, repo.display_name)
    projects.link_repo(tx, project.id, repo)
    return project


def move(tx: Transaction, task: Task, status: TaskStatus) -> Task:
    """Move a task as the machine may; where it may not, the task stays as a person left it."""
    if task.status == status or status not in MACHINE_MOVES[task.status]:
        return task
    return tx.update(task, status=with_status(task, status, MACHINE_MOVES).status)


def title_of(place: CodePlace) -> str:
    """The TODO's text, else the diagnostic's message, else the first meaningful line."""
    for candidate in (place.todo, place.diagnostic, *place.text.splitlines()):
        words = (candidate or "").lstrip("#/*-;%<!> \t").rstrip("*/-;{ \t")
        if any(character.isalnum() for character in words):
            return shortened(words)
    return f"{place.path.name}:{place.line}"


def description_of(place: CodePlace, worktree: Path | None) -> str:
    """A link `path:line`, the whole diagnostic, and the code as a fenced block."""
    path = place.path.resolve()
    inside = worktree is not None and path.is_relative_to(worktree)
    shown = path.relative_to(worktree) if inside and worktree is not None else place.path
    parts = [f"[{shown}:{place.line}]({quote(str(shown))}#L{place.line})"]
    if place.diagnostic:
        parts.append(place.diagnostic)
    if place.text.strip():
        fence = "`" * max(3, _longest_run(place.text, "`") + 1)
        parts.append(f"{fence}{place.language}\n{place.text.rstrip()}\n{fence}")
    return "\n\n".join(parts)


def excerpt(description: str | None, query: str) -> str | None:
    """The place in a description where the first word of a query stands."""
    words = query.split()
    at = (description or "").casefold().find(words[0].casefold()) if words else -1
    if description is None or at < 0:
        return None
    start = max(0, at - 40)
    return ("…" if start else "") + shortened(description[start : at + 80], 120)


def _project_of_worktree(tx: Transaction, path: Path) -> Project | None:
    folders = [str(folder) for folder in (path, *path.parents)]
    ours = workspaces.in_folders(tx, folders)
    found = next((ours[folder] for folder in folders if folder in ours), None)
    return None if found is None else tx.get(Project, tx.get(Task, found.task_id).project_id)


def _longest_run(text: str, character: str) -> int:
    longest = run = 0
    for current in text:
        run = run + 1 if current == character else 0
        longest = max(longest, run)
    return longest
