"""The shim's event loop: poll and timers. Knows nothing of what it waits for."""

import select
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READABLE = select.POLLIN
WRITABLE = select.POLLOUT


class Loop:
    """Calls a handler when its descriptor is ready, an action when its time has come."""

    __slots__ = ("_handlers", "_poll", "_times")

    def __init__(self) -> None:
        self._poll = select.poll()
        self._handlers: dict[int, Callable[[int], object]] = {}
        self._times: dict[Callable[[], None], float] = {}

    def watch(self, fd: int, events: int, handler: "Callable[[int], object]") -> None:
        self._poll.register(fd, events)
        self._handlers[fd] = handler

    def forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._poll.unregister(fd)

    def after(self, seconds: float, action: "Callable[[], None]") -> None:
        """Where the action is due already, the earlier time stays."""
        when = monotonic() + seconds
        self._times[action] = min(when, self._times.get(action, when))

    def cancel(self, action: "Callable[[], None]") -> None:
        self._times.pop(action, None)

    def step(self) -> None:
        for fd, events in self._poll.poll(self._timeout()):
            # An earlier handler of this round may have closed it.
            handler = self._handlers.get(fd)
            if handler is not None:
                handler(events)
        now = monotonic()
        for action in [action for action, when in self._times.items() if when <= now]:
            if self._times.pop(action, None) is not None:
                action()

    def _timeout(self) -> int | None:
        if not self._times:
            return None
        # Rounded up: waking a moment too early would spin.
        return max(0, int((min(self._times.values()) - monotonic()) * 1000) + 1)
