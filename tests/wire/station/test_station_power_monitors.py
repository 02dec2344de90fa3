"""N07 on real values: the power of an EVSE while an EV charges (TC_N_20, TC_N_45)."""

from __future__ import annotations

from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version

POWER = {"component": {"name": "EVSE", "evse": {"id": 1}}, "variable": {"name": "Power"}}


async def set_monitor(world: ChargingWorld, kind: str, value: float, **more: Any) -> int:
    data = {**POWER, "type": kind, "value": value, "severity": 4, **more}
    (result,) = (await world.call("SetVariableMonitoring", {"setMonitoringData": [data]}))["setMonitoringResult"]
    assert result["status"] == "Accepted"
    number: int = result["id"]
    return number


def events(world: ChargingWorld) -> list[dict[str, Any]]:
    all_events = [event for request in world.sent("NotifyEvent") for event in request["eventData"]]
    return [event for event in all_events if "variableMonitoringId" in event]


async def charge(world: ChargingWorld) -> None:
    world.hardware.plug()
    world.hardware.swipe()
    await world.clock.advance(2)


@pytest.mark.parametrize("version", [Version.V201, Version.V21], ids=str)
async def test_N07FR16_N07FR17_power_passes_its_thresholds_during_a_transaction(version: Version) -> None:
    async with ChargingWorld(version=version) as world:
        await world.online()
        above = await set_monitor(world, "UpperThreshold", 1000)
        await charge(world)
        (event,) = events(world)
        assert float(event["actualValue"]) > 1000
        assert event["trigger"] == "Alerting"
        assert event["variableMonitoringId"] == above
        assert event["transactionId"] in world.station.transactions.running
        below = await set_monitor(world, "LowerThreshold", 500)
        world.heard.clear()
        world.hardware.ev(world.hardware.evses[0].demand.CONNECTED)
        await world.clock.advance(2)
        found = {each["variableMonitoringId"]: each for each in events(world)}
        assert found.keys() == {above, below}
        assert found[above]["cleared"] is True
        assert "cleared" not in found[below]


async def test_N07FR18_a_change_of_the_power() -> None:
    async with ChargingWorld() as world:
        await world.online()
        await set_monitor(world, "Delta", 100)
        await charge(world)
        assert [each["trigger"] for each in events(world)] == ["Delta"]


async def test_a_monitor_during_transactions_wakes_with_one_and_rests_after_it() -> None:
    async with ChargingWorld() as world:
        await world.online()
        await set_monitor(world, "Periodic", 10, transaction=True)
        await world.clock.advance(60)
        assert events(world) == []
        await charge(world)
        await world.clock.advance(29)
        during = len(events(world))
        assert during == 3
        world.hardware.unplug()
        await world.clock.advance(60)
        assert len(events(world)) == during


async def test_the_power_of_the_station_is_that_of_its_EVSEs() -> None:
    async with ChargingWorld() as world:
        await world.online()
        await charge(world)
        power = world.hardware.evses[0].read().power
        assert power > 0
        assert world.station.device_model.decimal("ChargingStation", "Power") == power


async def test_what_is_charged_is_seen_in_the_device_model() -> None:
    async with ChargingWorld() as world:
        await world.online()
        model = world.station.device_model
        assert model.text("EVSE", "ActiveTransactionId", "?", evse=1) == ""
        assert model.text("EVSE", "ChargingState", evse=1) == "Idle"
        await charge(world)
        (transaction,) = world.station.transactions.running
        assert model.text("EVSE", "ActiveTransactionId", evse=1) == transaction
        assert model.text("ChargingStation", "ActiveTransactionId") == transaction
        assert model.text("EVSE", "ChargingState", evse=1) == "Charging"


async def test_what_is_broken_has_a_Problem() -> None:
    async with ChargingWorld() as world:
        await world.online()
        model = world.station.device_model
        world.hardware.fault("GroundFailure", evse=1, connector=1)
        assert model.flag("Connector", "Problem", evse=1, connector=1)
        assert not model.flag("EVSE", "Problem", evse=1)
        world.hardware.clear(evse=1, connector=1)
        assert not model.flag("Connector", "Problem", evse=1, connector=1)
