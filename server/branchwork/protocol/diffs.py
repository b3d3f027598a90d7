"""branchwork/workspace/diff: what a workspace changed."""

from enum import StrEnum

from branchwork.domain.errors import Conflict, GitFailed, NotFound
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ProgressToken, Struct


class DiffScope(StrEnum):
    """Against what: where the branch began, its last commit, or before the last turn."""

    ALL = "all"
    UNCOMMITTED = "uncommitted"
    LAST_TURN = "lastTurn"


class FileStatus(StrEnum):
    """What happened to a file."""

    ADDED = "added"
    MODIFIED = "modified"
    DELETED = "deleted"
    RENAMED = "renamed"
    COPIED = "copied"
    TYPE_CHANGED = "typeChanged"
    CONFLICTED = "conflicted"


class FileDiff(Struct, frozen=True, kw_only=True):
    """One changed file; paths are relative to the repo's root."""

    repo_id: str
    path: str
    old_path: str | None = None
    """Where it was renamed or copied from."""
    uri: str | None = None
    """The file in the workspace's worktree; left out where it is deleted."""
    status: FileStatus
    additions: int | None
    """null for a binary file."""
    deletions: int | None
    binary: bool
    patch: str | None = None
    """A unified diff, only where one was asked for."""
    omitted: str | None = None
    """Why a patch that was asked for is not here, such as `tooLarge` or `binary`."""


class WorkspaceDiffParams(Struct, frozen=True, kw_only=True):
    """Against what, and which files."""

    workspace_id: str | None = None
    scope: DiffScope = DiffScope.ALL
    repo_id: str | None = None
    path: str | None = None
    """Only this file, with its patch."""
    with_patch: bool = False
    """Patches of all files."""
    partial_result_token: ProgressToken | None = None


class WorkspaceDiffPart(Struct, frozen=True, kw_only=True):
    """Some of the files."""

    files: list[FileDiff]


class WorkspaceDiffResult(Struct, frozen=True, kw_only=True):
    """`files` is empty where a `partialResultToken` was given: they went there."""

    workspace_id: str
    files: list[FileDiff]
    file_count: int
    additions: int
    deletions: int


class WorkspaceBaseFileParams(Struct, frozen=True, kw_only=True):
    """Which file of a diff; of a renamed one its `oldPath`."""

    workspace_id: str
    repo_id: str
    path: str
    scope: DiffScope = DiffScope.ALL


class WorkspaceBaseFileResult(Struct, frozen=True, kw_only=True):
    """What stood in it."""

    text: str | None
    """null where it was not there, or can't be shown as text."""
    omitted: str | None = None
    """Why its text is not here: `tooLarge` or `binary`."""


DIFF = Request(
    method="branchwork/workspace/diff",
    params=WorkspaceDiffParams,
    result=WorkspaceDiffResult,
    doc="What the workspace changed, per file with status and counts, "
    "committed or not, untracked files too. Patches come only on demand.",
    errors=(NotFound, GitFailed),
    progress=WorkspaceDiffPart,
    example=Example(
        params={"workspaceId": examples.WORKSPACE_ID, "path": "src/cart.py"},
        result={
            "workspaceId": examples.WORKSPACE_ID,
            "files": [examples.FILE_DIFF],
            "fileCount": 1,
            "additions": 1,
            "deletions": 0,
        },
        progress={"files": [examples.FILE_DIFF]},
    ),
    bare="Opens the diff of the current workspace as a document, "
    "else the board, where each workspace has its link.",
)
BASE_FILE = Request(
    method="branchwork/workspace/baseFile",
    params=WorkspaceBaseFileParams,
    result=WorkspaceBaseFileResult,
    doc="A file as it was before what the diff of that scope shows, "
    "for an editor that shows both sides of it; the other side is the diff's `uri`.",
    errors=(NotFound, Conflict, GitFailed),
    example=Example(
        params={
            "workspaceId": examples.WORKSPACE_ID,
            "repoId": examples.REPO_ID,
            "path": "src/cart.py",
        },
        result={"text": "def first(items):\n    return items[0]\n"},
    ),
)
