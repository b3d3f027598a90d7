"""The entries of one coding agent process: its journal folded, and the end of its run where the
journal can't tell it: its supervisor was killed, it never started, its work was not committed."""

from collections.abc import Sequence
from datetime import datetime

from branchwork.agents import launch
from branchwork.agents.acp.agent import AcpAgent
from branchwork.agents.agent import AgentFold
from branchwork.agents.registry import Registry
from branchwork.domain.entry import Entry, Error, Stop, UserMessage
from branchwork.domain.errors import AgentUnavailable
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus
from branchwork.execution import journal
from branchwork.services import run
from branchwork.services.app import App


async def of_execution(app: App, execution: ExecutionProcess) -> Sequence[Entry]:
    """Of its live fold, or folded from its journal."""
    live = app.live.get(execution.id)
    if live is not None and live.fold is not None:
        return live.fold.entries
    return await app.blocking(_folded, app, execution)


def new_fold(agents: Registry, execution: ExecutionProcess) -> AgentFold:
    """An empty fold for a process' journal; of an agent that is not known any more, ACP's."""
    try:
        description = agents.find(str(execution.executor_action.get("executor") or ""))
    except AgentUnavailable:
        return AcpAgent().fold()
    return launch.agent_for(description).fold()


def _folded(app: App, execution: ExecutionProcess) -> Sequence[Entry]:
    fold = new_fold(app.agents, execution)
    joiner = journal.Joiner()
    for record in journal.read(app.execution_directory(execution.id)):
        whole = joiner.add(record)
        if whole is not None:
            fold.apply(whole)
    for rest in joiner.rest():
        fold.apply(rest)
    return [*fold.entries, *_ending(execution, fold.entries)]


def _ending(execution: ExecutionProcess, entries: Sequence[Entry]) -> list[Entry]:
    if not _needs_words(execution, entries) or execution.ended_sentence is None:
        return []
    at = entries[-1] if entries else None
    error = Error(
        index=len(entries),
        seq=at.seq if at else 0,
        t=_milliseconds(execution.completed_at) or (at.t if at else 0),
        reason=execution.ended_reason or "failed",
        sentence=execution.ended_sentence,
    )
    return [error]


def _needs_words(execution: ExecutionProcess, entries: Sequence[Entry]) -> bool:
    if execution.ended_reason == run.NOT_COMMITTED:
        return True
    if execution.status is not ExecutionStatus.FAILED:
        return False
    for entry in reversed(entries):
        if isinstance(entry, Error | Stop):
            return False
        if isinstance(entry, UserMessage):
            return True
    return True


def _milliseconds(moment: str | None) -> int:
    return 0 if moment is None else round(datetime.fromisoformat(moment).timestamp() * 1000)
