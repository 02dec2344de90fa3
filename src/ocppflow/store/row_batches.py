"""RowBatches: rows that nobody waits for, inserted many at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, Table, insert

from ocppflow.log_budget import budgeted
from ocppflow.store.database_faults import DatabaseFault, fault_of, reason_of
from ocppflow.store.group_commits import Work

log = budgeted("ocppflow.store")

Row = Mapping[str, Any]

MOST_ROWS: Final = 20_000
"""Rows of one table that wait at most: more than a busy CSMS says in some seconds. What comes then is lost, and the log
says so: a slow disk must not fill the memory."""

AT_A_TIME: Final = 2_000
"""Rows in one commit: some ten milliseconds."""


class RowBatches:
    """While one batch of a table is on its way, the next one gathers. ``write`` hands a work to the writer and calls
    back, on the event loop, when it is over."""

    def __init__(self, write: Callable[[Work[None], Callable[[], None]], None]) -> None:
        self._write = write
        self._gathering: dict[Table, list[Row]] = {}
        self._on_the_way: set[Table] = set()

    def add(self, table: Table, row: Row) -> None:
        """``row`` goes with the next batch of its table. All rows of a table have the same columns."""
        rows = self._gathering.setdefault(table, [])
        if len(rows) >= MOST_ROWS:
            log.error("%s: the store is too slow, so what nobody waits for is lost", table.name)
            return
        rows.append(row)
        if table not in self._on_the_way:
            self._send(table)

    def _send(self, table: Table) -> None:
        rows = self._gathering.pop(table, [])
        if not rows:
            self._on_the_way.discard(table)
            return
        if len(rows) > AT_A_TIME:
            self._gathering[table] = rows[AT_A_TIME:]
            del rows[AT_A_TIME:]
        self._on_the_way.add(table)
        self._write(partial(_insert, table=table, rows=rows), lambda: self._send(table))

    def flush(self) -> None:
        """Send what gathers, behind what is on its way."""
        for table in list(self._gathering):
            rows = self._gathering.pop(table)
            for start in range(0, len(rows), AT_A_TIME):
                self._write(partial(_insert, table=table, rows=rows[start : start + AT_A_TIME]), lambda: None)


def _insert(connection: Connection, table: Table, rows: list[Row]) -> None:
    point = connection.begin_nested()
    try:
        connection.execute(insert(table), rows)
        point.commit()
    except Exception as error:
        if fault_of(error) is not DatabaseFault.OWN:
            raise
        point.rollback()
        _insert_each(connection, table, rows)


def _insert_each(connection: Connection, table: Table, rows: list[Row]) -> None:
    """One of them cannot be inserted, which costs the others nothing."""
    for row in rows:
        point = connection.begin_nested()
        try:
            connection.execute(insert(table), row)
            point.commit()
        except Exception as error:
            if fault_of(error) is not DatabaseFault.OWN:
                raise
            point.rollback()
            log.error("%s: what nobody waits for was not written: %s", table.name, reason_of(error))
