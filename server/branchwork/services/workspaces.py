"""Use cases of workspaces: starting one, and what a person edits of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from branchwork.agents import launch
from branchwork.agents.registry import Description
from branchwork.domain.errors import Conflict, InvalidInput
from branchwork.domain.execution_process import ExecutionProcess
from branchwork.domain.identity import short_id
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.domain.run import Intent, RunPlan
from branchwork.domain.session import Session
from branchwork.domain.task import Task
from branchwork.domain.workspace import Isolation, Workspace, WorkspaceRepo
from branchwork.git import branches, command, repositories
from branchwork.services import carrying, chain, defaults, plans, repos, run, worktrees
from branchwork.services.app import App, new_id
from branchwork.services.text import bounded, required
from branchwork.store import executions, sessions, workspaces
from branchwork.store import repos as stored_repos
from branchwork.store.transaction import Transaction

Settle = Callable[[Transaction], Workspace]
"""Writes down that a workspace is whole, so that nothing of it is taken back any more."""

FIRST_PORT, PORTS, LAST_PORT = 20_000, 10, 29_999


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a person asked for. `targets` are base branches by repo id, `base_branch` for all.

    `environment` is that of the editor that asked.
    """

    executor: str | None = None
    prompt: str | None = None
    base_branch: str | None = None
    targets: Mapping[str, str] | None = None
    repo_ids: tuple[str, ...] = ()
    isolation: Isolation = Isolation.WORKTREE
    mode: str | None = None
    directory: str | None = None
    carry_uncommitted: bool = False
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """What was begun; without an execution the run waits, and a note says for what."""

    workspace: Workspace
    session: Session
    execution: ExecutionProcess | None
    notes: tuple[str, ...] = ()


async def start(app: App, task_id: str, wanted: Start) -> Started:
    """Make a workspace for a task and start an agent in it."""
    bounded("prompt", wanted.prompt)
    task = await app.store.read(lambda tx: tx.get(Task, task_id))
    agent = await choose_agent(app, wanted, task.project_id)
    settle, notes = await _make_place(app, task_id, wanted)
    return await _start_agent(app, settle, agent, wanted, tuple(notes))


async def create(app: App, task_id: str, wanted: Start) -> tuple[Workspace, list[str]]:
    """Make a workspace for a task without starting anything in it."""
    settle, notes = await _make_place(app, task_id, wanted)
    return await app.store.write(settle), notes


async def start_again(app: App, workspace_id: str, wanted: Start) -> Started:
    """Start an agent in a workspace that is there already: a conversation of its own."""

    def read(tx: Transaction) -> Task:
        return tx.get(Task, tx.get(Workspace, workspace_id).task_id)

    task = await app.store.read(read)
    agent = await choose_agent(app, wanted, task.project_id)
    return await _start_agent(app, lambda tx: tx.get(Workspace, workspace_id), agent, wanted, ())


async def choose_agent(app: App, wanted: Start, project_id: str) -> Description:
    """The agent that was named, else the one last used in the project, else the first at hand.

    Raises AgentUnavailable before anything is made.
    """
    if wanted.executor is not None:
        agent = app.agents.find(wanted.executor)
    else:
        last = await app.store.read(lambda tx: sessions.last_executor(tx, project_id))
        agent = await defaults.preferred(app, last, wanted.environment)
    await app.blocking(launch.launch, agent, wanted.environment)
    return agent


async def update(
    app: App, workspace_id: str, expected_revision: int | None = None, **values: Any
) -> Workspace:
    """Rename, pin, archive."""
    if values.get("name") is not None:
        values["name"] = required("name", values["name"])

    def write(tx: Transaction) -> Workspace:
        workspace = tx.get(Workspace, workspace_id)
        if values.get("archived") and executions.running(tx, workspace_id):
            raise Conflict(
                "Something is running in this workspace; stop it before you archive it.",
                kind="running",
                workspace_id=workspace_id,
            )
        return tx.update(workspace, expected_revision, **values)

    return await app.store.write(write)


def prompt_of(task: Task) -> str:
    """What an agent is told of a task."""
    return f"{task.title}\n\n{task.description}" if task.description else task.title


async def _start_agent(
    app: App, settle: Settle, agent: Description, wanted: Start, notes: tuple[str, ...]
) -> Started:
    """Plan a run in a workspace and start its first process."""

    def write(tx: Transaction) -> tuple[Workspace, Session, RunPlan]:
        workspace = settle(tx)
        run.require_free(tx, workspace)
        session = plans.insert_session(tx, workspace.id, agent.executor)
        prompt = wanted.prompt or prompt_of(tx.get(Task, workspace.task_id))
        plan = plans.insert_plan(tx, workspace, session, prompt, mode=wanted.mode)
        return workspace, session, plan

    async def begin() -> Started:
        workspace, session, plan = await app.store.write(write)
        app.environments.bind(plan.id, wanted.environment)
        execution = await chain.advance(app, plan.id)
        told = notes
        if execution is None:
            told = (*notes, await app.store.read(lambda tx: chain.waits_for(tx, plan.id)))
        workspace = await app.store.read(lambda tx: tx.get(Workspace, workspace.id))
        return Started(workspace=workspace, session=session, execution=execution, notes=told)

    return await app.to_the_end(begin())


async def _make_place(app: App, task_id: str, wanted: Start) -> tuple[Settle, list[str]]:
    """What a workspace needs on disk, and the writing down of it, for a transaction with more."""
    await app.blocking(command.require)
    task, project, found = await app.store.read(lambda tx: _subject(tx, task_id, wanted.repo_ids))
    if wanted.isolation is Isolation.WORKTREE:
        return await _with_worktrees(app, task, project, found, wanted)
    return await _in_place(app, task, project, found, wanted), []


async def _with_worktrees(
    app: App, task: Task, project: Project, found: Sequence[Repo], wanted: Start
) -> tuple[Settle, list[str]]:
    targets = [await _target(app, repo, wanted) for repo in found]
    intent, workspace, checkouts = await app.store.write(
        lambda tx: _reserve(app, tx, task, project, list(zip(found, targets, strict=True)))
    )
    for checkout in checkouts:
        await _require_free_branch(app, intent, workspace, checkout.repo)
    making = asyncio.ensure_future(_make(app, workspace, checkouts, wanted, intent))
    try:
        notes = await asyncio.shield(making)
    except BaseException:
        # A cancelled request does not end the git that runs: wait for it, then take all back.
        await asyncio.wait([making])
        await asyncio.shield(_take_back(app, intent, workspace, checkouts))
        raise

    def settle(tx: Transaction) -> Workspace:
        worktrees.close_intent(tx, intent)
        return workspace

    return settle, notes


def _subject(
    tx: Transaction, task_id: str, repo_ids: Sequence[str]
) -> tuple[Task, Project, list[Repo]]:
    task = tx.get(Task, task_id)
    project = tx.get(Project, task.project_id)
    found = stored_repos.of_project(tx, project.id)
    if repo_ids:
        unknown = set(repo_ids) - {repo.id for repo in found}
        if unknown:
            raise InvalidInput(
                f"The project {project.name} has no repository {', '.join(sorted(unknown))}.",
                kind="notInProject",
                field="repoIds",
            )
        found = [repo for repo in found if repo.id in repo_ids]
    if not found:
        raise Conflict(
            f"The project {project.name} has no git repository to work in. Move the task to a "
            "project with one, or add a repository to this one.",
            kind="noRepository",
            task_id=task_id,
            project_id=project.id,
        )
    return task, project, found


async def _target(app: App, repo: Repo, wanted: Start) -> tuple[str, str]:
    """The branch to start from and merge into, and its commit."""
    named = (wanted.targets or {}).get(repo.id) or wanted.base_branch
    root = Path(repo.path)
    await app.blocking(repositories.require_commit, root)
    branch = await repos.target_branch(app, repo, named)
    return branch, await app.blocking(branches.commit, root, branch)


def _reserve(
    app: App,
    tx: Transaction,
    task: Task,
    project: Project,
    found: Sequence[tuple[Repo, tuple[str, str]]],
) -> tuple[Intent, Workspace, list[worktrees.Checkout]]:
    """The rows of a workspace whose worktrees are about to be made."""
    identifier = new_id()
    branch = _free_branch(app, tx, identifier, task.title)
    directory = branch.replace("/", "-")
    workspace = tx.insert(
        Workspace(
            id=identifier,
            task_id=task.id,
            container_ref=str(app.worktrees / directory),
            branch=branch,
            agent_working_dir=None,
            port_base=_free_ports(tx),
            created_at=tx.now,
            updated_at=tx.now,
        )
    )
    checkouts: list[worktrees.Checkout] = []
    for repo, (target, base) in found:
        name = _free_name(repo.name, [c.link.directory for c in checkouts])
        link = _insert_link(tx, workspace, repo, target, base, name)
        checkouts.append(
            worktrees.Checkout(
                repo=repo,
                link=link,
                directory=Path(workspace.container_ref or "") / name,
                copy_files=plans.scripts_of(tx, project.id, repo).copy_files,
            )
        )
    workspace = tx.derive(workspace, agent_working_dir=_working_dir(project, checkouts))
    payload: dict[str, object] = {"branch": branch}
    intent = worktrees.open_intent(tx, "worktrees", identifier, payload)
    return intent, workspace, checkouts


async def _require_free_branch(app: App, intent: Intent, workspace: Workspace, repo: Repo) -> None:
    """What is taken back later must be what we made: never a branch that was there before."""
    if await app.blocking(branches.exists, Path(repo.path), workspace.branch):
        await _take_back(app, intent, workspace, ())
        raise Conflict(
            f"{repo.path} has a branch {workspace.branch} already. Start again: each start has a "
            "branch of its own.",
            kind="branchExists",
            repo_id=repo.id,
        )


async def _make(
    app: App,
    workspace: Workspace,
    checkouts: Sequence[worktrees.Checkout],
    wanted: Start,
    intent: Intent,
) -> list[str]:
    # At the same time: in a large checkout it takes git a while to see that nothing was changed.
    notes, changed = await asyncio.gather(
        worktrees.make(app, workspace, checkouts, wanted.environment, intent),
        carrying.with_changes(app, checkouts),
        return_exceptions=True,
    )
    if isinstance(notes, BaseException):
        raise notes
    if isinstance(changed, BaseException):
        raise changed
    if not wanted.carry_uncommitted:
        return notes + carrying.left_behind(changed)
    runner = worktrees.runner(app, f"{intent.id}-carry")
    for checkout in changed:
        notes += await app.blocking(
            carrying.carry, workspace.id, checkout, runner, wanted.environment
        )
    return notes


async def _take_back(
    app: App, intent: Intent, workspace: Workspace, checkouts: Sequence[worktrees.Checkout]
) -> None:
    """Leave nothing of a workspace that could not be made."""
    made = [(checkout.repo, checkout.link) for checkout in checkouts]
    await worktrees.undo(app, workspace, made)

    def write(tx: Transaction) -> None:
        worktrees.close_intent(tx, intent)
        tx.delete(workspace)

    await app.store.write(write)


def _free_branch(app: App, tx: Transaction, identifier: str, title: str) -> str:
    prefix = app.settings.values.branch_prefix
    for digits in range(6, 20):
        branch = branches.name(prefix, short_id(identifier, digits), title)
        if not workspaces.branch_taken(tx, branch):
            return branch
    raise AssertionError("random ids differ in 19 digits")


def _free_name(name: str, taken: Sequence[str]) -> str:
    """A directory name; folders of the same name get a number."""
    number, free = 1, name
    while free.casefold() in {other.casefold() for other in taken}:
        number += 1
        free = f"{name}-{number}"
    return free


def _free_ports(tx: Transaction) -> int | None:
    taken = workspaces.port_bases(tx)
    return next((p for p in range(FIRST_PORT, LAST_PORT, PORTS) if p not in taken), None)


def _insert_link(
    tx: Transaction, workspace: Workspace, repo: Repo, target: str, base: str, directory: str
) -> WorkspaceRepo:
    return tx.insert(
        WorkspaceRepo(
            id=new_id(),
            workspace_id=workspace.id,
            repo_id=repo.id,
            target_branch=target,
            base_commit=base,
            directory=directory,
            created_at=tx.now,
            updated_at=tx.now,
        )
    )


def _working_dir(project: Project, checkouts: Sequence[worktrees.Checkout]) -> str | None:
    """The project's directory; else, with one repo, its own or the worktree; else the root."""
    if project.default_agent_working_dir:
        return project.default_agent_working_dir
    if len(checkouts) != 1:
        return None
    only = checkouts[0]
    return str(Path(only.link.directory) / (only.repo.default_working_dir or ""))


async def _in_place(
    app: App, task: Task, project: Project, found: Sequence[Repo], wanted: Start
) -> Settle:
    """A workspace in a checkout of the user's: nothing is made, switched, committed or removed."""
    repo, directory = await _own_checkout(app, found, wanted)
    branch = await app.blocking(branches.default, directory)
    head = await app.blocking(repositories.require_commit, directory)

    def settle(tx: Transaction) -> Workspace:
        workspace = tx.insert(
            Workspace(
                id=new_id(),
                task_id=task.id,
                container_ref=str(directory),
                branch=branch or head,
                isolation=wanted.isolation,
                agent_working_dir=project.default_agent_working_dir or repo.default_working_dir,
                port_base=_free_ports(tx),
                created_at=tx.now,
                updated_at=tx.now,
            )
        )
        _insert_link(tx, workspace, repo, branch or head, head, "")
        return workspace

    return settle


async def _own_checkout(app: App, found: Sequence[Repo], wanted: Start) -> tuple[Repo, Path]:
    """The repo to work in and its checkout: the main one, or the directory that was named."""
    if wanted.isolation is Isolation.DIRECTORY:
        given = await app.blocking(repositories.discover, Path(wanted.directory or ""))
        for repo in found:
            if Path(repo.path) == given.root:
                return repo, given.worktree
        raise InvalidInput(
            f"{wanted.directory} is no checkout of a repository of this project.",
            kind="notInProject",
            field="directory",
        )
    if len(found) != 1:
        raise InvalidInput(
            "An agent works in place in exactly one repository; choose one, or let it work in a "
            "worktree.",
            kind="notInPlace",
            field="isolation",
        )
    return found[0], Path(found[0].path)
