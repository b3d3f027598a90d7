"""What any agent's process says beside its protocol: stderr, lines that are no message, events."""

from branchwork.agents.agent import Delta, Record
from branchwork.agents.entry_list import EntryList
from branchwork.domain.entry import Error, Notice, Stderr, TextEntry, Unreadable

TAIL_LINES = 3
TAIL_LIMIT = 400


class ProcessNotes:
    """Entries about the process; neighbouring lines of a kind share one entry."""

    def __init__(self, entries: EntryList) -> None:
        self._entries = entries
        self._tail: list[str] = []
        self._last: tuple[type[TextEntry], int] | None = None
        self.garbage = ""
        self.start_failure = ""

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
        event = record.event or {}
        seq, t = record.seq, record.t
        match event.get("x"):
            case "execFailed":
                self.start_failure = _why(event)
                return self._entries.add(
                    lambda index: Error(
                        index=index,
                        seq=seq,
                        t=t,
                        reason="agentNotStarted",
                        sentence=f"The process could not be started: {self.start_failure}",
                    )
                )
            case "gap":
                lost = f"{event.get('bytes', 'some')} bytes of output were not kept"
                return self._notice("warning", lost, seq, t)
            case "paused":
                full = "The disk is full: the process waits until its output can be kept"
                return self._notice("error", full, seq, t)
        return []

    def _notice(self, severity: str, title: str, seq: int, t: int) -> list[Delta]:
        return self._entries.add(
            lambda index: Notice(index=index, seq=seq, t=t, severity=severity, title=title)
        )


def _why(event: object) -> str:
    known = event if isinstance(event, dict) else {}
    said = next(
        (known[k] for k in ("error", "reason", "message") if known.get(k)), "unknown reason"
    )
    return str(said)[:400]


def line(record: Record) -> str:
    """The text of a record; bytes that are no text are shown as replacement characters."""
    data = record.data
    said = data.decode("utf-8", "replace") if isinstance(data, bytes) else data or ""
    if not said.isascii():
        said = said.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return said.rstrip("\r\n")
