"""Something that is used on a thread of its own, because it runs an event loop and so does the
test: Playwright holds the loop of the thread on which it was begun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Do = Callable[[Callable[[T], Any]], Any]


@contextmanager
def apart(made: AbstractContextManager[T]) -> Iterator[Do[T]]:
    """Enters it there, gives a function that does something with it there, and leaves it there."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        value = thread.submit(made.__enter__).result()
        try:
            yield lambda work: thread.submit(work, value).result()
        finally:
            thread.submit(made.__exit__, None, None, None).result()
