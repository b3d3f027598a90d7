"""The seam between services and every kind of agent: what a run needs to know and nothing else.

Nothing here does IO: records of the journal go in, entries and messages to send come out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from branchwork.domain.approval import ApprovalOption
from branchwork.domain.entry import Entry, PermissionOutcome
from branchwork.domain.execution_process import ExecutionStatus
from branchwork.execution.journal import Record


@dataclass(frozen=True, slots=True)
class Added:
    """A new entry stands at `index`, always the next free one."""

    index: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Changed:
    """The entry at `index` is now this one."""

    index: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Appended:
    """The text of the entry at `index` grew by `text`; of a tool call, its `output` did."""

    index: int
    text: str


Delta = Added | Changed | Appended


class Policy(StrEnum):
    """How much an agent may do without asking; what its mode for that is says agents.json."""

    ASK = "ask"
    EDIT = "edit"
    PLAN = "plan"
    BYPASS = "bypass"


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One prompt and how it is to be run. `mode` is the agent's own id for the policy.

    `agent_session_id` is the session to go on with. `mcp_servers` are ACP's objects; their values
    of `env` and `headers` are secrets and never reach the journal. Nobody waits longer than
    `start_seconds` for a silent agent before its prompt (None: for ever, while it is downloaded),
    nor longer than `cancel_seconds` for its answer to a cancel.
    """

    prompt: str
    cwd: str
    blocks: tuple[Mapping[str, Any], ...] = ()
    agent_session_id: str | None = None
    mode: str | None = None
    policy: Policy = Policy.ASK
    mcp_servers: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)
    quiet_seconds: float = 0.0
    start_seconds: float | None = 180.0
    cancel_seconds: float = 10.0
    login_hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What people decided so far: per request the chosen option, None for cancelled.

    `cancel`: a person stopped the run. `close`: the turn is over, say goodbye.
    """

    decisions: Mapping[str, str | None] = field(default_factory=dict)
    cancel: bool = False
    close: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message to write: sent once if its id is not journaled yet. `shown` is for the journal."""

    message_id: str
    frame: bytes = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How the process ended: a code or a signal; both None when nobody knows."""

    code: int | None = None
    signal: int | None = None

    @property
    def words(self) -> str:
        """For a sentence."""
        if self.signal is not None:
            return f"signal {self.signal}"
        return "an unknown exit code" if self.code is None else f"exit code {self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the turn ended: `reason` is a word for programs, `sentence` is for a person.

    `holds_queue`: queued prompts wait for a person although the run is Completed.
    """

    status: ExecutionStatus
    reason: str
    sentence: str
    holds_queue: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A permission that the agent asks for; `outcome` is None while it waits."""

    request_id: str
    seq: int
    t: int
    tool_call_id: str | None
    sentence: str
    options: tuple[ApprovalOption, ...]
    outcome: PermissionOutcome | None = None
    option_id: str | None = None


class AgentFold(Protocol):
    """What a journal says so far. The same records give the same fold, however they arrive."""

    def apply(self, record: Record) -> list[Delta]:
        """The next record, parts joined; what it adds or changes."""
        ...

    @property
    def entries(self) -> Sequence[Entry]: ...

    @property
    def last_seq(self) -> int: ...

    @property
    def last_activity_t(self) -> int:
        """When the agent was last heard of, in journal time."""
        ...

    @property
    def requests(self) -> Sequence[Request]:
        """Every permission that was asked for, in order."""
        ...

    @property
    def agent_session_id(self) -> str | None: ...

    @property
    def summary(self) -> str:
        """The agent's last word, for the turn and for a commit message."""
        ...

    @property
    def stop_reason(self) -> str | None: ...

    @property
    def usage(self) -> Mapping[str, Any]: ...


class Agent(Protocol):
    """One way of talking to an agent."""

    def fold(self) -> AgentFold: ...

    def next_messages(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> list[Outgoing]:
        """What is to be sent now and was not journaled yet."""
        ...

    def input_ends(self, fold: AgentFold, turn: Turn, inputs: Inputs) -> bool:
        """Nothing more will be sent: the agent's standard input can be closed."""
        ...

    def outcome(
        self,
        fold: AgentFold,
        turn: Turn,
        inputs: Inputs,
        *,
        now_ms: int,
        exited: Exit | None = None,
    ) -> Ended | None:
        """How the turn ended, or None while it goes on; `exited` once its process is gone."""
        ...
