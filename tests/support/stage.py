"""Runs on the services with everything real: repositories, scripts, the scripted agent, shims."""

import asyncio
import json
import os
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from branchwork.agents import registry
from branchwork.domain.execution_process import ExecutionProcess, RunReason
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace
from branchwork.execution import layout
from branchwork.services import attention, chain, conversations, projects, repos, tasks, workspaces
from branchwork.services.app import App
from branchwork.services.settings import Settings
from branchwork.services.workspaces import Start, Started
from branchwork.store import executions, runs
from branchwork.store.database import open_store
from support import shell

PATIENCE = 120.0
T = TypeVar("T")


def script(*steps: Mapping[str, Any]) -> str:
    """A prompt that the scripted agent plays."""
    return f"<script>{json.dumps(steps)}</script>"


def writing(name: str = "made.txt", text: str = "made\n") -> str:
    """A prompt after which a file is there."""
    return script({"write": name, "text": text}, {"message": f"Wrote {name}"})


def waiting_for(file: Path) -> str:
    """A shell script that ends when a file is there, or when nobody will ever write it."""
    return f"while [ ! -e '{file}' ] && {shell.while_tested()}; do sleep 0.02; done"


@dataclass(slots=True, kw_only=True)
class Stage:
    """An App and an editor's environment, with short ways to run tasks and to look at them."""

    app: App
    environment: dict[str, str]
    title: str = "A task"
    project_ids: dict[Path, str] = field(default_factory=dict)

    async def repo(self, root: Path, project: Project | None = None, **values: Any) -> Repo:
        """A registered repository with its settings, in a project of its own or in a given one."""
        repo, _ = await repos.register(self.app, str(root), **values)
        if project is None:
            project = await projects.create(self.app, root.name, (repo.id,))
        else:
            await projects.add_repo(self.app, project.id, repo.id)
        self.project_ids[root] = project.id
        return repo

    async def project(self, *roots: Path, **values: Any) -> Project:
        """A project with some repositories, all with the same settings."""
        project = await projects.create(self.app, "a project")
        for root in roots:
            await self.repo(root, project, **values)
        return project

    async def task(self, root: Path, title: str | None = None) -> Task:
        """A task in the project of a repository."""
        return await tasks.create(self.app, self.project_ids[root], title or self.title)

    async def start(self, root: Path, prompt: str, **wanted: Any) -> Started:
        """A new task in the project of a repository, started with the scripted agent."""
        task = await self.task(root)
        return await self.start_task(task, prompt, **wanted)

    async def start_task(self, task: Task, prompt: str, **wanted: Any) -> Started:
        given = {"executor": "SCRIPTED", "environment": self.environment, "prompt": prompt}
        return await workspaces.start(self.app, task.id, Start(**{**given, **wanted}))

    async def prompt(self, started: Started, text: str) -> conversations.Prompted:
        """A follow-up in the conversation of a start."""
        conversation_id = started.session.conversation_id
        return await conversations.prompt(self.app, conversation_id, text, self.environment)

    # --- looking ---------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """The first true answer; asked again after each commit of a change."""
        async with asyncio.timeout(PATIENCE):
            while True:
                beat = self.app.commits.next()
                found = await condition()
                if found:
                    return found
                # Not all that is waited for tells of itself: plans and leases have no changes.
                await asyncio.wait([asyncio.ensure_future(beat.wait())], timeout=0.2)

    async def until_file(self, path: Path) -> None:
        async def there() -> bool:
            return path.exists()

        await self.until(there)

    async def ran(self, workspace: Workspace) -> list[ExecutionProcess]:
        """The processes of a workspace, oldest first."""
        wanted = executions.Wanted(workspace_id=workspace.id)
        found = await self.app.store.read(lambda tx: executions.page(tx, 1000, None, wanted))
        return found[::-1]

    async def ends(self, workspace: Workspace) -> list[tuple[str, str]]:
        """Run reason and status of each process, in order."""
        return [(str(e.run_reason), str(e.status)) for e in await self.ran(workspace)]

    async def running(
        self, workspace: Workspace, reason: RunReason = RunReason.CODING_AGENT
    ) -> ExecutionProcess:
        """The running process of a kind, once there is one with a journal."""

        async def found() -> ExecutionProcess | None:
            for execution in await self.app.store.read(
                lambda tx: executions.running(tx, workspace.id)
            ):
                directory = self.app.execution_directory(execution.id)
                if execution.run_reason is reason and (directory / layout.SHIM_FILE).exists():
                    return execution
            return None

        execution = await self.until(found)
        assert execution is not None
        return execution

    async def settled(self, workspace: Workspace) -> Task:
        """The task, once nothing runs any more and nothing of the workspace will."""
        await self.settled_alone(workspace)
        # An end is stored before what follows it is decided.
        await self.until(self._idle)
        return await self.task_of(workspace)

    async def settled_alone(self, workspace: Workspace) -> None:
        """Until nothing of the workspace runs and nothing will, while others may go on."""

        async def over() -> bool:
            return await self.app.store.read(
                lambda tx: (
                    not executions.running(tx, workspace.id)
                    and not runs.open_plans(tx, workspace.id)
                )
            )

        await self.until(over)

    async def _idle(self) -> bool:
        return not self.app.jobs

    async def task_of(self, workspace: Workspace) -> Task:
        return await self.app.store.read(lambda tx: tx.get(Task, workspace.task_id))

    async def fresh(self, workspace: Workspace) -> Workspace:
        return await self.app.store.read(lambda tx: tx.get(Workspace, workspace.id))

    async def attention(self) -> list[tuple[str, str]]:
        """Kind and sentence of all that waits for a person."""
        return [(item.kind, item.sentence) for item in await attention.items(self.app)]

    async def entries(self, started: Started) -> list[Any]:
        """All entries of a conversation."""
        conversation_id = started.session.conversation_id
        found = []
        async for changes in conversations.stream(self.app, conversation_id, None, follow=False):
            found += [change.entry for change in changes]
        return found

    def directory(self, workspace: Workspace, root: Path) -> Path:
        """The worktree of a repository."""
        return Path(workspace.container_ref or "") / root.name

    def shim(self, execution: ExecutionProcess) -> int:
        """The pid of the shim of a running process."""
        file = self.app.execution_directory(execution.id) / layout.SHIM_FILE
        return int(msgspec.json.decode(file.read_bytes())["shim"])

    def kill_shim(self, execution: ExecutionProcess) -> None:
        """-9."""
        os.kill(self.shim(execution), signal.SIGKILL)

    def agents(self, folder: Path, *described: Mapping[str, Any]) -> None:
        """Agents of the user's own, beside the shipped ones."""
        file = folder / "agents.json"
        file.write_text(json.dumps(described))
        self.app.agents = registry.load(file)
        assert self.app.agents.problems == ()

    async def stop(self, execution: ExecutionProcess) -> ExecutionProcess:
        """As a person does, and wait for its end."""
        await chain.stop(self.app, execution.id)
        return await chain.ended(self.app, execution.id)


def next_app(app: App) -> App:
    """The App of the daemon that comes after one that was closed, on the same data."""
    return App(
        data=app.data,
        run_directory=app.run_directory,
        worktrees=app.worktrees,
        store=open_store(app.data / "branchwork.sqlite"),
        agents=registry.load(),
        settings=Settings(app.settings.path),
    )
