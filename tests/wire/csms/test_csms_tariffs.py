"""I at the CSMS: tariffs as data, which applies, running cost, and tariffs of stations."""

from __future__ import annotations

from typing import Any

import pytest
from csms_world import START, CSMSWorld, changed
from sqlalchemy import insert, select

from ocppflow.csms.blocks.tariff import Course, CourseStep, NoSuchTariff
from ocppflow.csms.books.booked import Booked, BookState
from ocppflow.csms.complete_csms import CompleteCSMS
from ocppflow.csms.csms_config import CSMSConfig
from ocppflow.endpoint import settle
from ocppflow.errors import ConfigurationError, UnknownAction
from ocppflow.store.station_tables import GROUP_MEMBERS, GROUPS, STATIONS
from ocppflow.store.token_tables import TARIFFS, TOKENS


def prices(kwh: float, **more: Any) -> dict[str, Any]:
    return {"currency": "EUR", "energy": {"prices": [{"priceKwh": kwh}]}, **more}


def booked(**more: Any) -> Booked:
    told = {"cost": 1.5, "currency": "EUR", "version": "2.0.1", **more}
    return Booked(id=1, station="CS1", transaction_id="t1", evse=1, started_at=START, last_event_at=START, **told)


async def _people(world: CSMSWorld) -> None:
    now = {"created_at": START, "updated_at": START}
    tokens = [
        {"id_token": "card", "type": "", "shown_as": "Card", "group_token": "FLEET", **now},
        {"id_token": "fleet", "type": "", "shown_as": "FLEET", "group_token": None, **now},
    ]

    def write(connection: Any) -> None:
        connection.execute(insert(STATIONS), {"identity": "CS9", "created_at": START})
        connection.execute(insert(TOKENS), tokens)
        connection.execute(insert(GROUPS), {"name": "yard", "created_at": START})
        connection.execute(insert(GROUP_MEMBERS), {"group_name": "yard", "station": "CS9", "evse": 0})

    await world.store.write(write)


async def test_the_nearest_tariff_applies_and_the_next_one_where_it_is_taken_away(csms_world: CSMSWorld) -> None:
    tariffs = csms_world.csms.tariffs
    await _people(csms_world)
    assert await tariffs.tariff_for("CS9", 1, "Card", "ISO14443") is None
    for name in ("everybody", "yard", "station", "fleet", "card"):
        await tariffs.add(name, prices(0.5), is_default=name == "everybody")
    steps: list[dict[str, Any]] = [{"group": "yard"}, {"station": "CS9"}, {"token": "FLEET"}, {"token": "CARD"}]
    order = ["everybody"]
    for step, name in zip(steps, ("yard", "station", "fleet", "card"), strict=True):
        await tariffs.assign(name, **step)
        order.append(name)
        found = await tariffs.tariff_for("CS9", 1, "Card", "ISO14443")
        assert found is not None
        assert found.name == name
    for name in reversed(order):
        found = await tariffs.tariff_for("CS9", 1, "Card", "ISO14443")
        assert found is not None
        assert found.name == name
        await tariffs.remove(name)
    assert await tariffs.tariff_for("CS9", 1, "Card", "ISO14443") is None


async def test_tariffs_outlive_the_process_and_only_one_is_the_default(csms_world: CSMSWorld) -> None:
    tariffs = csms_world.csms.tariffs
    await tariffs.add("day", prices(0.5), is_default=True)
    await tariffs.add("night", prices(0.25), is_default=True)
    await tariffs.assign("day", default=True)
    again = CompleteCSMS(csms_world.store, clock=csms_world.clock)
    await again.tariffs.start()
    assert again.tariffs.listed() == tariffs.listed()
    assert [(each.name, each.is_default) for each in tariffs.listed()] == [("day", True), ("night", False)]
    assert await csms_world.store.read(lambda c: list(c.execute(select(TARIFFS.c.name)).scalars())) == ["day", "night"]


async def test_I08_FR_08_another_content_has_another_id(csms_world: CSMSWorld) -> None:
    tariffs = csms_world.csms.tariffs
    first = await tariffs.add("day", prices(0.5))
    second = await tariffs.change("day", prices(0.6))
    third = await tariffs.change("day", first.tariff)
    assert first.tariff.tariff_id != second.tariff.tariff_id
    assert first.tariff.tariff_id == third.tariff.tariff_id
    assert tariffs.price(second, Course((CourseStep(START, 0), CourseStep(START, 10_000)))).incl_tax == 6


async def test_what_cannot_be_is_said_in_one_line(csms_world: CSMSWorld) -> None:
    tariffs = csms_world.csms.tariffs
    await tariffs.add("day", prices(0.5))
    for wrong, told in (
        ({"currency": "EUR"}, "no prices"),
        (prices(0.5, currency="EURO"), "currency"),
        ({"currency": "EUR", "energy": {"prices": [{"priceKwh": "x"}]}}, "energy.prices"),
    ):
        with pytest.raises(ConfigurationError, match=told):
            await tariffs.add("other", wrong)
    with pytest.raises(ConfigurationError, match="already"):
        await tariffs.add("day", prices(0.5))
    with pytest.raises(ConfigurationError, match="no station 'CS5'"):
        await tariffs.assign("day", station="CS5")
    with pytest.raises(ConfigurationError, match="one of"):
        await tariffs.assign("day", station="CS5", group="x")
    with pytest.raises(NoSuchTariff, match="day"):
        await tariffs.remove("night")
    with pytest.raises(ConfigurationError, match="time zone"):
        CompleteCSMS(config=changed(CSMSConfig(), tariffs={"zone": "Mars/Olympus"}))


async def test_I02_FR_01_the_driver_is_told_the_running_cost_as_it_changes(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet(boot=False)
    puppet.answers["CostUpdated"] = {}
    tariffs = csms_world.csms.tariffs
    tariffs.transaction_changed(booked())
    tariffs.transaction_changed(booked(cost=1.75))  # sooner than is configured
    await settle()
    await csms_world.advance(60)
    tariffs.transaction_changed(booked(cost=2.5))
    await settle()
    await csms_world.advance(60)
    tariffs.transaction_changed(booked(cost=2.5))  # no news
    tariffs.transaction_changed(booked(cost=None))
    tariffs.transaction_changed(booked(cost=3.0, state=BookState.ENDED))
    await settle()
    told = [{"totalCost": cost, "transactionId": "t1"} for cost in (1.5, 2.5)]
    assert puppet.asked("CostUpdated") == told


@pytest.mark.parametrize("sections", [{"stations": {"quiet": True}}, {"tariffs": {"running_cost_interval": 0.0}}])
async def test_I02_a_quiet_station_is_told_nothing(sections: dict[str, Any]) -> None:
    async with CSMSWorld(changed(CSMSConfig(), **sections)) as world:
        puppet = await world.puppet(boot=False)
        world.csms.tariffs.transaction_changed(booked())
        await settle()
        assert puppet.asked("CostUpdated") == []


async def test_I07_I09_I10_I11_tariffs_of_a_station_that_calculates(csms_world: CSMSWorld) -> None:
    puppet = await csms_world.puppet("CS1", "2.1", boot=False)
    tariffs = csms_world.csms.tariffs
    made = await tariffs.add("day", prices(0.5, validFrom="2026-02-01T00:00:00Z"))
    assert (await tariffs.set_default("CS1", "day", 2)).status == "Accepted"
    (asked,) = puppet.asked("SetDefaultTariff")
    assert (asked["evseId"], asked["tariff"]["tariffId"]) == (2, made.tariff.tariff_id)
    assert (await tariffs.change_transaction("CS1", "t1", "day")).status == "Accepted"
    assert "validFrom" not in puppet.asked("ChangeTransactionTariff")[0]["tariff"]
    puppet.answers["GetTariffs"] = {"status": "NoTariff"}
    assert await tariffs.installed("CS1") == []
    assigned = {"tariffId": "x", "tariffKind": "DefaultTariff", "evseIds": [1]}
    puppet.answers["GetTariffs"] = {"status": "Accepted", "tariffAssignments": [assigned]}
    assert [each.tariff_id for each in await tariffs.installed("CS1", 1)] == ["x"]
    puppet.answers["ClearTariffs"] = {"clearTariffsResult": [{"status": "Accepted", "tariffId": "x"}]}
    assert [each.status for each in await tariffs.clear("CS1", ["x"], 1)] == ["Accepted"]
    assert puppet.asked("ClearTariffs") == [{"tariffIds": ["x"], "evseId": 1}]


async def test_I07_a_station_of_2_0_1_has_no_tariffs_of_its_own(csms_world: CSMSWorld) -> None:
    await csms_world.puppet(boot=False)
    await csms_world.csms.tariffs.add("day", prices(0.5))
    with pytest.raises(UnknownAction):
        await csms_world.csms.tariffs.set_default("CS1", "day")
