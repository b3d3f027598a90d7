"""What a run waits for before its next process starts, and its place in the line."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from branchwork.domain.execution_process import RunReason
from branchwork.domain.run import RunPlan, WaitingRun
from branchwork.domain.workspace import Workspace
from branchwork.services.app import new_id
from branchwork.store import executions, runs
from branchwork.store import tasks as stored_tasks
from branchwork.store.transaction import Transaction

LIMIT = "limit"
ENVIRONMENT = "environment"
LEASE = "lease"

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        LIMIT: "It starts when another agent has ended: as many run as the limit allows.",
        LEASE: "It starts when the agent that works in the same directory has ended.",
        ENVIRONMENT: "It goes on when an editor opens the repository: it needs its environment.",
    }
)


def of_agent(tx: Transaction, plan: RunPlan, agents_at_once: int) -> str | None:
    """Why the coding agent of a run can't start yet."""
    if runs.lease_on(tx, place_of(tx.get(Workspace, plan.workspace_id))) is not None:
        return LEASE
    agents = [e for e in executions.running(tx) if e.run_reason is RunReason.CODING_AGENT]
    return LIMIT if len(agents) + _ahead(tx, plan) >= agents_at_once else None


def wait(tx: Transaction, plan: RunPlan, why: str) -> None:
    """Let a run wait, behind those that wait already."""
    stored_tasks.touch_work(tx, plan.workspace_id)
    waiting = runs.waiting_plan(tx, plan.id)
    if waiting is not None:
        tx.update(waiting, why=why)
        return
    line = runs.waiting(tx)
    tx.insert(
        WaitingRun(
            id=new_id(),
            plan_id=plan.id,
            why=why,
            place=line[-1].place + 1 if line else 1,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def stop_waiting(tx: Transaction, plan_id: str) -> bool:
    """Take a run out of the line; whether it stood there."""
    waiting = runs.waiting_plan(tx, plan_id)
    if waiting is not None:
        tx.delete(waiting)
    return waiting is not None


def place_of(workspace: Workspace) -> str:
    """The real path that a lease is on."""
    return str(Path(workspace.container_ref or "").resolve())


def _ahead(tx: Transaction, plan: RunPlan) -> int:
    """How many wait for a place and were there before."""
    line = [waiting.plan_id for waiting in runs.waiting(tx) if waiting.why == LIMIT]
    return line.index(plan.id) if plan.id in line else len(line)
