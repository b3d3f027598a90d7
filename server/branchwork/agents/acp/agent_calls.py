"""Requests of the agent to us: permissions, and everything that we have to refuse.

Each gets a key of its own that stays the same however often the journal is read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from branchwork.agents.acp import content, wire
from branchwork.agents.acp.question import question
from branchwork.agents.acp.tool_calls import ToolCalls
from branchwork.agents.agent import Delta, Request
from branchwork.agents.entry_list import EntryList
from branchwork.domain.approval import ApprovalOption
from branchwork.domain.entry import PermissionOutcome, PermissionRequest

PERMISSION = "session/request_permission"


@dataclass(slots=True)
class AgentCall:
    """One request; `request` is set where it asks for a permission."""

    key: str
    call: wire.Call
    answered: bool = False
    request: Request | None = None
    index: int = -1


class AgentCalls:
    """All requests of the agent in order."""

    def __init__(self, entries: EntryList, tool_calls: ToolCalls) -> None:
        self._entries = entries
        self._tool_calls = tool_calls
        self._calls: list[AgentCall] = []
        self._uses: dict[str, int] = {}
        self._open: dict[str, list[AgentCall]] = {}
        self.cwd: str | None = None

    @property
    def requests(self) -> list[Request]:
        """Every permission that was asked for."""
        return [call.request for call in self._calls if call.request is not None]

    @property
    def unanswered(self) -> list[AgentCall]:
        """What waits for a reply of ours."""
        return [call for call in self._calls if not call.answered]

    def asked(self, call: wire.Call, seq: int, t: int) -> list[Delta]:
        """A new request."""
        id_key = wire.key(call.id)
        use = self._uses[id_key] = self._uses.get(id_key, 0) + 1
        # An id may come again after its first use was answered: another request, another key.
        agent_call = AgentCall(key=id_key if use == 1 else f"{id_key}~{use}", call=call)
        self._calls.append(agent_call)
        self._open.setdefault(id_key, []).append(agent_call)
        return self._permission(agent_call, seq, t) if call.method == PERMISSION else []

    def _permission(self, agent_call: AgentCall, seq: int, t: int) -> list[Delta]:
        params = agent_call.call.params
        tool_call = wire.mapping(params.get("toolCall"))
        tool_call_id = wire.text(tool_call.get("toolCallId"))
        deltas = self._tool_calls.upsert(tool_call, seq, t)
        request = Request(
            request_id=agent_call.key,
            seq=seq,
            t=t,
            tool_call_id=tool_call_id,
            sentence=question(self._tool_calls.find(tool_call_id), self.cwd),
            options=content.options(params.get("options")),
        )
        agent_call.request, agent_call.index = request, len(self._entries)
        return deltas + self._entries.add(lambda index: _entry(index, request))

    def answered(self, reply: wire.Reply) -> list[Delta]:
        """A reply that we wrote."""
        waiting = self._open.get(wire.key(reply.id))
        if not waiting:
            return []
        agent_call = waiting.pop(0)
        agent_call.answered = True
        if agent_call.request is None:
            return []
        outcome = wire.mapping(wire.mapping(reply.result).get("outcome"))
        option_id = wire.text(outcome.get("optionId"))
        if outcome.get("outcome") == "selected" and option_id is not None:
            return self._decide(agent_call, PermissionOutcome.SELECTED, option_id)
        if agent_call.request.outcome is PermissionOutcome.WITHDRAWN:
            return []
        return self._decide(agent_call, PermissionOutcome.CANCELLED, None)

    def withdrawn(self, params: Mapping[str, object]) -> list[Delta]:
        """The agent does not need the answer any more (it still gets one)."""
        id_ = params.get("requestId")
        if not isinstance(id_, (int, str)) or isinstance(id_, bool):
            return []
        deltas: list[Delta] = []
        for agent_call in self._open.get(wire.key(id_), ()):
            if agent_call.request is not None and agent_call.request.outcome is None:
                deltas += self._decide(agent_call, PermissionOutcome.WITHDRAWN, None)
        return deltas

    def _decide(
        self, agent_call: AgentCall, outcome: PermissionOutcome, option_id: str | None
    ) -> list[Delta]:
        request = agent_call.request
        assert request is not None
        request = agent_call.request = replace(request, outcome=outcome, option_id=option_id)
        deltas = self._entries.change(agent_call.index, _entry(agent_call.index, request))
        if _denies(request.options, option_id):
            deltas += self._tool_calls.refuse(request.tool_call_id)
        return deltas


def _denies(options: tuple[ApprovalOption, ...], option_id: str | None) -> bool:
    """No option was chosen, or one that rejects."""
    if option_id is None:
        return True
    return any(option.id == option_id and option.kind.startswith("reject") for option in options)


def _entry(index: int, request: Request) -> PermissionRequest:
    return PermissionRequest(
        index=index,
        seq=request.seq,
        t=request.t,
        request_id=request.request_id,
        tool_call_id=request.tool_call_id,
        sentence=request.sentence,
        options=request.options,
        outcome=request.outcome,
        option_id=request.option_id,
    )
