"""J at the CSMS: values beside transactions, what is known now, and the archive."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from csms_world import START, CSMSWorld
from sqlalchemy import func, select

from ocppflow.csms.books.booked import Booked, BookState
from ocppflow.csms.books.readings import Reading
from ocppflow.errors import ConfigurationError
from ocppflow.messages import v16
from ocppflow.store.transaction_tables import METER_HOURS, METER_READINGS

REGISTER = "Energy.Active.Import.Register"
POWER = "Power.Active.Import"


def value(at: datetime, **values: float) -> dict[str, Any]:
    sampled = [
        {"value": number, "measurand": name.replace("_", ".").split("@")[0], "context": "Sample.Clock"}
        for name, number in values.items()
    ]
    return {"timestamp": at.isoformat().replace("+00:00", "Z"), "sampledValue": sampled}


def energy(at: datetime, wh: float, **values: float) -> dict[str, Any]:
    return value(at, Energy_Active_Import_Register=wh, **values)


async def rows(world: CSMSWorld, table: Any) -> list[Any]:
    return list(await world.store.read(lambda c: c.execute(select(table)).all()))


@pytest.mark.parametrize("version", ["2.0.1", "2.1"])
async def test_J01_FR_18_clock_aligned_values_are_confirmed_and_stored(csms_world: CSMSWorld, version: str) -> None:
    puppet = await csms_world.puppet("CS1", version, boot=False)
    for evse in (0, 1):
        said = {"evseId": evse, "meterValue": [energy(START, 1200, Power_Active_Import=5000)]}
        assert await puppet.call("MeterValues", said) == {}
    stored = await rows(csms_world, METER_READINGS)
    assert [(row.station, row.evse, row.timestamp, row.context) for row in stored] == [
        ("CS1", 0, START, "Sample.Clock"),
        ("CS1", 1, START, "Sample.Clock"),
    ]
    assert csms_world.csms.metering.power("CS1", 1) == 5000


async def test_what_is_known_now_grows_old_and_goes_with_the_connection(csms_world: CSMSWorld) -> None:
    metering = csms_world.csms.metering
    puppet = await csms_world.puppet(boot=False)
    phases = [{"value": 16 - n, "measurand": "Current.Import", "phase": f"L{n}"} for n in (1, 2, 3)]
    said = {"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [*phases, {"value": 55, "measurand": "SoC"}]}
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [said]})
    assert metering.currents("CS1", 1) == (15, 14, 13)
    assert metering.power("CS1", 1) == metering.power("CS1") == 42 * 230  # of currents, for want of a power
    assert (metering.soc("CS1", 1), metering.power("CS1", 2), metering.currents("CS9", 1)) == (55, None, None)
    await csms_world.advance(901)
    assert (metering.power("CS1", 1), metering.currents("CS1", 1), metering.soc("CS1", 1)) == (None, None, None)
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [value(csms_world.now(), Power_Active_Import=7)]})
    assert metering.power("CS1", 1) == 7
    older = value(csms_world.now() - timedelta(minutes=5), Power_Active_Import=9)
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [older]})
    assert metering.power("CS1", 1) == 7
    await puppet.disconnect()
    assert metering.power("CS1", 1) is None


async def test_J02_a_transaction_that_goes_on_has_the_values_and_its_end_draws_nothing(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet(boot=False)
    booked = Booked(id=7, station="CS1", transaction_id="t", evse=1, started_at=START, last_event_at=START)
    csms_world.csms.metering.transaction_changed(booked)
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [value(START, Power_Active_Import=7000)]})
    booked.state = BookState.ENDED
    csms_world.csms.metering.transaction_changed(booked)
    assert csms_world.csms.metering.power("CS1", 1) is None
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [value(START, Power_Active_Import=0)]})
    assert [row.transaction for row in await rows(csms_world, METER_READINGS)] == [7, None]


async def test_1_6_values_without_a_transaction(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1", "1.6", boot=False)
    sampled = [v16.SampledValue(value="1.5", measurand=REGISTER, unit="kWh"), v16.SampledValue(value="?")]
    request = v16.MeterValuesRequest(
        connector_id=2, meter_value=[v16.MeterValue(timestamp=START, sampled_value=sampled)]
    )
    station = csms_world.csms["CS1"]
    assert puppet is not None
    assert await csms_world.csms.metering.beside_16(station, request) == v16.MeterValuesResponse()
    (row,) = await rows(csms_world, METER_READINGS)
    assert (row.evse, row.values) == (2, f'{{"{REGISTER}":1500.0}}')


async def _a_day(world: CSMSWorld) -> None:
    """A reading each ten minutes, 11 kW in the first half of each hour."""
    metering, wh = world.csms.metering, 50_000.0
    for minute in range(0, 24 * 60, 10):
        power = 11_000.0 if minute % 60 < 30 else 0.0
        reading = Reading(timestamp=START + timedelta(minutes=minute), values={REGISTER: wh, POWER: power})
        await metering.store_beside("CS1", 1, [reading])
        wh += power / 6


async def test_hours_that_are_over_are_packed_by_themselves_and_read_as_before(csms_world: CSMSWorld) -> None:
    metering = csms_world.csms.metering
    await _a_day(csms_world)
    day = (START, START + timedelta(days=1))
    before = await metering.series("CS1", 1, *day, POWER, 24)
    raw = await metering.readings("CS1", 1, *day)
    energy_before = await metering.energy_per_day("CS1", 1, *day)
    await csms_world.advance(86_400 + 3 * 3600)
    assert len(await rows(csms_world, METER_HOURS)) == 24
    assert (
        await csms_world.store.read(lambda c: c.execute(select(func.count()).select_from(METER_READINGS)).scalar()) == 0
    )
    assert await metering.series("CS1", 1, *day, POWER, 24) == before
    assert await metering.readings("CS1", 1, *day) == raw
    assert len(raw) == 144
    assert [(point.mean, point.low, point.high) for point in before] == [(5500, 0, 11_000)] * 24
    assert energy_before == await metering.energy_per_day("CS1", 1, *day)
    assert energy_before["2026-01-01"] == pytest.approx(24 * 5500, abs=0.01)
    assert await metering.energy_per_month("CS1", 1, *day) == {"2026-01": energy_before["2026-01-01"]}


async def test_what_comes_late_is_packed_with_its_hour_and_what_comes_twice_is_there_once(
    csms_world: CSMSWorld,
) -> None:
    puppet = await csms_world.puppet(boot=False)
    metering = csms_world.csms.metering
    for minutes in (0, 20, 20):
        said = energy(START + timedelta(minutes=minutes), 1000 + minutes)
        await puppet.call("MeterValues", {"evseId": 1, "meterValue": [said]})
    await csms_world.advance(4 * 3600)
    late = energy(START + timedelta(minutes=10), 1010)
    await puppet.call("MeterValues", {"evseId": 1, "meterValue": [late]})
    await csms_world.advance(3600)
    (hour,) = await rows(csms_world, METER_HOURS)
    assert (hour.count, hour.energy_wh) == (3, 20)
    kept = await metering.readings("CS1", 1, START, START + timedelta(hours=1))
    assert [each.values[REGISTER] for each in kept] == [1000, 1010, 1020]


async def test_a_series_wants_times_that_go_on(csms_world: CSMSWorld) -> None:
    with pytest.raises(ConfigurationError, match="has to be after"):
        await csms_world.csms.metering.series("CS1", 1, START, START, POWER)
