"""What is alive of an execution: pulses for whoever waits for more of it, and its fold."""

import asyncio
from dataclasses import dataclass, field

from branchwork.agents.agent import AgentFold


class Pulse:
    """Wakes all who wait, as often as there is something new."""

    def __init__(self) -> None:
        self._beat = asyncio.Event()

    def beat(self) -> None:
        """Wake everybody who waits now."""
        self._beat.set()
        self._beat = asyncio.Event()

    def next(self) -> asyncio.Event:
        """The event of the next beat: take it, look, then wait, and nothing is missed."""
        return self._beat


@dataclass(slots=True, kw_only=True)
class Live:
    """A running execution as its follower sees it.

    `journal` beats when the journal grew, `entries` when the fold did; `ended` is set when both are
    final and the rows are written. `wake` is for the follower: a decision was made, a stop asked.
    Readers compare the fold's entries with those that they have: an entry is never changed, only
    replaced.
    """

    fold: AgentFold | None = None
    stop_requested: bool = False
    journal: Pulse = field(default_factory=Pulse)
    entries: Pulse = field(default_factory=Pulse)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Let everybody who waits see that there will be no more."""
        self.ended.set()
        self.journal.beat()
        self.entries.beat()
