"""F06: what the CSMS asks for by TriggerMessage is sent, or the station says why not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version
from ocppflow.station import EvseConfig

TWO = (EvseConfig(), EvseConfig())


@pytest.fixture(params=[Version.V201, Version.V21])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=request.param, evses=TWO) as one:
        await one.online()
        one.heard.clear()
        yield one


async def trigger(world: ChargingWorld, message: str, evse: int = 0, connector: int = 0, **more: Any) -> str:
    where: dict[str, Any] = {"id": evse} if evse else {}
    if connector:
        where["connectorId"] = connector
    asked = {"requestedMessage": message, **({"evse": where} if where else {}), **more}
    status: str = (await world.call("TriggerMessage", asked))["status"]
    world_before = len(world.heard)
    await world.settle()
    assert world_before == 0, "the answer goes first (F06.FR.04)"
    return status


def said(world: ChargingWorld) -> list[str]:
    return [action for action, _ in world.heard]


async def charging(world: ChargingWorld, evse: int) -> None:
    world.hardware.plug(evse)
    await world.settle()
    world.hardware.swipe("AA", evse)
    await world.settle(1)


async def test_F06FR10_a_heartbeat(world: ChargingWorld) -> None:
    assert await trigger(world, "Heartbeat") == "Accepted"
    assert said(world) == ["Heartbeat"]


async def test_F06FR17_no_boot_notification_once_accepted(world: ChargingWorld) -> None:
    assert await trigger(world, "BootNotification") == "Rejected"
    assert said(world) == []


@pytest.mark.parametrize(("evse", "evses"), [(1, [1]), (0, [1, 2])])
async def test_F06FR06_F06FR11_meter_values_of_one_or_all(world: ChargingWorld, evse: int, evses: list[int]) -> None:
    assert await trigger(world, "MeterValues", evse) == "Accepted"
    sent = world.sent("MeterValues")
    assert [each["evseId"] for each in sent] == evses
    for each in sent:
        assert {value["context"] for value in each["meterValue"][0]["sampledValue"]} == {"Trigger"}


async def test_F06FR05_without_measurands_no_meter_values(world: ChargingWorld) -> None:
    world.station.device_model.set("AlignedDataCtrlr", "Measurands", "")
    assert await trigger(world, "MeterValues") == "Rejected"
    assert await trigger(world, "MeterValues", 9) == "Rejected"


@pytest.mark.parametrize(("evse", "evses"), [(1, [1]), (0, [1, 2])])
async def test_F06FR07_transaction_events_of_one_or_all(world: ChargingWorld, evse: int, evses: list[int]) -> None:
    await charging(world, 1)
    await charging(world, 2)
    world.heard.clear()
    running = {world.station.transactions.on_evse(each).id: each for each in (1, 2)}  # type: ignore[union-attr]
    assert await trigger(world, "TransactionEvent", evse) == "Accepted"
    assert [running[each["transactionInfo"]["transactionId"]] for each in world.events] == evses
    for each in world.events:
        assert each["triggerReason"] == "Trigger"
        assert each["transactionInfo"]["chargingState"] == "Charging"
        assert each["meterValue"][0]["sampledValue"][0]["context"] == "Trigger"


async def test_F06FR05_without_a_transaction_no_event(world: ChargingWorld) -> None:
    assert await trigger(world, "TransactionEvent") == "Rejected"


async def test_F06FR15_the_log_is_idle(world: ChargingWorld) -> None:
    assert await trigger(world, "LogStatusNotification") == "Accepted"
    assert world.sent("LogStatusNotification") == [{"status": "Idle"}]


async def test_F06FR03_F06FR16_the_firmware_is_idle_whatever_the_evse(world: ChargingWorld) -> None:
    assert await trigger(world, "FirmwareStatusNotification", 1) == "Accepted"
    assert world.sent("FirmwareStatusNotification") == [{"status": "Idle"}]


async def test_F06FR08_a_station_without_firmware_updates_does_not_tell_of_them() -> None:
    async with ChargingWorld(features=()) as world:
        await world.online()
        world.heard.clear()
        assert await trigger(world, "FirmwareStatusNotification") == "NotImplemented"


@pytest.mark.parametrize("plugged", [False, True])
async def test_F06FR10_the_status_of_a_connector(world: ChargingWorld, plugged: bool) -> None:
    if plugged:
        world.hardware.plug(1)
        await world.settle()
        world.heard.clear()
    assert await trigger(world, "StatusNotification", 1, 1) == "Accepted"
    (status,) = world.sent("StatusNotification")
    assert status["connectorStatus"] == ("Occupied" if plugged else "Available")
    assert (status["evseId"], status["connectorId"]) == (1, 1)


@pytest.mark.parametrize(("evse", "connector"), [(0, 0), (1, 0), (9, 1), (1, 9)])
async def test_F06FR12_no_status_without_a_connector(world: ChargingWorld, evse: int, connector: int) -> None:
    assert await trigger(world, "StatusNotification", evse, connector) == "Rejected"
    assert said(world) == []


@pytest.mark.parametrize("message", ["SignCombinedCertificate", "PublishFirmwareStatusNotification"])
async def test_F06FR08_what_it_never_sends(world: ChargingWorld, message: str) -> None:
    assert await trigger(world, message) == "NotImplemented"
    assert said(world) == []


async def test_F06FR19_custom_triggers_there_are_none() -> None:
    async with ChargingWorld() as world:
        await world.online()
        world.heard.clear()
        assert await trigger(world, "CustomTrigger", customTrigger="Self-test") == "NotImplemented"


async def test_A02_a_new_certificate_is_asked_for(world: ChargingWorld) -> None:
    assert await trigger(world, "SignChargingStationCertificate") == "Accepted"
    assert said(world) == ["SignCertificate"]


# --- before the station is accepted ------------------------------------------------------------------------------


@pytest.fixture
async def pending() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=Version.V201) as one:
        one.answers["BootNotification"] = {
            "currentTime": "2026-01-01T00:00:00Z",
            "interval": 500,
            "status": "Pending",
        }
        await one.online()
        one.heard.clear()
        yield one


@pytest.mark.parametrize("message", ["Heartbeat", "MeterValues", "LogStatusNotification"])
async def test_B02FR02_what_is_triggered_while_pending_is_sent(pending: ChargingWorld, message: str) -> None:
    assert await trigger(pending, message) == "Accepted"
    assert said(pending) == [message]


async def test_B02FR04_a_boot_notification_before_its_interval(pending: ChargingWorld) -> None:
    assert await trigger(pending, "BootNotification") == "Accepted"
    assert [each["reason"] for each in pending.sent("BootNotification")] == ["Triggered"]
    await pending.settle(501)
    assert [each["reason"] for each in pending.sent("BootNotification")] == ["Triggered", "PowerUp"]


async def test_F06FR10_transaction_events_are_not_promised_while_pending(pending: ChargingWorld) -> None:
    assert await trigger(pending, "TransactionEvent") == "Rejected"
