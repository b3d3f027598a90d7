"""The run chain: enters the steps of a plan one after the other, and ends it.

What follows what is `domain.run.CHAIN`; here each cell becomes one transaction with its changes.
Functions that take a transaction decide and write; those that take the App do the git and the
children around them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from branchwork.domain.errors import Conflict
from branchwork.domain.execution_process import (
    MOVES,
    AttentionKind,
    CodingAgentTurn,
    ExecutionProcess,
    ExecutionProcessRepoState,
    ExecutionStatus,
    RunReason,
)
from branchwork.domain.run import (
    Cell,
    End,
    Lease,
    Next,
    RunPlan,
    StepKind,
    what_follows,
)
from branchwork.domain.session import Session
from branchwork.domain.task import Task, TaskStatus
from branchwork.domain.transitions import with_status
from branchwork.domain.workspace import Workspace
from branchwork.services import plans, tasks, waiting
from branchwork.services.app import new_id
from branchwork.store import executions, runs, sessions, workspaces
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

LOST, NOT_COMMITTED = "lost", "notCommitted"
HELD_AFTER = {
    End.COMPLETED: "The agent ended its turn without finishing.",
    End.FAILED: "The run before it failed.",
    End.KILLED: "The run before it was stopped.",
    End.LOST: "The run before it was lost.",
}

Heads = Mapping[str, str | None]
"""HEAD by repo id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a process ended, as its follower saw it."""

    end: End
    reason: str
    sentence: str
    exit_code: int | None = None
    holds_queue: bool = False
    summary: str | None = None
    stop_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What a transaction of the chain has to know and can't ask the database."""

    heads: Heads
    agents_at_once: int
    has_environment: bool


def enter(tx: Transaction, plan: RunPlan, around: Around) -> list[ExecutionProcess]:
    """Insert the processes that start now: the plan's step, and what runs beside it.

    None where the run has to wait, which a row then says.
    """
    step = plan.steps[plan.position]
    why = _waits(tx, plan, step.kind, around)
    task = stored_tasks.of_workspace(tx, plan.workspace_id)
    if why is not None:
        waiting.wait(tx, plan, why)
        return []
    waiting.stop_waiting(tx, plan.id)
    _resume_work(tx, plan, task)
    beside = [] if executions.of_plan(tx, plan.id) else _begin(tx, plan)
    return [_insert_process(tx, plan, index, around.heads) for index in (*beside, plan.position)]


def current_step(tx: Transaction, plan_id: str) -> ExecutionProcess | None:
    """The process that a run stands at; None where its step has not begun."""
    plan = tx.get(RunPlan, plan_id)
    begun = executions.of_plan(tx, plan_id)
    return next((execution for execution in begun if is_current(plan, execution)), None)


def give_up(tx: Transaction, plan: RunPlan) -> None:
    """End a run for a person: one that waits at once, any other where it stands."""
    _hold_queue(tx, plan.session_id, HELD_AFTER[End.KILLED])
    if not waiting.stop_waiting(tx, plan.id):
        # Between two processes, while the first one's work is committed, nothing can be killed.
        tx.update(plan, steps=plan.steps[: plan.position + 1])
        return
    tx.update(plan, closed_at=tx.now)
    if executions.of_plan(tx, plan.id):
        _to_review(tx, plan.workspace_id)


def record_end(tx: Transaction, execution_id: str, ending: Ending) -> ExecutionProcess:
    """Store how a process ended; what was stored before stays."""
    execution = tx.get(ExecutionProcess, execution_id)
    if execution.status is not ExecutionStatus.RUNNING:
        return execution
    status = _STATUS_OF[ending.end]
    with_status(execution, status, MOVES)
    execution = tx.derive(
        execution,
        status=status,
        exit_code=ending.exit_code,
        ended_reason=LOST if ending.end is End.LOST else ending.reason,
        ended_sentence=ending.sentence,
        completed_at=tx.now,
    )
    runs.release(tx, execution_id)
    turn = executions.turn_of(tx, execution_id)
    if turn is not None:
        tx.derive(turn, summary=ending.summary, stop_reason=ending.stop_reason, seen=False)
    if ending.holds_queue:
        _hold_queue(tx, execution.session_id, HELD_AFTER[ending.end])
    _end_beside(tx, execution)
    stored_tasks.touch_work(tx, execution.workspace_id)
    return execution


def follow_end(
    tx: Transaction, execution_id: str, around: Around, problem: str | None
) -> list[ExecutionProcess]:
    """Decide what follows an ended process and insert it.

    `problem` is the sentence of an auto-commit that failed: the chain then stops for a person.
    Called again after a crash it does nothing that was done before.
    """
    execution = tx.get(ExecutionProcess, execution_id)
    _store_heads(tx, execution, around.heads)
    if execution.plan_id is None or execution.step is None:
        return []
    plan = tx.get(RunPlan, execution.plan_id)
    if not is_current(plan, execution):
        return []
    cell = cell_of(plan, execution)
    if problem is not None:
        cell = Cell(next=Next.STOP, in_review=True, hold_queue=True, attention=AttentionKind.FAILED)
        execution = tx.derive(execution, ended_reason=NOT_COMMITTED, ended_sentence=problem)
    return _follow_cell(tx, plan, execution, cell, around)


def end_of(execution: ExecutionProcess) -> End:
    """The end that a stored process had."""
    if execution.status is ExecutionStatus.FAILED and execution.ended_reason == LOST:
        return End.LOST
    return {
        ExecutionStatus.COMPLETED: End.COMPLETED,
        ExecutionStatus.FAILED: End.FAILED,
        ExecutionStatus.KILLED: End.KILLED,
    }[execution.status]


def is_current(plan: RunPlan | None, execution: ExecutionProcess) -> bool:
    """Whether a run still stands at a process, so that its end has not been followed yet."""
    return plan is not None and plan.closed_at is None and plan.position == execution.step


def cell_of(plan: RunPlan | None, execution: ExecutionProcess) -> Cell:
    """The chain's cell for a stored process."""
    kind = StepKind.BY_HAND
    if plan is not None and execution.step is not None:
        kind = plan.steps[execution.step].kind
    return what_follows(kind, end_of(execution))


_STATUS_OF = {
    End.COMPLETED: ExecutionStatus.COMPLETED,
    End.FAILED: ExecutionStatus.FAILED,
    End.KILLED: ExecutionStatus.KILLED,
    End.LOST: ExecutionStatus.FAILED,
}


def _follow_cell(
    tx: Transaction, plan: RunPlan, execution: ExecutionProcess, cell: Cell, around: Around
) -> list[ExecutionProcess]:
    if cell.next is Next.STOP:
        _stop(tx, plan, execution, cell)
        return []
    position = plan.position + 1
    if cell.next is Next.STEP_IF_CHANGED and not _changed(tx, execution.id):
        position = len(plan.steps)
    following = plan.steps[position].kind if position < len(plan.steps) else None
    if cell.setup_done and following is not StepKind.SETUP:
        _setup_is_done(tx, plan.workspace_id)
    if following is None:
        return _finalise(tx, plan, around)
    return enter(tx, tx.update(plan, position=position), around)


def _finalise(tx: Transaction, plan: RunPlan, around: Around) -> list[ExecutionProcess]:
    """The next queued prompt as a follow-up, else InReview and one item that waits for a person."""
    tx.update(plan, closed_at=tx.now)
    session = tx.get(Session, plan.session_id)
    queue = sessions.queue(tx, session.conversation_id)
    if queue and queue[0].held_because is None:
        tx.delete(queue[0])
        return enter(tx, follow_up(tx, session, queue[0].prompt, plan.mode), around)
    agent = executions.newest_agent(tx, plan.workspace_id)
    if agent is not None:
        tx.derive(agent, attention=AttentionKind.FINISHED)
    _to_review(tx, plan.workspace_id)
    return []


def follow_up(tx: Transaction, session: Session, prompt: str, mode: str | None) -> RunPlan:
    """The plan of a follow-up in the conversation of a session, with the agent's own memory."""
    workspace = tx.get(Workspace, session.workspace_id)
    assert session.executor is not None, "a conversation has an agent"
    following = plans.insert_session(tx, workspace.id, session.executor, session.conversation_id)
    resume = agent_session_of(tx, session.conversation_id)
    return plans.insert_plan(tx, workspace, following, prompt, resume=resume, mode=mode)


def agent_session_of(tx: Transaction, conversation_id: str) -> str | None:
    """The agent's own id of the conversation, from its newest turn that has one."""
    for execution in reversed(executions.of_conversation(tx, conversation_id)):
        turn = executions.turn_of(tx, execution.id)
        if turn is not None and turn.agent_session_id:
            return turn.agent_session_id
    return None


def _stop(tx: Transaction, plan: RunPlan, execution: ExecutionProcess, cell: Cell) -> None:
    tx.update(plan, closed_at=tx.now)
    if cell.attention is not None:
        tx.derive(execution, attention=cell.attention)
    if cell.hold_queue:
        _hold_queue(tx, execution.session_id, HELD_AFTER[end_of(execution)])
    if cell.in_review:
        _to_review(tx, plan.workspace_id)


def _hold_queue(tx: Transaction, session_id: str, why: str) -> None:
    session = tx.get(Session, session_id)
    for queued in sessions.queue(tx, session.conversation_id):
        if queued.held_because is None:
            tx.derive(queued, held_because=why)


def _to_review(tx: Transaction, workspace_id: str) -> None:
    task = stored_tasks.of_workspace(tx, workspace_id)
    tasks.move(tx, task, TaskStatus.IN_REVIEW)
    stored_tasks.touch_work(tx, workspace_id)


def _resume_work(tx: Transaction, plan: RunPlan, task: Task) -> None:
    """New work brings its task back to InProgress and its workspace back from the archive."""
    tasks.move(tx, task, TaskStatus.IN_PROGRESS)
    stored_tasks.touch_work(tx, plan.workspace_id)
    workspace = tx.get(Workspace, plan.workspace_id)
    if workspace.archived:
        tx.update(workspace, archived=False)


def _waits(tx: Transaction, plan: RunPlan, kind: StepKind, around: Around) -> str | None:
    if not around.has_environment:
        return waiting.ENVIRONMENT
    if kind is not StepKind.CODING_AGENT:
        return None
    return waiting.of_agent(tx, plan, around.agents_at_once)


def _begin(tx: Transaction, plan: RunPlan) -> list[int]:
    """A new run answers what the one before it left for a person; the steps that run beside it.

    A setup that still runs from the run before it is not started a second time.
    """
    for execution in executions.wanting_attention(tx, plan.workspace_id):
        tx.derive(execution, attention=None)
    running = {execution.repo_id for execution in executions.running(tx, plan.workspace_id)}
    return [
        index
        for index, step in enumerate(plan.steps)
        if step.kind is StepKind.PARALLEL_SETUP and step.repo_id not in running
    ]


def _insert_process(tx: Transaction, plan: RunPlan, index: int, heads: Heads) -> ExecutionProcess:
    step = plan.steps[index]
    is_agent = step.kind is StepKind.CODING_AGENT
    execution = tx.insert(
        ExecutionProcess(
            id=new_id(),
            session_id=plan.session_id,
            workspace_id=plan.workspace_id,
            repo_id=step.repo_id,
            plan_id=plan.id,
            step=index,
            run_reason=step.run_reason,
            executor_action=_action(plan, is_agent=is_agent),
            started_at=tx.now,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    for repo_id, head in heads.items():
        tx.insert(
            ExecutionProcessRepoState(
                id=new_id(),
                execution_process_id=execution.id,
                repo_id=repo_id,
                before_head_commit=head,
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
    if is_agent:
        _insert_turn(tx, plan, execution)
        _lease(tx, execution)
    return execution


def _action(plan: RunPlan, *, is_agent: bool) -> dict[str, str | None]:
    if not is_agent:
        return {"type": "ScriptRequest"}
    return {
        "type": "CodingAgentFollowUpRequest" if plan.resume else "CodingAgentInitialRequest",
        "executor": plan.executor,
        "mode": plan.mode,
    }


def _insert_turn(tx: Transaction, plan: RunPlan, execution: ExecutionProcess) -> None:
    tx.insert(
        CodingAgentTurn(
            id=new_id(),
            execution_process_id=execution.id,
            prompt=plan.prompt,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def require_free(tx: Transaction, workspace: Workspace) -> None:
    """Raises Conflict where an agent works in a workspace's directory, of whichever workspace."""
    place = waiting.place_of(workspace)
    held = runs.lease_on(tx, place)
    if held is not None:
        raise Conflict(
            f"A coding agent is working in {place} already. Wait for it, queue your prompt, or "
            "stop it first.",
            kind="agentRunning",
            execution_id=held.execution_process_id,
            workspace_id=workspace.id,
        )


def _lease(tx: Transaction, execution: ExecutionProcess) -> None:
    place = waiting.place_of(tx.get(Workspace, execution.workspace_id))
    tx.insert(Lease(real_path=place, execution_process_id=execution.id))


def _end_beside(tx: Transaction, execution: ExecutionProcess) -> None:
    """Nothing follows a setup beside the agent, and the run may be over before it."""
    plan = tx.get(RunPlan, execution.plan_id) if execution.plan_id else None
    if plan is None or execution.step is None:
        return
    if plan.steps[execution.step].kind is not StepKind.PARALLEL_SETUP:
        return
    cell = cell_of(plan, execution)
    if cell.attention is not None:
        tx.derive(execution, attention=cell.attention)
    if not cell.setup_done:
        return
    reasons = (RunReason.SETUP_SCRIPT,)
    wanted = executions.Wanted(workspace_id=plan.workspace_id, run_reasons=reasons)
    oldest_first = reversed(executions.page(tx, 1000, None, wanted))
    newest = {setup.repo_id: setup.status for setup in oldest_first}
    setups = [step.repo_id for step in plan.steps if step.kind is StepKind.PARALLEL_SETUP]
    if all(newest.get(repo_id) is ExecutionStatus.COMPLETED for repo_id in setups):
        _setup_is_done(tx, plan.workspace_id)


def _setup_is_done(tx: Transaction, workspace_id: str) -> None:
    tx.derive(tx.get(Workspace, workspace_id), setup_completed_at=tx.now)


def _changed(tx: Transaction, execution_id: str) -> bool:
    states = executions.repo_states(tx, execution_id)
    return any(state.before_head_commit != state.after_head_commit for state in states)


def _store_heads(tx: Transaction, execution: ExecutionProcess, heads: Heads) -> None:
    for state in executions.repo_states(tx, execution.id):
        if state.after_head_commit is None and state.repo_id in heads:
            tx.update(state, after_head_commit=heads[state.repo_id])


def links(tx: Transaction, workspace_id: str) -> list[tuple[str, Path]]:
    """Repo ids and worktree directories of a workspace."""
    workspace = tx.get(Workspace, workspace_id)
    container = Path(workspace.container_ref or "")
    return [
        (link.repo_id, container / link.directory) for link in workspaces.repos_of(tx, workspace_id)
    ]
