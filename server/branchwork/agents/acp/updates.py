"""`session/update` notifications as entries. A kind that nobody here knows is kept and shown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from branchwork.agents.acp import content, wire
from branchwork.agents.acp.session import Session
from branchwork.agents.acp.tool_calls import ToolCalls, parent_of
from branchwork.agents.agent import Delta
from branchwork.agents.entry_list import EntryList
from branchwork.domain import entry
from branchwork.domain.entry import Entry, TextEntry

Update = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class At:
    """The record that something came in."""

    seq: int
    t: int


@dataclass(frozen=True, slots=True)
class _Flow:
    """The message that is being written: the next part of the same one goes on in `index`.

    `broken`: something came between that separates messages of agents which don't number them.
    """

    index: int
    make: type[TextEntry]
    message_id: str | None
    parent_id: str | None
    broken: bool = False


class Updates:
    """Entries of one execution that come from updates."""

    def __init__(self, entries: EntryList, tool_calls: ToolCalls, session: Session) -> None:
        self._entries = entries
        self._tool_calls = tool_calls
        self._session = session
        self._flow: _Flow | None = None
        self._prompt = ""
        self._single: dict[str, int] = {}
        self._last_message: int | None = None
        self._numbered = False
        self.usage: entry.Usage | None = None

    @property
    def summary(self) -> str:
        """The last message of the agent itself in this turn."""
        if self._last_message is None:
            return ""
        message = self._entries.get(self._last_message)
        return message.text.strip() if isinstance(message, TextEntry) else ""

    def prompted(self, prompt: str, at: At) -> list[Delta]:
        """Our prompt begins a turn."""
        self._prompt = prompt
        self._last_message = None
        self._numbered = False
        self._single.pop("plan", None)
        self._flow = None
        return self._entries.add(
            lambda index: entry.UserMessage(index=index, seq=at.seq, t=at.t, text=prompt)
        )

    def interrupt(self) -> None:
        """Something else was shown: the next part of a message begins a new one."""
        self._flow = None

    def _break(self) -> None:
        """A model turn may have ended here."""
        if self._flow is not None:
            self._flow = replace(self._flow, broken=True)

    def take(self, update: Update, at: At, *, replayed: bool) -> list[Delta]:
        """One update. Of a replayed history only what describes the session is taken."""
        kind = wire.text(update.get("sessionUpdate")) or ""
        lasting = self._lasting().get(kind)
        if lasting is not None:
            return lasting(update, at)
        if replayed:
            return []
        passing = self._passing().get(kind)
        return self._unknown(kind, update, at) if passing is None else passing(update, at)

    def _lasting(self) -> dict[str, Callable[[Update, At], list[Delta]]]:
        return {
            "available_commands_update": self._commands,
            "current_mode_update": self._mode,
            "config_option_update": self._options,
            "session_info_update": self._info,
            "usage_update": self._usage,
        }

    def _passing(self) -> dict[str, Callable[[Update, At], list[Delta]]]:
        return {
            "user_message_chunk": self._user,
            "agent_message_chunk": self._message,
            "agent_thought_chunk": self._thought,
            "tool_call": self._tool_call,
            "tool_call_update": self._tool_call,
            "plan": self._plan,
            "notice": self._notice,
            "compaction_update": self._compaction,
            "compaction_summary_chunk": self._compaction,
        }

    def _user(self, update: Update, at: At) -> list[Delta]:
        said = content.block_text(wire.mapping(update.get("content")))
        # Agents echo the prompt, whole or in parts.
        return [] if said.strip() in self._prompt else self._say(entry.UserMessage, update, at)

    def _message(self, update: Update, at: At) -> list[Delta]:
        deltas = self._say(entry.AgentMessage, update, at)
        flow = self._flow
        if deltas and flow is not None and flow.parent_id is None:
            # Where messages have ids, those without are the adapter's own warnings.
            if flow.message_id is not None or not self._numbered:
                self._last_message = flow.index
            self._numbered = self._numbered or flow.message_id is not None
        return deltas

    def _thought(self, update: Update, at: At) -> list[Delta]:
        return self._say(entry.Thought, update, at)

    def _say(self, make: type[TextEntry], update: Update, at: At) -> list[Delta]:
        said = content.block_text(wire.mapping(update.get("content")))
        if not said:
            return []
        message_id = wire.text(update.get("messageId"))
        parent_id = parent_of(wire.mapping(update.get("_meta")))
        flow = self._flow
        if flow is not None and _continues(flow, make, message_id, parent_id):
            return self._entries.append(flow.index, said)
        self._flow = _Flow(len(self._entries), make, message_id, parent_id)
        return self._entries.add(
            lambda index: make(
                index=index,
                seq=at.seq,
                t=at.t,
                text=said,
                message_id=message_id,
                parent_id=parent_id,
            )
        )

    def _tool_call(self, update: Update, at: At) -> list[Delta]:
        before = len(self._entries)
        deltas = self._tool_calls.upsert(update, at.seq, at.t)
        if len(self._entries) > before:
            self.interrupt()
        self._break()
        if not deltas and wire.text(update.get("toolCallId")) is None:
            return self._unknown("tool_call", update, at)
        return deltas

    def _plan(self, update: Update, at: At) -> list[Delta]:
        items = content.plan_items(update.get("entries"))
        return self._one("plan", entry.Plan(index=0, seq=at.seq, t=at.t, items=items))

    def _commands(self, update: Update, at: At) -> list[Delta]:
        commands = content.commands(update.get("availableCommands"))
        made = entry.AvailableCommands(index=0, seq=at.seq, t=at.t, commands=commands)
        return self._one("commands", made)

    def _usage(self, update: Update, at: At) -> list[Delta]:
        self._break()
        old = self.usage or entry.Usage(index=0, seq=at.seq, t=at.t)
        cost = wire.mapping(update.get("cost"))
        amount = wire.number(cost.get("amount"))
        used, size = wire.whole(update.get("used")), wire.whole(update.get("size"))
        self.usage = replace(
            old,
            used=old.used if used is None else used,
            size=old.size if size is None else size,
            cost=old.cost if amount is None else float(amount),
            currency=wire.text(cost.get("currency")) or old.currency,
        )
        return self._one("usage", self.usage)

    def _mode(self, update: Update, at: At) -> list[Delta]:
        return self.mode_is(wire.text(update.get("currentModeId")), at)

    def _options(self, update: Update, at: At) -> list[Delta]:
        return self.options_are(update.get("configOptions"), at)

    def options_are(self, options: Any, at: At) -> list[Delta]:
        """The config options as they are now; one of them may be the mode."""
        before = self._session.current_mode
        self._session.read_options(options)
        now, self._session.current_mode = self._session.current_mode, before
        return self.mode_is(now, at)

    def mode_is(self, mode_id: str | None, at: At) -> list[Delta]:
        """The mode that the agent is in from now on; an entry only when it is another one."""
        if mode_id is None or mode_id == self._session.current_mode:
            return []
        self._session.current_mode = mode_id
        name = self._session.mode_name(mode_id)
        return self._entries.add(
            lambda index: entry.ModeChange(
                index=index, seq=at.seq, t=at.t, mode_id=mode_id, name=name
            )
        )

    def _info(self, update: Update, _at: At) -> list[Delta]:
        self._session.title = content.title(update.get("title")) or self._session.title
        return []

    def _notice(self, update: Update, at: At) -> list[Delta]:
        return self._entries.add(
            lambda index: entry.Notice(
                index=index,
                seq=at.seq,
                t=at.t,
                severity=wire.text(update.get("severity")) or "info",
                title=content.title(update.get("title")) or "",
                description=content.title(update.get("description")) or "",
            )
        )

    def _compaction(self, update: Update, at: At) -> list[Delta]:
        id_ = wire.text(update.get("compactionId")) or ""
        index = self._single.get(f"compaction {id_}")
        old = None if index is None else self._entries.get(index)
        summary = old.summary if isinstance(old, entry.Compaction) else ""
        status = old.status if isinstance(old, entry.Compaction) else "in_progress"
        if isinstance(update.get("summary"), list):
            summary = "".join(map(content.block_text, wire.objects(update["summary"])))
        summary += content.block_text(update["content"]) if _has_content(update) else ""
        made = entry.Compaction(
            index=0,
            seq=at.seq,
            t=at.t,
            compaction_id=id_,
            status=wire.text(update.get("status")) or status,
            summary=content.cut(summary)[0],
        )
        return self._one(f"compaction {id_}", made)

    def _unknown(self, kind: str, update: Update, at: At) -> list[Delta]:
        return self._entries.add(
            lambda index: entry.Unknown(
                index=index,
                seq=at.seq,
                t=at.t,
                name=content.title(kind) or "session/update",
                raw=content.raw(dict(update)) or "",
            )
        )

    def _one(self, name: str, made: Entry) -> list[Delta]:
        """An entry of which there is one, kept up to date in its place."""
        index = self._single.get(name)
        if index is None:
            self._single[name] = len(self._entries)
            return self._entries.add(lambda index: replace(made, index=index))
        old = self._entries.get(index)
        return self._entries.change(index, replace(made, index=index, seq=old.seq, t=old.t))


def _continues(
    flow: _Flow, make: type[TextEntry], message_id: str | None, parent_id: str | None
) -> bool:
    same = (flow.make, flow.parent_id, flow.message_id) == (make, parent_id, message_id)
    return same and (message_id is not None or not flow.broken)


def _has_content(update: Update) -> bool:
    return isinstance(update.get("content"), dict)
