"""J: meter values beside transactions, what is known of each EVSE now, and the archive of all."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final

from msgspec import Struct
from sqlalchemy import insert, select

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.blocks.meter_archive import (
    SeriesPoint,
    energy_by,
    pack_finished,
    readings_between,
    rows_of,
    series_between,
)
from ocppflow.csms.blocks.meter_packing import StoredReading
from ocppflow.csms.books.booked import Booked, BookState
from ocppflow.csms.books.readings import Reading, read_meter_values, readings_of_16
from ocppflow.csms.station import Station
from ocppflow.endpoint import sleep
from ocppflow.errors import ConfigurationError
from ocppflow.log_budget import budgeted
from ocppflow.messages import v16, v21
from ocppflow.store import StoreUnavailable
from ocppflow.store.transaction_tables import METER_READINGS, TRANSACTIONS

log = budgeted("ocppflow.csms")

FRESH: Final = timedelta(minutes=15)
"""How long what was told last is taken for what is so now: the usual interval of clock-aligned values."""

PACK_EVERY: Final = 900.0
"""Seconds between two looks for hours that are over."""

PACK_AFTER: Final = timedelta(hours=2)
"""How long an hour has been over before it is packed, so that most of what comes late is there."""

MOST_POINTS: Final = 10_000
"""Points of a series at most: more than any screen has."""


class ToldLast(Struct):
    """What an EVSE told last. W, A by phase, percent, Wh; None: never told. ``at`` is the reading's own time,
    ``power_at`` and ``currents_at`` when the CSMS heard them."""

    at: datetime
    heard_at: datetime
    power_w: float | None = None
    power_at: datetime | None = None
    currents_a: tuple[float, ...] | None = None
    currents_at: datetime | None = None
    voltages_v: tuple[float, ...] | None = None
    soc: float | None = None
    register_wh: float | None = None
    offered_a: float | None = None
    temperature: float | None = None


class MeteringService(CSMSBlock):
    """J: meter values beside transactions, and their archive.

    The books hand over the values of transactions: they insert :meth:`rows` with the commit of the event, and call
    :meth:`told` after it. Values beside transactions are stored here. So each is stored once.
    """

    title = "metering"

    def hear(self) -> None:
        self._last: dict[str, dict[int, ToldLast]] = {}
        self._active: dict[tuple[str, int], int] = {}
        self._packing: asyncio.Future[Any] | None = None
        self.on(v21.MeterValuesRequest)(self.meter_values)

    async def start(self) -> None:
        """Which transactions go on, and the packing of hours that are over."""
        query = select(TRANSACTIONS.c.station, TRANSACTIONS.c.evse, TRANSACTIONS.c.id)
        query = query.where(TRANSACTIONS.c.state == BookState.ACTIVE.value, TRANSACTIONS.c.evse.is_not(None))
        for station, evse, number in await self.csms.store.read(lambda c: c.execute(query).all()):
            self._active[station, evse] = number
        if self._packing is None:
            self._packing = asyncio.ensure_future(self._pack_again_and_again())

    async def stop(self) -> None:
        """No more hours are packed."""
        await super().stop()
        if self._packing is not None:
            self._packing.cancel()
            await asyncio.gather(self._packing, return_exceptions=True)
            self._packing = None

    def disconnected(self, station: Station) -> None:
        """What it draws now is not known any more."""
        self._last.pop(station.identity, None)

    def transaction_changed(self, booked: Booked) -> None:
        """Values of an EVSE belong to the transaction that goes on there; with its end nothing is drawn any more."""
        if booked.evse is None:
            return
        place = booked.station, booked.evse
        if booked.state is BookState.ACTIVE:
            self._active[place] = booked.id
        elif self._active.get(place) == booked.id:
            del self._active[place]
            told = self._last.get(booked.station, {}).get(booked.evse)
            if told is not None:
                told.power_w = told.currents_a = told.soc = None

    # --- what comes ----------------------------------------------------------------------------------------------

    async def meter_values(self, station: Station, request: v21.MeterValuesRequest) -> v21.MeterValuesResponse:
        """J01.FR.18: what is not part of a transaction's events. Answered once it is stored."""
        await self.store_beside(station.identity, request.evse_id, read_meter_values(request.meter_value))
        return v21.MeterValuesResponse()

    async def beside_16(self, station: Station, request: v16.MeterValuesRequest) -> v16.MeterValuesResponse:
        """1.6's MeterValues without a transactionId; those of a transaction go to the books. A connector is an EVSE."""
        await self.store_beside(station.identity, request.connector_id, readings_of_16(request.meter_value))
        return v16.MeterValuesResponse()

    async def store_beside(self, identity: str, evse: int, readings: Sequence[Reading]) -> None:
        """Store readings that no event of a transaction brought; they are kept as the transaction's that goes on at
        the EVSE, if one does. Raises StoreUnavailable."""
        rows = rows_of(identity, evse, readings, self._active.get((identity, evse)))
        if rows:
            await self.csms.store.write(lambda c: c.execute(insert(METER_READINGS), rows) and None)
        self.told(identity, evse, readings)

    def rows(self, identity: str, evse: int, transaction: int, readings: Iterable[Reading]) -> list[dict[str, Any]]:
        """Rows for METER_READINGS, for the books to insert with the commit of the event that brought them."""
        return rows_of(identity, evse, readings, transaction)

    def told(self, identity: str, evse: int, readings: Iterable[Reading], *, is_offline: bool = False) -> None:
        """Readings have come and are stored. ``is_offline``: they are of the past, and say nothing of now."""
        now = self.csms.now()
        for reading in readings:
            if reading.values and not is_offline and identity in self.csms:
                self._remember(identity, evse, reading, now)
        self._tell_news(identity, evse, readings)

    def _remember(self, identity: str, evse: int, reading: Reading, now: datetime) -> None:
        of_station = self._last.setdefault(identity, {})
        told = of_station.get(evse)
        if told is None:
            told = of_station[evse] = ToldLast(reading.timestamp, now)
        elif reading.timestamp < told.at and now - told.heard_at < FRESH:
            return
        told.at, told.heard_at = reading.timestamp, now
        for name in ("voltages_v", "soc", "register_wh", "offered_a", "temperature"):
            if (value := getattr(reading, name)) is not None:
                setattr(told, name, value)
        if reading.power_w is not None:
            told.power_w, told.power_at = reading.power_w, now
        if reading.currents_a is not None:
            told.currents_a, told.currents_at = reading.currents_a, now

    def _tell_news(self, identity: str, evse: int, readings: Iterable[Reading]) -> None:
        last = None
        for reading in readings:
            last = reading if reading.values else last
        if last is not None:
            self.csms.newsroom.tell("meter", identity, evse=evse, at=last.timestamp, values=last.values)

    # --- what is so now ------------------------------------------------------------------------------------------

    def last(self, identity: str, evse: int) -> ToldLast | None:
        """All that the EVSE told last; None if that is too long ago."""
        told = self._last.get(identity, {}).get(evse)
        return told if told is not None and self.csms.now() - told.heard_at <= FRESH else None

    def power(self, identity: str, evse: int | None = None) -> float | None:
        """W that are drawn now, as told last; of the whole station if no EVSE is named: by its main meter, else the
        sum of its EVSEs. None if that is not known. Where only currents are told, they count with their voltages."""
        if evse is not None:
            return self._power(identity, evse)
        if (main := self._power(identity, 0)) is not None:
            return main
        known = [power for each in self._last.get(identity, {}) if (power := self._power(identity, each)) is not None]
        return sum(known) if known else None

    def _power(self, identity: str, evse: int) -> float | None:
        told = self.last(identity, evse)
        if told is None:
            return None
        if told.power_w is not None and self._is_fresh(told.power_at):
            return told.power_w
        currents = self.currents(identity, evse)
        if currents is None:
            return None
        volts = told.voltages_v or (self.csms.config.charging.voltage,)
        return sum(amps * (volts[min(index, len(volts) - 1)]) for index, amps in enumerate(currents))

    def currents(self, identity: str, evse: int) -> tuple[float, ...] | None:
        """A per phase, L1 first, as told last; one number if the station tells but one. None if not known."""
        told = self.last(identity, evse)
        return told.currents_a if told is not None and self._is_fresh(told.currents_at) else None

    def soc(self, identity: str, evse: int) -> float | None:
        """Percent of the EV's battery, as told last."""
        told = self.last(identity, evse)
        return None if told is None else told.soc

    def _is_fresh(self, at: datetime | None) -> bool:
        return at is not None and self.csms.now() - at <= FRESH

    # --- the archive ---------------------------------------------------------------------------------------------

    async def readings(
        self, identity: str, evse: int, since: datetime, until: datetime, most: int = 1000
    ) -> list[StoredReading]:
        """The readings of an EVSE as they were told, ``most`` of them from ``since`` on."""

        def look(connection: Any) -> list[StoredReading]:
            found = []
            for reading in readings_between(connection, identity, evse, since, until):
                found.append(reading)
                if len(found) >= most:
                    break
            return found

        return await self.csms.store.read(look, slow=True)

    async def series(
        self, identity: str, evse: int, since: datetime, until: datetime, measurand: str, points: int = 500
    ) -> list[SeriesPoint]:
        """One measurand for a plot: mean, least and most in each of at most ``points`` stretches of time. Phases are
        measurands of their own, ``Current.Import.L1``. Raises ConfigurationError for times that do not go on."""
        if until <= since:
            raise ConfigurationError(f"until ({until.isoformat()}) has to be after since ({since.isoformat()})")
        points = min(max(points, 1), MOST_POINTS)
        return await self.csms.store.read(
            lambda c: series_between(c, identity, evse, since, until, measurand, points), slow=True
        )

    async def energy_per_day(
        self, identity: str, evse: int, since: datetime, until: datetime, zone: tzinfo = UTC
    ) -> dict[str, float]:
        """Wh by local date, ``{"2026-03-01": 12500.0}``; of an hour that ends on another day by when it begins."""
        return await self.csms.store.read(
            lambda c: energy_by(c, identity, evse, since, until, zone, "%Y-%m-%d"), slow=True
        )

    async def energy_per_month(
        self, identity: str, evse: int, since: datetime, until: datetime, zone: tzinfo = UTC
    ) -> dict[str, float]:
        """Wh by local month, ``{"2026-03": 512000.0}``."""
        return await self.csms.store.read(
            lambda c: energy_by(c, identity, evse, since, until, zone, "%Y-%m"), slow=True
        )

    async def pack(self) -> int:
        """Pack the hours that are over, which also happens by itself. Returns how many. Raises StoreUnavailable."""
        return await pack_finished(self.csms.store, self.csms.now() - PACK_AFTER)

    async def _pack_again_and_again(self) -> None:
        while True:
            await sleep(self.csms.clock, PACK_EVERY)
            try:
                await self.pack()
            except StoreUnavailable as error:
                log.error("meter values are not packed: %s", error)
