"""Schema revisions: a new database, a second revision, one that fails, one from the future."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine
from sqlalchemy.schema import CreateTable

from branchwork.domain.errors import StorageFailed
from branchwork.store import schema_version
from branchwork.store.schema_version import VERSIONS, ensure
from branchwork.store.tables import metadata

PROJECT = (
    "INSERT INTO projects (id, name, created_at, updated_at, revision) "
    "VALUES ('p', 'Shop', '2026-11-23T08:44:53.239Z', '2026-11-23T08:44:53.239Z', 1)"
)


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    """The revisions of the package, to which a test adds its own."""
    folder = tmp_path / "versions"
    shutil.copytree(VERSIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def add_revision(versions: Path, upgrade: str, number: int = 2) -> None:
    """A revision behind the newest one."""
    newest = schema_version.known(versions)[-1]
    body = textwrap.indent(textwrap.dedent(upgrade).strip(), "    ")
    (versions / f"{number:04}_more.py").write_text(
        f'"""More."""\n\nimport os\n\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
        f'revision = "{number:04}"\ndown_revision = "{newest}"\n\n\n'
        f"def upgrade() -> None:\n{body}\n"
    )


def rows(path: Path, statement: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(statement).fetchall()
    finally:
        connection.close()


def content(path: Path) -> list[str]:
    """Schema and rows, as SQL."""
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def without_epoch(rows: list[str]) -> list[str]:
    """A copy has an epoch of its own, so that who puts it back is seen to have done so."""
    return [row for row in rows if "'epoch'" not in row]


def execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(statement)
    connection.close()


def backups(path: Path) -> list[Path]:
    return sorted((path.parent / "backups").glob("*.sqlite"))


def test_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "branchwork.sqlite"
    assert schema_version.current(path) is None
    ensure(path)
    assert schema_version.current(path) == schema_version.known()[-1]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    assert len(rows(path, "SELECT value FROM meta WHERE key = 'epoch'")) == 1
    assert backups(path) == []
    assert path.stat().st_mode & 0o077 == 0


def test_an_empty_file_is_a_new_database(tmp_path: Path) -> None:
    path = tmp_path / "branchwork.sqlite"
    path.touch()
    ensure(path)
    assert schema_version.current(path) == schema_version.known()[-1]


def test_two_new_databases_are_two_epochs(tmp_path: Path, database: Path) -> None:
    other = tmp_path / "other.sqlite"
    ensure(other)
    question = "SELECT value FROM meta WHERE key = 'epoch'"
    assert rows(database, question) != rows(other, question)


def test_the_newest_revision_is_left_alone(database: Path) -> None:
    before = database.stat().st_mtime_ns
    ensure(database)
    assert database.stat().st_mtime_ns == before
    assert backups(database) == []


def test_the_tables_are_what_the_code_says(database: Path) -> None:
    engine = create_engine(f"sqlite:///{database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def test_keys_and_indexes_are_what_the_code_says(tmp_path: Path, database: Path) -> None:
    """Alembic compares neither primary keys nor what happens to the children of a row."""
    made = tmp_path / "made.sqlite"
    engine = create_engine(f"sqlite:///{made}")
    metadata.create_all(engine)
    engine.dispose()
    for table in metadata.tables:
        for pragma in ("table_info", "foreign_key_list"):
            question = f"PRAGMA {pragma}({table})"
            assert _unnumbered(rows(database, question)) == _unnumbered(rows(made, question)), table
    indexes = "SELECT name, tbl_name, trim(replace(sql, char(10), ' ')) FROM sqlite_master "
    own = indexes + "WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    assert rows(database, own) == rows(made, own)
    assert "AUTOINCREMENT" in str(CreateTable(metadata.tables["changes"]).compile(engine))


def _unnumbered(found: list[tuple[Any, ...]]) -> set[tuple[Any, ...]]:
    return {row[1:] for row in found}


def test_a_second_revision(database: Path, versions: Path) -> None:
    execute(database, PROJECT)
    before = content(database)
    add_revision(versions, "op.add_column('projects', sa.Column('colour', sa.Text))")
    ensure(database, versions)
    assert schema_version.current(database) == "0002"
    assert rows(database, "SELECT id, name, colour FROM projects") == [("p", "Shop", None)]
    (copy,) = backups(database)
    assert without_epoch(content(copy)) == without_epoch(before)
    assert content(copy) != before
    assert "0001" in copy.name
    assert copy.stat().st_mode & 0o077 == 0
    assert copy.parent.stat().st_mode & 0o077 == 0


def test_a_table_that_is_made_again_keeps_its_children(database: Path, versions: Path) -> None:
    execute(database, PROJECT)
    columns = "id, project_id, title, status, created_at, updated_at, revision"
    execute(database, f"INSERT INTO tasks ({columns}) VALUES ('t', 'p', 'A', 'Todo', '', '', 1)")
    add_revision(
        versions,
        """
        with op.batch_alter_table("projects", recreate="always") as table:
            table.add_column(sa.Column("colour", sa.Text))
        """,
    )
    ensure(database, versions)
    assert rows(database, "SELECT id FROM tasks") == [("t",)]


def test_several_revisions_at_once(database: Path, versions: Path) -> None:
    add_revision(versions, "op.add_column('projects', sa.Column('one', sa.Text))")
    add_revision(versions, "op.add_column('projects', sa.Column('two', sa.Text))", number=3)
    ensure(database, versions)
    assert schema_version.current(database) == "0003"
    assert len(backups(database)) == 1


FAILING = {
    "an exception": "raise RuntimeError('half-way')",
    "a wrong statement": "op.execute('INSERT INTO nowhere VALUES (1)')",
    "a row without its parent": (
        'op.execute("INSERT INTO tasks (id, project_id, title, status, created_at, updated_at, '
        "revision) VALUES ('t', 'gone', 'A', 'Todo', '', '', 1)\")"
    ),
    "a killed process": "os.kill(os.getpid(), 9)",
}


@pytest.mark.parametrize("failure", FAILING)
def test_a_revision_that_fails_half_way(database: Path, versions: Path, failure: str) -> None:
    execute(database, PROJECT)
    before = content(database)
    add_revision(versions, "op.add_column('projects', sa.Column('one', sa.Text))")
    half = (
        "op.add_column('projects', sa.Column('two', sa.Text))\nop.execute('DELETE FROM projects')"
    )
    add_revision(versions, f"{half}\n{FAILING[failure]}", number=3)
    with pytest.raises(StorageFailed) as refused:
        ensure(database, versions)
    assert refused.value.reason == "migrationFailed"
    assert str(database) in refused.value.sentence
    assert "it is unchanged" in refused.value.sentence
    assert str(database.parent / "backups") in refused.value.sentence
    for word in ("Traceback", "sqlalche.me", ".py"):
        assert word not in refused.value.sentence
    assert content(database) == before
    assert schema_version.current(database) == "0001"
    (copy,) = backups(database)
    assert without_epoch(content(copy)) == without_epoch(before)
    assert content(copy) != before
    # With a release that does it right it goes on.
    (versions / "0003_more.py").unlink()
    ensure(database, versions)
    assert schema_version.current(database) == "0002"


def test_a_database_from_the_future(database: Path) -> None:
    execute(database, "UPDATE alembic_version SET version_num = '9999'")
    before = content(database)
    with pytest.raises(StorageFailed) as refused:
        ensure(database)
    assert refused.value.reason == "storageNewer"
    assert "9999" in refused.value.sentence
    assert "BRANCHWORK_DATA_DIR" in refused.value.sentence
    assert content(database) == before
    assert backups(database) == []


def test_only_the_newest_backups_are_kept(
    database: Path, versions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = database.parent / "backups"
    folder.mkdir()
    for number in range(9):
        (folder / f"{database.stem}-0000-2020010{number}T000000.sqlite").touch()
    (folder / "mine.txt").touch()
    copy = schema_version.back_up(database, "0001")
    left = sorted(path.name for path in folder.iterdir())
    assert copy.name in left
    assert "mine.txt" in left
    assert len(left) == schema_version.KEPT_BACKUPS + 1


def test_alembic_is_not_imported_where_there_is_nothing_to_migrate(database: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from branchwork.store.database import open_store; "
        "store = open_store(Path(sys.argv[1])); store.close(); "
        "print([name for name in sys.modules if name.partition('.')[0] in ('alembic', 'mako')])"
    )
    argv = [sys.executable, "-c", code, str(database)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "[]"


def test_a_new_database_is_made_by_another_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from branchwork.store.database import open_store; "
        "store = open_store(Path(sys.argv[1])); store.close(); print('alembic' in sys.modules)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path / "new.sqlite")]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == "False"
