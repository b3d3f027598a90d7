"""Databases that can't be used: each is one sentence that says what to do."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from branchwork.domain.errors import StorageFailed, StorageFull
from branchwork.domain.project import Project
from branchwork.store import projects
from branchwork.store.database import Store, open_store
from branchwork.store.transaction import Transaction
from support import disks

NOBODY = 65534


def insert_project(tx: Transaction, name: str = "Shop") -> Project:
    return tx.insert(Project(id=name, name=name, created_at=tx.now, updated_at=tx.now))


@contextmanager
def as_somebody_else() -> Iterator[None]:
    """For root, whom no permission stops."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(own)


def refused(path: Path) -> StorageFailed:
    with pytest.raises(StorageFailed) as failed:
        open_store(path)
    sentence = failed.value.sentence
    assert str(path) in sentence
    for word in ("sqlalche", "[SQL", "Traceback", "sqlite3."):
        assert word not in sentence
    return failed.value


@pytest.mark.parametrize(
    "garbage", [b"this is no database, it is a text\n" * 100, os.urandom(8192)]
)
def test_a_file_that_is_no_database(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "branchwork.sqlite"
    path.write_bytes(garbage)
    error = refused(path)
    assert error.reason == "storageCorrupt"
    assert str(tmp_path / "backups") in error.sentence
    assert path.read_bytes() == garbage


def test_a_database_of_something_else(tmp_path: Path) -> None:
    """It is not ours: nothing of it is overwritten."""
    path = tmp_path / "branchwork.sqlite"
    connection = sqlite3.connect(path)
    connection.executescript("CREATE TABLE tasks (mine TEXT); INSERT INTO tasks VALUES ('kept');")
    connection.close()
    before = path.read_bytes()
    assert refused(path).reason == "storageForeign"
    assert path.read_bytes() == before


async def test_damaged_pages(database: Path) -> None:
    store = open_store(database)
    for number in range(500):
        await store.write(lambda tx, n=number: insert_project(tx, f"project {n} " + "x" * 200))
    store.close()
    content = bytearray(database.read_bytes())
    content[8192:] = os.urandom(len(content) - 8192)
    database.write_bytes(content)
    error: StorageFailed | None = None
    store_of_damage: Store | None = None
    try:
        store_of_damage = open_store(database)
        await store_of_damage.read(lambda tx: tx.find(Project, "nobody"))
    except StorageFailed as failed:
        error = failed
    finally:
        if store_of_damage is not None:
            store_of_damage.close()
    assert error is not None
    assert error.reason == "storageCorrupt"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere" / "branchwork.sqlite")


def test_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "branchwork.sqlite"
    path.mkdir()
    refused(path)


def test_a_folder_that_cannot_be_written(short_path: Path, empty_database: Path) -> None:
    path = short_path / "branchwork.sqlite"
    shutil.copyfile(empty_database, path)
    path.chmod(0o444)
    short_path.chmod(0o555)
    with as_somebody_else():
        error = refused(path)
    assert "BRANCHWORK_DATA_DIR" in error.sentence
    assert error.reason == "notWritable"
    assert path.read_bytes() == empty_database.read_bytes()


def test_a_new_database_where_nothing_can_be_written(short_path: Path) -> None:
    short_path.chmod(0o555)
    with as_somebody_else():
        error = refused(short_path / "branchwork.sqlite")
    assert "BRANCHWORK_DATA_DIR" in error.sentence


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one MiB."""
    with disks.small_disk(tmp_path / "small", "1m") as folder:
        yield folder


async def test_a_full_disk(small_disk: Path, database: Path) -> None:
    """What does not fit is refused as a whole; what was stored stays, and it goes on with room."""
    path = small_disk / "branchwork.sqlite"
    filling = small_disk / "filling"
    filling.write_bytes(b"x" * 300_000)
    shutil.copyfile(database, path)
    store = open_store(path)
    stored: list[str] = []

    async def fill() -> None:
        for number in range(1000):
            name = f"{number} " + "x" * 20_000
            await store.write(lambda tx, name=name: insert_project(tx, name))
            stored.append(name)

    with pytest.raises(StorageFull) as full:
        await fill()
    assert full.value.retryable
    assert str(small_disk) in full.value.sentence
    assert await _names(store) == stored
    filling.unlink()
    await store.write(lambda tx: insert_project(tx, "more"))
    assert await _names(store) == [*stored, "more"]
    store.close()


async def _names(store: Store) -> list[str]:
    found = await store.read(lambda tx: projects.page(tx, 1000, None))
    return sorted(
        (project.name for project in found), key=lambda name: (name == "more", name.zfill(30_000))
    )
