"""G: statuses of connectors, and changes of availability."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from csms_world import START, CSMSWorld, Puppet, register
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.csms.blocks.availability import ConnectorWord
from ocppflow.messages import Version
from ocppflow.store import Store

TWO = [Version.V201, Version.V21]


def _said(status: str, at: datetime = START, evse: int = 1, connector: int = 1) -> dict[str, Any]:
    when = at.isoformat().replace("+00:00", "Z")
    return {"timestamp": when, "connectorStatus": status, "evseId": evse, "connectorId": connector}


async def _there(world: CSMSWorld, version: Version = Version.V201) -> Puppet:
    await register(world, "CS1")
    return await Puppet(world, "CS1", version).connect()


@pytest.mark.parametrize("version", TWO)
async def test_G01_a_status_is_known_told_and_outlives_a_restart(csms_world: CSMSWorld, version: Version) -> None:
    puppet = await _there(csms_world, version)
    assert await puppet.call("StatusNotification", _said("Occupied")) == {}
    assert csms_world.csms.availability.status("CS1", 1) == "Occupied"
    async with CSMSWorld(store=csms_world.store) as again:
        assert again.csms.availability.connectors("CS1") == {(1, 1): ConnectorWord(status="Occupied", since=START)}


async def test_a_status_that_is_older_than_what_is_known_changes_nothing(csms_world: CSMSWorld) -> None:
    puppet = await _there(csms_world)
    await puppet.call("StatusNotification", _said("Available", START + timedelta(hours=1)))
    await puppet.call("StatusNotification", _said("Faulted", START))
    assert csms_world.csms.availability.status("CS1", 1) == "Available"
    assert csms_world.csms.alerts.open_ones() == []


async def test_a_fault_is_an_alert_until_no_connector_of_the_evse_is_faulted(csms_world: CSMSWorld) -> None:
    puppet = await _there(csms_world)
    for connector in (1, 2):
        await puppet.call("StatusNotification", _said("Faulted", connector=connector))
    await puppet.call("StatusNotification", _said("Available", START + timedelta(1), connector=1))
    assert [(each.kind, each.station, each.evse) for each in csms_world.csms.alerts.open_ones("CS1")] == [
        ("faulted", "CS1", 1)
    ]
    await puppet.call("StatusNotification", _said("Available", START + timedelta(1), connector=2))
    assert csms_world.csms.alerts.open_ones() == []


@given(st.lists(st.tuples(st.sampled_from(["Available", "Occupied", "Faulted"]), st.integers(0, 5)), max_size=8))
async def test_whatever_the_order_the_newest_status_counts(told: list[tuple[str, int]]) -> None:
    async with CSMSWorld() as world:
        await register(world, "CS1")
        expected: tuple[str, int] | None = None
        for status, hour in told:
            report = ConnectorWord(status=status, since=START + timedelta(hours=hour))
            await world.csms.availability.learned("CS1", 1, 1, report)
            if expected is None or hour >= expected[1]:
                expected = status, hour
        assert world.csms.availability.status("CS1", 1) == (expected[0] if expected else None)


@pytest.mark.parametrize("version", TWO)
@pytest.mark.parametrize(
    ("where", "evse"),
    [({}, None), ({"evse": 1}, {"id": 1}), ({"evse": 1, "connector": 2}, {"id": 1, "connectorId": 2})],
)
async def test_G03_G04_out_of_service_and_back(
    csms_world: CSMSWorld, version: Version, where: dict[str, int], evse: dict[str, int] | None
) -> None:
    puppet = await _there(csms_world, version)
    puppet.answers["ChangeAvailability"] = {"status": "Scheduled"}
    for operative, word in ((False, "Inoperative"), (True, "Operative")):
        answer = await csms_world.csms.availability.change("CS1", operative=operative, **where)
        assert answer.status == "Scheduled"
        wanted: dict[str, Any] = {"operationalStatus": word} | ({} if evse is None else {"evse": evse})
        assert puppet.asked("ChangeAvailability")[-1] == wanted


async def test_a_connector_without_its_evse_makes_no_sense(csms_world: CSMSWorld) -> None:
    with pytest.raises(ValueError, match="of which EVSE"):
        await csms_world.csms.availability.change("CS1", operative=True, connector=2)


async def test_statuses_are_the_same_in_both_databases(any_store: Store) -> None:
    async with CSMSWorld(store=any_store) as world:
        await register(world, "CS1")
        for hour, status in enumerate(("Available", "Occupied", "Faulted")):
            report = ConnectorWord(status=status, since=START + timedelta(hours=hour), error_code="E" * hour or None)
            assert await world.csms.availability.learned("CS1", 1, 1, report)
        again = CSMSWorld(store=any_store)
        await again.csms.availability.start()
        assert again.csms.availability.connectors("CS1") == world.csms.availability.connectors("CS1")
