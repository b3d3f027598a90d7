"""What lists and boards show: entities with what follows from others, all of one moment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from branchwork.domain.approval import Approval
from branchwork.domain.execution_process import (
    CodingAgentTurn,
    ExecutionProcess,
    ExecutionStatus,
)
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.domain.run import WaitingRun
from branchwork.domain.session import QueuedPrompt, Session
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.services.app import App
from branchwork.store import approvals, changes, executions, projects, repos, runs, sessions
from branchwork.store import tasks, workspaces
from branchwork.store.tasks import TaskFlags
from branchwork.store.transaction import Transaction

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Value]):
    """A value and the moment it was read at: changes behind `seq` came later."""

    epoch: str
    seq: int
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A task with its flags."""

    task: Task
    flags: TaskFlags


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceView:
    """A workspace with its repos and what goes on in it."""

    workspace: Workspace
    repos: tuple[WorkspaceRepo, ...]
    running: bool
    needs_you: bool
    conversation_id: str | None
    waiting: WaitingRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationView:
    """A conversation: its sessions, its agent processes with their turns, and what waits."""

    id: str
    task_id: str
    workspace_id: str
    sessions: tuple[Session, ...]
    executions: tuple[ExecutionProcess, ...]
    turns: tuple[CodingAgentTurn, ...]
    approvals: tuple[Approval, ...]
    queue: tuple[QueuedPrompt, ...]

    @property
    def running(self) -> bool:
        """Its agent is at work."""
        return any(one.status is ExecutionStatus.RUNNING for one in self.executions)

    @property
    def needs_you(self) -> bool:
        """Something of it waits for a person."""
        held = any(queued.held_because for queued in self.queue)
        return held or bool(self.approvals) or any(e.attention for e in self.executions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the folders of a connection belong to."""

    project: Project | None = None
    repo: Repo | None = None
    task: Task | None = None
    workspace: Workspace | None = None


async def reading(app: App, work: Callable[[Transaction], Value]) -> Reading[Value]:
    """Read something together with the seq of that moment."""

    def read(tx: Transaction) -> Reading[Value]:
        return Reading(epoch=app.store.epoch, seq=changes.head(tx), value=work(tx))

    return await app.store.read(read)


def task_views(tx: Transaction, found: Sequence[Task]) -> list[TaskView]:
    """Tasks with their flags."""
    flags = tasks.flags(tx, found)
    return [TaskView(task=task, flags=flags[task.id]) for task in found]


def task_view(tx: Transaction, task_id: str) -> TaskView:
    """One task with its flags; raises NotFound."""
    return task_views(tx, [tx.get(Task, task_id)])[0]


def workspace_view(tx: Transaction, workspace_id: str) -> WorkspaceView:
    """One workspace with what goes on in it; raises NotFound."""
    workspace = tx.get(Workspace, workspace_id)
    own_sessions = [one for one in sessions.of_workspace(tx, workspace_id) if one.executor]
    plans = runs.open_plans(tx, workspace_id)
    return WorkspaceView(
        workspace=workspace,
        repos=tuple(workspaces.repos_of(tx, workspace_id)),
        running=bool(executions.running(tx, workspace_id)),
        needs_you=approvals.waits(tx, workspace_id),
        conversation_id=own_sessions[-1].conversation_id if own_sessions else None,
        waiting=runs.waiting_plan(tx, plans[0].id) if plans else None,
    )


def workspaces_of_task(tx: Transaction, task_id: str) -> list[WorkspaceView]:
    """The attempts at a task, the newest first."""
    found = workspaces.of_task(tx, task_id)
    return [workspace_view(tx, workspace.id) for workspace in reversed(found)]


def conversation_view(tx: Transaction, conversation_id: str) -> ConversationView | None:
    """One conversation, None where there is none."""
    own = sessions.of_conversation(tx, conversation_id)
    if not own:
        return None
    ran = executions.of_conversation(tx, conversation_id)
    turns = [executions.turn_of(tx, execution.id) for execution in ran]
    ids = {execution.id for execution in ran}
    return ConversationView(
        id=conversation_id,
        task_id=tasks.of_workspace(tx, own[0].workspace_id).id,
        workspace_id=own[0].workspace_id,
        sessions=tuple(own),
        executions=tuple(ran),
        turns=tuple(turn for turn in turns if turn is not None),
        approvals=tuple(a for a in approvals.pending(tx) if a.execution_process_id in ids),
        queue=tuple(sessions.queue(tx, conversation_id)),
    )


def place_of(tx: Transaction, roots: Sequence[Path]) -> Place:
    """What the first folder that we know belongs to: a repo, or a worktree of ours."""
    for root in roots:
        for folder in (root, *root.parents):
            workspace = workspaces.of_container(tx, str(folder))
            if workspace is not None:
                return _place_of_workspace(tx, workspace)
            repo = repos.at_path(tx, str(folder))
            if repo is not None:
                of_repo = projects.of_repo(tx, repo.id)
                return Place(repo=repo, project=of_repo[0] if of_repo else None)
    return Place()


def _place_of_workspace(tx: Transaction, workspace: Workspace) -> Place:
    task = tx.get(Task, workspace.task_id)
    links = workspaces.repos_of(tx, workspace.id)
    return Place(
        workspace=workspace,
        task=task,
        project=tx.get(Project, task.project_id),
        repo=tx.get(Repo, links[0].repo_id) if len(links) == 1 else None,
    )
