"""Follows a running child until its end: folds its journal, keeps the rows in step with it, and
sends what is due. What is due is worked out from the journal alone, so a daemon that comes later
goes on where the last one was killed."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from branchwork.agents import launch
from branchwork.agents.agent import Agent, AgentFold, Ended, Exit, Inputs, Policy, Turn
from branchwork.domain.execution_process import (
    ExecutionProcess,
    ExecutionProcessLogs,
    ExecutionStatus,
    RunReason,
)
from branchwork.domain.run import End, RunPlan
from branchwork.domain.workspace import Workspace
from branchwork.execution import exits, journal, segments, stop
from branchwork.execution.attach import (
    Alive,
    Attachment,
    InputClosed,
    Lost,
    ShimGone,
    attach,
    status,
)
from branchwork.services import approvals, launches
from branchwork.services.app import App, now_ms
from branchwork.services.live import Live
from branchwork.services.run import Ending
from branchwork.store import approvals as stored_approvals
from branchwork.store import executions
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
START_SECONDS = 0.05
CHUNK_BYTES = 256 << 10
_END_OF = {
    ExecutionStatus.COMPLETED: End.COMPLETED,
    ExecutionStatus.FAILED: End.FAILED,
    ExecutionStatus.KILLED: End.KILLED,
}


async def has_begun(app: App, execution: ExecutionProcess) -> bool:
    """Whether a shim ever had all that it needs to start this; waits for one that is just at it.

    A daemon may be killed between the row that it writes and the last byte of the spec.
    """
    directory = app.execution_directory(execution.id)
    state = status(directory)
    while isinstance(state, Alive) and not state.shim:
        await asyncio.sleep(START_SECONDS)
        state = status(directory)
    return not isinstance(state, Lost) or segments.path(directory, 1).exists()


async def watch(app: App, execution: ExecutionProcess, live: Live) -> Ending:
    """Until the process has ended and nothing of it is left; how it ended."""
    directory = app.execution_directory(execution.id)
    async with _attached(app, execution, live) as attachment:
        if execution.run_reason is RunReason.CODING_AGENT:
            ending = await _watch_agent(app, execution, live, attachment)
        else:
            ending = await _watch_script(execution, live, attachment, directory)
    found = await app.blocking(_segments, directory, execution.id)
    await app.store.write(lambda tx: executions.put_segments(tx, found))
    return ending


@contextlib.asynccontextmanager
async def _attached(
    app: App, execution: ExecutionProcess, live: Live
) -> AsyncIterator[Attachment | None]:
    """A connection to the shim whose news wake the follower; None where there is no shim."""
    attachment = await _connection(app, execution)
    if attachment is None:
        yield None
        return
    ringing = asyncio.create_task(_ring(attachment, live))
    try:
        yield attachment
    finally:
        ringing.cancel()
        await asyncio.gather(ringing, return_exceptions=True)
        await attachment.close()


async def _connection(app: App, execution: ExecutionProcess) -> Attachment | None:
    """None when its shim is gone. One that lives without its socket binds it again in a moment."""
    directory = app.execution_directory(execution.id)
    while True:
        attachment = await attach(directory, app.run_directory)
        if attachment is not None or not isinstance(status(directory), Alive):
            return attachment
        await asyncio.sleep(LOOK_SECONDS)


async def _ring(attachment: Attachment, live: Live) -> None:
    while await attachment.wait():
        live.journal.beat()
        live.wake.set()
    live.journal.beat()
    live.wake.set()


async def _watch_script(
    execution: ExecutionProcess, live: Live, attachment: Attachment | None, directory: Path
) -> Ending:
    while attachment is not None and not attachment.over.is_set():
        if live.stop_requested:
            await stop.stop(attachment, execution.id)
        else:
            await live.wake.wait()
            live.wake.clear()
    exit_ = await _exit_of(execution, directory)
    if exit_ is None:
        return _lost(live)
    if live.stop_requested:
        return Ending(
            end=End.KILLED, reason="stopped", sentence="It was stopped.", exit_code=exit_.code
        )
    if exit_.code == 0:
        return Ending(end=End.COMPLETED, reason="exited", sentence="It is done.", exit_code=0)
    return Ending(
        end=End.FAILED,
        reason="exited",
        sentence=f"{_SCRIPTS[execution.run_reason]} ended with exit code {exit_.code}; "
        "its log says why.",
        exit_code=exit_.code,
    )


_SCRIPTS = {
    RunReason.SETUP_SCRIPT: "The setup script",
    RunReason.CLEANUP_SCRIPT: "The cleanup script",
    RunReason.ARCHIVE_SCRIPT: "The archive script",
    RunReason.DEV_SERVER: "The dev server",
}


@dataclass(slots=True, kw_only=True)
class _Conversation:
    """One agent's side of a turn: its journal folded so far, and what the rows know of it."""

    app: App
    execution: ExecutionProcess
    agent: Agent
    turn: Turn
    fold: AgentFold
    reader: journal.Reader
    joiner: journal.Joiner = field(default_factory=journal.Joiner)
    derived: tuple[object, ...] = ()
    decisions: dict[str, str | None] = field(default_factory=dict)

    def read(self) -> bool:
        """Fold a piece of what the journal has; whether there may be more."""
        lines = self.reader.lines(CHUNK_BYTES)
        for line in lines.splitlines():
            whole = self.joiner.add(journal.decode(line))
            if whole is not None:
                self.fold.apply(whole)
        return bool(lines)

    def read_rest(self) -> None:
        """Fold what has no end because the shim was killed."""
        while self.read():
            pass
        for record in self.joiner.rest():
            self.fold.apply(record)

    async def derive(self) -> None:
        """Make the rows say what the fold says, where that is news, and read the decisions."""
        requests = tuple(self.fold.requests)
        news = (requests, self.fold.agent_session_id)
        if news != self.derived:
            await self.app.store.write(self._write)
            self.derived = news
        if any(request.outcome is None for request in requests):
            self.decisions = await self.app.store.read(
                lambda tx: approvals.decisions(stored_approvals.of_execution(tx, self.execution.id))
            )

    async def close(self) -> None:
        """The last word of the fold."""

        def write(tx: Transaction) -> None:
            self._write(tx)
            approvals.withdraw(tx, self.execution.id)

        await self.app.store.write(write)

    def _write(self, tx: Transaction) -> None:
        approvals.upsert(tx, self.execution.id, self.fold.requests)
        turn = executions.turn_of(tx, self.execution.id)
        if turn is not None:
            tx.derive(
                turn,
                agent_session_id=self.fold.agent_session_id,
                usage=dict(self.fold.usage) or None,
                folded_seq=self.fold.last_seq,
            )


async def _watch_agent(
    app: App, execution: ExecutionProcess, live: Live, attachment: Attachment | None
) -> Ending:
    talk = await _conversation(app, execution)
    live.fold = talk.fold
    ended = await _talk(talk, live, attachment)
    # Also where no shim is left: what the agent has started may have outlived it.
    left = await stop.stop(attachment, execution.id)
    if left:
        logger.warning("processes %s of execution %s would not end", left, execution.id)
    exit_ = await _exit_of(execution, app.execution_directory(execution.id))
    talk.read_rest()
    live.entries.beat()
    await talk.close()
    if ended is None and exit_ is None:
        return _lost(live, talk.fold.summary)
    ended = ended or _outcome(talk, live, exit_)
    assert ended is not None, "what has exited has an outcome"
    return Ending(
        end=_END_OF[ended.status],
        reason=ended.reason,
        sentence=ended.sentence,
        exit_code=None if exit_ is None else exit_.code,
        holds_queue=ended.holds_queue,
        summary=talk.fold.summary or None,
        stop_reason=talk.fold.stop_reason,
    )


async def _talk(talk: _Conversation, live: Live, attachment: Attachment | None) -> Ended | None:
    """Answer and ask until the turn is decided, or None when the process went away first."""
    while True:
        over = attachment is None or attachment.over.is_set()
        while talk.read():
            live.entries.beat()
            await asyncio.sleep(0)
        await talk.derive()
        ended = _outcome(talk, live)
        if ended is not None or over or attachment is None:
            await _say(talk, live, attachment, close=True)
            return ended
        await _say(talk, live, attachment)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await live.wake.wait()
        live.wake.clear()


async def _say(
    talk: _Conversation, live: Live, attachment: Attachment | None, *, close: bool = False
) -> None:
    """Send what is due; the shim ignores what the journal has already."""
    inputs = Inputs(decisions=talk.decisions, cancel=live.stop_requested, close=close)
    with contextlib.suppress(ShimGone, InputClosed):
        for message in talk.agent.next_messages(talk.fold, talk.turn, inputs):
            if attachment is not None:
                await attachment.send(message.message_id, message.frame, message.shown)
        if attachment is not None and talk.agent.input_ends(talk.fold, talk.turn, inputs):
            await attachment.close_input()


def _outcome(talk: _Conversation, live: Live, exit_: exits.Exit | None = None) -> Ended | None:
    return talk.agent.outcome(
        talk.fold,
        talk.turn,
        Inputs(decisions=talk.decisions, cancel=live.stop_requested),
        now_ms=now_ms(),
        exited=Exit(code=exit_.code, signal=exit_.signal) if exit_ else None,
    )


async def _conversation(app: App, execution: ExecutionProcess) -> _Conversation:
    def read(tx: Transaction) -> tuple[RunPlan, Workspace, ExecutionProcess]:
        assert execution.plan_id is not None, "an agent runs by a plan"
        plan = tx.get(RunPlan, execution.plan_id)
        workspace = tx.get(Workspace, execution.workspace_id)
        return plan, workspace, tx.get(ExecutionProcess, execution.id)

    plan, workspace, row = await app.store.read(read)
    description = app.agents.find(plan.executor or "")
    turn = launch.turn_for(
        description,
        prompt=plan.prompt or "",
        cwd=str(launches.working_directory(workspace)),
        agent_session_id=plan.resume,
        policy=Policy(plan.mode or Policy.ASK),
        downloads=bool(row.executor_action.get("downloads")),
    )
    agent = launch.agent_for(description)
    return _Conversation(
        app=app,
        execution=execution,
        agent=agent,
        turn=turn,
        fold=agent.fold(),
        reader=journal.Reader(app.execution_directory(execution.id)),
    )


async def _exit_of(execution: ExecutionProcess, directory: Path) -> exits.Exit | None:
    """How a process ended; None when its shim was killed, and then nothing of it runs any more."""
    state = status(directory)
    while isinstance(state, Alive):
        # The shim has let go of us and is writing its last words.
        await asyncio.sleep(0.02)
        state = status(directory)
    if isinstance(state, Lost):
        await asyncio.to_thread(stop.reap, execution.id, stop.PATIENCE, state.child)
        return None
    return state.exit


def _lost(live: Live, summary: str | None = None) -> Ending:
    if live.stop_requested:
        return Ending(end=End.KILLED, reason="stopped", sentence="It was stopped.", summary=summary)
    return Ending(
        end=End.LOST,
        reason="lost",
        sentence="The process that supervised it was killed, and with it this run. What it had "
        "done is kept; resume it with a follow-up.",
        summary=summary,
    )


def _segments(directory: Path, execution_id: str) -> list[ExecutionProcessLogs]:
    return [
        ExecutionProcessLogs(
            execution_process_id=execution_id,
            segment=segment.number,
            path=str(segment.path),
            first_seq=segment.first_seq,
            last_seq=segment.last_seq,
            bytes=segment.bytes,
        )
        for segment in segments.segments(directory)
    ]
