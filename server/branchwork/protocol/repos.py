"""branchwork/repo/*: git repositories on this machine."""

from msgspec import UNSET, UnsetType

from branchwork.domain.errors import (
    Conflict,
    GitFailed,
    NotARepository,
    NotFound,
    RevisionMismatch,
)
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.struct import ListParams, Page, Reading, Struct


class Repo(Struct, frozen=True, kw_only=True):
    """A registered repository; `path` is the root of its main worktree."""

    id: str
    path: str
    name: str
    display_name: str
    setup_script: str | None
    cleanup_script: str | None
    archive_script: str | None
    copy_files: str | None
    """Files to copy into each new workspace, separated by commas or line ends."""
    parallel_setup_script: bool
    dev_server_script: str | None
    default_target_branch: str | None
    default_working_dir: str | None
    auto_commit: bool
    created_at: str
    updated_at: str
    revision: int


class Branch(Struct, frozen=True, kw_only=True):
    """A local branch, or one of a remote."""

    name: str
    is_current: bool
    """Checked out in the main worktree."""
    is_remote: bool
    head_commit: str
    committed_at: str | None = None


class Remote(Struct, frozen=True, kw_only=True):
    """A remote of the repository."""

    name: str
    url: str


class RepoListParams(ListParams, frozen=True, kw_only=True):
    """Of one project or all."""

    project_id: str | None = None


class RepoListResult(Page, frozen=True, kw_only=True):
    """The repos by name."""

    repos: list[Repo]


class RepoGetParams(Struct, frozen=True, kw_only=True):
    """Which repo."""

    repo_id: str | None = None
    path: str | None = None
    """Instead of `repoId`: any path in the repository."""


class RepoGetResult(Reading, frozen=True, kw_only=True):
    """A repo and where it is used."""

    repo: Repo
    project_ids: list[str]


class RepoRegisterParams(Struct, frozen=True, kw_only=True):
    """Where the repository is."""

    path: str
    """Any path in the repository, also in one of its linked worktrees."""
    display_name: str | None = None
    project_id: str | None = None
    """A project to put it into."""


class RepoRegisterResult(Struct, frozen=True, kw_only=True):
    """The repo, new or known."""

    repo: Repo
    created: bool
    """false: it was registered before."""


class RepoInitParams(Struct, frozen=True, kw_only=True):
    """Where to make a repository."""

    path: str
    """A folder that is new, empty, or in no repository."""
    default_branch: str = "main"
    display_name: str | None = None
    project_id: str | None = None


class RepoResult(Struct, frozen=True, kw_only=True):
    """The repo as it is now."""

    repo: Repo


class RepoUpdateParams(Struct, frozen=True, kw_only=True):
    """The fields to change."""

    repo_id: str
    expected_revision: int | None = None
    path: str | UnsetType = UNSET
    """Where the repository lies now; its worktrees are connected to it again."""
    display_name: str | UnsetType = UNSET
    setup_script: str | UnsetType | None = UNSET
    cleanup_script: str | UnsetType | None = UNSET
    archive_script: str | UnsetType | None = UNSET
    copy_files: str | UnsetType | None = UNSET
    parallel_setup_script: bool | UnsetType = UNSET
    dev_server_script: str | UnsetType | None = UNSET
    default_target_branch: str | UnsetType | None = UNSET
    default_working_dir: str | UnsetType | None = UNSET
    auto_commit: bool | UnsetType = UNSET


class RepoBranchesParams(Struct, frozen=True, kw_only=True):
    """Which repo."""

    repo_id: str
    include_remote: bool = False


class RepoBranchesResult(Struct, frozen=True, kw_only=True):
    """Its branches."""

    branches: list[Branch]


class RepoRemotesParams(Struct, frozen=True, kw_only=True):
    """Which repo."""

    repo_id: str


class RepoRemotesResult(Struct, frozen=True, kw_only=True):
    """Its remotes."""

    remotes: list[Remote]


LIST = Request(
    method="branchwork/repo/list",
    params=RepoListParams,
    result=RepoListResult,
    doc="The registered repos by name, all of them or a project's.",
    errors=(NotFound,),
    example=Example(
        params={"projectId": examples.PROJECT_ID},
        result={**examples.READING, "repos": [examples.REPO]},
    ),
)
GET = Request(
    method="branchwork/repo/get",
    params=RepoGetParams,
    result=RepoGetResult,
    doc="One repo, by its id or by a path in it, and the projects that it is in.",
    errors=(NotFound, NotARepository),
    example=Example(
        params={"path": "/r/shop/src/cart.py"},
        result={
            **examples.READING,
            "repo": examples.REPO,
            "projectIds": [examples.PROJECT_ID],
        },
    ),
)
REGISTER = Request(
    method="branchwork/repo/register",
    params=RepoRegisterParams,
    result=RepoRegisterResult,
    doc="Registers the repository that a path lies in, by the root of its main worktree. "
    "Nothing in the repository changes.",
    errors=(NotARepository, NotFound),
    example=Example(params={"path": "/r/shop"}, result={"repo": examples.REPO, "created": True}),
    mutating=True,
)
INIT = Request(
    method="branchwork/repo/init",
    params=RepoInitParams,
    result=RepoResult,
    doc="Makes a git repository with an empty first commit in a folder and registers it.",
    errors=(Conflict, GitFailed, NotFound),
    example=Example(params={"path": "/r/shop"}, result={"repo": examples.REPO}),
    mutating=True,
)
UPDATE = Request(
    method="branchwork/repo/update",
    params=RepoUpdateParams,
    result=RepoResult,
    doc="Changes the fields that are given and leaves the others as they are.",
    errors=(NotFound, NotARepository, Conflict, RevisionMismatch),
    example=Example(
        params={"repoId": examples.REPO_ID, "setupScript": "npm ci", "copyFiles": ".env"},
        result={"repo": {**examples.REPO, "setupScript": "npm ci", "copyFiles": ".env"}},
    ),
    mutating=True,
)
BRANCHES = Request(
    method="branchwork/repo/branches",
    params=RepoBranchesParams,
    result=RepoBranchesResult,
    doc="The branches of a repo: the one that is checked out first, then the newest first.",
    errors=(NotFound, NotARepository, GitFailed),
    example=Example(
        params={"repoId": examples.REPO_ID},
        result={
            "branches": [
                {
                    "name": "main",
                    "isCurrent": True,
                    "isRemote": False,
                    "headCommit": examples.BASE_COMMIT,
                    "committedAt": examples.TIME,
                }
            ]
        },
    ),
)
REMOTES = Request(
    method="branchwork/repo/remotes",
    params=RepoRemotesParams,
    result=RepoRemotesResult,
    doc="The remotes of a repo with their URLs, without any password in them.",
    errors=(NotFound, NotARepository, GitFailed),
    example=Example(
        params={"repoId": examples.REPO_ID},
        result={"remotes": [{"name": "origin", "url": "git@example.org:shop.git"}]},
    ),
)
