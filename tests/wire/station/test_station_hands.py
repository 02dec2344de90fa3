"""What people do at a station with simulated hardware, and what is to be seen of it."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from fake_hardware import FakeHardware
from station_world import START, StationWorld

from ocppflow.messages import Version
from ocppflow.station import CompleteStation, ConnectorConfig, EvseConfig, StationConfig, StoreFailed
from ocppflow.station.hands import NotThisToken
from ocppflow.station.hardware import ElectricVehicle, Hardware, HardwareRefused, NoSuchFault, NoSuchPlace, NotNow
from ocppflow.station.station_snapshot import StationSnapshot

CAR = ElectricVehicle(capacity=60_000, soc=20)


@pytest.fixture(params=[Version.V201, Version.V21])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param) as one:
        await one.station.connect()
        await one.clock.advance(1)
        yield one


def _kinds(world: StationWorld) -> list[tuple[str, str]]:
    return [(each["eventType"], each["triggerReason"]) for each in world.sent("TransactionEvent")]


async def _charging(world: StationWorld) -> None:
    await world.station.plug(1, ev=CAR)
    await world.station.swipe(1, "A1B2C3D4")
    await world.clock.advance(2)


async def test_E02_plug_swipe_charge_swipe_unplug(world: StationWorld) -> None:
    await _charging(world)
    assert world.sent("TransactionEvent")[-1]["transactionInfo"]["chargingState"] == "Charging"
    await world.clock.advance(3600)
    shown = world.station.snapshot()
    assert shown.connection == "connected"
    assert shown.registration == "Accepted"
    assert shown.queue_length == 0
    evse, transaction = shown.evses[0], shown.transactions[0]
    assert evse.connectors[0].status == "Occupied"
    assert evse.connectors[0].plugged
    assert evse.energized
    assert evse.transaction == transaction.id
    assert evse.meter.power == pytest.approx(11_000, rel=0.02)
    assert transaction.energy == pytest.approx(evse.meter.power, rel=0.001)
    assert transaction.seq_no == world.sent("TransactionEvent")[-1]["seqNo"]
    assert transaction.token == "A1B2C3D4"
    assert evse.ev is not None
    assert evse.ev.demand == "ready"
    assert evse.ev.soc == pytest.approx(20 + 11_000 * 0.92 / 600, rel=0.03)
    await world.station.swipe(1, "A1B2C3D4")
    await world.clock.advance(1)
    await world.station.unplug(1)
    await world.clock.advance(1)
    assert _kinds(world)[-1][0] == "Ended"
    shown = world.station.snapshot()
    assert shown.transactions == []
    assert shown.evses[0].connectors[0].status == "Available"
    assert shown.evses[0].ev is None


async def test_a_snapshot_is_json(world: StationWorld) -> None:
    await _charging(world)
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(world.station.snapshot()))
    assert told["evses"][0]["ev"]["car"]["capacity"] == 60_000
    assert told["version"] == world.version.value


async def test_E06_a_full_ev_suspends_and_a_fault_ends_it(world: StationWorld) -> None:
    await world.station.plug(1, ev=ElectricVehicle(capacity=60_000, soc=20, wants=100))
    await world.station.swipe(1, "A1B2C3D4")
    await world.clock.advance(120)
    assert world.sent("TransactionEvent")[-1]["transactionInfo"]["chargingState"] == "SuspendedEV"
    await world.station.fault(1)
    await world.clock.advance(1)
    assert world.sent("TransactionEvent")[-1]["transactionInfo"]["stoppedReason"] == "GroundFault"
    assert world.station.snapshot().evses[0].faults == ["GroundFailure"]
    await world.station.clear(1)
    assert world.station.snapshot().evses[0].faults == []


async def test_an_ev_that_pauses_and_goes_on(world: StationWorld) -> None:
    await _charging(world)
    await world.station.suspend_ev(1)
    await world.station.resume_ev(1)
    await world.clock.advance(1)
    states = [each["transactionInfo"].get("chargingState") for each in world.sent("TransactionEvent")]
    assert states[-2:] == ["SuspendedEV", "Charging"]


async def test_E10_a_socket_keeps_the_cable_of_an_ev_that_has_gone() -> None:
    config = StationConfig(evses=(EvseConfig(connectors=(ConnectorConfig(type="sType2"),)),))
    async with StationWorld(Version.V21, config) as world:
        await world.station.connect()
        await world.clock.advance(1)
        await _charging(world)
        assert world.station.snapshot().evses[0].locked
        await world.station.unplug_ev_side(1)
        await world.clock.advance(1)
        assert ("Ended", "EVCommunicationLost") in _kinds(world)
        assert world.station.snapshot().evses[0].connectors[0].plugged, "nobody has taken the cable yet"
        await world.station.unplug(1)
        assert not world.station.snapshot().evses[0].connectors[0].plugged


async def test_the_register_and_the_ev_outlive_a_power_cut(world: StationWorld) -> None:
    await _charging(world)
    await world.clock.advance(600)
    before = world.station.snapshot().evses[0].meter.energy_import
    await world.station.stop()
    world.station.power_down()
    off = world.station.snapshot()
    assert off.connection == "off"
    assert off.evses[0].meter.energy_import >= before
    await world.clock.advance(60)
    again = world.complete_station()  # in a new process
    await again.connect()
    await world.clock.advance(1)
    shown = again.snapshot().evses[0]
    assert shown.meter.energy_import >= before
    assert shown.connectors[0].plugged


@pytest.mark.parametrize(
    ("verb", "arguments", "error", "says"),
    [
        ("plug", (2,), NoSuchPlace, "no EVSE 2"),
        ("unplug", (1,), NotNow, "plug 1 first"),
        ("suspend_ev", (1,), NotNow, "plug 1 first"),
        ("swipe", (7, "A1"), NoSuchPlace, "no EVSE 7"),
        ("swipe", (1, ""), NotThisToken, "1 to 255"),
        ("swipe", (1, "A1", "Card"), NotThisToken, "ISO14443"),
        ("fault", (1, "Fire"), NoSuchFault, "the faults are"),
        ("clear", (1,), NotNow, "nothing is broken"),
        ("park", (3,), NoSuchPlace, "no EVSE 3"),
    ],
)
async def test_what_cannot_be_done_says_why(
    world: StationWorld, verb: str, arguments: tuple[Any, ...], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says) as raised:
        await getattr(world.station, verb)(*arguments)
    assert isinstance(raised.value, HardwareRefused)


async def test_real_hardware_is_not_plugged_by_software() -> None:
    hardware: Hardware = FakeHardware()
    async with StationWorld(hardware=hardware) as world:
        await world.station.connect()
        with pytest.raises(NotNow, match="the station's hardware is real"):
            await world.station.plug(1)
        shown = world.station.snapshot().evses[0]
        assert (shown.ev, shown.energized, shown.locked) == (None, None, None)
        assert shown.meter.energy_import == 1000


async def test_a_store_that_fails_is_seen(world: StationWorld) -> None:
    def full() -> None:
        raise StoreFailed("the disk is full")

    world.store.failing = full
    await world.station.plug(1)
    assert world.station.snapshot().problems == ["the disk is full"]
    world.store.failing = None
    await world.station.unplug(1)
    assert world.station.snapshot().problems == []


def test_a_station_can_be_made_where_no_event_loop_runs_yet() -> None:
    station = CompleteStation("CS1", "ws://127.0.0.1:9/ocpp", start_time=START)

    async def told() -> StationSnapshot:
        return station.snapshot()

    assert asyncio.run(told()).time == START


async def test_J02FR21_values_go_with_the_signature_of_the_meter_where_the_csms_wants_it(
    world: StationWorld,
) -> None:
    variables = [
        {"component": {"name": name}, "variable": {"name": variable}, "attributeValue": value}
        for name, variable, value in (
            ("SampledDataCtrlr", "SignReadings", "true"),
            ("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue", "EveryMeterValue"),
        )
    ]
    answer = await world.call("SetVariables", {"setVariableData": variables})
    assert [each["attributeStatus"] for each in answer["setVariableResult"]] == ["Accepted", "Accepted"]
    await _charging(world)
    await world.clock.advance(60)
    await world.station.unplug(1)
    await world.clock.advance(1)
    ended = world.sent("TransactionEvent")[-1]
    signed = [
        value["signedMeterValue"]
        for meter in ended["meterValue"]
        for value in meter["sampledValue"]
        if "signedMeterValue" in value
    ]
    assert signed
    assert all(each["encodingMethod"] == "OCMF" and each["publicKey"] for each in signed)
    assert b64decode(signed[-1]["signedMeterData"]).startswith(b'OCMF|{"FV":"1.0"')


async def test_an_EV_is_filled_and_its_charging_goes_on_from_there(world: StationWorld) -> None:
    await _charging(world)
    register = world.station.snapshot().evses[0].meter.energy_import
    await world.station.fill(1, 80)
    ev = world.station.snapshot().evses[0].ev
    assert ev is not None
    assert ev.soc == pytest.approx(80, abs=0.1)
    assert world.station.snapshot().evses[0].meter.energy_import == pytest.approx(register, abs=20)
    await world.station.fill(1, 100)
    await world.clock.advance(2)
    assert world.sent("TransactionEvent")[-1]["transactionInfo"]["chargingState"] == "SuspendedEV"
    await world.station.fill(1, 50)
    await world.clock.advance(2)
    assert world.sent("TransactionEvent")[-1]["transactionInfo"]["chargingState"] == "Charging"
    with pytest.raises(HardwareRefused, match="0 to 100"):
        await world.station.fill(1, 101)
    await world.station.unplug(1)
    with pytest.raises(NotNow, match="no EV is at EVSE 1"):
        await world.station.fill(1, 80)


async def test_K12_a_limit_from_outside_is_set_and_released(world: StationWorld) -> None:
    await _charging(world)
    await world.station.limit_from_outside(1, 10, "A")
    await world.clock.advance(2)
    assert world.station.snapshot().evses[0].meter.power == pytest.approx(6_900, rel=0.02)
    assert world.sent("NotifyChargingLimit")[-1]["chargingLimit"]["chargingLimitSource"] == "EMS"
    await world.station.release_from_outside(1)
    await world.clock.advance(2)
    assert world.station.snapshot().evses[0].meter.power == pytest.approx(11_000, rel=0.02)
    with pytest.raises(NotNow, match="no such limit"):
        await world.station.release_from_outside(1)
    with pytest.raises(NoSuchPlace):
        await world.station.limit_from_outside(9, 10, "A")
    with pytest.raises(HardwareRefused, match="0 or more"):
        await world.station.limit_from_outside(1, -1, "A")
    world.station.device_model.set("SmartChargingCtrlr", "ExternalControlSignalsEnabled", False)
    with pytest.raises(NotNow, match="do not count"):
        await world.station.limit_from_outside(1, 10, "A")


async def test_K22FR01_priority_charging_that_cannot_be_had(world: StationWorld) -> None:
    assert not await world.station.prioritize(1)
    with pytest.raises(NoSuchPlace):
        await world.station.prioritize(9)
