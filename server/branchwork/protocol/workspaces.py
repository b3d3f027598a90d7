"""branchwork/workspace/*: attempts at a task. starts.py, diffs.py and merges.py have the rest."""

from msgspec import UNSET, UnsetType

from branchwork.domain.errors import (
    Conflict,
    GitFailed,
    NotARepository,
    NotFound,
    RevisionMismatch,
)
from branchwork.domain.workspace import Isolation
from branchwork.protocol import examples
from branchwork.protocol.executions import ExecutionProcess
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import (
    Current,
    ListParams,
    Page,
    ProgressToken,
    Reading,
    Struct,
)


class WorkspaceRepo(Struct, frozen=True, kw_only=True):
    """A repo of a workspace."""

    id: str
    workspace_id: str
    repo_id: str
    target_branch: str
    """Where the work will be merged."""
    base_commit: str
    directory: str
    """Its worktree, below the workspace's `containerRef`."""
    created_at: str
    updated_at: str
    revision: int


class Workspace(Struct, frozen=True, kw_only=True):
    """One attempt at a task, with a branch and, as a rule, worktrees of its own."""

    id: str
    task_id: str
    container_ref: str | None
    """The directory."""
    branch: str
    agent_working_dir: str | None
    setup_completed_at: str | None
    archived: bool
    pinned: bool
    name: str | None
    isolation: Isolation
    port_base: int | None
    created_at: str
    updated_at: str
    revision: int
    repos: list[WorkspaceRepo]
    running: bool
    needs_you: bool
    conversation_id: str | None = None
    """The newest conversation."""
    executor: str | None = None
    """The agent of the newest conversation."""
    waiting: "WaitingRun | None" = None
    """Its run, where that can't go on yet."""


class Session(Struct, frozen=True, kw_only=True):
    """One start of an agent, or one follow-up."""

    id: str
    workspace_id: str
    conversation_id: str
    executor: str | None
    created_at: str
    updated_at: str
    revision: int


class WaitingRun(Struct, frozen=True, kw_only=True):
    """A run whose next process can't start yet."""

    workspace_id: str
    why: str
    """limit (of agents at once), environment, lease (its directory is taken) or rateLimit."""
    until: str | None = None
    place: int
    """Its place in the line, from 1."""


class RepoTarget(Struct, frozen=True, kw_only=True):
    """A repo to work on, and the branch that its work starts from and goes back to."""

    repo_id: str
    target_branch: str | None = None


class RepoStatus(Struct, frozen=True, kw_only=True):
    """How one repo of a workspace stands in git."""

    repo_id: str
    target_branch: str
    target_exists: bool
    head_commit: str | None
    ahead: int
    """Commits that the target has not got; after a merge counted from there."""
    behind: int
    uncommitted_files: int
    untracked_files: int
    operation: str | None = None
    """rebase, merge, cherryPick, revert or bisect, where one is under way."""
    conflicted_files: list[str]
    problem: str | None = None
    """Why git could not say, such as a worktree that is gone."""


class WorkspaceListParams(ListParams, frozen=True, kw_only=True):
    """Of a task or a project; without either, all."""

    task_id: str | None = None
    project_id: str | None = None
    archived: bool | None = None
    """Without it, both."""


class WorkspaceListResult(Page, frozen=True, kw_only=True):
    """The newest first."""

    workspaces: list[Workspace]
    current: Current | None = None


class WorkspaceGetParams(Struct, frozen=True, kw_only=True):
    """Which workspace."""

    workspace_id: str


class WorkspaceGetResult(Reading, frozen=True, kw_only=True):
    """A workspace and its sessions."""

    workspace: Workspace
    sessions: list[Session]
    waiting: WaitingRun | None = None


class WorkspaceCreateParams(Struct, frozen=True, kw_only=True):
    """For which task, with which repos."""

    task_id: str
    repos: tuple[RepoTarget, ...] = ()
    """Without any, all repos of the project."""
    isolation: Isolation = Isolation.WORKTREE
    directory: str | None = None
    """With isolation `directory`: where to work."""
    carry_uncommitted: bool = False
    """Begin the branch with a commit of what is uncommitted in the repo's own checkout."""
    work_done_token: ProgressToken | None = None


class WorkspaceCreateResult(Struct, frozen=True, kw_only=True):
    """The new workspace."""

    workspace: Workspace
    notes: list[str]
    """Sentences for the person, such as what was left uncommitted."""


class WorkspaceUpdateParams(Struct, frozen=True, kw_only=True):
    """The fields to change."""

    workspace_id: str
    expected_revision: int | None = None
    name: str | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    agent_working_dir: str | UnsetType | None = UNSET


class WorkspaceResult(Struct, frozen=True, kw_only=True):
    """The workspace as it is now."""

    workspace: Workspace


class WorkspaceStopParams(Struct, frozen=True, kw_only=True):
    """Which workspace."""

    workspace_id: str | None = None


class WorkspaceStopResult(Struct, frozen=True, kw_only=True):
    """The workspace and what was ended in it."""

    workspace: Workspace
    stopped: list[ExecutionProcess]


class WorkspaceStatusParams(Struct, frozen=True, kw_only=True):
    """Which workspace."""

    workspace_id: str


class WorkspaceStatusResult(Struct, frozen=True, kw_only=True):
    """Per repo, how it stands."""

    workspace: Workspace
    repos: list[RepoStatus]


LIST = Request(
    method="branchwork/workspace/list",
    params=WorkspaceListParams,
    result=WorkspaceListResult,
    doc="The workspaces of a task or a project, the newest first.",
    errors=(NotFound,),
    example=Example(
        params={"taskId": examples.TASK_ID, "archived": False},
        result={**examples.READING, "workspaces": [examples.WORKSPACE]},
    ),
)
GET = Request(
    method="branchwork/workspace/get",
    params=WorkspaceGetParams,
    result=WorkspaceGetResult,
    doc="One workspace with its sessions, and its run where that waits.",
    errors=(NotFound,),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID},
        result={
            **examples.READING,
            "workspace": examples.WORKSPACE,
            "sessions": [examples.SESSION],
        },
    ),
)
CREATE = Request(
    method="branchwork/workspace/create",
    params=WorkspaceCreateParams,
    result=WorkspaceCreateResult,
    doc="Makes a workspace with its branch and worktrees without starting anything in it. "
    "A cancelled request leaves nothing behind.",
    errors=(NotFound, Conflict, NotARepository, GitFailed),
    example=Example(
        params={
            "taskId": examples.TASK_ID,
            "repos": [{"repoId": examples.REPO_ID, "targetBranch": "main"}],
        },
        result={"workspace": examples.WORKSPACE, "notes": []},
    ),
    mutating=True,
)
UPDATE = Request(
    method="branchwork/workspace/update",
    params=WorkspaceUpdateParams,
    result=WorkspaceResult,
    doc="Changes the fields that are given and leaves the others as they are.",
    errors=(NotFound, Conflict, RevisionMismatch),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID, "pinned": True},
        result={"workspace": {**examples.WORKSPACE, "pinned": True, "revision": 2}},
    ),
    mutating=True,
)
STOP = Request(
    method="branchwork/workspace/stop",
    params=WorkspaceStopParams,
    result=WorkspaceStopResult,
    doc="Ends everything that runs in a workspace and its waiting run; "
    "queued prompts are held. The answer comes when all of it has ended.",
    errors=(NotFound,),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID},
        result={
            "workspace": {**examples.WORKSPACE, "running": False},
            "stopped": [examples.EXECUTION_KILLED],
        },
    ),
    mutating=True,
    bare="Stops the current workspace, or the only one in which something runs; "
    "opens the board where that is not exactly one.",
)
STATUS = Request(
    method="branchwork/workspace/status",
    params=WorkspaceStatusParams,
    result=WorkspaceStatusResult,
    doc="How each repo of a workspace stands in git: commits ahead and behind, "
    "what is uncommitted, and an operation under way.",
    errors=(NotFound, GitFailed),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID},
        result={
            "workspace": examples.WORKSPACE,
            "repos": [
                {
                    "repoId": examples.REPO_ID,
                    "targetBranch": "main",
                    "targetExists": True,
                    "headCommit": examples.HEAD_COMMIT,
                    "ahead": 1,
                    "behind": 0,
                    "uncommittedFiles": 2,
                    "untrackedFiles": 0,
                    "conflictedFiles": [],
                }
            ],
        },
    ),
)
