"""What is older than it has to be kept is deleted, a little at a time, so that nobody waits long for the writer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, Table, and_, delete, func, select

from ocppflow.store.access_tables import MESSAGES, NEWS
from ocppflow.store.device_tables import DEVICE_EVENTS
from ocppflow.store.engines import WRITES
from ocppflow.store.group_commits import Work
from ocppflow.store.station_tables import REFUSED
from ocppflow.store.transaction_tables import METER_HOURS, METER_READINGS, STRAY_EVENTS, TRANSACTIONS
from ocppflow.store.upgrade import opened_beside
from ocppflow.store.work_tables import ALERTS, CALL_STATISTICS, QUEUED_CALLS

if TYPE_CHECKING:
    from ocppflow.store.store import Store

AT_A_TIME: Final = 1000
"""Rows that one step deletes at most, or in one hour's or day's place: some ten milliseconds."""


_REST: Final = 0.001
"""Seconds between two steps from outside: SQLite does not queue those who want to write, so that whoever asks again at
once might keep the others from it for long."""


Days = Annotated[float, Meta(ge=0)]


class Retention(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[retention]``: how long things are kept, in days; 0: for ever, but ``messages``, which 0 does not keep."""

    messages: Days = 7.0
    """Raw messages."""
    meter_values: Days = 400.0
    transactions: Days = 0.0
    """Of those that have ended, with their events."""
    events: Days = 90.0
    """What stations reported, refused connections, alerts that are over, calls that were queued, statistics of calls,
    and messages that belonged to no transaction and are settled."""
    news: Days = 7.0


Done = tuple[int, int | None]
"""How many rows a step has deleted, and after which id it goes on; None: there is no more."""

Step = Callable[[Connection, datetime, int], Done]


def _oldest(table: Table, age: Any, *where: ColumnElement[bool], by: Any = None) -> Step:
    """Deletes the oldest rows, by an index on their age, or on ``by``, which is never later than that."""
    order = age if by is None else by

    def step(connection: Connection, before: datetime, _: int) -> Done:
        old = select(table.c.id).where(order < before, age < before, *where).order_by(order).limit(AT_A_TIME)
        count = connection.execute(delete(table).where(table.c.id.in_(old.scalar_subquery()))).rowcount
        return count, 0 if count else None

    return step


def _walk(table: Table, age: Any) -> Step:
    """Deletes among all rows, in the order in which they were written: for a table without such an index, whose times
    are the stations' own, so that some may lie far in the future."""

    def step(connection: Connection, before: datetime, after: int) -> Done:
        some = select(table.c.id).where(table.c.id > after).order_by(table.c.id).limit(AT_A_TIME).subquery()
        last: int | None = connection.execute(select(func.max(some.c.id))).scalar()
        if last is None:
            return 0, None
        old = and_(table.c.id > after, table.c.id <= last, age < before)
        return connection.execute(delete(table).where(old)).rowcount, last

    return step


def _one_moment(table: Table, age: Any) -> Step:
    """Deletes all of the oldest hour or day."""

    def step(connection: Connection, before: datetime, _: int) -> Done:
        oldest = connection.execute(select(func.min(age))).scalar()
        if oldest is None or oldest >= before:
            return 0, None
        return connection.execute(delete(table).where(age == oldest)).rowcount, 0

    return step


_ENDED_AT: Final = TRANSACTIONS.c.ended_at

_STEPS: Final[dict[str, tuple[tuple[Table, Step], ...]]] = {
    "messages": ((MESSAGES, _oldest(MESSAGES, MESSAGES.c.at)),),
    "meter_values": (
        (METER_READINGS, _walk(METER_READINGS, METER_READINGS.c.timestamp)),
        (METER_HOURS, _one_moment(METER_HOURS, METER_HOURS.c.hour)),
    ),
    "events": (
        (DEVICE_EVENTS, _walk(DEVICE_EVENTS, DEVICE_EVENTS.c.received_at)),
        (REFUSED, _oldest(REFUSED, REFUSED.c.at)),
        (ALERTS, _oldest(ALERTS, ALERTS.c.resolved_at)),
        (QUEUED_CALLS, _oldest(QUEUED_CALLS, QUEUED_CALLS.c.ended_at)),
        (STRAY_EVENTS, _oldest(STRAY_EVENTS, STRAY_EVENTS.c.received_at, STRAY_EVENTS.c.settled_by.is_not(None))),
        (CALL_STATISTICS, _one_moment(CALL_STATISTICS, CALL_STATISTICS.c.day)),
    ),
    "transactions": (
        (
            TRANSACTIONS,
            _oldest(TRANSACTIONS, _ENDED_AT, TRANSACTIONS.c.state == "ended", by=TRANSACTIONS.c.started_at),
        ),
    ),
    "news": ((NEWS, _oldest(NEWS, NEWS.c.at)),),
}


def _due(retention: Retention, now: datetime) -> Iterator[tuple[str, Callable[[int], Work[Done]]]]:
    """Makers of works, and the table of each: a work goes on after the id that it is made with."""
    for name, steps in _STEPS.items():
        days: float = getattr(retention, name)
        if days == 0 and name != "messages":
            continue
        before = now - timedelta(days=days)
        for table, step in steps:
            yield table.name, partial(_work, step, before)


def _work(step: Step, before: datetime, after: int) -> Work[Done]:
    return lambda connection: step(connection, before, after)


async def prune_store(store: Store, retention: Retention, now: datetime) -> dict[str, int]:
    """Delete what is older, between the other things that the store does. Returns how many rows of each table went, if
    any. Raises StoreUnavailable."""
    gone: Counter[str] = Counter()
    for table, work in _due(retention, now):
        after: int | None = 0
        while after is not None:
            count, after = await store.write(work(after))
            gone[table] += count
    return dict(+gone)


def prune(where: str | Path, retention: Retention, now: datetime) -> dict[str, int]:
    """The same from outside, while a CSMS may use the database. Blocks; raises ConfigurationError. SQLite's file does
    not shrink: the room is for what comes."""
    gone: Counter[str] = Counter()
    with opened_beside(where) as engine:
        writing = engine.execution_options(**{WRITES: True})
        for table, work in _due(retention, now):
            after: int | None = 0
            while after is not None:
                with writing.begin() as connection:
                    count, after = work(after)(connection)
                gone[table] += count
                time.sleep(_REST)
    return dict(+gone)
