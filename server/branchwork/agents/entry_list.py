"""The growing list of entries of one execution: the only place that numbers, joins and cuts them.

Texts grow by parts that are joined when somebody looks, and memory is bounded: what is cut here
still stands in the journal.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from branchwork.agents.agent import Added, Appended, Changed, Delta
from branchwork.domain.entry import Entry, TextEntry, ToolCall

ENTRY_LIMIT = 1_000_000
"""Characters that one text may grow to."""

TOTAL_LIMIT = 32_000_000
"""Characters of all texts together; beyond it each new text is cut short."""

SHORT = 2_000
CUT = "\n[… cut here: the raw log has all of it]"


class EntryList:
    """Entries in order. Every method that changes them returns what a follower has to be told."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self._parts: dict[int, list[str]] = {}
        self._lengths: dict[int, int] = {}
        self._cut: set[int] = set()
        self._total = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def entries(self) -> Sequence[Entry]:
        """All entries, with their texts as they are now."""
        for index in list(self._parts):
            self._join(index)
        return tuple(self._entries)

    def get(self, index: int) -> Entry:
        """One entry, with its text as it is now."""
        self._join(index)
        return self._entries[index]

    def add(self, make: Callable[[int], Entry]) -> list[Delta]:
        """A new last entry; `make` is given its index."""
        index = len(self._entries)
        entry = make(index)
        if isinstance(entry, TextEntry):
            kept = self._keep(index, entry.text, ENTRY_LIMIT)
            entry = entry if kept == entry.text else replace(entry, text=kept)
        self._entries.append(entry)
        return [Added(index, entry)]

    def change(self, index: int, entry: Entry) -> list[Delta]:
        """Another entry in the same place; nothing when it is equal."""
        if self.get(index) == entry:
            return []
        self._entries[index] = entry
        return [Changed(index, entry)]

    def append(self, index: int, text: str, limit: int = ENTRY_LIMIT) -> list[Delta]:
        """More text for a text entry, or more output for a tool call."""
        kept = self._keep(index, text, limit)
        if not kept:
            return []
        self._parts.setdefault(index, []).append(kept)
        return [Appended(index, kept)]

    def _keep(self, index: int, text: str, limit: int) -> str:
        """The part of the text that there is room for, with a mark where the cut is."""
        if index in self._cut:
            return ""
        length = self._lengths.get(index, 0)
        limit = limit if self._total < TOTAL_LIMIT else min(limit, SHORT)
        if length + len(text) > limit:
            text = text[: max(0, limit - length)] + CUT
            self._cut.add(index)
        self._lengths[index] = length + len(text)
        self._total += len(text)
        return text

    def _join(self, index: int) -> None:
        parts = self._parts.pop(index, None)
        if not parts:
            return
        entry = self._entries[index]
        if isinstance(entry, TextEntry):
            self._entries[index] = replace(entry, text=entry.text + "".join(parts))
        elif isinstance(entry, ToolCall):
            output, truncated = entry.output + "".join(parts), index in self._cut
            self._entries[index] = replace(entry, output=output, output_truncated=truncated)
