"""The database: one writer on one thread, read-only readers, and the word that something changed.

One process has one writing connection: SQLite before 3.51.3 can lose pages when two connections
write and checkpoint at the same moment.
"""

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from branchwork.domain.errors import BranchworkError, StorageFailed, StorageFull
from branchwork.domain.identity import timestamp
from branchwork.store import changes, schema_version
from branchwork.store.transaction import Transaction

Result = TypeVar("Result")

READERS = 2
_LEAST_BYTES = 1 << 20
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA busy_timeout = 5000",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA cache_size = -16384",
)


class Store:
    """Runs functions over a `Transaction` on threads of its own; the event loop never waits.

    `head` is the seq of the last change that the event loop knows of: whoever reads later sees it.
    """

    def __init__(self, path: Path, writer: Engine, readers: Engine, epoch: str, head: int) -> None:
        self.path = path
        self.epoch = epoch
        self.head = head
        self._writer = writer
        self._readers = readers
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._read_threads = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._listeners: list[Callable[[], None]] = []

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Have a function called on the event loop after each write that changed an entity."""
        self._listeners.append(listener)

    async def write(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` in one transaction; its changes are committed with it, or nothing is.

        A caller that is cancelled does not undo what has begun.
        """
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(self._write_thread, self._write, work)
        try:
            result, head = await asyncio.shield(job)
        except asyncio.CancelledError:
            job.add_done_callback(self._tell_of)
            raise
        self._tell(head)
        return result

    async def read(self, work: Callable[[Transaction], Result]) -> Result:
        """Run `work` on a read-only connection; it sees one state of the database."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._read_threads, self._read, work)

    def close(self) -> None:
        """Finish what was begun and close all connections."""
        self._write_thread.shutdown()
        self._read_threads.shutdown()
        self._readers.dispose()
        with self._writer.connect() as connection:
            connection.execute(text("PRAGMA optimize"))
        self._writer.dispose()

    def _tell_of(self, job: "asyncio.Future[tuple[Any, int | None]]") -> None:
        if not job.cancelled() and job.exception() is None:
            self._tell(job.result()[1])

    def _tell(self, head: int | None) -> None:
        if head is not None:
            self.head = max(self.head, head)
            for listener in self._listeners:
                listener()

    def _write(self, work: Callable[[Transaction], Result]) -> tuple[Result, int | None]:
        """The result, and the seq of the last change where there was one."""
        head = None
        try:
            with self._writer.begin() as connection:
                tx = Transaction(connection, now())
                result = work(tx)
                if tx.pending:
                    changes.write(tx, tx.pending)
                    head = changes.head(tx)
        except DatabaseError as error:
            raise _explained(error, self.path) from error
        return result, head

    def _read(self, work: Callable[[Transaction], Result]) -> Result:
        try:
            with self._readers.connect() as connection:
                return work(Transaction(connection, now()))
        except DatabaseError as error:
            raise _explained(error, self.path) from error


def now() -> str:
    """The present moment as a stored timestamp."""
    return timestamp(time.time_ns() // 1_000_000)


def open_store(path: Path) -> Store:
    """Open the database, made or migrated first where needed; raises StorageFailed."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        schema_version.ensure(path)
        writer = _engine(path, read_only=False)
        with writer.begin() as connection:
            tx = Transaction(connection, now())
            epoch, head = changes.epoch(tx), changes.head(tx)
        return Store(path, writer, _engine(path, read_only=True), epoch, head)
    except (DatabaseError, sqlite3.Error) as error:
        raise _explained(error, path) from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise _full(path) from error
        raise _not_writable(path, error.strerror or str(error)) from error


def _engine(path: Path, *, read_only: bool) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS if read_only else 1,
        max_overflow=0,
        # Our own BEGIN below: pysqlite's own is deferred, and loses updates without an error.
        connect_args={"isolation_level": None, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        if read_only:
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA wal_autocheckpoint = 0")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _explained(error: DatabaseError | sqlite3.Error, path: Path) -> BranchworkError:
    """What went wrong with the database, for a person. Never holds a statement or its values."""
    cause = error.orig if isinstance(error, DatabaseError) else error
    words = str(cause)
    if "disk is full" in words or ("disk I/O error" in words and _has_no_space(path)):
        return _full(path)
    if "malformed" in words or "not a database" in words:
        return StorageFailed(
            f"The database {path} is damaged ({words}). Stop the daemon, put the newest copy from "
            f"{path.parent / 'backups'} in its place, and start again.",
            kind="storageCorrupt",
        )
    if any(phrase in words for phrase in ("readonly database", "unable to open", "disk I/O error")):
        return _not_writable(path, words)
    return StorageFailed(f"The database {path} can't be used: {words}.")


def _full(path: Path) -> StorageFull:
    return StorageFull(
        f"The disk that holds {path.parent} is full. Free some space and repeat; "
        "nothing that was stored is lost."
    )


def _not_writable(path: Path, why: str) -> StorageFailed:
    return StorageFailed(
        f"The database {path} can't be used: {why}. See that it and its folder can be written, or "
        "set BRANCHWORK_DATA_DIR to another folder.",
        kind="notWritable",
    )


def _has_no_space(path: Path) -> bool:
    return shutil.disk_usage(path.parent).free < _LEAST_BYTES
