"""Drives the run chain: starts what `run` has decided, follows it, and decides again at its end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from branchwork.domain.errors import AgentUnavailable, BranchworkError, StorageFull
from branchwork.domain.execution_process import ExecutionProcess, ExecutionStatus, RunReason
from branchwork.domain.run import End, RunPlan
from branchwork.execution import spawn
from branchwork.execution.stop import reap
from branchwork.git import repositories
from branchwork.services import commits, follow, launches, run, waiting
from branchwork.services.app import App
from branchwork.services.live import Live
from branchwork.services.run import Around, Ending, Heads
from branchwork.store import executions, runs
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

FULL_DISK_SECONDS = 2.0


async def advance(app: App, plan_id: str) -> ExecutionProcess | None:
    """Start the step that a plan stands at; None where it has to wait."""
    plan = await app.store.read(lambda tx: tx.get(RunPlan, plan_id))
    around = await _around(app, plan.workspace_id, plan_id)

    def write(tx: Transaction) -> list[ExecutionProcess]:
        current = tx.get(RunPlan, plan_id)
        begun = {e.step for e in executions.of_plan(tx, plan_id)}
        if current.closed_at is not None or current.position in begun:
            return []
        return run.enter(tx, current, around)

    entered = await app.store.write(write)
    await launch_all(app, entered)
    return entered[-1] if entered else None


async def launch_all(app: App, entered: Sequence[ExecutionProcess]) -> None:
    """Start the children of processes whose rows are written."""
    for execution in entered:
        # Before anything else can run: whoever reads the row finds it alive.
        app.live[execution.id] = Live()
    for execution in entered:
        await launch(app, execution)


async def launch(app: App, execution: ExecutionProcess) -> None:
    """Start the child of a process whose row is written, and follow it."""
    failed = await _spawn(app, execution)
    if failed is None:
        attend(app, execution)
    else:
        _go_on(app, execution, lambda: finish(app, execution.id, failed))


def attend(app: App, execution: ExecutionProcess) -> None:
    """Follow a process that runs, or find out what became of it; start it where nobody did."""
    live = app.live.setdefault(execution.id, Live())
    live.stop_requested = execution.stop_requested_at is not None
    app.start_job(_follow(app, execution, live), f"follow {execution.id}")


def carry_on(app: App, execution: ExecutionProcess) -> None:
    """Do what follows a process whose end was the last that a killed daemon wrote down."""
    if execution.id in app.live:
        return
    app.live[execution.id] = Live()
    _go_on(app, execution, lambda: proceed(app, execution))


async def finish(app: App, execution_id: str, ending: Ending) -> None:
    """Store an end, then do what follows it. Safe to repeat."""
    ended = await app.store.write(lambda tx: run.record_end(tx, execution_id, ending))
    _let_go(app, execution_id)
    await proceed(app, ended)


async def proceed(app: App, execution: ExecutionProcess) -> None:
    """What follows a process whose end is stored. Safe to repeat after a crash."""
    plan = await app.store.read(
        lambda tx: tx.get(RunPlan, execution.plan_id) if execution.plan_id else None
    )
    problem = None
    if plan and run.is_current(plan, execution) and run.cell_of(plan, execution).commit:
        environment = await launches.environment_of(app, plan.id, execution.workspace_id)
        if environment is None:
            # A commit has the name, the keys and the hooks of the person.
            await _wait_for_environment(app, execution)
            return
        problem = await commits.auto_commit(app, execution, environment)
    around = await _around(app, execution.workspace_id, execution.plan_id)
    entered = await app.store.write(lambda tx: run.follow_end(tx, execution.id, around, problem))
    for following in entered:
        _hand_on(app, execution.plan_id, following.plan_id)
    await launch_all(app, entered)
    # An editor that came while this looked for an environment had nothing to wake yet.
    if execution.run_reason is RunReason.CODING_AGENT or not around.has_environment:
        await wake_waiting(app)


async def wake_waiting(app: App) -> None:
    """Try what waits, in its order: a place or an environment may be there now."""

    async def wake() -> None:
        for row in await app.store.read(runs.waiting):
            await _wake(app, row.plan_id)

    await app.to_the_end(wake())


async def _wake(app: App, plan_id: str) -> None:
    current = await app.store.read(lambda tx: run.current_step(tx, plan_id))
    if current is None:
        await advance(app, plan_id)
        return
    if await launches.environment_of(app, plan_id, current.workspace_id) is None:
        return
    # Whoever takes it out of the line goes on with it.
    if await app.store.write(lambda tx: waiting.stop_waiting(tx, plan_id)):
        if current.status is ExecutionStatus.RUNNING:
            attend(app, current)
        else:
            carry_on(app, current)


async def stop(app: App, execution_id: str) -> ExecutionProcess:
    """Ask a process to end; its follower does it, also after a restart of the daemon."""

    def write(tx: Transaction) -> ExecutionProcess:
        execution = tx.get(ExecutionProcess, execution_id)
        if execution.status is not ExecutionStatus.RUNNING or execution.stop_requested_at:
            return execution
        return tx.derive(execution, stop_requested_at=tx.now)

    execution = await app.store.write(write)
    live = app.live.get(execution_id)
    if live is not None:
        live.stop_requested = True
        live.wake.set()
    elif execution.status is ExecutionStatus.RUNNING:
        attend(app, execution)  # it waits to be started
    return execution


async def stop_workspace(app: App, workspace_id: str) -> list[ExecutionProcess]:
    """Stop all that runs in a workspace, and what waits to run in it; wait until it has ended."""

    def write(tx: Transaction) -> list[ExecutionProcess]:
        for plan in runs.open_plans(tx, workspace_id):
            run.give_up(tx, plan)
        return executions.running(tx, workspace_id)

    running = await app.store.write(write)
    for execution in running:
        await stop(app, execution.id)
    return [await ended(app, execution.id) for execution in running]


async def ended(app: App, execution_id: str) -> ExecutionProcess:
    """Wait until a process has ended and its row says so."""
    live = app.live.get(execution_id)
    if live is not None:
        await live.ended.wait()
    return await app.store.read(lambda tx: tx.get(ExecutionProcess, execution_id))


def waits_for(tx: Transaction, plan_id: str) -> str:
    """Why a run has not started, as a sentence."""
    row = runs.waiting_plan(tx, plan_id)
    return waiting.SENTENCES[row.why] if row else "It has ended already."


async def _follow(app: App, execution: ExecutionProcess, live: Live) -> None:
    try:
        ending = await _until_stored(lambda: _watched(app, execution, live))
        if ending is not None:
            await _until_stored(lambda: finish(app, execution.id, ending))
    except Exception:
        # The row stays as it is: the next start of the daemon goes on from there.
        logger.exception("following execution %s failed", execution.id)
    finally:
        _let_go(app, execution.id)


async def _watched(app: App, execution: ExecutionProcess, live: Live) -> Ending | None:
    """How it ended; None where it was never started and waits for an environment to be.

    What can't be followed any more, such as an agent that is not known now, is ended here.
    """
    if not await follow.has_begun(app, execution):
        if live.stop_requested:
            return Ending(end=End.KILLED, reason="stopped", sentence="It was stopped.")
        if await launches.environment_of(app, execution.plan_id, execution.workspace_id) is None:
            await _wait_for_environment(app, execution)
            return None
        failed = await _spawn(app, execution)
        if failed is not None:
            return failed
    try:
        return await follow.watch(app, execution, live)
    except AgentUnavailable as error:
        await app.blocking(reap, execution.id)
        return Ending(end=End.FAILED, reason=error.reason, sentence=error.sentence)


async def _spawn(app: App, execution: ExecutionProcess) -> Ending | None:
    """None when the child runs, else why it does not."""
    try:
        spec = await launches.spec_of(app, execution)
        directory = app.execution_directory(execution.id)
        await app.blocking(spawn.start, directory, spec, app.run_directory)
    except BranchworkError as error:
        # A shim that was killed as soon as it ran: what becomes of that its follower tells.
        if isinstance(error, StorageFull) or not await follow.has_begun(app, execution):
            return Ending(end=End.FAILED, reason=error.reason, sentence=error.sentence)
    return None


async def _wait_for_environment(app: App, execution: ExecutionProcess) -> None:
    assert execution.plan_id is not None, "what needs an environment has a plan"
    plan = await app.store.read(lambda tx: tx.get(RunPlan, execution.plan_id or ""))
    _let_go(app, execution.id)
    await app.store.write(lambda tx: waiting.wait(tx, plan, waiting.ENVIRONMENT))
    # An editor that came while this looked for an environment had nothing to wake yet.
    await wake_waiting(app)


def _go_on(app: App, execution: ExecutionProcess, action: Callable[[], Awaitable[None]]) -> None:
    async def go_on() -> None:
        try:
            await _until_stored(action)
        finally:
            _let_go(app, execution.id)

    app.start_job(go_on(), f"end {execution.id}")


async def _until_stored(action: Callable[[], Awaitable[Result]]) -> Result:
    """Nothing tells when a full disk has space again, so try now and then."""
    while True:
        try:
            return await action()
        except StorageFull as error:
            logger.warning("waiting for space: %s", error.sentence)
            await asyncio.sleep(FULL_DISK_SECONDS)


def _let_go(app: App, execution_id: str) -> None:
    live = app.live.pop(execution_id, None)
    if live is not None:
        live.end()


async def _around(app: App, workspace_id: str, plan_id: str | None) -> Around:
    environment = await launches.environment_of(app, plan_id, workspace_id)
    return Around(
        heads=await _heads(app, workspace_id),
        agents_at_once=app.settings.values.agents_at_once,
        has_environment=environment is not None,
    )


async def _heads(app: App, workspace_id: str) -> Heads:
    links = await app.store.read(lambda tx: run.links(tx, workspace_id))
    return {repo: await app.blocking(_head, directory) for repo, directory in links}


def _head(directory: Path) -> str | None:
    try:
        return repositories.head_commit(directory)
    except BranchworkError:
        return None


def _hand_on(app: App, from_plan: str | None, to_plan: str | None) -> None:
    """A follow-up that the queue began runs with the environment of the run before it."""
    if from_plan and to_plan and from_plan != to_plan:
        environment: Mapping[str, str] | None = app.environments.of_plan(from_plan)
        if environment is not None and app.environments.of_plan(to_plan) is None:
            app.environments.bind(to_plan, environment)
