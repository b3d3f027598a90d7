"""Documents: what is known as Markdown files, the whole user interface of an editor without a
plugin. A file is written anew each time it is opened, and while it is; what a person has written
into it and not sent yet stays. The modules `document_<kind>.py` know what stands in each.
"""

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from branchwork.domain.errors import StorageFailed, StorageFull
from branchwork.domain.project import Project
from branchwork.services import (
    attention,
    document_attention,
    document_board,
    document_conversation,
    document_diff,
    document_log,
    document_start,
    document_task,
    views,
)
from branchwork.services.app import App
from branchwork.services.document_names import Document, Kind, path_of
from branchwork.services.document_task import Attempt
from branchwork.services.views import TaskView, WorkspaceView
from branchwork.store.transaction import Transaction

ASKED_OF_GIT = 10
"""Workspaces of a task of which the document says what git says."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


async def write(
    app: App, document: Document, environment: Mapping[str, str], current: str | None = None
) -> Path:
    """Write a document's file; raises NotFound where there is nothing to show.

    `current` is its text in the editor that asks, which may have edits that are on no disk.
    """
    path = path_of(app.data, document)
    async with app.alone(f"document:{document.kind}/{document.id}"):
        if current is None:
            current = await app.blocking(read, path)
        text = await _text(app, document, environment, current)
        # An editor reads a file again that is another one, also where it says the same.
        if await app.blocking(read, path) != text:
            await app.blocking(_replace, path, text)
    return path


def read(path: Path) -> str:
    """The text of a file, empty where there is none."""
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""


async def _text(app: App, document: Document, environment: Mapping[str, str], current: str) -> str:
    match document.kind:
        case Kind.BOARD:
            board = await app.store.read(lambda tx: document_board.read(tx, document.id))
            return document_board.text(board)
        case Kind.ATTENTION:
            return document_attention.text(await attention.items(app))
        case Kind.TASK:
            return await _task(app, document.id, environment, current)
        case Kind.CONVERSATION:
            talk = await document_conversation.read(app, document.id)
            draft = document_conversation.draft_to_keep(current, talk)
            return document_conversation.text(talk, draft)
        case Kind.LOG:
            return document_log.text(await document_log.read(app, document.id))
        case Kind.DIFF:
            return document_diff.text(await document_diff.read(app, document.id, with_patch=True))


async def _task(app: App, task_id: str, environment: Mapping[str, str], current: str) -> str:
    def read_rows(tx: Transaction) -> tuple[TaskView, Project, list[WorkspaceView]]:
        view = views.task_view(tx, task_id)
        project = tx.get(Project, view.task.project_id)
        return view, project, views.workspaces_of_task(tx, task_id)

    view, project, workspaces = await app.store.read(read_rows)
    page = document_task.Page(
        view=view,
        project=project.name,
        choices=await document_start.choices(app, project.id, environment),
        attempts=[await _attempt(app, place, one) for place, one in enumerate(workspaces)],
    )
    return document_task.text(page, document_task.draft_to_keep(current, view.task))


async def _attempt(app: App, place: int, view: WorkspaceView) -> Attempt:
    if place >= ASKED_OF_GIT:
        return Attempt(view=view, review=None)
    review = await document_diff.read(app, view.workspace.id, with_patch=False)
    return Attempt(view=view, review=review)


def _replace(path: Path, text: str) -> None:
    """The file is whole or the old one, and nobody else's to read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        for folder in (path.parent, path.parent.parent):
            folder.chmod(0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=path.suffix)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _unwritten(path, error) from error


def _unwritten(path: Path, error: OSError) -> StorageFailed:
    if error.errno in _FULL:
        return StorageFull(f"No space is left for {path}. Free some and try again.", path=path)
    return StorageFailed(
        f"The document {path} can't be written: {error.strerror}.", kind="notWritable", path=path
    )
