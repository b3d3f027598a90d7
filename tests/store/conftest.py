"""A store on a database of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from branchwork.store import tables
from branchwork.store.database import Store, open_store

__all__ = ["tables"]


@pytest.fixture
def database(tmp_path: Path, empty_database: Path) -> Path:
    """A migrated database with nothing in it."""
    path = tmp_path / "branchwork.sqlite"
    shutil.copyfile(empty_database, path)
    return path


@pytest.fixture
def store(database: Path) -> Iterator[Store]:
    opened = open_store(database)
    yield opened
    opened.close()
