"""branchwork/workspace/*."""

from typing import Any

from branchwork.domain.session import Session
from branchwork.domain.workspace import Isolation
from branchwork.lsp import to_protocol
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.features import pages, targets
from branchwork.lsp.features.projects import given
from branchwork.lsp.progress import work_done
from branchwork.lsp.registry import Features
from branchwork.protocol import diffs, starts
from branchwork.protocol import merges as wire_merges
from branchwork.protocol import workspaces as wire
from branchwork.services import chain, merges, reviews, views, workspaces
from branchwork.services.workspaces import Start, Started
from branchwork.store import sessions
from branchwork.store import workspaces as stored
from branchwork.store.transaction import Transaction

LONGEST_FILE_BYTES = 4 << 20


async def list_workspaces(
    ls: EditorConnection, params: wire.WorkspaceListParams
) -> wire.WorkspaceListResult:
    """The newest first."""
    wanted = stored.Wanted(
        task_id=params.task_id, project_id=params.project_id, archived=params.archived
    )
    found = await pages.read(
        ls, params, lambda tx: views.workspace_page(tx, params.limit, params.cursor, wanted)
    )
    return wire.WorkspaceListResult(
        **pages.reading(found),
        workspaces=[to_protocol.workspace(view) for view in found.value],
        next_cursor=pages.next_cursor([view.workspace for view in found.value], params.limit),
        current=to_protocol.current(await targets.place(ls)),
    )


async def get_workspace(
    ls: EditorConnection, params: wire.WorkspaceGetParams
) -> wire.WorkspaceGetResult:
    """With its sessions."""

    def read(tx: Transaction) -> tuple[views.WorkspaceView, list[Session]]:
        view = views.workspace_view(tx, params.workspace_id)
        return view, sessions.of_workspace(tx, params.workspace_id)

    found = await views.reading(ls.app, read)
    view, own = found.value
    return wire.WorkspaceGetResult(
        **pages.reading(found),
        workspace=to_protocol.workspace(view),
        sessions=[to_protocol.session(session) for session in own],
        waiting=to_protocol.waiting(params.workspace_id, view.waiting),
    )


async def create_workspace(
    ls: EditorConnection, params: wire.WorkspaceCreateParams
) -> wire.WorkspaceCreateResult:
    """Worktrees without a run."""
    wanted = Start(
        targets={one.repo_id: one.target_branch for one in params.repos if one.target_branch},
        repo_ids=tuple(one.repo_id for one in params.repos),
        isolation=params.isolation,
        directory=params.directory,
        carry_uncommitted=params.carry_uncommitted,
        environment=ls.environment,
    )
    async with work_done(ls, params.work_done_token, "Making the workspace"):
        workspace, notes = await workspaces.create(ls.app, params.task_id, wanted)
    return wire.WorkspaceCreateResult(workspace=await _view(ls, workspace.id), notes=notes)


async def start_workspace(
    ls: EditorConnection, params: starts.WorkspaceStartParams
) -> starts.WorkspaceStartResult:
    """In a new workspace for a task, or in one that is there."""
    if params.workspace_id is None:
        return await start_result(ls, await start_task(ls, params.task_id or "", params))
    async with work_done(ls, params.work_done_token, "Starting the agent"):
        started = await workspaces.start_again(ls.app, params.workspace_id, _wanted(ls, params))
    return await start_result(ls, started)


async def start_task(
    ls: EditorConnection,
    task_id: str,
    params: starts.WorkspaceStartParams | starts.TaskCreateAndStartParams,
) -> Started:
    """A workspace for a task and its first run."""
    async with work_done(ls, params.work_done_token, "Starting the task") as work:
        work.report("making the worktree")
        return await workspaces.start(ls.app, task_id, _wanted(ls, params))


async def start_result(ls: EditorConnection, started: Started) -> starts.WorkspaceStartResult:
    """What was started, as it is sent."""
    view = await ls.app.store.read(lambda tx: views.workspace_view(tx, started.workspace.id))
    execution = started.execution
    return starts.WorkspaceStartResult(
        workspace=to_protocol.workspace(view),
        session=to_protocol.session(started.session),
        execution=None if execution is None else to_protocol.execution(execution, whole=True),
        waiting=to_protocol.waiting(started.workspace.id, view.waiting),
        notes=list(started.notes),
    )


async def update_workspace(
    ls: EditorConnection, params: wire.WorkspaceUpdateParams
) -> wire.WorkspaceResult:
    """Its name, whether it is pinned or archived, where its agents work."""
    values = given(params, "name", "archived", "pinned", "agent_working_dir")
    await workspaces.update(ls.app, params.workspace_id, params.expected_revision, **values)
    return wire.WorkspaceResult(workspace=await _view(ls, params.workspace_id))


async def stop_workspace(
    ls: EditorConnection, params: wire.WorkspaceStopParams
) -> wire.WorkspaceStopResult:
    """All that runs in it."""
    workspace_id = params.workspace_id or ""
    await _view(ls, workspace_id)
    stopped = await chain.stop_workspace(ls.app, workspace_id)
    return wire.WorkspaceStopResult(
        workspace=await _view(ls, workspace_id),
        stopped=[to_protocol.execution(one) for one in stopped],
    )


async def workspace_status(
    ls: EditorConnection, params: wire.WorkspaceStatusParams
) -> wire.WorkspaceStatusResult:
    """How its branches stand."""
    found = await reviews.statuses(ls.app, params.workspace_id)
    return wire.WorkspaceStatusResult(
        workspace=await _view(ls, params.workspace_id),
        repos=[to_protocol.repo_status(one) for one in found],
    )


async def workspace_diff(
    ls: EditorConnection, params: diffs.WorkspaceDiffParams
) -> diffs.WorkspaceDiffResult:
    """What it changed."""
    found = await reviews.diff(
        ls.app,
        params.workspace_id or "",
        params.scope,
        repo_id=params.repo_id,
        path=params.path,
        with_patch=params.with_patch,
    )
    files = [file for one in found for file in to_protocol.file_diffs(one)]
    if params.partial_result_token is not None:
        part = diffs.WorkspaceDiffPart(files=files)
        await targets.send_part(ls, params.partial_result_token, part)
    return diffs.WorkspaceDiffResult(
        workspace_id=params.workspace_id or "",
        files=[] if params.partial_result_token is not None else files,
        file_count=len(files),
        additions=sum(file.additions or 0 for file in files),
        deletions=sum(file.deletions or 0 for file in files),
    )


async def base_file(
    ls: EditorConnection, params: diffs.WorkspaceBaseFileParams
) -> diffs.WorkspaceBaseFileResult:
    """The left side of a diff."""
    raw = await reviews.base_file(
        ls.app,
        params.workspace_id,
        params.repo_id,
        params.path,
        params.scope,
        LONGEST_FILE_BYTES,
    )
    if raw is None:
        return diffs.WorkspaceBaseFileResult(text=None)
    if len(raw) > LONGEST_FILE_BYTES:
        return diffs.WorkspaceBaseFileResult(text=None, omitted="tooLarge")
    if b"\0" in raw:
        return diffs.WorkspaceBaseFileResult(text=None, omitted="binary")
    return diffs.WorkspaceBaseFileResult(text=raw.decode("utf-8", "replace"))


async def preview_merge(
    ls: EditorConnection, params: wire_merges.WorkspaceMergePreviewParams
) -> wire_merges.WorkspaceMergePreviewResult:
    """What a merge would do."""
    workspace_id = params.workspace_id or ""
    found = await merges.preview(ls.app, workspace_id, params.repo_id)
    return wire_merges.WorkspaceMergePreviewResult(
        workspace_id=workspace_id,
        repos=[to_protocol.merge_preview(one) for one in found],
        message=await merges.default_message(ls.app, workspace_id),
    )


async def merge_workspace(
    ls: EditorConnection, params: wire_merges.WorkspaceMergeParams
) -> wire_merges.WorkspaceMergeResult:
    """Its work becomes one commit on the target branch."""
    async with work_done(ls, params.work_done_token, "Merging"):
        merged, task = await merges.merge(
            ls.app,
            params.workspace_id or "",
            ls.environment,
            repo_id=params.repo_id,
            message=params.message,
        )
    view = await ls.app.store.read(lambda tx: views.task_view(tx, task.id))
    return wire_merges.WorkspaceMergeResult(
        merges=[to_protocol.merge(one) for one in merged], task=to_protocol.task(view, whole=True)
    )


def register(features: Features) -> None:
    """What this module answers."""
    features.method(wire.LIST, list_workspaces)
    features.method(wire.GET, get_workspace)
    features.method(wire.CREATE, create_workspace)
    features.method(wire.UPDATE, update_workspace)
    features.method(wire.STATUS, workspace_status)
    features.method(diffs.BASE_FILE, base_file)
    at = targets.current_workspace
    start = ("task_id", "workspace_id")
    targets.answer(features, starts.START, start_workspace, start, _idle_task)
    targets.answer(features, wire.STOP, stop_workspace, ("workspace_id",), at)
    targets.answer(features, diffs.DIFF, workspace_diff, ("workspace_id",), at)
    targets.answer(features, wire_merges.MERGE_PREVIEW, preview_merge, ("workspace_id",), at)
    targets.answer(features, wire_merges.MERGE, merge_workspace, ("workspace_id",), at)


def _wanted(
    ls: EditorConnection, params: starts.WorkspaceStartParams | starts.TaskCreateAndStartParams
) -> Start:
    repos = params.repos or []
    return Start(
        executor=params.executor,
        prompt=params.prompt,
        base_branch=params.base_branch,
        targets={one.repo_id: one.target_branch for one in repos if one.target_branch},
        repo_ids=tuple(params.repo_ids or ()),
        isolation=Isolation(params.isolation),
        mode=str(params.mode),
        directory=params.directory,
        carry_uncommitted=params.carry_uncommitted,
        environment=ls.environment,
    )


async def _idle_task(ls: EditorConnection, at: views.Place) -> dict[str, Any] | None:
    """The current task, where nothing of it runs."""
    if at.task is None:
        return None
    task_id = at.task.id
    view = await ls.app.store.read(lambda tx: views.task_view(tx, task_id))
    return None if view.flags.running else {"task_id": task_id}


async def _view(ls: EditorConnection, workspace_id: str) -> wire.Workspace:
    view = await ls.app.store.read(lambda tx: views.workspace_view(tx, workspace_id))
    return to_protocol.workspace(view)
