"""The one MetaData that all tables belong to, and the names of their constraints."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Integer, MetaData, String, Table, event

SCHEMA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Named alike on every database, so that a migration can name what it changes."""


@event.listens_for(Table, "after_parent_attach")
def _made_roomy(table: Table, parent: Any) -> None:
    """What a peer says is written as it is: SQLite holds no text to a length, and no number to 32 bits, so PostgreSQL
    is not told to either. Lengths in the tables tell what is usual."""
    if parent is not SCHEMA:
        return
    for column in table.columns:
        if type(column.type) is String:
            column.type = String()
        elif type(column.type) is Integer:
            column.type = BigInteger().with_variant(Integer, "sqlite")
