"""How a process is started: its command line, its directory and its environment."""

import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from branchwork.agents import launch
from branchwork.agents.agent import Policy
from branchwork.domain.errors import InvalidInput, StorageFailed
from branchwork.domain.execution_process import ExecutionProcess, RunReason
from branchwork.domain.project import Project
from branchwork.domain.repo import Repo
from branchwork.domain.run import RunPlan
from branchwork.domain.task import Task
from branchwork.domain.workspace import Workspace, WorkspaceRepo
from branchwork.execution.spawn import Spec
from branchwork.services.app import App
from branchwork.services.environments import cleaned
from branchwork.store import tasks as stored_tasks
from branchwork.store import workspaces
from branchwork.store.transaction import Transaction

logger = logging.getLogger(__name__)


async def spec_of(app: App, execution: ExecutionProcess) -> Spec:
    """What the shim is told to run; raises AgentUnavailable."""
    environment = await environment_of(app, execution.plan_id, execution.workspace_id) or {}
    plan, place = await app.store.read(lambda tx: _place(tx, execution))
    own = {**environment, **place.variables}
    if execution.run_reason is RunReason.CODING_AGENT:
        agent = app.agents.find(plan.executor or "")
        policy = Policy(plan.mode or Policy.ASK)
        launched = await app.blocking(launch.launch, agent, own, policy, plan.prompt or "")
        argv, own = launched.argv, dict(launched.env)
        if launched.downloads:
            await app.store.write(lambda tx: _note_download(tx, execution.id))
    else:
        assert execution.step is not None, "scripts are steps of plans"
        script = plan.steps[execution.step].script or ""
        argv = await app.blocking(_script_argv, app.data, execution.id, script)
    if not place.directory.is_dir():
        raise StorageFailed(
            f"The directory {place.directory} is gone. Start the task again in a new workspace.",
            kind="directoryGone",
        )
    return Spec(
        argv=argv,
        cwd=place.directory,
        env=own,
        tag=execution.id,
        kind="agent" if execution.run_reason is RunReason.CODING_AGENT else "script",
        limit_bytes=app.settings.values.journal_limit_bytes,
        daemon_argv=app.daemon_argv,
        daemon_env=app.daemon_environment,
    )


async def environment_of(
    app: App, plan_id: str | None, workspace_id: str
) -> Mapping[str, str] | None:
    """The environment that a run was asked with; after a restart that of an editor which has one
    of its repositories open, or the configured file; None where a run has to wait for one."""
    bound = app.environments.of_plan(plan_id) if plan_id else None
    if bound is not None:
        return bound
    paths = await app.store.read(lambda tx: _repo_paths(tx, workspace_id))
    lent = app.environments.for_paths(paths)
    if lent is not None:
        return lent
    file = app.settings.values.environment_file
    try:
        return await app.blocking(_read_environment, Path(file)) if file else None
    except InvalidInput as error:
        logger.warning("%s", error.sentence)
        return None


def _note_download(tx: Transaction, execution_id: str) -> None:
    """Whoever follows it, now or after a restart, gives it the time that a download takes."""
    execution = tx.get(ExecutionProcess, execution_id)
    tx.derive(execution, executor_action={**execution.executor_action, "downloads": True})


def working_directory(workspace: Workspace) -> Path:
    """Where an agent of a workspace works."""
    return Path(workspace.container_ref or "") / (workspace.agent_working_dir or "")


class _Place:
    """Where a process runs, and what it is told of it."""

    def __init__(self, directory: Path, variables: dict[str, str]) -> None:
        self.directory = directory
        self.variables = variables


def _place(tx: Transaction, execution: ExecutionProcess) -> tuple[RunPlan, _Place]:
    assert execution.plan_id is not None, "what is launched has a plan"
    workspace = tx.get(Workspace, execution.workspace_id)
    task = stored_tasks.of_workspace(tx, workspace.id)
    project = tx.get(Project, task.project_id)
    directory = working_directory(workspace)
    if execution.repo_id is not None:
        directory = _script_directory(tx, workspace, execution.repo_id)
    names = _names(project, task, workspace, execution)
    variables = {
        f"{prefix}_{name}": value for prefix in ("VK", "BRANCHWORK") for name, value in names
    }
    if workspace.port_base is not None:
        variables["BRANCHWORK_PORT"] = str(workspace.port_base)
    return tx.get(RunPlan, execution.plan_id), _Place(directory, variables)


def _names(
    project: Project, task: Task, workspace: Workspace, execution: ExecutionProcess
) -> list[tuple[str, str]]:
    return [
        ("PROJECT_NAME", project.name),
        ("PROJECT_ID", project.id),
        ("TASK_ID", task.id),
        ("WORKSPACE_ID", workspace.id),
        ("WORKSPACE_BRANCH", workspace.branch),
        ("SESSION_ID", execution.session_id),
    ]


def _script_directory(tx: Transaction, workspace: Workspace, repo_id: str) -> Path:
    link: WorkspaceRepo = next(
        link for link in workspaces.repos_of(tx, workspace.id) if link.repo_id == repo_id
    )
    return Path(workspace.container_ref or "") / link.directory


def _repo_paths(tx: Transaction, workspace_id: str) -> list[Path]:
    workspace = tx.get(Workspace, workspace_id)
    found = [
        Path(tx.get(Repo, link.repo_id).path) for link in workspaces.repos_of(tx, workspace_id)
    ]
    return [*found, Path(workspace.container_ref or "/nowhere")]


def _script_argv(data: Path, execution_id: str, script: str) -> tuple[str, ...]:
    """By the shell, or by the interpreter that the script names itself."""
    if not script.startswith("#!"):
        return ("/bin/sh", "-c", script)
    folder = data / "scripts"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / execution_id
    file.write_text(script, "utf-8")
    file.chmod(stat.S_IRWXU)
    return (str(file),)


def _read_environment(file: Path) -> dict[str, str]:
    try:
        lines = file.expanduser().read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"The environment file {file} can't be read. Mend the setting environment_file.",
            kind="settingInvalid",
        ) from error
    base = {name: os.environ[name] for name in ("HOME", "PATH", "LANG") if name in os.environ}
    pairs = (line.partition("=") for line in lines if "=" in line and not line.startswith("#"))
    return cleaned(base | {name.strip(): value.strip() for name, _, value in pairs})
