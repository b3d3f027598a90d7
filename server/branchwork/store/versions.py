"""Of which version a database that is open is, and the library that reads it."""

from sqlalchemy import text

from branchwork.store.transaction import Transaction


def of_database(tx: Transaction) -> tuple[str, str]:
    """The revision of its schema, and the version of SQLite."""
    revision = tx.scalar(text("SELECT version_num FROM alembic_version"))
    return str(revision), str(tx.scalar(text("SELECT sqlite_version()")))
