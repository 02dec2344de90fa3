"""What is old goes, a little at a time; what is young or still open stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, func, insert, select
from tests.any_store import AnyDatabase

import ocppflow.store.pruning
from ocppflow.errors import ConfigurationError
from ocppflow.store import SCHEMA, Store
from ocppflow.store.access_tables import MESSAGES, NEWS
from ocppflow.store.device_tables import DEVICE_EVENTS
from ocppflow.store.pruning import Retention, prune, prune_store
from ocppflow.store.station_tables import REFUSED, STATIONS
from ocppflow.store.transaction_tables import (
    METER_HOURS,
    METER_READINGS,
    STRAY_EVENTS,
    TRANSACTION_EVENTS,
    TRANSACTIONS,
)
from ocppflow.store.work_tables import ALERTS, CALL_STATISTICS, QUEUED_CALLS

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def _rows(days: float, number: int) -> list[tuple[Table, dict[str, Any]]]:
    """One row of each table that is pruned, ``days`` old."""
    at = _ago(days)
    place = {"station": "CS1", "evse": number}
    return [
        (MESSAGES, {"at": at, "station": "CS1", "direction": "in", "kind": "CALL", "frame": "[]"}),
        (METER_READINGS, {**place, "timestamp": at, "values": "{}"}),
        (METER_HOURS, {**place, "hour": at, "count": 1, "packed": b""}),
        (
            DEVICE_EVENTS,
            {"station": "CS1", "timestamp": at, "received_at": at, "kind": "NotifyEvent", "type": str(number)},
        ),
        (REFUSED, {"at": at, "identity": "x", "address": "y", "reason": "z"}),
        (ALERTS, {"kind": "offline", "text": "", "opened_at": at, "last_at": at, "resolved_at": at}),
        (
            QUEUED_CALLS,
            {"station": "CS1", "action": "Reset", "payload": "{}", "state": "done", "created_at": at, "ended_at": at},
        ),
        (
            STRAY_EVENTS,
            {
                "station": "CS1",
                "received_at": at,
                "action": "StopTransaction",
                "reason": "",
                "payload": "{}",
                "fingerprint": bytes([number] * 16),
                "settled_by": "me",
            },
        ),
        (
            CALL_STATISTICS,
            {"station": "CS1", "action": str(number), "day": at, "calls": 1, "failures": 0, "seconds": 1, "slowest": 1},
        ),
        (NEWS, {"id": number, "at": at, "kind": "status", "data": {}}),
        (TRANSACTIONS, _transaction(number, at)),
    ]


def _transaction(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "station": "CS1",
        "transaction_id": str(number),
        "state": "ended",
        "version": "2.0.1",
        "started_at": at - timedelta(hours=1),
        "ended_at": at,
        "last_event_at": at,
        **more,
    }


async def _fill(store: Store, *ages: float) -> None:
    await store.write(lambda c: c.execute(insert(STATIONS), {"identity": "CS1", "created_at": NOW}))
    for number, days in enumerate(ages, 1):
        for table, row in _rows(days, number):
            await store.write(lambda c, table=table, row=row: c.execute(insert(table), row))


async def _counts(store: Store) -> dict[str, int]:
    def count(connection: Any) -> dict[str, int]:
        counted = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in SCHEMA.tables.items()
        }
        return {name: number for name, number in counted.items() if number and name != "stations"}

    return await store.read(count)


PRUNED = {table.name for table, _ in _rows(0, 0)}


async def test_what_is_old_goes_and_what_is_young_stays(any_store: Store) -> None:
    await _fill(any_store, 500, 401, 1, 0)
    gone = await prune_store(any_store, Retention(transactions=400), NOW)
    assert gone == dict.fromkeys(PRUNED, 2)
    assert await _counts(any_store) == dict.fromkeys(PRUNED, 2)
    assert await prune_store(any_store, Retention(transactions=400), NOW) == {}


async def test_each_kind_is_kept_as_long_as_it_is_said(any_store: Store) -> None:
    await _fill(any_store, 10, 5)
    assert await prune_store(any_store, Retention(), NOW) == {"messages": 1, "news": 1}
    readings = {"meter_readings": 1, "meter_hours": 1}
    assert await prune_store(any_store, Retention(meter_values=7), NOW) == readings
    assert (await prune_store(any_store, Retention(events=7), NOW)).keys() == {
        *("device_events", "refused_connections", "alerts", "queued_calls", "stray_events", "call_statistics")
    }
    assert await prune_store(any_store, Retention(transactions=7), NOW) == {"transactions": 1}


async def test_zero_keeps_for_ever_but_messages_not_at_all(any_store: Store) -> None:
    await _fill(any_store, 5000, 0.1)
    nothing = Retention(messages=0, meter_values=0, transactions=0, events=0, news=0)
    assert await prune_store(any_store, nothing, NOW) == {"messages": 2}


async def test_what_is_still_open_stays_however_old(any_store: Store) -> None:
    old = _ago(5000)
    unsettled = dict(_rows(5000, 1)[7][1], settled_by=None)
    await _fill(any_store)
    for table, row in (
        (TRANSACTIONS, _transaction(1, old, state="active", ended_at=None)),
        (TRANSACTIONS, _transaction(2, old, state="attention")),
        (TRANSACTIONS, _transaction(3, NOW, started_at=old)),
        (STRAY_EVENTS, unsettled),
        (ALERTS, {"kind": "offline", "text": "", "opened_at": old, "last_at": old}),
        (QUEUED_CALLS, {"station": "CS1", "action": "Reset", "payload": "", "state": "waiting", "created_at": old}),
    ):
        await any_store.write(lambda c, table=table, row=row: c.execute(insert(table), row))
    assert await prune_store(any_store, Retention(transactions=1), NOW) == {}


async def test_the_events_of_a_transaction_go_with_it(any_store: Store) -> None:
    await _fill(any_store, 500, 1)
    for number in (1, 2):
        row = {
            "transaction": number,
            "seq_no": 0,
            "event_type": "Started",
            "timestamp": NOW,
            "received_at": NOW,
            "fingerprint": b"x" * 16,
            "payload": "{}",
        }
        await any_store.write(lambda c, row=row: c.execute(insert(TRANSACTION_EVENTS), row))
    await prune_store(any_store, Retention(transactions=400), NOW)
    kept = await any_store.read(lambda c: c.execute(select(TRANSACTION_EVENTS.c.transaction)).scalars().all())
    assert kept == [2]


async def test_many_are_deleted_in_small_steps_and_others_write_between_them(
    any_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocppflow.store.pruning, "AT_A_TIME", 10)
    future = [_rows(-5000, 9)[1][1]] * 25  # a station whose clock is wrong must not keep the others' readings
    old = [_rows(500, 9)[1][1]] * 95
    messages = [_rows(500, 9)[0][1]] * 95
    await any_store.write(lambda c: c.execute(insert(METER_READINGS), [*future, *old]))
    await any_store.write(lambda c: c.execute(insert(MESSAGES), messages))
    most = 0
    write = any_store.write

    async def watched(work: Any) -> Any:
        nonlocal most
        done = await write(work)
        most = max(most, done[0])
        return done

    monkeypatch.setattr(any_store, "write", watched)
    assert await prune_store(any_store, Retention(), NOW) == {"messages": 95, "meter_readings": 95}
    assert most == 10
    assert await _counts(any_store) == {"meter_readings": 25}


async def test_it_may_be_done_from_outside_while_the_store_is_in_use(any_database: AnyDatabase) -> None:
    store = any_database.open()
    await _fill(store, 500, 1)
    assert prune(any_database.where, Retention(transactions=400), NOW) == dict.fromkeys(PRUNED, 1)
    assert await _counts(store) == dict.fromkeys(PRUNED, 1)
    await store.close()


def test_there_has_to_be_a_database(tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no database .*nowhere.*: name the directory of a CSMS"):
        prune(tmp_path / "nowhere", Retention(), NOW)
    assert not (tmp_path / "nowhere").exists()
