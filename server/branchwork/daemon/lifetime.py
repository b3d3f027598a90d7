"""When the daemon ends: on a signal, or when it has had nothing to do for a while."""

import asyncio
import signal
from collections.abc import Callable

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_TICK_SECONDS = 1.0


class Lifetime:
    """Counts connections and asks the App whether anything runs, is queued or waits."""

    def __init__(self, busy: Callable[[], bool]) -> None:
        self.connections = 0
        self.idle_seconds = 0.0
        self._busy = busy
        self._ended = asyncio.Event()
        self._idle_since = asyncio.get_running_loop().time()

    def obey_signals(self) -> None:
        """A signal is an orderly end; agents go on under their shims."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            # Whoever started us with nohup meant it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                loop.add_signal_handler(number, self.end)

    def end(self) -> None:
        self._ended.set()

    async def tick(self) -> bool:
        """Wait a moment; False when a signal has ended it all."""
        try:
            async with asyncio.timeout(min(_TICK_SECONDS, self.idle_seconds / 4)):
                await self._ended.wait()
        except TimeoutError:
            return True
        return False

    def is_idle(self) -> bool:
        """Nobody was connected and nothing went on for long enough."""
        now = asyncio.get_running_loop().time()
        if self.connections or self._busy():
            self._idle_since = now
        return now - self._idle_since >= self.idle_seconds
