"""branchwork/workspace/merge and mergePreview: a workspace's work goes to its target branch."""

from enum import StrEnum

from branchwork.domain.errors import Conflict, GitFailed, NotFound
from branchwork.domain.merge import MergeType, PullRequestStatus
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ProgressToken, Struct
from branchwork.protocol.tasks import Task


class MergeMethod(StrEnum):
    """How the target gets the work: one new commit."""

    SQUASH = "squash"


class PullRequestInfo(Struct, frozen=True, kw_only=True):
    """What the forge says about a pull request."""

    number: int
    url: str
    status: PullRequestStatus
    merged_at: str | None
    merge_commit_sha: str | None


class Merge(Struct, frozen=True, kw_only=True):
    """A direct merge has `mergeCommit`, a pull request `prInfo`."""

    id: str
    workspace_id: str
    repo_id: str
    target_branch_name: str
    merge_type: MergeType
    merge_commit: str | None
    merged_head: str | None
    """The branch's commit that was merged."""
    pr_info: PullRequestInfo | None
    created_at: str
    updated_at: str
    revision: int


class Refusal(Struct, frozen=True, kw_only=True):
    """Why it can't be merged now."""

    kind: str
    """agentRunning, dirtyWorktree, conflicts, nothingToMerge, targetBusy, targetDirty, …"""
    sentence: str


class RepoMergePreview(Struct, frozen=True, kw_only=True):
    """What a merge of one repo would do."""

    repo_id: str
    target_branch: str
    ahead: int
    behind: int
    files: list[str]
    """What it would change in the target."""
    conflicts: list[str]
    refusal: Refusal | None = None


class WorkspaceMergePreviewParams(Struct, frozen=True, kw_only=True):
    """One repo of the workspace or all."""

    workspace_id: str | None = None
    repo_id: str | None = None


class WorkspaceMergePreviewResult(Struct, frozen=True, kw_only=True):
    """Per repo, what would happen."""

    workspace_id: str
    repos: list[RepoMergePreview]
    message: str
    """The commit message that a merge without one would have."""


class WorkspaceMergeParams(Struct, frozen=True, kw_only=True):
    """One repo of the workspace or all."""

    workspace_id: str | None = None
    repo_id: str | None = None
    """Only this repo; without it, each that has commits."""
    method: MergeMethod = MergeMethod.SQUASH
    message: str | None = None
    """Without it, the task's title and description."""
    work_done_token: ProgressToken | None = None


class WorkspaceMergeResult(Struct, frozen=True, kw_only=True):
    """What was merged."""

    merges: list[Merge]
    task: Task
    """Done when every repo with commits is merged."""


MERGE_PREVIEW = Request(
    method="branchwork/workspace/mergePreview",
    params=WorkspaceMergePreviewParams,
    result=WorkspaceMergePreviewResult,
    doc="What a merge would change, where it would conflict, and why it would be refused. "
    "Nothing is changed.",
    errors=(NotFound, GitFailed),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID},
        result={
            "workspaceId": examples.WORKSPACE_ID,
            "repos": [
                {
                    "repoId": examples.REPO_ID,
                    "targetBranch": "main",
                    "ahead": 1,
                    "behind": 0,
                    "files": ["src/cart.py"],
                    "conflicts": [],
                }
            ],
            "message": "handle empty input",
        },
    ),
    bare="Previews the current workspace, else opens the board.",
)
MERGE = Request(
    method="branchwork/workspace/merge",
    params=WorkspaceMergeParams,
    result=WorkspaceMergeResult,
    doc="Merges the work into the target branch, repo by repo. "
    "A Conflict carries as `kind` what `mergePreview` gives as the refusal's.",
    errors=(NotFound, Conflict, GitFailed),
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID, "message": "Handle empty input"},
        result={
            "merges": [examples.MERGE],
            "task": {**examples.TASK, "status": "Done", "running": False},
        },
    ),
    mutating=True,
    bare="Opens the current workspace's diff document, where merging is offered; "
    "it never merges by itself.",
)
