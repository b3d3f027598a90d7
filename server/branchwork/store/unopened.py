"""What stands in the place of a store that could not be opened: whoever asks it is told why."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from branchwork.domain.errors import StorageFailed
from branchwork.store.transaction import Transaction

Result = TypeVar("Result")


class UnopenedStore:
    """Raises what kept the store from being opened; else as `store.database.Store`."""

    epoch = ""
    head = 0

    def __init__(self, path: Path, failure: StorageFailed) -> None:
        self.path = path
        self._failure = failure

    def on_commit(self, _listener: Callable[[], None]) -> None:
        """Nothing is ever committed."""

    async def write(self, _work: Callable[[Transaction], Result]) -> Result:
        """Raises StorageFailed."""
        raise self._failure

    async def read(self, _work: Callable[[Transaction], Result]) -> Result:
        """Raises StorageFailed."""
        raise self._failure

    def close(self) -> None:
        """There is nothing to close."""
