"""branchwork/task/*."""

from collections.abc import Awaitable, Callable
from typing import Any

from lsprotocol import types

from branchwork.domain.errors import BranchworkError, InvalidInput
from branchwork.domain.task import TaskStatus
from branchwork.lsp import announce, texts, to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.document_actions import quoted
from branchwork.lsp.features import documents, pages, targets, workspaces
from branchwork.lsp.features.projects import given
from branchwork.lsp.registry import Features
from branchwork.protocol import starts
from branchwork.protocol import tasks as wire
from branchwork.protocol.documents import DocumentKind, DocumentOpenParams
from branchwork.services import chain, removal, tasks, views
from branchwork.services.tasks import CodePlace
from branchwork.store import executions
from branchwork.store import tasks as stored
from branchwork.store import workspaces as stored_workspaces
from branchwork.store.transaction import Transaction

UNTITLED = "Untitled task"


async def list_tasks(ls: EditorConnection, params: wire.TaskListParams) -> wire.TaskListResult:
    """The newest first."""
    roots = ls.roots

    def read(tx: Transaction) -> tuple[list[views.TaskView], views.Place]:
        statuses = params.statuses or ()
        page = stored.page(tx, params.limit, params.cursor, params.project_id, statuses)
        return views.task_views(tx, page), views.place_of(tx, roots)

    read_ = await pages.read(ls, params, read)
    found, at = read_.value
    return wire.TaskListResult(
        **pages.reading(read_),
        tasks=[to_protocol.task(view) for view in found],
        next_cursor=pages.next_cursor([view.task for view in found], params.limit),
        current=to_protocol.current(at),
    )


async def get_task(ls: EditorConnection, params: wire.TaskGetParams) -> wire.TaskGetResult:
    """With its attempts."""

    def read(tx: Transaction) -> tuple[views.TaskView, list[views.WorkspaceView]]:
        view = views.task_view(tx, params.task_id)
        return view, views.workspaces_of_task(tx, params.task_id)

    found = await views.reading(ls.app, read)
    return wire.TaskGetResult(
        **pages.reading(found),
        task=to_protocol.task(found.value[0], whole=True),
        workspaces=[to_protocol.workspace(view) for view in found.value[1]],
    )


async def create_task(ls: EditorConnection, params: wire.TaskCreateParams) -> wire.TaskCreateResult:
    """From a title, or from a place in the code."""
    created = await _create(ls, params)
    view = await ls.app.store.read(lambda tx: views.task_view(tx, created.task.id))
    notes = [created.note] if created.note else []
    return wire.TaskCreateResult(task=to_protocol.task(view, whole=True), notes=notes)


async def create_and_start(
    ls: EditorConnection, params: starts.TaskCreateAndStartParams
) -> starts.TaskCreateAndStartResult:
    """A task and its first run. The task stays where the start fails, and the error names it."""
    task = (await _create(ls, params)).task
    try:
        started = await workspaces.start_task(ls, task.id, params)
    except BranchworkError as error:
        error.ids.setdefault("task_id", task.id)
        raise
    view = await ls.app.store.read(lambda tx: views.task_view(tx, task.id))
    whole = await workspaces.start_result(ls, started)
    return to_protocol.taken(
        starts.TaskCreateAndStartResult,
        whole,
        **{name: getattr(whole, name) for name in whole.__struct_fields__},
        task=to_protocol.task(view, whole=True),
    )


async def update_task(ls: EditorConnection, params: wire.TaskUpdateParams) -> wire.TaskResult:
    """Its fields; a person may set any status."""
    task_id = params.task_id or ""
    values = given(params, "title", "description", "status", "parent_workspace_id")
    await tasks.update(ls.app, task_id, params.expected_revision, **values)
    if values.get("status") is TaskStatus.CANCELLED:
        await _stop_all(ls, task_id)
    view = await ls.app.store.read(lambda tx: views.task_view(tx, task_id))
    return wire.TaskResult(task=to_protocol.task(view, whole=True))


async def delete_task(ls: EditorConnection, params: wire.TaskDeleteParams) -> wire.TaskDeleteResult:
    """With its workspaces."""
    removed = await removal.delete_task(
        ls.app,
        params.task_id,
        ls.environment,
        expected_revision=params.expected_revision,
        stop_running=params.stop_running,
    )
    return wire.TaskDeleteResult(
        workspace_ids=list(removed.workspace_ids), kept_branches=list(removed.kept_branches)
    )


async def list_children(
    ls: EditorConnection, params: wire.TaskChildrenParams
) -> wire.TaskChildrenResult:
    """Of a task or of one attempt at it."""
    targets.required(params, "task_id", "workspace_id")
    read = await views.reading(
        ls.app, lambda tx: views.children(tx, params.task_id, params.workspace_id)
    )
    found, cursor = pages.slice_of(read.value, params.limit, params.cursor)
    return wire.TaskChildrenResult(
        **pages.reading(read),
        tasks=[to_protocol.task(view) for view in found],
        next_cursor=cursor,
    )


async def search_tasks(
    ls: EditorConnection, params: wire.TaskSearchParams
) -> wire.TaskSearchResult:
    """By words."""
    if not params.query.strip():
        raise InvalidInput("The query is empty; give a word to look for.", field="query")

    def read(tx: Transaction) -> list[views.TaskView]:
        found = stored.search(tx, params.query, 1000, params.project_id)
        return views.task_views(tx, found)

    read_ = await pages.read(ls, params, read)
    found, cursor = pages.slice_of(read_.value, params.limit, params.cursor)
    return wire.TaskSearchResult(
        **pages.reading(read_),
        matches=[
            wire.TaskMatch(
                task=to_protocol.task(view),
                excerpt=tasks.excerpt(view.task.description, params.query),
            )
            for view in found
        ],
        next_cursor=cursor,
    )


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_tasks)
    features.method(wire.GET, get_task)
    features.method(wire.DELETE, delete_task)
    features.method(wire.CHILDREN, list_children)
    features.method(wire.SEARCH, search_tasks)
    features.request(wire.CREATE.method, wire.CREATE.params, create_task)
    _command(features, wire.CREATE.command, wire.CREATE.params, create_task)
    features.request(
        starts.CREATE_AND_START.method, starts.CREATE_AND_START.params, create_and_start
    )
    _command(
        features,
        starts.CREATE_AND_START.command,
        starts.CREATE_AND_START.params,
        create_and_start,
    )
    targets.answer(features, wire.UPDATE, update_task, ("task_id",), _current_task)


def _command(
    features: Features, name: str | None, params: type, handler: Callable[..., Awaitable[Any]]
) -> None:
    """Without an argument: a task to fill in, as a document."""

    async def run(ls: EditorConnection, given_: wire.TaskCreateParams) -> object:
        if given_.title is not None or given_.uri is not None:
            result = await handler(ls, given_)
            announce.tell(ls, result, f"Created the task “{quoted(result.task.title)}”.")
            return result
        at = await targets.place(ls)
        if at.project is None:
            return await documents.open_document(ls, DocumentOpenParams())
        task = await tasks.create(ls.app, at.project.id, UNTITLED)
        opened = DocumentOpenParams(kind=DocumentKind.TASK, id=task.id)
        return await documents.open_document(ls, opened)

    assert name is not None, "the protocol gives it one"
    features.command(name, params, run)


async def _current_task(ls: EditorConnection, at: views.Place) -> None:
    """A task without a word what to change is shown."""
    if at.task is not None:
        opened = DocumentOpenParams(kind=DocumentKind.TASK, id=at.task.id)
        await documents.open_document(ls, opened)


async def _create(ls: EditorConnection, params: wire.TaskCreateParams) -> tasks.Created:
    if params.uri is not None:
        place = _code_place(ls, params)
        created = await tasks.create_from_code(ls.app, place, params.title, params.description)
    else:
        targets.required(params, "project_id")
        targets.required(params, "title")
        created = tasks.Created(
            task=await tasks.create(
                ls.app,
                params.project_id or "",
                params.title or "",
                params.description,
                params.parent_workspace_id,
            )
        )
    if params.status is not TaskStatus.TODO:
        await tasks.update(ls.app, created.task.id, status=params.status)
    return created


def _code_place(ls: EditorConnection, params: wire.TaskCreateParams) -> CodePlace:
    path = texts.local_path(params.uri or "")
    if path.is_dir():
        targets.required(params, "title")
        return CodePlace(path=path)
    source = texts.source(ls, params.uri or "")
    place = _range(params)
    text = params.selection
    if text is None and place is not None:
        is_empty = place.start == place.end
        text = source.line(place.start.line) if is_empty else source.selected(place)
    return CodePlace(
        path=source.path,
        line=place.start.line + 1 if place else 1,
        text=text or "",
        language=params.language_id or source.language,
        todo=params.todo,
        diagnostic=params.diagnostic.message if params.diagnostic else None,
    )


def _range(params: wire.TaskCreateParams) -> types.Range | None:
    if params.range is None:
        return None
    start, end = params.range.start, params.range.end
    return types.Range(
        types.Position(start.line, start.character), types.Position(end.line, end.character)
    )


async def _stop_all(ls: EditorConnection, task_id: str) -> None:
    for workspace in await ls.app.store.read(lambda tx: stored_workspaces.of_task(tx, task_id)):
        if await ls.app.store.read(lambda tx, id_=workspace.id: executions.running(tx, id_)):
            await chain.stop_workspace(ls.app, workspace.id)
