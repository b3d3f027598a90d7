"""The fold: what the journal of one execution of an ACP agent says, record by record.

Pure and deterministic; whatever the bytes are, no exception. What has to be sent next is decided
by `driver`, how the turn ended by `outcome`; both only read what stands here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from branchwork.agents.acp import content, faults, wire
from branchwork.agents.acp.agent_calls import AgentCall, AgentCalls
from branchwork.agents.acp.session import Calls, Sent, Session
from branchwork.agents.acp.tool_calls import ToolCalls
from branchwork.agents.acp.updates import At, Updates
from branchwork.agents.agent import Delta, Request
from branchwork.agents.entry_list import EntryList
from branchwork.agents.process_notes import ProcessNotes
from branchwork.domain import entry
from branchwork.domain.entry import Entry, SessionStart
from branchwork.execution.journal import Record

STARTS = {
    "session/new": SessionStart.NEW,
    "session/load": SessionStart.LOADED,
    "session/resume": SessionStart.RESUMED,
}
HANDSHAKE_AND_TURN = frozenset({"initialize", "session", "mode", "prompt"})
RESTART_ID = "session:new"
"""The message id of a session/new that stands in for a session that could not be gone on with."""


class Fold:
    """Feed it every record in order; ask it at any time."""

    def __init__(self) -> None:
        self._entries = EntryList()
        self._notes = ProcessNotes(self._entries)
        self._tool_calls = ToolCalls(self._entries)
        self._asked = AgentCalls(self._entries, self._tool_calls)
        self.session = Session()
        self._updates = Updates(self._entries, self._tool_calls, self.session)
        self.calls = Calls()
        self.message_ids: set[str] = set()
        self.last_seq = 0
        self.last_activity_t = 0
        self.cancelled_t: int | None = None
        self._turn_usage: dict[str, int | float] = {}

    def apply(self, record: Record) -> list[Delta]:
        """What this record adds. A record that was seen before adds nothing."""
        if not self._notes.is_new(record):
            return []
        self.last_seq = max(self.last_seq, record.seq)
        at = At(record.seq, record.t)
        match record.stream:
            case "o":
                self.last_activity_t = max(self.last_activity_t, record.t)
                return self._read(wire.read(record.data), at)
            case "e":
                return self._notes.stderr(record)
            case "i":
                return self._wrote(record, at)
            case "x":
                return self._notes.event(record)

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries.entries

    @property
    def requests(self) -> list[Request]:
        return self._asked.requests

    @property
    def unanswered(self) -> list[AgentCall]:
        """Requests of the agent that wait for a reply of ours."""
        return self._asked.unanswered

    @property
    def open_tool_calls(self) -> list[str]:
        return self._tool_calls.open

    @property
    def agent_session_id(self) -> str | None:
        return self.session.id

    @property
    def summary(self) -> str:
        return self._updates.summary

    @property
    def stop_reason(self) -> str | None:
        prompt = self.calls.newest("prompt")
        return None if prompt is None else wire.text(prompt.result.get("stopReason"))

    @property
    def usage(self) -> Mapping[str, Any]:
        """Tokens of the turn by the agent's own names, and the state of context and cost."""
        state = self._updates.usage
        if state is None:
            return dict(self._turn_usage)
        names = ("used", "size", "cost", "currency")
        known = {name: getattr(state, name) for name in names}
        return {**self._turn_usage, **{k: v for k, v in known.items() if v is not None}}

    @property
    def stderr_tail(self) -> str:
        """The last lines of standard error, for a sentence about an agent that died."""
        return self._notes.stderr_tail

    @property
    def garbage(self) -> str:
        """The first line of standard output that was no message."""
        return self._notes.garbage

    @property
    def start_failure(self) -> str:
        """Why the process could not be started, as the shim says it."""
        return self._notes.start_failure

    @property
    def limit(self) -> str:
        """That it was ended because it printed too much, as the shim says it."""
        return self._notes.limit

    @property
    def auth_methods(self) -> list[Mapping[str, Any]]:
        """The ways to log in that the agent offers."""
        initialize = self.calls.newest("initialize")
        return [] if initialize is None else wire.objects(initialize.result.get("authMethods"))

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """What the agent says it can do."""
        initialize = self.calls.newest("initialize")
        said = None if initialize is None else initialize.result.get("agentCapabilities")
        return wire.mapping(said)

    def can(self, session_capability: str) -> bool:
        """Whether the agent offers one of `sessionCapabilities`."""
        offered = wire.mapping(self.capabilities.get("sessionCapabilities"))
        return isinstance(offered.get(session_capability), dict)

    def _read(self, message: wire.Message, at: At) -> list[Delta]:
        match message:
            case wire.Garbage():
                return self._notes.unreadable(message.text, at.seq, at.t)
            case wire.Reply():
                return self._replied(message, at)
            case wire.Call():
                deltas = self._asked.asked(message, at.seq, at.t)
                if deltas:
                    self._updates.interrupt()
                return deltas
            case wire.Notification(method="session/update"):
                update = wire.mapping(message.params.get("update"))
                return self._updates.take(update, at, replayed=self._replaying)
            case wire.Notification(method="$/cancel_request"):
                return self._asked.withdrawn(message.params)
            case _:
                # Vendors' own notifications: the raw log shows them.
                return []

    @property
    def _replaying(self) -> bool:
        """A loaded session repeats its history before our prompt: it is not told again."""
        loading = bool(self.calls.attempts) and self.calls.attempts[-1].call.method == (
            "session/load"
        )
        return loading and self.calls.newest("prompt") is None

    def _wrote(self, record: Record, at: At) -> list[Delta]:
        if record.message_id is not None:
            self.message_ids.add(record.message_id)
        message = wire.read(record.data)
        match message:
            case wire.Call():
                sent = self.calls.sent(message, at.seq, at.t, record.message_id)
                self._asked.cwd = wire.text(message.params.get("cwd")) or self._asked.cwd
                return self._updates.prompted(_prompt(sent), at) if sent.role == "prompt" else []
            case wire.Notification(method="session/cancel"):
                self.cancelled_t = at.t
                return []
            case wire.Reply():
                return self._asked.answered(message)
        return []

    def _replied(self, reply: wire.Reply, at: At) -> list[Delta]:
        sent = self.calls.replied(reply, at.seq, at.t)
        if sent is None:
            return []
        if sent.fault is not None:
            return self._failed(sent, sent.fault, at)
        match sent.role:
            case "session":
                return self._session_began(sent, at)
            case "mode":
                deltas = self._updates.options_are(sent.result.get("configOptions"), at)
                return deltas + self._updates.mode_is(self._mode_set_by(sent.call), at)
            case "prompt":
                return self._stopped(sent, at)
        return []

    def _mode_set_by(self, call: wire.Call) -> str | None:
        """The mode that a request set; config options may be about something else."""
        if call.method == "session/set_mode":
            return wire.text(call.params.get("modeId"))
        is_mode = call.params.get("configId") == self.session.mode_option
        return wire.text(call.params.get("value")) if is_mode else None

    def _failed(self, sent: Sent, fault: wire.Fault, at: At) -> list[Delta]:
        reason = faults.reason(fault)
        tries_again = sent.call.method in ("session/load", "session/resume")
        if sent.role not in HANDSHAKE_AND_TURN or (tries_again and reason != "needsLogin"):
            return []
        return self._entries.add(
            lambda index: entry.Error(
                index=index,
                seq=at.seq,
                t=at.t,
                reason=reason,
                sentence=f"The agent answered {sent.call.method} with an error: {fault.text}",
                code=wire.whole(fault.code),
            )
        )

    def _session_began(self, sent: Sent, at: At) -> list[Delta]:
        session_id = wire.text(sent.result.get("sessionId"))
        asked_for = wire.text(sent.call.params.get("sessionId"))
        self.session.id = session_id or asked_for
        self.session.read(sent.result)
        if self.session.id is None:
            return []
        lost = sent.message_id == RESTART_ID
        start = SessionStart.RESTARTED if lost else STARTS[sent.call.method]
        made = entry.SessionBoundary(
            index=len(self._entries),
            seq=at.seq,
            t=at.t,
            agent_session_id=self.session.id,
            start=start,
            sentence=self._lost_sentence() if lost else "",
        )
        return self._entries.add(lambda _: made)

    def _lost_sentence(self) -> str:
        said = next((a.fault.text for a in self.calls.attempts if a.fault is not None), "")
        why = f" ({said})" if said else ""
        return (
            f"The agent could not go on with its earlier session{why}: "
            "this one starts without its history."
        )

    def _stopped(self, sent: Sent, at: At) -> list[Delta]:
        self._updates.interrupt()
        self._turn_usage = _tokens(sent.result)
        reason = content.title(sent.result.get("stopReason")) or "unknown"
        usage = dict(self._turn_usage)
        return self._entries.add(
            lambda index: entry.Stop(
                index=index, seq=at.seq, t=at.t, stop_reason=reason, usage=usage
            )
        )


def _prompt(sent: Sent) -> str:
    blocks = wire.objects(sent.call.params.get("prompt"))
    return "\n".join(map(content.block_text, blocks))


def _tokens(result: Mapping[str, Any]) -> dict[str, int | float]:
    """The numbers of the turn's usage, from where the agent puts them."""
    quota = wire.mapping(wire.mapping(result.get("_meta")).get("quota"))
    said = wire.mapping(result.get("usage")) or wire.mapping(quota.get("token_count"))
    found = {name: wire.number(value) for name, value in said.items()}
    return {name: value for name, value in found.items() if value is not None}
