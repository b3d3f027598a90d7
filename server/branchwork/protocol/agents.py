"""branchwork/agent/*: which coding agents there are."""

from branchwork.protocol import examples
from branchwork.protocol.method import Example, Request
from branchwork.protocol.starts import AgentMode
from branchwork.protocol.struct import Struct


class Agent(Struct, frozen=True, kw_only=True):
    """A coding agent that can be started; `executor` is how other methods name it."""

    id: str
    """Its id in the ACP registry."""
    executor: str
    name: str
    description: str | None = None
    version: str | None = None
    available: bool
    """It can be started here, if need be by a download."""
    installed: bool
    logged_in: bool | None
    """null: nobody knows before it is started."""
    problem: str | None = None
    """Why it is not available, and what to do."""
    modes: list[AgentMode]
    can_resume: bool
    is_default: bool
    """The one that a start without `executor` takes now."""


class AgentListParams(Struct, frozen=True, kw_only=True):
    """All agents."""

    project_id: str | None = None
    """Whose default to tell."""


class AgentListResult(Struct, frozen=True, kw_only=True):
    """Those that can be started first."""

    agents: list[Agent]


LIST = Request(
    method="branchwork/agent/list",
    params=AgentListParams,
    result=AgentListResult,
    doc="The agents that are known, those that can be started first. "
    "What is installed is looked up in this connection's environment.",
    example=Example(result={"agents": [examples.AGENT]}),
)
