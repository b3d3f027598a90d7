"""What is known of the agent's session: its id, its modes, how far the handshake got.

Facts only, read off our requests and their replies; entries are made elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from branchwork.agents.acp import content, wire

ROLES = {
    "initialize": "initialize",
    "session/new": "session",
    "session/load": "session",
    "session/resume": "session",
    "session/set_mode": "mode",
    "session/set_config_option": "mode",
    "session/prompt": "prompt",
    "session/close": "close",
}


@dataclass(slots=True)
class Sent:
    """One request of ours and, when it has come, the reply."""

    call: wire.Call
    seq: int
    t: int
    message_id: str | None
    reply: wire.Reply | None = None
    reply_seq: int = 0
    reply_t: int = 0

    @property
    def role(self) -> str:
        return ROLES.get(self.call.method, self.call.method)

    @property
    def fault(self) -> wire.Fault | None:
        return None if self.reply is None else self.reply.fault

    @property
    def result(self) -> Mapping[str, Any]:
        return wire.mapping(None if self.reply is None else self.reply.result)


class Calls:
    """Our requests in the order of the journal, and the newest of each role."""

    def __init__(self) -> None:
        self._by_id: dict[int, Sent] = {}
        self._newest: dict[str, Sent] = {}
        self.attempts: list[Sent] = []
        self.next_id = 0

    def sent(self, call: wire.Call, seq: int, t: int, message_id: str | None) -> Sent:
        """A request that we wrote."""
        sent = Sent(call=call, seq=seq, t=t, message_id=message_id)
        if isinstance(call.id, int):
            self._by_id[call.id] = sent
            self.next_id = max(self.next_id, call.id + 1)
        self._newest[sent.role] = sent
        if sent.role == "session":
            self.attempts.append(sent)
        return sent

    def replied(self, reply: wire.Reply, seq: int, t: int) -> Sent | None:
        """The request that this answers; None when there is none that waits for it."""
        sent = self._by_id.get(reply.id) if isinstance(reply.id, int) else None
        if sent is None or sent.reply is not None:
            return None
        sent.reply, sent.reply_seq, sent.reply_t = reply, seq, t
        return sent

    def newest(self, role: str) -> Sent | None:
        """The newest request of a role."""
        return self._newest.get(role)

    @property
    def unanswered(self) -> Sent | None:
        """The oldest request that still waits for its reply."""
        return next((sent for sent in self._by_id.values() if sent.reply is None), None)


@dataclass(slots=True)
class Session:
    """`mode_option` is the config option that stands for the mode where an agent has no modes."""

    id: str | None = None
    modes: dict[str, str] = field(default_factory=dict)
    mode_option: str | None = None
    option_modes: dict[str, str] = field(default_factory=dict)
    current_mode: str | None = None
    title: str | None = None
    loaded: bool = False

    def read(self, result: Mapping[str, Any]) -> None:
        """What the reply to new, load or resume tells of modes."""
        modes = wire.mapping(result.get("modes"))
        for mode in wire.objects(modes.get("availableModes")):
            if isinstance(mode.get("id"), str):
                self.modes[mode["id"]] = content.title(mode.get("name")) or mode["id"]
        self.read_options(result.get("configOptions"))
        self.current_mode = wire.text(modes.get("currentModeId")) or self.current_mode

    def read_options(self, options: Any) -> None:
        """What config options tell of modes."""
        for option in wire.objects(options):
            if option.get("category") == "mode" and isinstance(option.get("id"), str):
                self.mode_option = option["id"]
                self.option_modes = _choices(option.get("options"))
                self.current_mode = wire.text(option.get("currentValue")) or self.current_mode

    def mode_name(self, mode_id: str) -> str:
        """The mode as a person knows it."""
        return self.modes.get(mode_id) or self.option_modes.get(mode_id) or mode_id

    @property
    def mode_ids(self) -> list[str]:
        """Every mode that can be set."""
        return list(dict.fromkeys([*self.modes, *self.option_modes]))


def _choices(options: Any) -> dict[str, str]:
    """The values of a select; they may stand in groups."""
    found: dict[str, str] = {}
    for option in wire.objects(options):
        if isinstance(option.get("value"), str):
            found[option["value"]] = content.title(option.get("name")) or option["value"]
        else:
            for inner in wire.objects(option.get("options")):
                if isinstance(inner.get("value"), str):
                    found[inner["value"]] = content.title(inner.get("name")) or inner["value"]
    return found
