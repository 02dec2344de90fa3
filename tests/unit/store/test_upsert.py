"""Rows that are there already, or not: the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select

from ocppflow.store import Store, insert_new, upsert
from ocppflow.store.station_tables import SETTINGS
from ocppflow.store.transaction_tables import METER_HOURS

HOUR = datetime(2026, 1, 1, tzinfo=UTC)


def _hour(evse: int, count: int = 1, **more: Any) -> dict[str, Any]:
    return {"station": "CS1", "evse": evse, "hour": HOUR, "count": count, "packed": b"", **more}


async def _counts(store: Store) -> dict[int, tuple[int, float | None]]:
    query = select(METER_HOURS.c.evse, METER_HOURS.c.count, METER_HOURS.c.energy_wh)
    return {row.evse: (row.count, row.energy_wh) for row in await store.read(lambda c: c.execute(query).all())}


async def test_new_rows_are_inserted_and_known_ones_changed(any_store: Store) -> None:
    await any_store.write(lambda c: upsert(c, METER_HOURS, [_hour(1)]))
    await any_store.write(lambda c: upsert(c, METER_HOURS, [_hour(1, 7), _hour(2, 8), _hour(3, 9)]))
    assert await _counts(any_store) == {1: (7, None), 2: (8, None), 3: (9, None)}


async def test_columns_that_are_not_given_stay_as_they_are(any_store: Store) -> None:
    await any_store.write(lambda c: upsert(c, METER_HOURS, _hour(1, energy_wh=5.0)))
    await any_store.write(lambda c: upsert(c, METER_HOURS, _hour(1, 2)))
    assert await _counts(any_store) == {1: (2, 5.0)}


async def test_only_the_named_columns_are_changed(any_store: Store) -> None:
    await any_store.write(lambda c: upsert(c, METER_HOURS, _hour(1, energy_wh=5.0)))
    await any_store.write(lambda c: upsert(c, METER_HOURS, _hour(1, 2, energy_wh=6.0), update=["energy_wh"]))
    assert await _counts(any_store) == {1: (1, 6.0)}


async def test_a_change_may_be_told_from_what_is_there_and_what_comes_also_twice_at_once(any_store: Store) -> None:
    def count(connection: Connection) -> None:
        rows = [_hour(1, 5), _hour(2, 1), _hour(1, 6), _hour(1, 7)]
        upsert(connection, METER_HOURS, rows, update=lambda old, new: {"count": old.c.count + new.count})

    await any_store.write(count)
    assert await _counts(any_store) == {1: (18, None), 2: (1, None)}
    await any_store.write(count)
    assert await _counts(any_store) == {1: (36, None), 2: (2, None)}


async def test_the_last_of_rows_with_the_same_key_holds(any_store: Store) -> None:
    rows = [{"name": "a", "value": number} for number in range(5)]
    await any_store.write(lambda c: upsert(c, SETTINGS, rows))
    assert await any_store.read(lambda c: c.execute(select(SETTINGS)).all()) == [("a", 4)]


async def test_a_row_of_keys_alone_is_left_as_it_is(any_store: Store) -> None:
    await any_store.write(lambda c: upsert(c, SETTINGS, {"name": "a", "value": 1}))
    await any_store.write(lambda c: upsert(c, SETTINGS, [{"name": "a"}, {"name": "b"}]))
    assert await any_store.read(lambda c: c.execute(select(SETTINGS)).all()) == [("a", 1), ("b", None)]


async def test_no_rows_are_no_statement(any_store: Store) -> None:
    await any_store.write(lambda c: upsert(c, SETTINGS, []))
    assert await any_store.read(lambda c: c.execute(select(SETTINGS)).all()) == []


async def test_a_row_is_inserted_once(any_store: Store) -> None:
    row = {"name": "a", "value": 1}
    assert await any_store.write(lambda c: insert_new(c, SETTINGS, row))
    assert not await any_store.write(lambda c: insert_new(c, SETTINGS, {**row, "value": 2}))
    assert await any_store.read(lambda c: c.execute(select(SETTINGS)).all()) == [("a", 1)]


def test_rows_with_different_columns_are_refused_before_anything_is_written() -> None:
    store = Store.in_memory()
    with store.engine.connect() as connection, pytest.raises(ValueError, match=r"settings have not.*'value'"):
        upsert(connection, SETTINGS, [{"name": "a"}, {"name": "b", "value": 1}])
    store.engine.dispose()
