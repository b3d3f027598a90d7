"""branchwork/changes/*: everything that changes, in order."""

from typing import Any, Literal

from branchwork.domain.change import Operation
from branchwork.protocol import examples
from branchwork.protocol.attention import AttentionItem
from branchwork.protocol.executions import ExecutionProcess
from branchwork.protocol.method import Example, Notification, Request
from branchwork.protocol.projects import Project
from branchwork.protocol.repos import Repo
from branchwork.protocol.struct import Limit, Reading, Struct
from branchwork.protocol.tasks import Task
from branchwork.protocol.workspaces import Workspace


class Change(Struct, frozen=True, kw_only=True):
    """One change of one entity."""

    entity: str
    """project, projectRepo, repo, task, workspace, workspaceRepo, session, execution, turn,
    approval, merge or queuedPrompt."""
    id: str
    """Of a projectRepo, its two ids with a slash between."""
    op: Operation
    revision: int | None
    """null where it is deleted."""
    project_id: str | None = None
    value: Any = None
    """The entity as lists have it, as it is now; left out where it is gone by now."""


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that a board shows."""

    projects: list[Project]
    repos: list[Repo]
    tasks: list[Task]
    workspaces: list[Workspace]
    """Those that are not archived."""
    executions: list[ExecutionProcess]
    """Those that run."""
    attention: list[AttentionItem]


class ChangesSubscribeParams(Struct, frozen=True, kw_only=True):
    """Which projects to hear of."""

    projects: Literal["all"] | list[str]
    """All, or the ids of those to hear of; an empty list ends it."""


class ChangesSubscribeResult(Reading, frozen=True, kw_only=True):
    """What comes after this reading will be told."""


class ChangesSinceParams(Struct, frozen=True, kw_only=True):
    """The reading after which to begin; without one, a snapshot."""

    epoch: str = ""
    seq: int = 0
    limit: Limit = 1000


class ChangesSinceResult(Reading, frozen=True, kw_only=True):
    """Either `changes` up to `seq`, or a `snapshot` of it."""

    changes: list[Change] | None = None
    more: bool | None = None
    """There are more: ask again with this `seq`."""
    snapshot: Snapshot | None = None


class ChangedParams(Reading, frozen=True, kw_only=True):
    """Changes up to `seq`."""

    changes: list[Change]
    gap: bool | None = None
    """This connection read too slowly and missed some: ask `changes/since`."""


class ReconnectedParams(Struct, frozen=True, kw_only=True):
    """No parameters."""


SUBSCRIBE = Request(
    method="branchwork/changes/subscribe",
    params=ChangesSubscribeParams,
    result=ChangesSubscribeResult,
    doc="Says which projects this connection wants to hear of by `branchwork/changed`, "
    "in place of what it said at `initialize`.",
    example=Example(params={"projects": "all"}, result=examples.READING),
)
SINCE = Request(
    method="branchwork/changes/since",
    params=ChangesSinceParams,
    result=ChangesSinceResult,
    doc="What changed after a reading; a snapshot where that is too long ago or of another epoch.",
    example=Example(
        params={"epoch": "e1", "seq": 812},
        result={**examples.READING, "changes": [examples.CHANGE]},
    ),
)
CHANGED = Notification(
    method="branchwork/changed",
    params=ChangedParams,
    doc="What was changed, in order, at most 20 times a second.",
    example={**examples.READING, "changes": [examples.CHANGE]},
)
RECONNECTED = Notification(
    method="branchwork/reconnected",
    params=ReconnectedParams,
    doc="Another daemon answers now; requests under way were answered with DaemonLost. "
    "Ask `changes/since`, subscribe again, and open follow-streams again.",
    example={},
)
