"""What a person can do with a task from its document or from the board: start, save, move."""

from typing import Any

from branchwork.domain.task import Task, TaskStatus
from branchwork.domain.workspace import Isolation
from branchwork.lsp.document_actions import Offer, Place, of_workspace, opening, quoted
from branchwork.protocol import starts, tasks
from branchwork.services import document_start, document_task, views
from branchwork.services.document_board import GROUPS
from branchwork.services.document_names import Kind
from branchwork.services.document_start import agent_named
from branchwork.services.document_task import Draft, StartLines
from branchwork.services.views import TaskView, WorkspaceView
from branchwork.store.transaction import Transaction


async def on_board(place: Place) -> list[Offer]:
    """The task that the cursor is in."""
    offers = [opening("Open what needs you", Kind.ATTENTION)]
    task_id = place.id_of(Kind.TASK)
    if task_id is None:
        return offers
    view = await place.ls.app.store.read(lambda tx: views.task_view(tx, task_id))
    title = quoted(view.task.title)
    return [
        opening(f"Open the task: {title}", Kind.TASK, task_id),
        *await _plain_start(place, view),
        *offers,
    ]


async def in_task(place: Place) -> list[Offer]:
    """What stands in the document now, saved or not, is what is started and saved."""

    def read(tx: Transaction) -> tuple[TaskView, list[WorkspaceView]]:
        task_id = place.document.id
        return views.task_view(tx, task_id), views.workspaces_of_task(tx, task_id)

    view, found = await place.ls.app.store.read(read)
    draft = document_task.draft_to_keep(place.text, view.task)
    of_task = [*_saving(view.task, draft), *await _start(place, view, draft)]
    at_cursor = [one for one in found if one.workspace.id == place.id_of(document_task.WORKSPACE)]
    of_found = [o for one in (at_cursor or found)[:1] for o in await of_workspace(place, one)]
    ordered = [*of_found, *of_task] if at_cursor else [*of_task, *of_found]
    return [*ordered, *_moves(view.task)]


async def _plain_start(place: Place, view: TaskView) -> list[Offer]:
    """With the defaults, where nothing of the task runs."""
    choices = await document_start.choices(place.ls.app, view.task.project_id, place.ls.environment)
    if choices.refusal or choices.agent is None or view.flags.running:
        return []
    with_what = ", ".join(filter(None, (choices.agent.name, choices.branch)))
    title = f'Start: "{quoted(view.task.title)}" ({quoted(with_what)})'
    params = starts.WorkspaceStartParams(
        task_id=view.task.id, executor=choices.agent.executor, base_branch=choices.branch
    )
    return [Offer(title, starts.START, params)]


async def _start(place: Place, view: TaskView, draft: Draft | None) -> list[Offer]:
    """As the editable lines say; what is wrong in them is told by the command's error."""
    lines = document_task.start_in(place.text)
    if lines is None:
        return []
    agent = agent_named(place.ls.app, lines.agent) if lines.agent else None
    values: dict[str, Any] = {
        "task_id": view.task.id,
        "executor": (agent.executor if agent else lines.agent) or None,
        "base_branch": lines.base_branch or None,
        "carry_uncommitted": lines.carry,
        "isolation": _isolation(lines.isolation),
        "prompt": _prompt(view.task, draft),
    }
    title = _start_title(view, agent.name if agent else lines.agent, lines, draft)
    return [Offer(title, starts.START, starts.WorkspaceStartParams(**values))]


def _isolation(written: str) -> Isolation | str:
    """What is none goes to the command as it is, which says so."""
    return Isolation(written or Isolation.WORKTREE) if written in ("", *Isolation) else written


def _start_title(view: TaskView, agent: str, lines: StartLines, draft: Draft | None) -> str:
    another = "another attempt " if view.flags.workspace_count else ""
    title = f"Start {another}with {quoted(agent) or 'the default agent'}"
    if lines.isolation == Isolation.IN_PLACE:
        title += " in your own checkout"
    elif lines.base_branch:
        title += f" from {quoted(lines.base_branch)}"
    if lines.carry:
        title += ", with uncommitted changes"
    return title + (", with the text as it stands here" if draft else "")


def _prompt(task: Task, draft: Draft | None) -> str | None:
    """An edit that is not saved is what the agent is told."""
    if draft is None:
        return None
    title, description = draft.title or task.title, draft.description
    return f"{title}\n\n{description}" if description else title


def _saving(task: Task, draft: Draft | None) -> list[Offer]:
    if draft is None:
        return []
    title = "Save the title and the description"
    if not draft.is_of(task):
        title += " over the newer ones"
    params = tasks.TaskUpdateParams(
        task_id=task.id,
        expected_revision=task.revision,
        title=draft.title,
        description=draft.description or None,
    )
    return [Offer(title, tasks.UPDATE, params)]


def _moves(task: Task) -> list[Offer]:
    return [
        Offer(
            f"Set the status: {GROUPS[status]}",
            tasks.UPDATE,
            tasks.TaskUpdateParams(task_id=task.id, status=status),
        )
        for status in TaskStatus
        if status is not task.status
    ]
