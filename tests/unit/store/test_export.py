"""CSV and JSON of stations, tokens and sessions."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert
from tests.any_store import AnyDatabase

from ocppflow.store import Store
from ocppflow.store.export import TABLES, export, exported, guarded, unguarded
from ocppflow.store.station_tables import STATIONS
from ocppflow.store.token_tables import TOKENS
from ocppflow.store.transaction_tables import TRANSACTIONS

NOW = datetime(2026, 6, 1, 12, 30, 15, 250_000, tzinfo=UTC)


def _csv(store: Store, what: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("".join(exported(store.engine, what, "csv")), newline="")))


def _json(store: Store, what: Any) -> Any:
    return json.loads("".join(exported(store.engine, what, "json")))


async def _add(store: Store, table: Any, *rows: dict[str, Any]) -> None:
    await store.write(lambda c: c.execute(insert(table), list(rows)))


def _token(name: str, **more: Any) -> dict[str, Any]:
    return {"id_token": name, "shown_as": name, "created_at": NOW, "updated_at": NOW, **more}


async def test_sessions_have_the_names_of_the_api(any_store: Store) -> None:
    session = {
        "station": "CS1",
        "transaction_id": "t",
        "evse": 1,
        "state": "ended",
        "version": "2.0.1",
        "started_at": NOW,
        "ended_at": NOW,
        "last_event_at": NOW,
        "energy_wh": -1.5,
        "events": 2,
        "cost_lines": [{"a": 1}],
    }
    await _add(any_store, TRANSACTIONS, session)
    (read,) = _json(any_store, "sessions")
    expected = {
        "id": 1,
        "stationId": "CS1",
        "transactionId": "t",
        "evseId": 1,
        "state": "ended",
        "energyWh": -1.5,
        "startedAt": "2026-06-01T12:30:15.250Z",
        "costLines": [{"a": 1}],
        "events": 2,
        "isSigned": False,
    }
    assert {name: read[name] for name in expected} == expected
    (row,) = _csv(any_store, "sessions")
    assert {name: row[name] for name in expected} == {
        "id": "1",
        "stationId": "CS1",
        "transactionId": "t",
        "evseId": "1",
        "state": "ended",
        "energyWh": "-1.5",
        "startedAt": "2026-06-01T12:30:15.250Z",
        "costLines": '[{"a":1}]',
        "events": "2",
        "isSigned": "false",
    }
    assert row["connectorId"] == ""


async def test_no_password_of_a_station_is_exported(any_store: Store) -> None:
    station = {"identity": "CS1", "created_at": NOW, "password_hash": "s3cret", "next_password_hash": "s3cret"}
    await _add(any_store, STATIONS, {**station, "data": {"key": "s3cret"}})
    for form in ("csv", "json"):
        text = "".join(exported(any_store.engine, "stations", form))
        assert "CS1" in text
        assert "s3cret" not in text
        assert "assword" not in text


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "=cmd|' /C calc'!A0")


@pytest.mark.parametrize("formula", FORMULAS)
async def test_nothing_in_csv_is_a_formula(any_store: Store, formula: str) -> None:
    await _add(any_store, TOKENS, _token("a", note=formula, group_token=formula))
    (row,) = _csv(any_store, "tokens")
    assert row["note"] == row["groupToken"] == "'" + formula
    (read,) = _json(any_store, "tokens")
    assert read["note"] == formula


@given(st.text())
def test_whoever_reads_csv_can_have_the_text_as_it_was(text: str) -> None:
    cell = guarded(text)
    assert unguarded(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))


@pytest.mark.parametrize("cell", ["a", "'a", "", "'", "o'clock"])
def test_a_cell_that_somebody_else_wrote_is_taken_as_it_is(cell: str) -> None:
    assert unguarded(cell) == cell


@pytest.mark.parametrize("what", TABLES)
async def test_without_rows_there_are_the_names_alone(any_store: Store, what: Any) -> None:
    assert _json(any_store, what) == []
    text = "".join(exported(any_store.engine, what, "csv"))
    assert text.count("\n") == 1
    assert "created" in text.lower() or what == "sessions"


async def test_many_are_streamed_while_the_store_is_in_use(any_database: AnyDatabase) -> None:
    store = any_database.open()
    await _add(store, TOKENS, *(_token(f"{number:05}") for number in range(3000)))
    pieces = export(any_database.where, "tokens", "csv")
    first = next(pieces)
    await _add(store, TOKENS, _token("later"))
    text = first + "".join(pieces)
    assert len(first) < len(text) / 3
    names = [row["idToken"] for row in csv.DictReader(io.StringIO(text))]
    assert names == [f"{number:05}" for number in range(3000)]
    await store.close()
