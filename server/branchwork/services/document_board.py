"""The board as a document: the tasks of a project, or of all, by their status."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from branchwork.domain.project import Project
from branchwork.domain.task import TaskStatus
from branchwork.services import markdown
from branchwork.services.anchors import anchor
from branchwork.services.document_names import ALL, Kind, reference
from branchwork.services.text import shortened
from branchwork.services.views import TaskView, task_views
from branchwork.store import projects, tasks, workspaces
from branchwork.store.transaction import Transaction

MOST_TASKS = 1000
GROUPS: Mapping[TaskStatus, str] = {
    TaskStatus.IN_PROGRESS: "In progress",
    TaskStatus.IN_REVIEW: "In review",
    TaskStatus.TODO: "To do",
    TaskStatus.DONE: "Done",
    TaskStatus.CANCELLED: "Cancelled",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Tasks, the newest first; `branches` of the newest workspaces by task, `projects` by id."""

    project: Project | None
    tasks: Sequence[TaskView]
    branches: Mapping[str, str]
    projects: Mapping[str, Project]


def read(tx: Transaction, project_id: str) -> Board:
    """The board of a project or of all; raises NotFound."""
    project = None if project_id == ALL else tx.get(Project, project_id)
    found = tasks.page(tx, MOST_TASKS, None, project.id if project else None)
    newest: dict[str, str] = {}
    for workspace in workspaces.page(tx, MOST_TASKS, None, workspaces.Wanted()):
        newest.setdefault(workspace.task_id, workspace.branch)
    return Board(
        project=project,
        tasks=task_views(tx, found),
        branches=newest,
        projects={one.id: one for one in projects.page(tx, MOST_TASKS, None)},
    )


def text(board: Board) -> str:
    """The document."""
    return "\n".join(_lines(board)) + "\n"


def _lines(board: Board) -> Iterator[str]:
    name = board.project.name if board.project else "all projects"
    yield anchor(Kind.BOARD, board.project.id if board.project else ALL)
    yield f"# Board: {markdown.line(name)}"
    yield ""
    running = sum(view.flags.running for view in board.tasks)
    waiting = sum(view.flags.needs_you for view in board.tasks)
    attention = markdown.link(f"{waiting} need you", reference(Kind.ATTENTION))
    noun = "task" if len(board.tasks) == 1 else "tasks"
    yield f"{len(board.tasks)} {noun} · {running} running · {attention}"
    if not board.tasks:
        yield ""
        yield "There is no task yet. Select some code and run the code action “Create task”."
    for status in GROUPS:
        group = [view for view in board.tasks if view.task.status is status]
        if group:
            yield from _group(board, status, group)
    if len(board.tasks) == MOST_TASKS:
        yield ""
        yield f"Only the newest {MOST_TASKS} tasks are shown."


def _group(board: Board, status: TaskStatus, group: Sequence[TaskView]) -> Iterator[str]:
    yield ""
    yield anchor("status", status)
    yield f"## {GROUPS[status]} ({len(group)})"
    yield ""
    for view in group:
        yield anchor(Kind.TASK, view.task.id)
        yield f"- {' · '.join(_parts(board, view))}"


def _parts(board: Board, view: TaskView) -> Iterator[str]:
    task = view.task
    yield markdown.link(shortened(task.title), reference(Kind.TASK, task.id))
    yield from marks(running=view.flags.running, needs_you=view.flags.needs_you)
    if task.id in board.branches:
        yield markdown.code(board.branches[task.id])
    if board.project is None and task.project_id in board.projects:
        yield markdown.line(board.projects[task.project_id].name)


def marks(*, running: bool, needs_you: bool) -> Iterator[str]:
    """What goes on, in the words of every document."""
    if needs_you:
        yield "**needs you**"
    if running:
        yield "**running**"
