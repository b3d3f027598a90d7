"""Work-done progress of the agents that run: what each is doing now, in every editor."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass

from branchwork.agents.render import inline
from branchwork.domain.entry import AgentMessage, Entry, PermissionRequest, Plan, Thought, ToolCall
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus, RunReason
from branchwork.lsp.connection import EditorConnection
from branchwork.lsp.errors import EditorGone
from branchwork.lsp.progress import Work, made_token
from branchwork.services.app import App
from branchwork.services.text import shortened
from branchwork.store import executions
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 0.25
MESSAGE_CHARACTERS = 80
EARLIER = 100
"""Among so many of the newest runs are those that ran when the daemon before this one died."""


_LAST_WORD = {
    ExecutionStatus.RUNNING: "running",
    ExecutionStatus.COMPLETED: "done",
    ExecutionStatus.FAILED: "failed",
    ExecutionStatus.KILLED: "stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Doing:
    """What a run is doing; `percentage` only where its agent has a plan."""

    message: str
    percentage: int | None = None


async def show(ls: EditorConnection) -> None:
    """Keep one editor's progress in step with all that runs, until the connection closes."""
    shown: dict[str, tuple[Work, Doing]] = {}
    if ls.peer.again:
        await _end_earlier(ls)
    with contextlib.suppress(EditorGone):
        while ls.is_open:
            beat = ls.app.commits.next()
            running = await ls.app.store.read(_running)
            for execution_id in [id_ for id_ in shown if id_ not in running]:
                ended = await ls.app.store.read(
                    lambda tx, id_=execution_id: tx.find(ExecutionProcess, id_)
                )
                shown.pop(execution_id)[0].end(_LAST_WORD[ended.status] if ended else "gone")
            for execution_id, title in running.items():
                await _show_one(ls, execution_id, title, shown)
            await _wait(ls.app, beat)
            await asyncio.sleep(PAUSE_SECONDS)


async def _end_earlier(ls: EditorConnection) -> None:
    """What the daemon before this one began to show would stand there for ever, and its token is
    wanted again."""
    newest = await ls.app.store.read(
        lambda tx: executions.page(tx, EARLIER, None, executions.Wanted())
    )
    for execution in newest:
        if execution.completed_at is None or execution.completed_at >= ls.app.started_at:
            Work(ls, _token(execution.id)).end()


def doing(entries: tuple[Entry, ...]) -> Doing:
    """The newest thing that an agent said or did."""
    plan = next((entry for entry in reversed(entries) if isinstance(entry, Plan)), None)
    percentage = None
    if plan is not None and plan.items:
        done = sum(item.status == "completed" for item in plan.items)
        percentage = 100 * done // len(plan.items)
    for entry in reversed(entries):
        message = _message(entry)
        if message:
            return Doing(
                message=shortened(inline(message), MESSAGE_CHARACTERS), percentage=percentage
            )
    return Doing(message="starting", percentage=percentage)


def _message(entry: Entry) -> str:
    if isinstance(entry, PermissionRequest):
        return f"asks: {entry.sentence}" if entry.outcome is None else ""
    if isinstance(entry, ToolCall):
        return entry.title
    if isinstance(entry, AgentMessage | Thought):
        lines = entry.text.strip().splitlines()
        return lines[-1] if lines else ""
    return ""


async def _show_one(
    ls: EditorConnection, execution_id: str, title: str, shown: dict[str, tuple[Work, Doing]]
) -> None:
    live = ls.app.live.get(execution_id)
    fold = live.fold if live else None
    now = doing(tuple(fold.entries[-50:])) if fold else Doing(message="running")
    known = shown.get(execution_id)
    if known is None:
        # Where the editor can't show it, this work has no token and says nothing.
        work = Work(ls, await made_token(ls, _token(execution_id)))
        work.begin(title)
    elif known[1] == now:
        return
    else:
        work = known[0]
    work.report(now.message, now.percentage)
    shown[execution_id] = (work, now)


def _token(execution_id: str) -> str:
    """The same after a restart of the daemon, so that the next one can end what this one began."""
    return f"branchwork-{execution_id}"


async def _wait(app: App, beat: asyncio.Event) -> None:
    """Until a row was changed or an agent said something."""
    beats = [beat, *(live.entries.next() for live in app.live.values())]
    waiting = [asyncio.create_task(one.wait()) for one in beats]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()


def _running(tx: Transaction) -> dict[str, str]:
    """The titles of what runs, by execution."""
    return {
        execution.id: _title(tx, execution)
        for execution in executions.running(tx)
        if execution.run_reason is not RunReason.DEV_SERVER
    }


def _title(tx: Transaction, execution: ExecutionProcess) -> str:
    title = shortened(stored_tasks.of_workspace(tx, execution.workspace_id).title, 40)
    if execution.run_reason is RunReason.CODING_AGENT:
        return title
    return f"{title}: {execution.run_reason}"
