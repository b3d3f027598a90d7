"""Runs the migrations in a process of its own: `python -m branchwork.store.migrate DATABASE`.

All revisions run in one transaction: a database is either at the newest revision or unchanged.
"""

import sys
import traceback
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from branchwork.store.schema_version import VERSIONS


def migrate(path: Path, versions: Path = VERSIONS) -> None:
    """Bring the database at `path` to the newest of the revisions in `versions`."""
    engine = create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"isolation_level": None}
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        # Tables that are made again must not take their children with them.
        connection.execute("PRAGMA foreign_keys = OFF")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("version_locations", str(versions))
    config.set_main_option("path_separator", "newline")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        broken = connection.execute(text("PRAGMA foreign_key_check")).all()
        if broken:
            raise SystemExit(f"{len(broken)} rows refer to rows that do not exist.")
    engine.dispose()


def main() -> None:
    """The last line on standard error says for a person what went wrong."""
    path, *versions = (Path(argument) for argument in sys.argv[1:])
    try:
        migrate(path, *versions)
    except DatabaseError as error:
        traceback.print_exc()
        raise SystemExit(f"{error.orig}.") from error


if __name__ == "__main__":
    main()
