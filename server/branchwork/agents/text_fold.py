"""The fold of a process that just prints: lines become one growing text."""

from collections.abc import Mapping, Sequence
from typing import Any

from branchwork.agents.agent import Delta, Request
from branchwork.agents.entry_list import EntryList
from branchwork.agents.process_notes import ProcessNotes, line
from branchwork.domain.entry import Entry, ScriptOutput, TextEntry, UserMessage
from branchwork.execution.journal import Record


class TextFold:
    """For scripts (`ScriptOutput`) and for plain commands that answer (`AgentMessage`)."""

    def __init__(self, output: type[TextEntry] = ScriptOutput) -> None:
        self._entries = EntryList()
        self._notes = ProcessNotes(self._entries)
        self._output = output
        self.message_ids: set[str] = set()
        self.last_seq = 0
        self.last_activity_t = 0

    def apply(self, record: Record) -> list[Delta]:
        """What this record adds. A record that was seen before adds nothing."""
        if not self._notes.is_new(record):
            return []
        self.last_seq = max(self.last_seq, record.seq)
        match record.stream:
            case "o":
                self.last_activity_t = max(self.last_activity_t, record.t)
                return self._notes.grow(self._output, line(record), record.seq, record.t)
            case "e":
                return self._notes.stderr(record)
            case "i":
                return self._wrote(record)
            case "x":
                return self._notes.event(record)

    def _wrote(self, record: Record) -> list[Delta]:
        if record.message_id is not None:
            self.message_ids.add(record.message_id)
        said, seq, t = line(record), record.seq, record.t
        return self._entries.add(lambda index: UserMessage(index=index, seq=seq, t=t, text=said))

    @property
    def entries(self) -> Sequence[Entry]:
        return self._entries.entries

    @property
    def requests(self) -> list[Request]:
        return []

    @property
    def agent_session_id(self) -> str | None:
        return None

    @property
    def summary(self) -> str:
        """Everything that was printed last, which is all that such a command says."""
        texts = [e.text for e in self.entries if isinstance(e, self._output)]
        return texts[-1].strip() if texts else ""

    @property
    def stop_reason(self) -> str | None:
        return None

    @property
    def usage(self) -> Mapping[str, Any]:
        return {}

    @property
    def start_failure(self) -> str:
        """Why the process could not be started, as the shim says it."""
        return self._notes.start_failure

    @property
    def limit(self) -> str:
        """That it was ended because it printed too much, as the shim says it."""
        return self._notes.limit

    @property
    def stderr_tail(self) -> str:
        """The last lines of standard error."""
        return self._notes.stderr_tail
