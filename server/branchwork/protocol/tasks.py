"""branchwork/task/*: the cards on the board. `task/createAndStart` is in starts.py."""

from msgspec import UNSET, UnsetType

from branchwork.domain.errors import (
    Conflict,
    IllegalTransition,
    NotFound,
    RevisionMismatch,
)
from branchwork.domain.task import TaskStatus
from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.positions import Diagnostic, Range
from branchwork.protocol.struct import Current, ListParams, Page, Reading, Struct
from branchwork.protocol.workspaces import Workspace


class Task(Struct, frozen=True, kw_only=True):
    """A card on the board."""

    id: str
    project_id: str
    title: str
    has_description: bool
    status: TaskStatus
    parent_workspace_id: str | None
    """Makes it a subtask of that attempt at another task."""
    created_at: str
    updated_at: str
    revision: int
    running: bool
    needs_you: bool
    workspace_count: int
    description: str | None = None
    """Markdown; left out in lists."""


class TaskListParams(ListParams, frozen=True, kw_only=True):
    """Of one project or all."""

    project_id: str | None = None
    statuses: list[TaskStatus] | None = None


class TaskListResult(Page, frozen=True, kw_only=True):
    """The newest first."""

    tasks: list[Task]
    current: Current | None = None


class TaskGetParams(Struct, frozen=True, kw_only=True):
    """Which task."""

    task_id: str


class TaskGetResult(Reading, frozen=True, kw_only=True):
    """A task and its attempts."""

    task: Task
    workspaces: list[Workspace]


class TaskCreateParams(Struct, frozen=True, kw_only=True):
    """Either `projectId` and `title`, or `uri` with what a code action knows.

    From a `uri` the repository and a project for it are registered if need be, and title and
    description are made from `todo`, else `diagnostic`, else the selection. With a `title` it may
    be the `uri` of a folder, too.
    """

    project_id: str | None = None
    title: str | None = None
    description: str | None = None
    status: TaskStatus = TaskStatus.TODO
    parent_workspace_id: str | None = None
    uri: str | None = None
    range: Range | None = None
    selection: str | None = None
    """The selected text; without it, it is read from `uri` and `range`."""
    language_id: str | None = None
    diagnostic: Diagnostic | None = None
    todo: str | None = None
    """The text of a TODO comment."""


class TaskCreateResult(Struct, frozen=True, kw_only=True):
    """The new task."""

    task: Task
    notes: list[str]
    """Sentences for the person, such as that a project was made."""


class TaskUpdateParams(Struct, frozen=True, kw_only=True):
    """The fields to change."""

    task_id: str | None = None
    expected_revision: int | None = None
    title: str | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    status: TaskStatus | UnsetType = UNSET
    parent_workspace_id: str | UnsetType | None = UNSET


class TaskResult(Struct, frozen=True, kw_only=True):
    """The task as it is now."""

    task: Task


class TaskDeleteParams(Struct, frozen=True, kw_only=True):
    """Which task."""

    task_id: str
    expected_revision: int | None = None
    stop_running: bool = False
    """End what runs first; without it a task with something running is not deleted."""


class TaskDeleteResult(Struct, frozen=True, kw_only=True):
    """What went, and the branches that stay in the repositories."""

    workspace_ids: list[str]
    kept_branches: list[str]


class TaskChildrenParams(ListParams, frozen=True, kw_only=True):
    """The subtasks of all attempts at a task, or of one workspace."""

    task_id: str | None = None
    workspace_id: str | None = None


class TaskChildrenResult(Page, frozen=True, kw_only=True):
    """The newest first."""

    tasks: list[Task]


class TaskSearchParams(ListParams, frozen=True, kw_only=True):
    """The words to look for."""

    query: str
    project_id: str | None = None


class TaskMatch(Struct, frozen=True, kw_only=True):
    """A task that was found."""

    task: Task
    excerpt: str | None = None
    """The place in the description."""


class TaskSearchResult(Page, frozen=True, kw_only=True):
    """The best match first."""

    matches: list[TaskMatch]


LIST = Request(
    method="branchwork/task/list",
    params=TaskListParams,
    result=TaskListResult,
    doc="The tasks of a project, or of all, the newest first, "
    "and the one that this connection's folders belong to.",
    errors=(NotFound,),
    example=Example(
        params={"projectId": examples.PROJECT_ID, "statuses": ["Todo", "InProgress"]},
        result={**examples.READING, "tasks": [examples.TASK], "nextCursor": "MTIz"},
    ),
)
GET = Request(
    method="branchwork/task/get",
    params=TaskGetParams,
    result=TaskGetResult,
    doc="One task with its description and its workspaces, the newest first.",
    errors=(NotFound,),
    example=Example(
        params={"taskId": examples.TASK_ID},
        result={
            **examples.READING,
            "task": examples.TASK_WITH_DESCRIPTION,
            "workspaces": [examples.WORKSPACE],
        },
    ),
)
CREATE = Request(
    method="branchwork/task/create",
    params=TaskCreateParams,
    result=TaskCreateResult,
    doc="Makes a task: from a title in a project, "
    "or from a selection, a diagnostic or a TODO in a file.",
    errors=(NotFound,),
    example=Example(
        params={
            "uri": "file:///r/shop/src/cart.py",
            "range": examples.RANGE,
            "selection": "return items[0]",
            "languageId": "python",
        },
        result={"task": examples.NEW_TASK, "notes": ['Made the project "shop".']},
    ),
    mutating=True,
    bare="Makes an untitled task in the current project and opens it as a document to fill in.",
)
UPDATE = Request(
    method="branchwork/task/update",
    params=TaskUpdateParams,
    result=TaskResult,
    doc="Changes the fields that are given and leaves the others as they are. "
    "Cancelling a task stops its processes.",
    errors=(NotFound, IllegalTransition, RevisionMismatch),
    example=Example(
        params={"taskId": examples.TASK_ID, "expectedRevision": 3, "status": "Done"},
        result={"task": {**examples.TASK_WITH_DESCRIPTION, "status": "Done", "revision": 4}},
    ),
    mutating=True,
    bare="Opens the current task as a document, else the board.",
)
DELETE = Request(
    method="branchwork/task/delete",
    params=TaskDeleteParams,
    result=TaskDeleteResult,
    doc="Deletes a task with its workspaces. "
    "What the worktrees held is kept as snapshots, and the branches stay.",
    errors=(NotFound, Conflict, RevisionMismatch),
    example=Example(
        params={"taskId": examples.TASK_ID},
        result={
            "workspaceIds": [examples.WORKSPACE_ID],
            "keptBranches": [examples.BRANCH],
        },
    ),
    mutating=True,
)
CHILDREN = Request(
    method="branchwork/task/children",
    params=TaskChildrenParams,
    result=TaskChildrenResult,
    doc="The subtasks of a task or of one of its workspaces, the newest first.",
    errors=(NotFound,),
    example=Example(
        params={"taskId": examples.TASK_ID},
        result={**examples.READING, "tasks": []},
    ),
)
SEARCH = Request(
    method="branchwork/task/search",
    params=TaskSearchParams,
    result=TaskSearchResult,
    doc="Tasks whose title or description has the words, the best match first.",
    errors=(NotFound,),
    example=Example(
        params={"query": "empty input"},
        result={**examples.READING, "matches": [{"task": examples.TASK}]},
    ),
)
