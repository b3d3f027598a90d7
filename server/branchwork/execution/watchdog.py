"""Starts the daemon again when it has been away too long. C modules only."""

import os

from branchwork.execution.child import restore_signals
from branchwork.execution.layout import STOPPED_MARK
from branchwork.execution.loop import Loop

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LONGEST_PAUSE = 300.0


class Watchdog:
    """Waits while nobody is connected; `on_try` hears of every try, made or left out."""

    def __init__(
        self, loop: Loop, spec: "dict[str, Any]", run: str, on_try: "Callable[[], None]"
    ) -> None:
        self._loop = loop
        self._argv: list[str] = spec["daemonArgv"]
        self._env: dict[str, str] = spec["daemonEnv"]
        self._grace: float = spec["daemonGraceSeconds"]
        self._stopped_mark = f"{run}/{STOPPED_MARK}"
        self._on_try = on_try
        self._pause = self._grace

    def alone(self) -> None:
        # Many shims lose the same daemon at once: the first to wake starts it for all.
        self._pause = self._grace
        self._loop.after(self._grace * (1 + os.getpid() % 8 / 16), self._act)

    def in_company(self) -> None:
        self._loop.cancel(self._act)

    def may_start(self) -> bool:
        return bool(self._argv) and not os.path.exists(self._stopped_mark)  # noqa: PTH110

    def _act(self) -> None:
        if self.may_start():
            _start(self._argv, self._env)
        self._pause = min(self._pause * 2, LONGEST_PAUSE)
        self._loop.after(self._pause, self._act)
        self._on_try()


def _start(argv: list[str], env: dict[str, str]) -> None:
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.chdir("/")
        restore_signals()
        os.execvpe(argv[0], argv, env)
    finally:
        os._exit(127)
