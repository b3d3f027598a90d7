"""The `changes` table, the one event system: every change of an entity, in one order.

`seq` grows within an `epoch`; a restored database gets a new epoch, so that clients start afresh.
"""

from collections.abc import Sequence

from sqlalchemy import Column, Integer, Table, Text, delete, func, insert, select, text

from branchwork.domain.change import Change
from branchwork.store.schema import metadata
from branchwork.store.transaction import PendingChange, Transaction, stored

KEPT_ROWS = 100_000

changes = stored(
    Change,
    Table(
        "changes",
        metadata,
        Column("seq", Integer, primary_key=True),
        Column("at", Text, nullable=False),
        Column("project_id", Text),
        Column("entity", Text, nullable=False),
        Column("entity_id", Text, nullable=False),
        Column("op", Text, nullable=False),
        Column("revision", Integer),
        sqlite_autoincrement=True,
    ),
)

meta = Table(
    "meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

_LAST_SEQ = text("SELECT seq FROM sqlite_sequence WHERE name = 'changes'")


def write(tx: Transaction, pending: Sequence[PendingChange]) -> None:
    """Store the changes of a transaction as its last statements."""
    values = [
        {
            "at": tx.now,
            "project_id": change.project_id,
            "entity": change.entity,
            "entity_id": change.entity_id,
            "op": str(change.op),
            "revision": change.revision,
        }
        for change in pending
    ]
    tx.connection.execute(insert(changes), values)


def head(tx: Transaction) -> int:
    """The seq of the last change, also when it is not kept any more."""
    return int(tx.scalar(_LAST_SEQ) or 0)


def since(tx: Transaction, seq: int, limit: int) -> list[Change]:
    """The changes behind a seq, in order."""
    statement = select(changes).where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit)
    return tx.all(Change, statement)


def oldest(tx: Transaction) -> int:
    """The seq of the oldest change that is still kept, or one behind the head."""
    found = tx.scalar(select(func.min(changes.c.seq)))
    return head(tx) + 1 if found is None else int(found)


def epoch(tx: Transaction) -> str:
    """Which life of the database this is."""
    return str(tx.scalar(select(meta.c.value).where(meta.c.key == "epoch")))


def trim(tx: Transaction, before: str) -> None:
    """Drop changes older than a time, and all but the newest of too many."""
    tx.execute(delete(changes).where(changes.c.at < before))
    tx.execute(delete(changes).where(changes.c.seq <= head(tx) - KEPT_ROWS))
