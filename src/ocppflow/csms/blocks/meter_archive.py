"""Meter values in the store: the last hours as rows, what is older packed by the hour; and questions to both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, delete, func, select

from ocppflow.csms.blocks.meter_packing import StoredReading, pack_readings, unpack_readings
from ocppflow.csms.books.energy_rules import energy_of
from ocppflow.csms.books.readings import Reading
from ocppflow.secrecy.discreet_repr import discreet_repr
from ocppflow.store import Store, upsert
from ocppflow.store.column_types import milliseconds_of, moment_of
from ocppflow.store.transaction_tables import METER_HOURS, METER_READINGS

HOURS_AT_A_TIME: Final = 200
"""Hours of EVSEs that are packed with one commit: some 50 ms of the writer's time."""

_HOUR: Final = timedelta(hours=1)
_ENERGY: Final = (
    "Energy.Active.Import.Register",
    "Energy.Active.Import.Interval",
    "Power.Active.Import",
    "Power.Active.Export",
)
_R, _H = METER_READINGS.c, METER_HOURS.c


class SeriesPoint(Struct, frozen=True):
    """What a value was in a stretch of time that begins at ``at``."""

    at: datetime
    mean: float
    low: float
    high: float


class PackedHour(Struct, frozen=True):
    """One hour of an EVSE, packed, and the rows that it takes the place of."""

    __repr__ = discreet_repr

    row: dict[str, Any]
    ids: list[int]


def rows_of(
    identity: str, evse: int, readings: Iterable[Reading], transaction: int | None = None
) -> list[dict[str, Any]]:
    """Rows for METER_READINGS; readings without a value leave none."""
    return [
        {
            "station": identity,
            "evse": evse,
            "transaction": transaction,
            "timestamp": reading.timestamp,
            "context": reading.context,
            "values": msgspec.json.encode(reading.values).decode(),
        }
        for reading in readings
        if reading.values
    ]


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


# --- packing -----------------------------------------------------------------------------------------------------


async def pack_finished(store: Store, before: datetime) -> int:
    """Pack the hours that ended ``before``, a few at a time. What comes late for an hour that is packed is packed with
    it the next time. Returns how many were packed. Raises StoreUnavailable."""
    packed = 0
    while hours := await store.read(lambda c: _due(c, _hour_of(before)), slow=True):
        await store.write(lambda c, hours=hours: _replace(c, hours))  # type: ignore[misc]
        packed += len(hours)
    return packed


def _replace(connection: Connection, hours: Sequence[PackedHour]) -> None:
    upsert(connection, METER_HOURS, [each.row for each in hours])
    ids = [number for each in hours for number in each.ids]
    for start in range(0, len(ids), 500):
        connection.execute(delete(METER_READINGS).where(_R.id.in_(ids[start : start + 500])))


def _due(connection: Connection, before: datetime) -> list[PackedHour]:
    oldest = (
        select(_R.station, _R.evse, func.min(_R.timestamp).label("first"))
        .where(_R.timestamp < before)
        .group_by(_R.station, _R.evse)
        .limit(HOURS_AT_A_TIME)
    )
    found = []
    for station, evse, first in connection.execute(oldest).all():
        hour = _hour_of(first)
        found.append(_packed(connection, station, evse, hour))
    return found


def _packed(connection: Connection, station: str, evse: int, hour: datetime) -> PackedHour:
    place = (_R.station == station, _R.evse == evse, _R.timestamp >= hour, _R.timestamp < hour + _HOUR)
    rows = connection.execute(select(METER_READINGS).where(*place)).all()
    readings = [_stored(row) for row in rows]
    before, held = _hours(connection, station, evse, hour - _HOUR), _hours(connection, station, evse, hour)
    readings = _once(readings + held)
    last = [_reading(each) for each in before if any(name in each.values for name in _ENERGY)][-1:]
    own = [_reading(each) for each in readings]
    powers = [power for each in own if (power := each.power_w) is not None]
    row = {
        "station": station,
        "evse": evse,
        "hour": hour,
        "count": len(readings),
        "energy_wh": energy_of(last + own).energy_wh,
        "power_max_w": max(powers, default=None),
        "packed": pack_readings(readings),
    }
    return PackedHour(row, [row.id for row in rows])


def _stored(row: Any) -> StoredReading:
    return StoredReading(
        milliseconds_of(row.timestamp),
        row.context or "",
        row.transaction,
        msgspec.json.decode(row.values, type=dict[str, float]),
    )


def _once(readings: Iterable[StoredReading]) -> list[StoredReading]:
    """In order of time; what a station told twice is there once."""
    kept: list[StoredReading] = []
    for reading in sorted(readings, key=lambda each: each.at):
        if reading not in kept[-8:]:
            kept.append(reading)
    return kept


def _reading(stored: StoredReading) -> Reading:
    """For the rules of energy: contexts of begin and end belong to transactions, and here the hour counts."""
    return Reading(timestamp=moment_of(stored.at), values=stored.values)


def _hours(connection: Connection, station: str, evse: int, hour: datetime) -> list[StoredReading]:
    packed = connection.execute(
        select(_H.packed).where(_H.station == station, _H.evse == evse, _H.hour == hour)
    ).scalar()
    return [] if packed is None else unpack_readings(packed)


# --- questions ---------------------------------------------------------------------------------------------------


def readings_between(
    connection: Connection, station: str, evse: int, since: datetime, until: datetime, only: Sequence[str] | None = None
) -> Iterator[StoredReading]:
    """The readings from ``since`` until before ``until``, hour by hour, packed ones first."""
    hours = select(_H.packed).where(
        _H.station == station, _H.evse == evse, _H.hour > since - _HOUR, _H.hour < until
    )  # fmt: skip
    low, high = milliseconds_of(since), milliseconds_of(until)
    for packed in connection.execute(hours.order_by(_H.hour)).scalars():
        yield from (each for each in unpack_readings(packed, only) if low <= each.at < high)
    place = (_R.station == station, _R.evse == evse, _R.timestamp >= since, _R.timestamp < until)
    for row in connection.execute(select(METER_READINGS).where(*place).order_by(_R.timestamp)):
        yield _stored(row)


def series_between(
    connection: Connection, station: str, evse: int, since: datetime, until: datetime, measurand: str, points: int
) -> list[SeriesPoint]:
    """One measurand in at most ``points`` stretches of equal length; those without a reading are left out."""
    low = milliseconds_of(since)
    width = max(1, -(-(milliseconds_of(until) - low) // max(points, 1)))
    sums: dict[int, list[float]] = {}
    for each in readings_between(connection, station, evse, since, until, [measurand]):
        if (value := each.values.get(measurand)) is None:
            continue
        place = (each.at - low) // width
        held = sums.get(place)
        if held is None:
            sums[place] = [1, value, value, value]
        else:
            held[0] += 1
            held[1] += value
            held[2] = min(held[2], value)
            held[3] = max(held[3], value)
    return [
        SeriesPoint(moment_of(low + place * width), total / count, least, most)
        for place, (count, total, least, most) in sorted(sums.items())
    ]


def energy_by(
    connection: Connection, station: str, evse: int, since: datetime, until: datetime, zone: tzinfo, form: str
) -> dict[str, float]:
    """Wh for each day or month, by ``form`` (of strftime) of the local time in ``zone``. What is not packed yet is
    counted as well."""
    found: dict[str, float] = {}
    hours = select(_H.hour, _H.energy_wh).where(
        _H.station == station, _H.evse == evse, _H.hour >= since, _H.hour < until, _H.energy_wh.is_not(None)
    )
    last_hour = None
    for hour, energy in connection.execute(hours.order_by(_H.hour)):
        name = hour.astimezone(zone).strftime(form)
        found[name] = round(found.get(name, 0.0) + energy, 3)
        last_hour = hour
    place = (_R.station == station, _R.evse == evse, _R.timestamp >= since, _R.timestamp < until)
    recent: dict[datetime, list[StoredReading]] = {}
    for row in connection.execute(select(METER_READINGS).where(*place).order_by(_R.timestamp)):
        recent.setdefault(_hour_of(row.timestamp), []).append(_stored(row))
    before = _hours(connection, station, evse, last_hour) if last_hour is not None else []
    last = [_reading(each) for each in before if any(name in each.values for name in _ENERGY)][-1:]
    for hour, readings in recent.items():
        own = [_reading(each) for each in _once(readings)]
        energy = energy_of(last + own).energy_wh or 0.0
        name = hour.astimezone(zone).strftime(form)
        found[name] = round(found.get(name, 0.0) + energy, 3)
        last = [each for each in own if any(name in each.values for name in _ENERGY)][-1:] or last
    return found
