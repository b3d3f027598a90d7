"""Entries as text for a person: the text view of a log, the demo, conversation documents.

Feed a Renderer the deltas in order and print what it returns, or give `text_of` all entries. What
an agent says can't control the terminal: only line breaks and tabs of its control characters stay.
"""

import re
from collections.abc import Callable, Iterable

from branchwork.agents.agent import Added, Appended, Changed, Delta
from branchwork.domain import entry
from branchwork.domain.entry import Entry, EntryKind, TextEntry

SEQUENCES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
OUTPUT_LINES = 20
PREFIXES = {
    EntryKind.USER_MESSAGE: "> ",
    EntryKind.THOUGHT: "· ",
    EntryKind.STDERR: "! ",
    EntryKind.UNREADABLE: "? ",
    EntryKind.TOOL_CALL: "    ",
}
MARKS = {"completed": "x", "in_progress": ">"}
OVER = {"completed": "done", "failed": "failed", "cancelled": "cancelled"}


def text_of(entries: Iterable[Entry]) -> str:
    """All of it at once."""
    renderer = Renderer()
    return "".join(renderer.delta(Added(entry_.index, entry_)) for entry_ in entries)


def clean(text: str) -> str:
    """The text without anything that a terminal would obey."""
    text = SEQUENCES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return CONTROLS.sub("", text)


def inline(text: str) -> str:
    """The same on one line."""
    return " ".join(clean(text).split())


class Renderer:
    """Remembers where the last line ended and what was said of each entry, nothing else."""

    def __init__(self) -> None:
        self._line_open = False
        self._current: int | None = None
        self._said: dict[int, Entry] = {}

    def delta(self, delta: Delta) -> str:
        """The text to print next."""
        match delta:
            case Appended(index, text):
                return self._grown(index, text)
            case Added(index, new) | Changed(index, new):
                old = self._said.get(index)
                self._said[index] = new
                if isinstance(new, TextEntry):
                    return "" if old is not None else self._begun(index, new)
                return self._block(index, _words(old, new))

    def _begun(self, index: int, new: TextEntry) -> str:
        return self._start(index) + self._written(PREFIXES.get(new.kind, ""), clean(new.text))

    def _grown(self, index: int, text: str) -> str:
        grown = self._said.get(index)
        prefix = "" if grown is None else PREFIXES.get(grown.kind, "")
        said = clean(text)
        if index == self._current and self._line_open:
            return self._written("", said, prefix)
        return self._start(index) + self._written(prefix, said)

    def _written(self, first: str, said: str, rest: str | None = None) -> str:
        """The text with its prefix on each line; a last line break leaves no empty prefix."""
        if not said:
            return ""
        prefix = first if rest is None else rest
        ends = said.endswith("\n")
        body = said[:-1] if ends else said
        self._line_open = not ends
        return first + body.replace("\n", "\n" + prefix) + ("\n" if ends else "")

    def _block(self, index: int, lines: list[str]) -> str:
        if not lines:
            return ""
        head = self._start(index)
        self._line_open = False
        return head + "".join(line.rstrip() + "\n" for line in lines)

    def _start(self, index: int) -> str:
        """Ends the line of another entry."""
        head = "\n" if self._line_open else ""
        self._current, self._line_open = index, False
        return head


def _words(old: Entry | None, new: Entry) -> list[str]:
    """What there is to say about an entry that is no growing text."""
    say = _SAYS.get(new.kind)
    return [] if say is None else say(old, new)


def _tool_call(old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.ToolCall)
    before = old if isinstance(old, entry.ToolCall) else None
    title = f"[{inline(new.tool_kind)}] {inline(new.title) or inline(new.tool_call_id)}"
    ended = OVER.get(new.status)
    if ended is not None and (before is None or before.status != new.status):
        code = "" if new.exit_code in (None, 0) else f" (exit code {new.exit_code})"
        return [f"{title}: {ended}{code}", *_output(new, told=before is not None)]
    named_now = before is None or before.title != new.title
    return [title] if named_now and ended is None else []


def _output(tool_call: entry.ToolCall, *, told: bool) -> list[str]:
    """What a command printed, unless it was told while it ran. Files that were read are not."""
    if tool_call.tool_kind == "read":
        return []
    texts = [item.text for item in tool_call.content if isinstance(item, entry.ToolText)]
    if tool_call.output and not told:
        texts.append(tool_call.output)
    lines = [line for text in texts for line in clean(text).splitlines() if _is_told(line)]
    more = [f"    … {len(lines) - OUTPUT_LINES} more lines"] if len(lines) > OUTPUT_LINES else []
    return [f"    {line}" for line in lines[:OUTPUT_LINES]] + more


def _is_told(line: str) -> bool:
    """Empty lines and the fences that agents put around output say nothing here."""
    return bool(line.strip()) and not line.startswith("```")


def _plan(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Plan)
    return ["plan:"] + [
        f"  [{MARKS.get(item.status, ' ')}] {inline(item.content)}" for item in new.items
    ]


def _permission(old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.PermissionRequest)
    names = {option.id: inline(option.name) for option in new.options}
    lines = [] if old is not None else [f"? {inline(new.sentence)}  ({' | '.join(names.values())})"]
    if new.outcome is not None:
        lines.append(f"  → {names.get(new.option_id or '', new.outcome.value)}")
    return lines


def _session(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.SessionBoundary)
    said = f": {inline(new.sentence)}" if new.sentence else ""
    return [f"-- session {new.start.value}{said}"]


def _mode(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.ModeChange)
    return [f"-- mode: {inline(new.name)}"]


def _compaction(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Compaction)
    return [f"-- the agent shortens its history: {inline(new.status)}"]


def _notice(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Notice)
    said = f": {inline(new.description)}" if new.description else ""
    return [f"-- {inline(new.severity)}: {inline(new.title)}{said}"]


def _stop(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Stop)
    return [f"-- end of turn: {inline(new.stop_reason)}"]


def _error(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Error)
    return [f"-- error: {inline(new.sentence)}"]


def _unknown(_old: Entry | None, new: Entry) -> list[str]:
    assert isinstance(new, entry.Unknown)
    return [f"[{inline(new.name)}] {inline(new.raw)}"]


# Usage and slash commands are state, not something that was said.
_SAYS: dict[EntryKind, Callable[[Entry | None, Entry], list[str]]] = {
    EntryKind.TOOL_CALL: _tool_call,
    EntryKind.PLAN: _plan,
    EntryKind.PERMISSION_REQUEST: _permission,
    EntryKind.SESSION_BOUNDARY: _session,
    EntryKind.MODE_CHANGE: _mode,
    EntryKind.COMPACTION: _compaction,
    EntryKind.NOTICE: _notice,
    EntryKind.STOP: _stop,
    EntryKind.ERROR: _error,
    EntryKind.UNKNOWN: _unknown,
}
