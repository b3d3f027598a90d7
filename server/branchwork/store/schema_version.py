"""Which revision of the schema a database has, found out and mended without importing Alembic.

Alembic costs 0.4 s and 11 MiB, so it runs in a child process, and only when there is work for it.
"""

import logging
import os
import secrets
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from branchwork.domain.errors import StorageFailed

logger = logging.getLogger(__name__)

VERSIONS = Path(__file__).parent / "migrations" / "versions"
KEPT_BACKUPS = 5
_OURS = {"alembic_version", "changes", "meta"}


def known(versions: Path = VERSIONS) -> list[str]:
    """The revisions that this program can migrate from, oldest first; the last is its own."""
    return sorted(file.stem.partition("_")[0] for file in versions.glob("[0-9]*.py"))


def current(path: Path) -> str | None:
    """The revision of a database, or None where there is no schema yet.

    Raises StorageFailed for the database of another program: nothing of it may be changed.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        if not tables:
            return None
        if not tables >= _OURS:
            raise StorageFailed(
                f"{path} is no database of Branchwork. Move it away, or set BRANCHWORK_DATA_DIR "
                "to another folder.",
                kind="storageForeign",
            )
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    finally:
        connection.close()
    return None if row is None else str(row[0])


def ensure(path: Path, versions: Path = VERSIONS) -> None:
    """Bring a database to this program's revision, with a copy of it made first."""
    revisions = known(versions)
    revision = current(path)
    if revision == revisions[-1]:
        return
    if revision is not None and revision not in revisions:
        raise StorageFailed(
            f"The database {path} was written by a newer Branchwork (schema {revision}, this one "
            f"knows {revisions[-1]}). Update Branchwork, or set BRANCHWORK_DATA_DIR to another "
            "folder.",
            kind="storageNewer",
        )
    if revision is not None:
        back_up(path, revision)
    problem = _migrate(path, versions)
    if problem is None:
        return
    if revision is None:
        raise StorageFailed(
            f"The database {path} could not be made: {problem} See that its folder can be "
            "written, or set BRANCHWORK_DATA_DIR to another one.",
            kind="migrationFailed",
        )
    raise StorageFailed(
        f"The database {path} could not be brought to this version's schema; it is unchanged, "
        f"and copies of it are in {path.parent / 'backups'}. Start the version of Branchwork "
        f"that you had before, and report this: {problem}",
        kind="migrationFailed",
    )


def back_up(path: Path, revision: str) -> Path:
    """Copy a database into the folder `backups` beside it; the newest few copies are kept.

    The copy has an epoch of its own: where it is put back, clients read everything again.
    """
    folder = path.parent / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    copy = folder / f"{path.stem}-{revision}-{time.strftime('%Y%m%dT%H%M%S')}.sqlite"
    source, target = sqlite3.connect(path), sqlite3.connect(copy)
    try:
        source.backup(target)
        with target:
            epoch = (secrets.token_hex(8),)
            target.execute("UPDATE meta SET value = ? WHERE key = 'epoch'", epoch)
    finally:
        source.close()
        target.close()
    copy.chmod(0o600)
    for old in sorted(folder.glob(f"{path.stem}-*.sqlite"))[:-KEPT_BACKUPS]:
        old.unlink()
    return copy


def _migrate(path: Path, versions: Path) -> str | None:
    """Run the revisions; what went wrong, for a person."""
    old_mask = os.umask(0o077)
    try:
        finished = subprocess.run(
            [sys.executable, "-m", "branchwork.store.migrate", str(path), str(versions)],
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        os.umask(old_mask)
    if finished.returncode == 0:
        return None
    logger.error("the migration of %s failed: %s", path, finished.stderr.strip())
    return finished.stderr.strip().rpartition("\n")[2] or "the migration was killed."
