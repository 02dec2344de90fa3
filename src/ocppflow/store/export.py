"""Stations, tokens and sessions as CSV or JSON: streamed, without secrets, and safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Column, Engine, Table, select

from ocppflow.store.column_types import Json
from ocppflow.store.station_tables import STATIONS
from ocppflow.store.token_tables import TOKENS
from ocppflow.store.transaction_tables import TRANSACTIONS
from ocppflow.store.upgrade import opened_beside

What = Literal["stations", "tokens", "sessions"]
Format = Literal["csv", "json"]

TABLES: Final[dict[str, Table]] = {"stations": STATIONS, "tokens": TOKENS, "sessions": TRANSACTIONS}

_LEFT_OUT: Final = {
    STATIONS: {"password_hash", "next_password_hash", "data"},
    TOKENS: set[str](),
    TRANSACTIONS: {"start_key", "summary"},
}
_RENAMED: Final = {
    TRANSACTIONS: {"station": "stationId", "evse": "evseId", "connector": "connectorId"},
    STATIONS: {"identity": "id"},
}
_ORDER: Final[dict[Table, Column[Any]]] = {
    STATIONS: STATIONS.c.identity,
    TOKENS: TOKENS.c.id_token,
    TRANSACTIONS: TRANSACTIONS.c.id,
}

_AT_A_TIME: Final = 500
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "'")


def guarded(text: str) -> str:
    """``text`` for a cell of CSV: what a spreadsheet would take for a formula begins with an apostrophe, and so does
    what begins with one."""
    return "'" + text if text.startswith(_FORMULA) else text


def unguarded(cell: str) -> str:
    """What :func:`guarded` was given. A cell that it did not make is left as it is."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell


def export(where: str | Path, what: What, form: Format) -> Iterator[str]:
    """The text of the file, in pieces, as the database is at one moment, while a CSMS may use it. Names are those of
    the API. Blocks; raises ConfigurationError."""
    with opened_beside(where) as engine:
        yield from exported(engine, what, form)


def exported(engine: Engine, what: What, form: Format) -> Iterator[str]:
    """The same from an engine that is open. Blocks."""
    table = TABLES[what]
    names = {each.name: _name(table, each.name) for each in table.columns if each.name not in _LEFT_OUT[table]}
    query = select(*(table.c[name] for name in names)).order_by(_ORDER[table])
    with engine.connect() as connection:
        rows = connection.execution_options(yield_per=_AT_A_TIME).execute(query)
        partitions = (list(some) for some in rows.partitions())
        yield from _csv(table, names, partitions) if form == "csv" else _json(names, partitions)


def _name(table: Table, column: str) -> str:
    first, *others = column.split("_")
    return _RENAMED.get(table, {}).get(column) or first + "".join(word.capitalize() for word in others)


def _csv(table: Table, names: dict[str, str], partitions: Iterator[list[Any]]) -> Iterator[str]:
    text = io.StringIO()
    writer = csv.writer(text)
    is_json = [isinstance(table.c[name].type, Json) for name in names]
    writer.writerow(names.values())
    for rows in partitions:
        for row in rows:
            writer.writerow([_cell(value, json) for value, json in zip(row, is_json, strict=True)])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()  # the names alone, where there are no rows


def _cell(value: Any, is_json: bool) -> Any:
    if value is None:
        return ""
    if is_json:
        return guarded(msgspec.json.encode(value).decode())
    if isinstance(value, datetime):
        return _moment(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return guarded(value) if isinstance(value, str) else value


def _json(names: dict[str, str], partitions: Iterator[list[Any]]) -> Iterator[str]:
    yield "["
    separator = "\n"
    for rows in partitions:
        for row in rows:
            values = (_moment(value) if isinstance(value, datetime) else value for value in row)
            yield separator + msgspec.json.encode(dict(zip(names.values(), values, strict=True))).decode()
            separator = ",\n"
    yield "\n]\n"


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
