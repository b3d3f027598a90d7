"""Demos that are ended with their test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.demos import Demo, Ended


@pytest.fixture
def demo(short_path: Path) -> Iterator[Demo]:
    demo = Demo(short_path / "demo")
    yield demo
    demo.end()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    """One that went well, for the tests that only look at it."""
    demo = Demo(tmp_path_factory.mktemp("told") / "demo")
    yield demo.run()
    demo.end()
