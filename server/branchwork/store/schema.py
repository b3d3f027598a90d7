"""The metadata that all tables hang on, and the columns that every entity has."""

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Text

metadata = MetaData()


def identity() -> Column[str]:
    """A UUIDv7 as text: ordered, readable, sent as it is stored."""
    return Column("id", Text, primary_key=True)


def bookkeeping() -> tuple[Column[str], Column[str], Column[int]]:
    """Times as text whose order is time order, and the count of edits."""
    return (
        Column("created_at", Text, nullable=False),
        Column("updated_at", Text, nullable=False),
        Column("revision", Integer, nullable=False),
    )


def owner(name: str, target: str, *, nullable: bool = False) -> Column[str]:
    """A reference to the entity that this one goes away with."""
    return Column(name, Text, ForeignKey(target, ondelete="CASCADE"), nullable=nullable, index=True)
