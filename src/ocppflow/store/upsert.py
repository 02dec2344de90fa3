"""Rows that are written whether they are there already or not, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]
Keys = Sequence[str]
Change = Callable[[Table, Any], Mapping[str, Any]]
"""From the table (what is there) and what was to be inserted, to what is set, by column:
``lambda old, new: {"times": old.c.times + new.times}``."""


def upsert(
    connection: Connection,
    table: Table,
    rows: Row | Iterable[Row],
    keys: Keys = (),
    *,
    update: Keys | Change | None = None,
) -> None:
    """Insert ``rows``, or change those that are there with the same ``keys``.

    ``keys`` are the columns of the primary key (the default) or of a UNIQUE constraint; NULL in one of them equals
    nothing, so such a row is always inserted. All ``rows`` have the same columns. What is changed is every other column
    that the rows have; or those named by ``update``; or what ``update`` says, see :data:`Change`. Two of the rows may
    have the same keys: the later one changes what the earlier one wrote.
    """
    for group in _groups(table, rows, _keys(table, keys)):
        connection.execute(_statement(connection, table, tuple(group[0]), _keys(table, keys), update), group)


def insert_new(connection: Connection, table: Table, row: Row, keys: Keys = ()) -> bool:
    """Insert ``row`` unless one with its ``keys`` is there; whether it was new. ``keys`` are as for :func:`upsert`."""
    statement = _insert(connection, table).on_conflict_do_nothing(index_elements=list(_keys(table, keys)))
    done = connection.execute(statement, dict(row), execution_options={"preserve_rowcount": True})
    return done.rowcount == 1


def _keys(table: Table, keys: Keys) -> tuple[str, ...]:
    return tuple(keys) or tuple(column.name for column in table.primary_key)


def _insert(connection: Connection, table: Table) -> Any:
    """Both databases understand the same ON CONFLICT; SQLAlchemy has it once for each."""
    return (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(table)


def _statement(
    connection: Connection, table: Table, columns: tuple[str, ...], keys: tuple[str, ...], update: Keys | Change | None
) -> Any:
    statement = _insert(connection, table)
    if callable(update):
        changes = dict(update(table, statement.excluded))
    else:
        named = [name for name in columns if name not in keys] if update is None else update
        changes = {name: statement.excluded[name] for name in named}
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changes)


def _groups(table: Table, rows: Row | Iterable[Row], keys: tuple[str, ...]) -> list[list[dict[str, Any]]]:
    """The rows in groups, in none of which a key occurs twice: PostgreSQL refuses to change a row twice in one go."""
    given = [dict(rows)] if isinstance(rows, Mapping) else [dict(row) for row in rows]
    groups: list[list[dict[str, Any]]] = []
    times: dict[tuple[Any, ...], int] = {}
    for row in given:
        if row.keys() != given[0].keys():
            raise ValueError(f"rows for {table.name} have not the same columns: {sorted(row.keys() ^ given[0].keys())}")
        key = tuple(row.get(name) for name in keys)
        nth = times[key] = times.get(key, -1) + 1
        if nth == len(groups):
            groups.append([])
        groups[nth].append(row)
    return groups
