"""branchwork/project/*: containers of repositories and tasks."""

from msgspec import UNSET, UnsetType

from branchwork.domain.errors import Conflict, NotARepository, NotFound, RevisionMismatch
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.repos import Repo
from branchwork.protocol.struct import Current, ListParams, Page, Reading, Struct


class Project(Struct, frozen=True, kw_only=True):
    """A named container of repositories and tasks."""

    id: str
    name: str
    default_agent_working_dir: str | None
    remote_project_id: str | None
    created_at: str
    updated_at: str
    revision: int
    repo_ids: list[str]
    task_count: int
    running: bool
    """An agent or script of one of its tasks runs."""
    needs_you: bool
    """Something in it waits for a person."""


class ProjectRepo(Struct, frozen=True, kw_only=True):
    """A repo in a project. null takes the repo's own setting, an empty text means none here."""

    project_id: str
    repo_id: str
    setup_script: str | None
    cleanup_script: str | None
    copy_files: str | None
    parallel_setup_script: bool | None
    created_at: str
    updated_at: str
    revision: int


class ProjectRepoMember(Struct, frozen=True, kw_only=True):
    """A repo of a project together with what the project overrides."""

    repo: Repo
    overrides: ProjectRepo


class ProjectListParams(ListParams, frozen=True, kw_only=True):
    """All projects, by name."""


class ProjectListResult(Page, frozen=True, kw_only=True):
    """The projects by name."""

    projects: list[Project]
    current: Current | None = None


class ProjectGetParams(Struct, frozen=True, kw_only=True):
    """Which project."""

    project_id: str


class ProjectGetResult(Reading, frozen=True, kw_only=True):
    """A project and its repos."""

    project: Project
    repos: list[ProjectRepoMember]


class ProjectCreateParams(Struct, frozen=True, kw_only=True):
    """A new project."""

    name: str
    default_agent_working_dir: str | None = None
    repo_ids: tuple[str, ...] = ()
    """Registered repos to begin with."""


class ProjectUpdateParams(Struct, frozen=True, kw_only=True):
    """The fields to change."""

    project_id: str
    expected_revision: int | None = None
    name: str | UnsetType = UNSET
    default_agent_working_dir: str | UnsetType | None = UNSET


class ProjectResult(Struct, frozen=True, kw_only=True):
    """The project as it is now."""

    project: Project


class ProjectDeleteParams(Struct, frozen=True, kw_only=True):
    """Which project."""

    project_id: str
    expected_revision: int | None = None
    stop_running: bool = False
    """End what runs first; without it a project with something running is not deleted."""


class ProjectDeleteResult(Struct, frozen=True, kw_only=True):
    """What went, and the branches that stay in the repositories."""

    task_ids: list[str]
    workspace_ids: list[str]
    kept_branches: list[str]


class ProjectAddRepoParams(Struct, frozen=True, kw_only=True):
    """Which repo, and what the project overrides of it."""

    project_id: str
    repo_id: str | None = None
    path: str | None = None
    """Instead of `repoId`: any path in the repository, which is registered if need be."""
    expected_revision: int | None = None
    setup_script: str | UnsetType | None = UNSET
    cleanup_script: str | UnsetType | None = UNSET
    copy_files: str | UnsetType | None = UNSET
    parallel_setup_script: bool | UnsetType | None = UNSET


class ProjectAddRepoResult(Struct, frozen=True, kw_only=True):
    """The project and the repo in it."""

    project: Project
    member: ProjectRepoMember


class ProjectRemoveRepoParams(Struct, frozen=True, kw_only=True):
    """Which repo of which project."""

    project_id: str
    repo_id: str


LIST = Request(
    method="branchwork/project/list",
    params=ProjectListParams,
    result=ProjectListResult,
    doc="All projects by name, and the one that this connection's folders belong to.",
    example=Example(
        params={"limit": 50},
        result={
            **examples.READING,
            "projects": [examples.PROJECT],
            "current": {"projectId": examples.PROJECT_ID, "repoId": examples.REPO_ID},
        },
    ),
)
GET = Request(
    method="branchwork/project/get",
    params=ProjectGetParams,
    result=ProjectGetResult,
    doc="One project with its repos and what it overrides of each.",
    errors=(NotFound,),
    example=Example(
        params={"projectId": examples.PROJECT_ID},
        result={
            **examples.READING,
            "project": examples.PROJECT,
            "repos": [{"repo": examples.REPO, "overrides": examples.PROJECT_REPO}],
        },
    ),
)
CREATE = Request(
    method="branchwork/project/create",
    params=ProjectCreateParams,
    result=ProjectResult,
    doc="Makes a project, with registered repos if any are given.",
    errors=(NotFound,),
    example=Example(
        params={"name": "shop", "repoIds": [examples.REPO_ID]},
        result={"project": examples.PROJECT},
    ),
    mutating=True,
)
UPDATE = Request(
    method="branchwork/project/update",
    params=ProjectUpdateParams,
    result=ProjectResult,
    doc="Changes the fields that are given and leaves the others as they are.",
    errors=(NotFound, RevisionMismatch),
    example=Example(
        params={"projectId": examples.PROJECT_ID, "expectedRevision": 1, "name": "shop"},
        result={"project": examples.PROJECT},
    ),
    mutating=True,
)
DELETE = Request(
    method="branchwork/project/delete",
    params=ProjectDeleteParams,
    result=ProjectDeleteResult,
    doc="Deletes a project with its tasks and their workspaces. "
    "What the worktrees held is kept as snapshots, and the branches stay.",
    errors=(NotFound, Conflict, RevisionMismatch),
    example=Example(
        params={"projectId": examples.PROJECT_ID},
        result={
            "taskIds": [examples.TASK_ID],
            "workspaceIds": [examples.WORKSPACE_ID],
            "keptBranches": [examples.BRANCH],
        },
    ),
    mutating=True,
)
ADD_REPO = Request(
    method="branchwork/project/addRepo",
    params=ProjectAddRepoParams,
    result=ProjectAddRepoResult,
    doc="Puts a repo into a project; for one that is in it already, "
    "changes the overrides that are given.",
    errors=(NotFound, NotARepository, RevisionMismatch),
    example=Example(
        params={"projectId": examples.PROJECT_ID, "path": "/r/shop", "setupScript": "npm ci"},
        result={
            "project": examples.PROJECT,
            "member": {"repo": examples.REPO, "overrides": examples.PROJECT_REPO},
        },
    ),
    mutating=True,
)
REMOVE_REPO = Request(
    method="branchwork/project/removeRepo",
    params=ProjectRemoveRepoParams,
    result=ProjectResult,
    doc="Takes a repo out of a project; the repo and its workspaces stay.",
    errors=(NotFound,),
    example=Example(
        params={"projectId": examples.PROJECT_ID, "repoId": examples.REPO_ID},
        result={"project": {**examples.PROJECT, "repoIds": []}},
    ),
    mutating=True,
)
