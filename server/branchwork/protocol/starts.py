"""branchwork/workspace/start and task/createAndStart: from a task to a running agent."""

from enum import StrEnum

from branchwork.domain.errors import (
    AgentUnavailable,
    Conflict,
    GitFailed,
    NotARepository,
    NotFound,
)
from branchwork.domain.workspace import Isolation
from branchwork.protocol import examples
from branchwork.protocol.executions import ExecutionProcess
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ProgressToken, Struct
from branchwork.protocol.tasks import Task, TaskCreateParams
from branchwork.protocol.workspaces import RepoTarget, Session, WaitingRun, Workspace


class AgentMode(StrEnum):
    """What an agent may do without asking: nothing, edits, everything; or plan only."""

    ASK = "ask"
    EDIT = "edit"
    BYPASS = "bypass"
    PLAN = "plan"


class WorkspaceStartParams(Struct, frozen=True, kw_only=True):
    """With `taskId` in a new workspace, with `workspaceId` in that one."""

    task_id: str | None = None
    workspace_id: str | None = None
    executor: str | None = None
    """The agent; without it the one last used in the project, else the first that is ready."""
    prompt: str | None = None
    """Without it, the task's title and description."""
    mode: AgentMode = AgentMode.ASK
    base_branch: str | None = None
    """The target branch of every repo; without it each repo's default."""
    repos: list[RepoTarget] | None = None
    """Target branches per repo, where they differ."""
    repo_ids: list[str] | None = None
    """Only these repos of the project."""
    isolation: Isolation = Isolation.WORKTREE
    directory: str | None = None
    carry_uncommitted: bool = False
    """Begin the branch with a commit of what is uncommitted in the repo's own checkout."""
    work_done_token: ProgressToken | None = None


class WorkspaceStartResult(Struct, frozen=True, kw_only=True):
    """What was started."""

    workspace: Workspace
    session: Session
    execution: ExecutionProcess | None
    """The first process of the run, a setup script or the agent; null while the run waits."""
    waiting: WaitingRun | None = None
    notes: list[str]
    """Sentences for the person, such as what was left uncommitted."""


class TaskCreateAndStartParams(TaskCreateParams, frozen=True, kw_only=True):
    """As in `task/create` and `workspace/start`."""

    executor: str | None = None
    prompt: str | None = None
    mode: AgentMode = AgentMode.ASK
    base_branch: str | None = None
    repos: list[RepoTarget] | None = None
    repo_ids: list[str] | None = None
    isolation: Isolation = Isolation.WORKTREE
    directory: str | None = None
    carry_uncommitted: bool = False
    work_done_token: ProgressToken | None = None


class TaskCreateAndStartResult(WorkspaceStartResult, frozen=True, kw_only=True):
    """The task and what was started."""

    task: Task


START_ERRORS = (NotFound, Conflict, NotARepository, AgentUnavailable, GitFailed)

START = Request(
    method="branchwork/workspace/start",
    params=WorkspaceStartParams,
    result=WorkspaceStartResult,
    doc="Starts an agent on a task: worktrees, setup scripts, then the agent. "
    "It answers as soon as the first process runs or the run waits. "
    "A request cancelled before that leaves nothing behind.",
    errors=START_ERRORS,
    example=Example(
        params={
            "taskId": examples.TASK_ID,
            "executor": "CLAUDE_CODE",
            "baseBranch": "main",
            "workDoneToken": "w1",
        },
        result={
            "workspace": examples.WORKSPACE,
            "session": examples.SESSION,
            "execution": examples.EXECUTION,
            "notes": ["2 files have uncommitted changes in /r/shop; they are not on the branch."],
        },
    ),
    mutating=True,
    bare="Starts the current task with the defaults, where it has nothing running; "
    "else opens the board.",
)
CREATE_AND_START = Request(
    method="branchwork/task/createAndStart",
    params=TaskCreateAndStartParams,
    result=TaskCreateAndStartResult,
    doc="`task/create` and `workspace/start` in one. "
    "The task stays where the start fails, and the error names it by `taskId`.",
    errors=START_ERRORS,
    example=Example(
        params={
            "projectId": examples.PROJECT_ID,
            "title": "handle empty input",
            "executor": "CLAUDE_CODE",
        },
        result={
            "task": examples.TASK_WITH_DESCRIPTION,
            "workspace": examples.WORKSPACE,
            "session": examples.SESSION,
            "execution": examples.EXECUTION,
            "notes": [],
        },
    ),
    mutating=True,
    bare="Makes an untitled task in the current project and opens it as a document, "
    "where it can be filled in and started.",
)
