"""Use cases of conversations: sending a prompt, marking as seen, and reading the entries."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from branchwork.domain.entry import Entry, PermissionRequest
from branchwork.domain.errors import InvalidInput, NotFound
from branchwork.domain.execution_process import ExecutionProcess
from branchwork.domain.run import RunPlan
from branchwork.domain.session import QueuedPrompt, Session
from branchwork.domain.workspace import Workspace
from branchwork.services import chain, run
from branchwork.services import entries as folded
from branchwork.services.app import App, new_id
from branchwork.services.text import bounded
from branchwork.store import approvals, executions, runs, sessions
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

_GROWING = ("text", "output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompted:
    """What became of a prompt: it runs, it waits for its run, or it is queued."""

    session: Session | None = None
    execution: ExecutionProcess | None = None
    queued: QueuedPrompt | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """An entry that is new or different; of one that only grew, `appended` is what it grew by.

    `approval_id` is the row of a permission request.
    """

    execution_id: str
    index: int
    entry: Entry
    is_new: bool
    appended: str | None = None
    session_id: str
    executor: str | None = None
    approval_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reader of a conversation is: the first entry that it has not got."""

    execution_id: str
    index: int


async def prompt(
    app: App, conversation_id: str, text: str, environment: Mapping[str, str]
) -> Prompted:
    """Send a follow-up now, or queue it while the agent is at work."""
    _require_text(text)

    def write(tx: Transaction) -> QueuedPrompt | tuple[Session, RunPlan]:
        last = last_session(tx, conversation_id)
        if runs.open_plans(tx, last.workspace_id):
            return _queue(tx, conversation_id, text)
        return _follow_up(tx, last, text)

    return await app.to_the_end(_begin(app, write, environment))


async def send_queued(app: App, prompt_id: str, environment: Mapping[str, str]) -> Prompted:
    """Send a prompt that waits now; while the agent is at work it goes to the front instead."""

    def write(tx: Transaction) -> QueuedPrompt | tuple[Session, RunPlan]:
        queued = tx.get(QueuedPrompt, prompt_id)
        last = last_session(tx, queued.conversation_id)
        if runs.open_plans(tx, last.workspace_id):
            first = min(one.position for one in sessions.queue(tx, queued.conversation_id))
            return tx.update(queued, held_because=None, position=first - 1)
        tx.delete(queued)
        return _follow_up(tx, last, queued.prompt)

    return await app.to_the_end(_begin(app, write, environment))


async def drop_queued(app: App, prompt_id: str) -> None:
    """Forget a prompt that waits."""
    await app.store.write(lambda tx: tx.delete(tx.get(QueuedPrompt, prompt_id)))


async def edit_queued(app: App, prompt_id: str, text: str) -> QueuedPrompt:
    """Change what a prompt that waits says."""
    _require_text(text)
    return await app.store.write(lambda tx: tx.update(tx.get(QueuedPrompt, prompt_id), prompt=text))


async def mark_seen(app: App, conversation_id: str) -> None:
    """A person has looked at it: what ended in it does not wait for them any more."""

    def write(tx: Transaction) -> None:
        last = last_session(tx, conversation_id)
        ids = {session.id for session in sessions.of_conversation(tx, conversation_id)}
        for execution in executions.wanting_attention(tx, last.workspace_id):
            if execution.session_id in ids:
                tx.derive(execution, attention=None)
        for execution in executions.of_conversation(tx, conversation_id):
            turn = executions.turn_of(tx, execution.id)
            if turn is not None and not turn.seen:
                tx.derive(turn, seen=True)
        stored_tasks.touch_work(tx, last.workspace_id)

    await app.store.write(write)


def last_session(tx: Transaction, conversation_id: str) -> Session:
    """The newest session of a conversation; raises NotFound."""
    found = sessions.of_conversation(tx, conversation_id)
    if not found:
        raise NotFound(
            f"There is no conversation with the id {conversation_id}.",
            conversation_id=conversation_id,
        )
    return found[-1]


async def stream(
    app: App, conversation_id: str, start: Place | None, *, follow: bool
) -> AsyncIterator[list[EntryChange]]:
    """The entries of a conversation from a place on, and while followed what becomes of them."""
    await app.store.read(lambda tx: last_session(tx, conversation_id))
    sent: dict[str, list[Entry]] = {}
    final: dict[str, ExecutionProcess] = {}
    begun = start is None
    while True:
        beats = [app.commits.next()]
        changes: list[EntryChange] = []
        for execution in await app.store.read(
            lambda tx: executions.of_conversation(tx, conversation_id)
        ):
            if final.get(execution.id) == execution:
                continue
            live = app.live.get(execution.id)
            if live is not None:
                beats.append(live.entries.next())
            elif execution.completed_at:
                final[execution.id] = execution
            entries, rows = await _readable(app, execution)
            known = sent.setdefault(execution.id, [])
            if not begun and start is not None and execution.id == start.execution_id:
                known.extend(entries[: start.index])
                begun = True
            if begun:
                changes += _differences(execution, known, entries, rows)
            sent[execution.id] = list(entries)
        if changes:
            yield changes
        if not follow:
            return
        await _any(beats)


async def _readable(
    app: App, execution: ExecutionProcess
) -> tuple[Sequence[Entry], Mapping[str, str]]:
    """The entries, and the ids of the approvals in them by the agent's request. While it runs,
    none from a request on that has no row yet: it could be read, but not answered."""
    is_live = execution.id in app.live
    entries = await folded.of_execution(app, execution)
    rows = await _approvals(app, execution, entries)
    return (_answerable(entries, rows) if is_live else entries), rows


async def _approvals(
    app: App, execution: ExecutionProcess, entries: Sequence[Entry]
) -> dict[str, str]:
    """The ids of a process' approvals by the agent's request."""
    if not any(isinstance(entry, PermissionRequest) for entry in entries):
        return {}
    rows = await app.store.read(lambda tx: approvals.of_execution(tx, execution.id))
    return {row.request_id: row.id for row in rows}


def _answerable(entries: Sequence[Entry], approval_ids: Mapping[str, str]) -> list[Entry]:
    return list(
        takewhile(
            lambda entry: (
                not isinstance(entry, PermissionRequest)
                or entry.outcome is not None
                or entry.request_id in approval_ids
            ),
            entries,
        )
    )


def _differences(
    execution: ExecutionProcess,
    known: Sequence[Entry],
    entries: Sequence[Entry],
    approval_ids: Mapping[str, str],
) -> list[EntryChange]:
    changes = []
    for index, entry in enumerate(entries):
        before = known[index] if index < len(known) else None
        if before is entry or before == entry:
            continue
        changes.append(
            EntryChange(
                execution_id=execution.id,
                session_id=execution.session_id,
                executor=execution.executor_action.get("executor"),
                approval_id=approval_ids.get(getattr(entry, "request_id", "")),
                index=index,
                entry=entry,
                is_new=before is None,
                appended=None if before is None else _growth(before, entry),
            )
        )
    return changes


def _growth(before: Entry, after: Entry) -> str | None:
    """What a text grew by, where nothing else of the entry is different."""
    for name in _GROWING:
        old, new = getattr(before, name, None), getattr(after, name, None)
        if isinstance(old, str) and isinstance(new, str) and new.startswith(old):
            values: dict[str, Any] = {name: new}
            grown: object = replace(before, **values)
            if grown == after:
                return new[len(old) :]
    return None


def _follow_up(tx: Transaction, last: Session, text: str) -> tuple[Session, RunPlan]:
    run.require_free(tx, tx.get(Workspace, last.workspace_id))
    plan = run.follow_up(tx, last, text, _mode_of(tx, last))
    return tx.get(Session, plan.session_id), plan


async def _begin(
    app: App,
    write: Callable[[Transaction], QueuedPrompt | tuple[Session, RunPlan]],
    environment: Mapping[str, str],
) -> Prompted:
    outcome = await app.store.write(write)
    if isinstance(outcome, QueuedPrompt):
        return Prompted(queued=outcome, note="It is sent when the agent has ended its turn.")
    session, plan = outcome
    app.environments.bind(plan.id, environment)
    execution = await chain.advance(app, plan.id)
    note = None
    if execution is None:
        note = await app.store.read(lambda tx: chain.waits_for(tx, plan.id))
    return Prompted(session=session, execution=execution, note=note)


def _require_text(text: str) -> None:
    if not text.strip():
        raise InvalidInput("The prompt is empty; say what to do.", kind="empty", field="prompt")
    bounded("prompt", text)


def _queue(tx: Transaction, conversation_id: str, text: str) -> QueuedPrompt:
    return tx.insert(
        QueuedPrompt(
            id=new_id(),
            conversation_id=conversation_id,
            position=sessions.next_position(tx, conversation_id),
            prompt=text,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def _mode_of(tx: Transaction, session: Session) -> str | None:
    """A follow-up keeps the mode of the run before it."""
    agent = executions.newest_agent(tx, session.workspace_id)
    if agent is None or agent.plan_id is None:
        return None
    return tx.get(RunPlan, agent.plan_id).mode


async def _any(beats: Sequence[asyncio.Event]) -> None:
    """Until one of the events is set."""
    waiting = [asyncio.create_task(beat.wait()) for beat in beats]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
