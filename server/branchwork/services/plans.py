"""Plans of runs: which steps a run has, with their scripts as they are when it is asked for."""

from dataclasses import dataclass

from branchwork.domain.errors import Conflict
from branchwork.domain.execution_process import RunReason
from branchwork.domain.repo import Repo
from branchwork.domain.run import RunPlan, Step, StepKind
from branchwork.domain.session import Session
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace
from branchwork.services.app import new_id
from branchwork.store import projects, runs, workspaces
from branchwork.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Scripts:
    """What a repo runs and copies in a project: the project's settings over the repo's own."""

    setup: str | None
    cleanup: str | None
    copy_files: str | None
    parallel_setup: bool


def scripts_of(tx: Transaction, project_id: str, repo: Repo) -> Scripts:
    """A project's empty text means "none here", its None takes the repo's."""
    link = projects.link(tx, project_id, repo.id)

    def chosen(own: str | None, of_repo: str | None) -> str | None:
        return (of_repo if own is None else own) or None

    parallel = link.parallel_setup_script if link else None
    return Scripts(
        setup=chosen(link.setup_script if link else None, repo.setup_script),
        cleanup=chosen(link.cleanup_script if link else None, repo.cleanup_script),
        copy_files=chosen(link.copy_files if link else None, repo.copy_files),
        parallel_setup=repo.parallel_setup_script if parallel is None else parallel,
    )


def steps_of(tx: Transaction, workspace: Workspace) -> tuple[Step, ...]:
    """Setup where it has not been done, the agent, cleanup.

    Setup runs beside the agent only where all repos say so.
    """
    task = tx.get(Task, workspace.task_id)
    repos = [tx.get(Repo, link.repo_id) for link in workspaces.repos_of(tx, workspace.id)]
    repos.sort(key=lambda repo: (repo.display_name, repo.id))
    scripts = [(repo, scripts_of(tx, task.project_id, repo)) for repo in repos]
    setups = [] if workspace.setup_completed_at else [pair for pair in scripts if pair[1].setup]
    parallel = bool(setups) and all(script.parallel_setup for _, script in setups)
    kind = StepKind.PARALLEL_SETUP if parallel else StepKind.SETUP
    return (
        *(_script(kind, RunReason.SETUP_SCRIPT, repo, script.setup) for repo, script in setups),
        Step(kind=StepKind.CODING_AGENT, run_reason=RunReason.CODING_AGENT),
        *(
            _script(StepKind.CLEANUP, RunReason.CLEANUP_SCRIPT, repo, script.cleanup)
            for repo, script in scripts
            if script.cleanup
        ),
    )


def insert_session(
    tx: Transaction, workspace_id: str, executor: str, conversation_id: str | None = None
) -> Session:
    """A new session; without a conversation to go on with, it begins one."""
    identifier = new_id()
    return tx.insert(
        Session(
            id=identifier,
            workspace_id=workspace_id,
            conversation_id=conversation_id or identifier,
            executor=executor,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def insert_plan(
    tx: Transaction,
    workspace: Workspace,
    session: Session,
    prompt: str,
    *,
    resume: str | None = None,
    mode: str | None = None,
) -> RunPlan:
    """The plan of a run of a session's agent; raises Conflict while another run goes on."""
    active = runs.open_plans(tx, workspace.id)
    if active:
        raise Conflict(
            "A run is going on in this workspace already. Wait for it, send your prompt to its "
            "conversation, or stop it first.",
            kind="runActive",
            workspace_id=workspace.id,
            session_id=active[0].session_id,
        )
    steps = steps_of(tx, workspace)
    in_order = steps[0].kind is not StepKind.PARALLEL_SETUP
    agent = next(i for i, step in enumerate(steps) if step.kind is StepKind.CODING_AGENT)
    return tx.insert(
        RunPlan(
            id=new_id(),
            workspace_id=workspace.id,
            session_id=session.id,
            steps=steps,
            position=0 if in_order else agent,
            prompt=prompt,
            executor=session.executor,
            resume=resume,
            mode=mode,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def _script(kind: StepKind, reason: RunReason, repo: Repo, script: str | None) -> Step:
    return Step(kind=kind, run_reason=reason, repo_id=repo.id, script=script)
