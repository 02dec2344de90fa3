"""The one MetaData that all tables belong to, and the names of their constraints."""

from __future__ import annotations

from typing import Final

from sqlalchemy import MetaData

SCHEMA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""Named alike on every database, so that a migration can name what it changes."""
