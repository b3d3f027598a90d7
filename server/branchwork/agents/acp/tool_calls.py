"""Tool calls: every mention of one is an upsert, merged field by field (`content` replaces).

`tool_call`, `tool_call_update` and the `toolCall` of a permission request all end here, because
agents differ in which of them comes first and some never send the others.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from branchwork.agents.acp import content, wire
from branchwork.agents.agent import Delta
from branchwork.agents.entry_list import EntryList
from branchwork.domain.entry import ToolCall

OUTPUT_LIMIT = 100_000
OVER = frozenset({"completed", "failed", "cancelled"})


class ToolCalls:
    """The tool calls of an execution by ACP's id."""

    def __init__(self, entries: EntryList) -> None:
        self._entries = entries
        self._indexes: dict[str, int] = {}
        self._statuses: dict[str, str] = {}

    @property
    def open(self) -> list[str]:
        """The ids of those that have not ended."""
        return [id_ for id_, status in self._statuses.items() if status not in OVER]

    def find(self, tool_call_id: str | None) -> ToolCall | None:
        """What is known of it."""
        index = None if tool_call_id is None else self._indexes.get(tool_call_id)
        return None if index is None else self._tool_call(index)

    def upsert(self, update: Mapping[str, Any], seq: int, t: int) -> list[Delta]:
        """What one mention adds or changes; nothing when it names no tool call."""
        tool_call_id = wire.text(update.get("toolCallId"))
        if tool_call_id is None:
            return []
        index = self._indexes.get(tool_call_id)
        deltas: list[Delta] = []
        if index is None:
            index = self._indexes[tool_call_id] = len(self._entries)
            new = _merged(_empty(index, tool_call_id, seq, t), update)
            deltas += self._entries.add(lambda _: new)
        else:
            deltas += self._entries.change(index, _merged(self._tool_call(index), update))
        deltas += self._entries.append(index, _printed(update), OUTPUT_LIMIT)
        self._statuses[tool_call_id] = self._tool_call(index).status
        return deltas

    def refuse(self, tool_call_id: str | None) -> list[Delta]:
        """The permission was denied: some agents never mention the tool call again."""
        index = None if tool_call_id is None else self._indexes.get(tool_call_id)
        if tool_call_id is None or index is None or self._statuses[tool_call_id] in OVER:
            return []
        self._statuses[tool_call_id] = "failed"
        return self._entries.change(index, replace(self._tool_call(index), status="failed"))

    def _tool_call(self, index: int) -> ToolCall:
        entry = self._entries.get(index)
        assert isinstance(entry, ToolCall)
        return entry


def _empty(index: int, tool_call_id: str, seq: int, t: int) -> ToolCall:
    return ToolCall(index=index, seq=seq, t=t, tool_call_id=tool_call_id, title="")


def _merged(old: ToolCall, update: Mapping[str, Any]) -> ToolCall:
    """Fields that are missing or null leave what is known."""
    fields: dict[str, Any] = {
        "title": content.title(update.get("title")),
        "tool_kind": content.title(update.get("kind")),
        "status": content.title(update.get("status")),
        "raw_input": content.raw(update.get("rawInput")),
        "raw_output": content.raw(update.get("rawOutput")),
        "parent_id": _parent(update),
        "exit_code": _exit_code(update),
    }
    if isinstance(update.get("content"), list):
        fields["content"] = content.tool_content(update["content"])
    if isinstance(update.get("locations"), list):
        fields["locations"] = content.locations(update["locations"])
    if not fields["title"]:
        fields["title"] = None if old.title else content.title(update.get("name"))
    return replace(old, **{name: value for name, value in fields.items() if value is not None})


def _parent(update: Mapping[str, Any]) -> str | None:
    return parent_of(wire.mapping(update.get("_meta")))


def parent_of(meta: Mapping[str, Any]) -> str | None:
    """The tool call of the subagent that an update comes from."""
    return wire.text(wire.mapping(meta.get("claudeCode")).get("parentToolUseId"))


def _printed(update: Mapping[str, Any]) -> str:
    """What a terminal printed: it comes in `_meta`, because terminals are no part of our side."""
    meta = wire.mapping(update.get("_meta"))
    parts = (wire.mapping(meta.get(name)) for name in ("terminal_output", "terminal_output_delta"))
    return "".join(wire.text(part.get("data")) or "" for part in parts)


def _exit_code(update: Mapping[str, Any]) -> int | None:
    meta = wire.mapping(update.get("_meta"))
    return wire.whole(wire.mapping(meta.get("terminal_exit")).get("exit_code"))
