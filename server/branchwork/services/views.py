"""What lists and boards show: entities with what follows from others, all of one moment."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from branchwork.domain.approval import Approval
from branchwork.domain.errors import NotFound
from branchwork.domain.execution_process import (
    CodingAgentTurn,
    ExecutionProcess,
    ExecutionStatus,
)
from branchwork.domain.project import Project, ProjectRepo
from branchwork.domain.repo import Repo
from branchwork.domain.run import WaitingRun
from branchwork.domain.session import QueuedPrompt, Session
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.services.app import App
from branchwork.store import (
    approvals,
    changes,
    executions,
    projects,
    repos,
    runs,
    sessions,
    tasks,
    workspaces,
)
from branchwork.store.tasks import TaskFlags
from branchwork.store.transaction import Transaction

Value = TypeVar("Value")
Item = TypeVar("Item")

ALL = 1_000_000
"""More than anybody has: the limit of a list that is read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading(Generic[Value]):
    """A value and the moment it was read at: changes behind `seq` came later."""

    epoch: str
    seq: int
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectView:
    """A project with its repos and what goes on in it."""

    project: Project
    repo_ids: tuple[str, ...]
    task_count: int
    running: bool
    needs_you: bool


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
    executor: str | None
    waiting: WaitingRun | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalView:
    """A request of an agent and where it comes from."""

    approval: Approval
    task_id: str
    workspace_id: str
    conversation_id: str


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
class Member:
    """A repo of a project with what the project overrides."""

    repo: Repo
    overrides: ProjectRepo


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """All that a board shows: workspaces that are not archived, executions that run."""

    projects: tuple[ProjectView, ...]
    repos: tuple[Repo, ...]
    tasks: tuple[TaskView, ...]
    workspaces: tuple[WorkspaceView, ...]
    executions: tuple[ExecutionProcess, ...]


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


def project_views(tx: Transaction, found: Sequence[Project]) -> list[ProjectView]:
    """Projects with what goes on in them."""
    running, waiting = tasks.projects_at_work(tx), tasks.projects_waiting(tx)
    counts = tasks.counts(tx)
    return [
        ProjectView(
            project=project,
            repo_ids=tuple(link.repo_id for link in projects.links(tx, project.id)),
            task_count=counts.get(project.id, 0),
            running=project.id in running,
            needs_you=project.id in waiting,
        )
        for project in found
    ]


def project_view(tx: Transaction, project_id: str) -> ProjectView:
    """One project with what goes on in it; raises NotFound."""
    return project_views(tx, [tx.get(Project, project_id)])[0]


def projects_by_name(tx: Transaction) -> list[ProjectView]:
    """All projects."""
    found = projects.page(tx, ALL, None)
    return project_views(tx, sorted(found, key=lambda one: (one.name.casefold(), one.id)))


def repos_by_name(tx: Transaction, project_id: str | None) -> list[Repo]:
    """All repos or those of a project; raises NotFound."""
    if project_id is not None:
        tx.get(Project, project_id)
        return repos.of_project(tx, project_id)
    found = repos.page(tx, ALL, None)
    return sorted(found, key=lambda one: (one.display_name.casefold(), one.id))


def repo_view(tx: Transaction, repo_id: str | None, root: Path | None) -> tuple[Repo, list[str]]:
    """A repo by its id or its root, and the projects that it is in; raises NotFound."""
    repo = tx.get(Repo, repo_id) if repo_id is not None else repos.at_path(tx, str(root))
    if repo is None:
        raise NotFound(f"The repository {root} is not registered yet.", path=str(root))
    return repo, [project.id for project in projects.of_repo(tx, repo.id)]


def members(tx: Transaction, project_id: str) -> list[Member]:
    """The repos of a project."""
    return [member(tx, link) for link in projects.links(tx, project_id)]


def member(tx: Transaction, link: ProjectRepo) -> Member:
    """One repo of a project."""
    return Member(repo=tx.get(Repo, link.repo_id), overrides=link)


def board(tx: Transaction) -> Board:
    """All that a board shows."""
    open_workspaces = workspaces.page(tx, ALL, None, workspaces.Wanted(archived=False))
    return Board(
        projects=tuple(projects_by_name(tx)),
        repos=tuple(repos_by_name(tx, None)),
        tasks=tuple(task_views(tx, tasks.page(tx, ALL, None))),
        workspaces=tuple(workspace_views(tx, open_workspaces)),
        executions=tuple(executions.running(tx)),
    )


def children(tx: Transaction, task_id: str | None, workspace_id: str | None) -> list[TaskView]:
    """The subtasks of a workspace, or of all workspaces of a task; raises NotFound."""
    if workspace_id is not None:
        tx.get(Workspace, workspace_id)
        ids = [workspace_id]
    else:
        tx.get(Task, task_id or "")
        ids = [workspace.id for workspace in workspaces.of_task(tx, task_id or "")]
    found = [task for id_ in ids for task in tasks.children(tx, id_)]
    return task_views(tx, sorted(found, key=lambda one: one.id, reverse=True))


def workspace_page(
    tx: Transaction, limit: int, after: str | None, wanted: workspaces.Wanted
) -> list[WorkspaceView]:
    """Workspaces, the newest first."""
    return workspace_views(tx, workspaces.page(tx, limit, after, wanted))


def conversation_page(
    tx: Transaction,
    limit: int,
    after: str | None,
    workspace_id: str | None,
    task_id: str | None,
) -> list[ConversationView]:
    """Conversations, the newest first."""
    ids: list[str] | None = None
    if workspace_id is not None:
        ids = [workspace_id]
    elif task_id is not None:
        ids = [workspace.id for workspace in workspaces.of_task(tx, task_id)]
    return conversation_views(tx, [one.id for one in sessions.heads(tx, ids, limit, after)])


def task_views(tx: Transaction, found: Sequence[Task]) -> list[TaskView]:
    """Tasks with their flags."""
    flags = tasks.flags(tx, found)
    return [TaskView(task=task, flags=flags[task.id]) for task in found]


def task_view(tx: Transaction, task_id: str) -> TaskView:
    """One task with its flags; raises NotFound."""
    return task_views(tx, [tx.get(Task, task_id)])[0]


def workspace_views(tx: Transaction, found: Sequence[Workspace]) -> list[WorkspaceView]:
    """Workspaces with what goes on in them. What runs or waits is little, so it is read whole."""
    ids = [workspace.id for workspace in found]
    links = workspaces.repos_of_all(tx, ids)
    newest = sessions.newest_with_agent(tx, ids)
    running, needy = executions.workspaces_at_work(tx), approvals.workspaces_waiting(tx)
    waiting = runs.waiting_by_workspace(tx)
    return [
        WorkspaceView(
            workspace=workspace,
            repos=tuple(links[workspace.id]),
            running=workspace.id in running,
            needs_you=workspace.id in needy,
            conversation_id=newest[workspace.id].conversation_id
            if workspace.id in newest
            else None,
            executor=newest[workspace.id].executor if workspace.id in newest else None,
            waiting=waiting.get(workspace.id),
        )
        for workspace in found
    ]


def workspace_view(tx: Transaction, workspace_id: str) -> WorkspaceView:
    """One workspace with what goes on in it; raises NotFound."""
    return workspace_views(tx, [tx.get(Workspace, workspace_id)])[0]


def workspaces_of_task(tx: Transaction, task_id: str) -> list[WorkspaceView]:
    """The attempts at a task, the newest first."""
    found = workspaces.of_task(tx, task_id)
    return workspace_views(tx, found[::-1])


def conversation_view(tx: Transaction, conversation_id: str) -> ConversationView | None:
    """One conversation, None where there is none."""
    return next(iter(conversation_views(tx, [conversation_id])), None)


def conversation_views(tx: Transaction, ids: Sequence[str]) -> list[ConversationView]:
    """Conversations in the order of their ids; what is none is left out."""
    own = _grouped(sessions.of_conversations(tx, ids), lambda one: one.conversation_id)
    conversation_of = {one.id: one.conversation_id for found in own.values() for one in found}
    all_ran = executions.of_sessions(tx, conversation_of)
    ran = _grouped(all_ran, lambda one: conversation_of[one.session_id])
    turns = executions.turns_of(tx, [one.id for one in all_ran])
    waiting = _grouped(approvals.pending(tx), lambda one: one.execution_process_id)
    queues = _grouped(sessions.queues(tx, ids), lambda one: one.conversation_id)
    task_of = tasks.of_workspaces(tx, {found[0].workspace_id for found in own.values()})
    return [
        ConversationView(
            id=id_,
            task_id=task_of[own[id_][0].workspace_id].id,
            workspace_id=own[id_][0].workspace_id,
            sessions=tuple(own[id_]),
            executions=tuple(ran[id_]),
            turns=tuple(turns[one.id] for one in ran[id_] if one.id in turns),
            approvals=tuple(asked for one in ran[id_] for asked in waiting[one.id]),
            queue=tuple(queues[id_]),
        )
        for id_ in ids
        if id_ in own
    ]


def approval_view(tx: Transaction, approval: Approval) -> ApprovalView:
    """A request with where it comes from."""
    execution = tx.get(ExecutionProcess, approval.execution_process_id)
    return ApprovalView(
        approval=approval,
        task_id=tasks.of_workspace(tx, execution.workspace_id).id,
        workspace_id=execution.workspace_id,
        conversation_id=tx.get(Session, execution.session_id).conversation_id,
    )


def place_of(tx: Transaction, roots: Sequence[Path]) -> Place:
    """What the first folder that we know belongs to: a repo, or a worktree of ours."""
    folders = [str(folder) for root in roots for folder in (root, *root.parents)]
    ours, registered = workspaces.in_folders(tx, folders), repos.at_paths(tx, folders)
    for folder in folders:
        if folder in ours:
            return _place_of_workspace(tx, ours[folder])
        if folder in registered:
            repo = registered[folder]
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


def _grouped(items: Iterable[Item], key: Callable[[Item], str]) -> defaultdict[str, list[Item]]:
    groups: defaultdict[str, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
