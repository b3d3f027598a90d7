"""What any agent's process says beside its protocol: stderr, lines that are no message, events."""

from branchwork.agents.agent import Delta
from branchwork.agents.entry_list import EntryList
from branchwork.domain.entry import Error, Notice, Stderr, TextEntry, Unreadable
from branchwork.execution.journal import Record

TAIL_LINES = 3
TAIL_LIMIT = 400


class ProcessNotes:
    """Entries about the process; neighbouring lines of a kind share one entry."""

    def __init__(self, entries: EntryList) -> None:
        self._entries = entries
        self._tail: list[str] = []
        self._last: tuple[type[TextEntry], int] | None = None
        self._seen: dict[str, int] = {}
        self.garbage = ""
        self.start_failure = ""
        self.limit = ""

    def is_new(self, record: Record) -> bool:
        """False for a record that was taken before. Each stream has its own order: a long line
        that is joined late comes after younger records of the others."""
        if record.unreadable:
            return True
        if record.seq <= self._seen.get(record.stream, 0):
            return False
        self._seen[record.stream] = record.seq
        return True

    @property
    def stderr_tail(self) -> str:
        """The last lines, short enough for a sentence."""
        return " / ".join(self._tail)[-TAIL_LIMIT:]

    def stderr(self, record: Record) -> list[Delta]:
        """A line of standard error."""
        said = line(record)
        if said.strip():
            self._tail = [*self._tail, said.strip()][-TAIL_LINES:]
        return self.grow(Stderr, said, record.seq, record.t)

    def unreadable(self, said: str, seq: int, t: int) -> list[Delta]:
        """A line of standard output that is no message."""
        if not said.strip():
            return []
        self.garbage = self.garbage or said.strip()[:200]
        return self.grow(Unreadable, said, seq, t)

    def grow(self, make: type[TextEntry], said: str, seq: int, t: int) -> list[Delta]:
        """A line more for the last entry if it is of this kind, else a new one."""
        last = len(self._entries) - 1
        if self._last == (make, last):
            return self._entries.append(last, "\n" + said)
        self._last = (make, last + 1)
        return self._entries.add(lambda index: make(index=index, seq=seq, t=t, text=said))

    def event(self, record: Record) -> list[Delta]:
        """What the shim reports; most of it is for others."""
        if record.unreadable:
            return self._notice("error", "A line of the journal can't be read", record)
        error = str(record.details.get("error") or "unknown reason")[:400]
        match record.event:
            case "execFailed":
                self.start_failure = error
                return self._error("agentNotStarted", f"It could not be started: {error}", record)
            case "limit":
                self.limit = error
                return self._error("outputLimit", error, record)
            case "gap":
                lost = record.details.get("bytes", "some")
                return self._notice("warning", f"{lost} bytes of output were not kept", record)
            case "paused":
                waited = "It had to wait until its output could be kept"
                return self._notice("warning", f"{waited}: {error}", record)
        return []

    def _error(self, reason: str, sentence: str, record: Record) -> list[Delta]:
        return self._entries.add(
            lambda index: Error(
                index=index, seq=record.seq, t=record.t, reason=reason, sentence=sentence
            )
        )

    def _notice(self, severity: str, title: str, record: Record) -> list[Delta]:
        return self._entries.add(
            lambda index: Notice(
                index=index, seq=record.seq, t=record.t, severity=severity, title=title
            )
        )


def line(record: Record) -> str:
    """The text of a record; bytes that are no text are shown as replacement characters."""
    data = record.data
    said = data.decode("utf-8", "replace") if isinstance(data, bytes) else data or ""
    if not said.isascii():
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return said.rstrip("\r\n")
