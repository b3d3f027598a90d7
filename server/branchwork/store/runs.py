"""Tables and queries of planned and waiting runs, of leases and of git operations under way."""

from sqlalchemy import JSON, Column, Integer, Table, Text, delete, select

from branchwork.domain.run import Intent, Lease, RunPlan, WaitingRun
from branchwork.store.schema import bookkeeping, identity, metadata, owner
from branchwork.store.transaction import Transaction, stored

run_plans = stored(
    RunPlan,
    Table(
        "run_plans",
        metadata,
        identity(),
        owner("workspace_id", "workspaces.id"),
        Column("session_id", Text, nullable=False),
        Column("steps", JSON, nullable=False),
        Column("position", Integer, nullable=False),
        Column("prompt", Text),
        Column("executor", Text),
        Column("resume", Text),
        Column("mode", Text),
        Column("closed_at", Text),
        *bookkeeping(),
    ),
)

waiting_runs = stored(
    WaitingRun,
    Table(
        "waiting_runs",
        metadata,
        identity(),
        owner("plan_id", "run_plans.id"),
        Column("why", Text, nullable=False),
        Column("until", Text),
        Column("place", Integer, nullable=False),
        *bookkeeping(),
    ),
)

leases = stored(
    Lease,
    Table(
        "leases",
        metadata,
        Column("real_path", Text, primary_key=True),
        owner("execution_process_id", "execution_processes.id"),
    ),
)

intents = stored(
    Intent,
    Table(
        "intents",
        metadata,
        identity(),
        Column("kind", Text, nullable=False),
        owner("workspace_id", "workspaces.id", nullable=True),
        Column("payload", JSON, nullable=False),
        Column("step", Text, nullable=False),
        Column("closed_at", Text),
        *bookkeeping(),
    ),
)


def open_plans(tx: Transaction, workspace_id: str | None = None) -> list[RunPlan]:
    """Runs of which something may still start, oldest first."""
    statement = select(run_plans).where(run_plans.c.closed_at.is_(None)).order_by(run_plans.c.id)
    if workspace_id:
        statement = statement.where(run_plans.c.workspace_id == workspace_id)
    return tx.all(RunPlan, statement)


def waiting(tx: Transaction) -> list[WaitingRun]:
    """Runs that wait, in their line."""
    statement = select(waiting_runs).order_by(waiting_runs.c.place, waiting_runs.c.id)
    return tx.all(WaitingRun, statement)


def waiting_by_workspace(tx: Transaction) -> dict[str, WaitingRun]:
    """The waiting row of each workspace's oldest open run, where that waits."""
    rows = {row.plan_id: row for row in waiting(tx)}
    if not rows:
        return {}
    oldest: dict[str, RunPlan] = {}
    for plan in open_plans(tx):
        oldest.setdefault(plan.workspace_id, plan)
    return {id_: rows[plan.id] for id_, plan in oldest.items() if plan.id in rows}


def waiting_plan(tx: Transaction, plan_id: str) -> WaitingRun | None:
    """The waiting row of a run."""
    return tx.one(WaitingRun, select(waiting_runs).where(waiting_runs.c.plan_id == plan_id))


def lease_on(tx: Transaction, real_path: str) -> Lease | None:
    """Who works in a directory."""
    return tx.one(Lease, select(leases).where(leases.c.real_path == real_path))


def release(tx: Transaction, execution_id: str) -> None:
    """Give a process' directories free."""
    tx.execute(delete(leases).where(leases.c.execution_process_id == execution_id))


def open_intents(tx: Transaction, workspace_id: str | None = None) -> list[Intent]:
    """Git operations that were begun and not finished in the rows, oldest first."""
    statement = select(intents).where(intents.c.closed_at.is_(None)).order_by(intents.c.id)
    if workspace_id:
        statement = statement.where(intents.c.workspace_id == workspace_id)
    return tx.all(Intent, statement)
