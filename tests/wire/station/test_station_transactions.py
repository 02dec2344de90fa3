"""E: when transactions start and end, for what reasons, and what becomes of the cable."""

from __future__ import annotations

from typing import Any

import pytest
from charging_world import ChargingWorld

from ocppflow.messages import Version
from ocppflow.station import ConnectorConfig, EvseConfig
from ocppflow.station.hardware import EvDemand

QUIET = ("SampledDataCtrlr.TxUpdatedInterval=0", "AlignedDataCtrlr.Interval=0")
SOCKET = (EvseConfig(connectors=(ConnectorConfig("sType2"),)),)
STAYS = "TxCtrlr.StopTxOnEVSideDisconnect=false"


def starting(points: str, **settings: Any) -> ChargingWorld:
    """A station with this TxStartPoint."""
    return ChargingWorld(*QUIET, f"TxCtrlr.TxStartPoint={points}", **settings)


def stopping(points: str, *more: str, **settings: Any) -> ChargingWorld:
    """A station with this TxStopPoint."""
    return ChargingWorld(*QUIET, "TxCtrlr.TxStartPoint=EVConnected", f"TxCtrlr.TxStopPoint={points}", *more, **settings)


async def charging(world: ChargingWorld) -> None:
    """Plug in and present the token."""
    await world.online()
    world.hardware.plug()
    world.hardware.swipe()
    await world.settle(30)
    assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")


def reason(world: ChargingWorld) -> str:
    stopped: str = world.events[-1]["transactionInfo"]["stoppedReason"]
    return stopped


# --- E01: starting ---------------------------------------------------------------------------------------------------


async def test_E01FR01_ParkingBayOccupancy() -> None:
    async with starting("ParkingBayOccupancy") as world:
        await world.online()
        world.hardware.bay(True)
        await world.settle()
        assert world.told() == [("Started", "EVDetected", "Idle")]


async def test_E01FR02_EVConnected() -> None:
    async with starting("EVConnected") as world:
        await world.online()
        world.hardware.plug()
        await world.settle()
        assert world.told() == [("Started", "CablePluggedIn", "EVConnected")]
        assert world.events[0]["evse"] == {"id": 1, "connectorId": 1}


async def test_E01FR03_Authorized() -> None:
    async with starting("Authorized") as world:
        await world.online()
        world.hardware.swipe()
        await world.settle()
        assert world.told() == [("Started", "Authorized", "Idle")]
        assert world.events[0]["idToken"]["idToken"] == "TOKEN"


@pytest.mark.parametrize("cable_first", [False, True])
async def test_E01FR04_DataSigned(cable_first: bool) -> None:
    async with ChargingWorld(*QUIET, "TxCtrlr.TxStartPoint=DataSigned", "SampledDataCtrlr.SignReadings=true") as world:
        world.hardware.evses[0].signs = True
        await world.online()
        for step in (world.hardware.plug, world.hardware.swipe)[:: 1 if cable_first else -1]:
            assert not world.events
            step()
            await world.settle()
        assert world.told() == [
            ("Started", "SignedDataReceived", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]  # TC_E_11
        started = world.events[0]
        assert started["idToken"]["idToken"] == "TOKEN"
        assert started["evse"] == {"id": 1, "connectorId": 1}
        assert started["meterValue"][0]["sampledValue"][0]["signedMeterValue"]["signedMeterData"] == "AA=="


@pytest.mark.parametrize("cable_first", [False, True])
async def test_E01FR05_PowerPathClosed(cable_first: bool) -> None:
    async with starting("PowerPathClosed") as world:
        await world.online()
        for step in (world.hardware.plug, world.hardware.swipe)[:: 1 if cable_first else -1]:
            assert not world.events
            step()
            await world.settle()
        assert world.told() == [
            ("Started", "ChargingStateChanged", "SuspendedEVSE"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        assert world.events[0]["idToken"]["idToken"] == "TOKEN"


async def test_E01FR06_EnergyTransfer() -> None:
    async with starting("EnergyTransfer") as world:
        await world.online()
        world.hardware.swipe()
        world.hardware.plug(demand=EvDemand.CONNECTED)
        await world.settle(10)
        assert not world.events
        world.hardware.ev(EvDemand.READY)
        await world.settle()
        assert world.told() == [("Started", "ChargingStateChanged", "Charging")]
        assert world.events[0]["idToken"]["idToken"] == "TOKEN"
        assert world.events[0]["evse"] == {"id": 1, "connectorId": 1}


async def test_E01_the_earliest_of_several_points_counts() -> None:
    async with starting("EVConnected,Authorized,PowerPathClosed") as world:
        await world.online()
        world.hardware.swipe()
        await world.settle()
        world.hardware.plug()
        await world.settle()
        assert [each[0] for each in world.told()] == ["Started", "Updated", "Updated"]
        assert [each[1] for each in world.told()] == ["Authorized", "CablePluggedIn", "ChargingStateChanged"]


async def test_energy_never_flows_without_a_transaction() -> None:
    async with starting("ParkingBayOccupancy") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle()
        assert world.told() == [("Started", "ChargingStateChanged", "Charging")]


async def test_E01FR08_no_transactionId_comes_twice_and_a_cable_that_stays_in_starts_anew() -> None:
    async with starting("EVConnected") as world:
        await world.online()
        world.hardware.plug()
        for _ in range(6):
            world.hardware.swipe()
            await world.settle(10)
        started = [each for each in world.events if each["eventType"] == "Started"]
        assert len({each["transactionInfo"]["transactionId"] for each in started}) == len(started) == 3
        assert [each["triggerReason"] for each in started] == ["CablePluggedIn", "Authorized", "Authorized"]
        world.check_books()


async def test_E01FR19_an_EV_that_pauses() -> None:
    async with starting("EVConnected") as world:
        await charging(world)
        world.hardware.ev(EvDemand.CONNECTED)
        await world.settle()
        world.hardware.ev(EvDemand.READY)
        await world.settle()
        assert world.told()[-2:] == [
            ("Updated", "ChargingStateChanged", "SuspendedEV"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]


async def test_without_TxBeforeAcceptedEnabled_nothing_starts_before_the_CSMS_has_accepted_the_station() -> None:
    async with starting("EVConnected") as world:
        world.station.power_up()
        world.station.device_model.set("TxCtrlr", "TxBeforeAcceptedEnabled", False)
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle()
        assert not world.station.transactions.running
        await world.online()
        assert world.told() == [("Started", "CablePluggedIn", "EVConnected")]
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")


# --- E03: EVConnectionTimeOut ----------------------------------------------------------------------------------------


async def test_E03FR05_nobody_plugs_in() -> None:
    async with starting("Authorized") as world:
        await world.online()
        world.hardware.swipe()
        await world.settle(59)
        assert world.told() == [("Started", "Authorized", "Idle")]
        await world.settle(2)
        assert world.told()[-1] == ("Ended", "EVConnectTimeout", "Idle")
        assert reason(world) == "Timeout"
        world.hardware.plug()
        await world.settle(5)
        assert world.told()[-1] == ("Ended", "EVConnectTimeout", "Idle"), "nobody is authorized any more"


async def test_E03FR15_with_ParkingBayOccupancy_it_is_deauthorized() -> None:
    async with ChargingWorld(
        *QUIET, "TxCtrlr.TxStartPoint=ParkingBayOccupancy", "TxCtrlr.TxStopPoint=ParkingBayOccupancy"
    ) as world:
        await world.online()
        world.hardware.bay(True)
        world.hardware.swipe()
        await world.settle(61)
        assert world.told()[-1] == ("Updated", "EVConnectTimeout", "Idle")
        world.hardware.bay(False)
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVDeparted", "Idle")


async def test_E03_a_driver_who_never_plugs_in_is_forgotten_without_a_transaction() -> None:
    async with starting("PowerPathClosed") as world:
        await world.online()
        world.hardware.swipe()
        await world.settle(61)
        world.hardware.plug()
        await world.settle()
        assert not world.events
        assert not world.hardware.evses[0].closed


# --- E06: stopping ---------------------------------------------------------------------------------------------------


async def test_E06FR01_ParkingBayOccupancy() -> None:
    async with stopping("ParkingBayOccupancy") as world:
        await world.online()
        world.hardware.bay(True)
        await charging(world)
        world.hardware.swipe()
        await world.settle()
        world.hardware.unplug()
        await world.settle()
        assert [each[0] for each in world.told()[1:]] == ["Updated"] * (len(world.events) - 1)
        world.hardware.bay(False)
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVDeparted", "Idle")
        assert reason(world) == "Local"  # TC_E_19: who has stopped it at the station


async def test_E06FR02_EVConnected() -> None:
    async with stopping("EVConnected") as world:
        await charging(world)
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-2:] == [
            ("Updated", "StopAuthorized", "Charging"),
            ("Updated", "ChargingStateChanged", "EVConnected"),
        ]
        world.hardware.unplug()
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVCommunicationLost", "Idle")
        assert reason(world) == "Local"
        world.check_books()


@pytest.mark.parametrize("points", ["Authorized", "PowerPathClosed", "EVConnected,Authorized"])
async def test_E06FR03_and_FR06_the_driver_stops(points: str) -> None:
    async with stopping(points) as world:
        await charging(world)
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "EVConnected")
        assert world.events[-1]["idToken"]["idToken"] == "TOKEN"  # E07.FR.02
        assert reason(world) == "Local"
        assert not world.hardware.evses[0].locked  # E06.FR.10
        assert "Authorize" not in [name for name, _ in world.heard[-3:]]  # E07.FR.01


async def test_E06FR05_DataSigned() -> None:
    async with stopping("DataSigned", "SampledDataCtrlr.SignReadings=true") as world:
        world.hardware.evses[0].signs = True
        await charging(world)
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-3:] == [
            ("Updated", "StopAuthorized", "Charging"),
            ("Updated", "ChargingStateChanged", "EVConnected"),
            ("Ended", "SignedDataReceived", "EVConnected"),
        ]


@pytest.mark.parametrize("points", ["EVConnected", "PowerPathClosed"])
async def test_E06FR06_the_EV_goes(points: str) -> None:
    async with stopping(points, STAYS) as world:
        await charging(world)
        world.hardware.unplug()
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVCommunicationLost", "Idle")
        assert reason(world) == "EVDisconnected"


async def test_E06FR07_EnergyTransfer() -> None:
    async with stopping("EnergyTransfer") as world:
        await charging(world)
        world.hardware.ev(EvDemand.CONNECTED)
        await world.settle()
        assert world.told()[-1] == ("Ended", "ChargingStateChanged", "EVConnected")  # TC_E_22
        assert reason(world) == "StoppedByEV"


async def test_E06FR07_EnergyTransfer_stopped_by_the_driver() -> None:
    async with stopping("EnergyTransfer") as world:
        await charging(world)
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-2:] == [
            ("Updated", "StopAuthorized", "Charging"),
            ("Ended", "ChargingStateChanged", "EVConnected"),
        ]  # TC_E_08
        assert reason(world) == "Local"


@pytest.mark.parametrize(
    ("code", "expected"),
    [("GroundFailure", "GroundFault"), ("OverCurrentFailure", "OvercurrentFault"), ("HighTemperature", "Other")],
)
async def test_E06FR16_a_fault(code: str, expected: str) -> None:
    async with stopping("EVConnected") as world:
        await charging(world)
        world.hardware.fault(code)
        await world.settle()
        assert world.told()[-1] == ("Ended", "AbnormalCondition", "EVConnected")
        assert reason(world) == expected
        assert not world.hardware.evses[0].closed
        world.hardware.swipe()
        await world.settle()
        assert not world.hardware.evses[0].closed, "what is broken does not charge"


async def test_a_harmless_fault_lets_energy_flow() -> None:
    async with stopping("EVConnected") as world:
        await charging(world)
        world.hardware.fault("ReaderFailure")
        await world.settle()
        assert world.hardware.evses[0].closed
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")


async def test_a_lock_that_fails_begins_nothing() -> None:
    async with starting("PowerPathClosed", evses=SOCKET) as world:
        world.hardware.evses[0].lock_works = False
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle()
        assert not world.events
        assert not world.hardware.evses[0].closed
        assert world.station.availability.status(1, 1) == "Faulted"


# --- E07, E08: groups, offline ---------------------------------------------------------------------------------------


async def test_E07FR01_a_token_of_the_same_group_stops() -> None:
    async with stopping("Authorized") as world:
        world.groups = {"TOKEN": "FAMILY", "OTHER": "FAMILY", "STRANGER": "NEIGHBOURS"}
        await charging(world)
        world.hardware.swipe("STRANGER")
        await world.settle()
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")
        world.hardware.swipe("OTHER")
        await world.settle()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "EVConnected")
        assert world.events[-1]["idToken"]["idToken"] == "OTHER"


async def test_E08_stopped_offline() -> None:
    async with stopping("Authorized") as world:
        await charging(world)
        await world.offline()
        world.hardware.swipe()
        await world.settle(10)
        assert not world.hardware.evses[0].closed
        world.hardware.unplug()
        await world.back()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "EVConnected")
        assert world.events[-1]["offline"] is True
        assert reason(world) == "Local"
        world.check_books()


# --- E09, E10: the EV's side -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("unlocks", [False, True])
async def test_E09_the_cable_is_pulled_at_the_EV(unlocks: bool) -> None:
    unlock = f"OCPPCommCtrlr.UnlockOnEVSideDisconnect={str(unlocks).lower()}"
    async with stopping("Authorized", unlock, evses=SOCKET) as world:
        await charging(world)
        world.hardware.ev(EvDemand.NONE)
        await world.settle()
        assert world.told()[-1] == ("Ended", "EVCommunicationLost", "Idle")  # TC_E_17
        assert reason(world) == "EVDisconnected"
        assert world.hardware.evses[0].locked is not unlocks  # E09.FR.02, E09.FR.03
        world.hardware.swipe()
        await world.settle()
        assert not world.hardware.evses[0].locked


async def test_E09_with_EVConnected_only_it_is_deauthorized_too() -> None:
    async with stopping("ParkingBayOccupancy") as world:
        await charging(world)
        world.hardware.unplug()
        await world.settle()
        assert world.told()[-1] == ("Updated", "EVCommunicationLost", "Idle")
        world.hardware.plug()
        await world.settle(5)
        assert world.told()[-1] == ("Updated", "CablePluggedIn", "EVConnected")
        assert not world.hardware.evses[0].closed, "E09.FR.01: it has to be authorized once again"
        world.hardware.swipe()
        await world.settle(5)
        assert world.told()[-2:] == [
            ("Updated", "Authorized", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]


async def test_E10_the_transaction_waits_for_the_EV() -> None:
    async with stopping("Authorized", STAYS) as world:
        await charging(world)
        world.hardware.unplug()
        await world.settle(20)
        world.hardware.plug()
        await world.settle(5)
        assert world.told()[-3:] == [
            ("Updated", "EVCommunicationLost", "Idle"),
            ("Updated", "CablePluggedIn", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]  # TC_E_26
        assert world.events[-2]["evse"] == {"id": 1, "connectorId": 1}
        await world.settle(100)
        assert world.told()[-1][0] == "Updated"
        world.check_books()


async def test_E10FR02_but_not_for_ever() -> None:
    async with stopping("Authorized", STAYS) as world:
        await charging(world)
        world.hardware.unplug()
        await world.settle(61)
        assert world.told()[-1] == ("Ended", "EVConnectTimeout", "Idle")  # TC_E_27
        assert reason(world) == "Timeout"


async def test_E10FR01_a_cable_in_a_socket_stays_locked_until_its_owner_comes() -> None:
    async with stopping("Authorized", STAYS, evses=SOCKET) as world:
        await charging(world)
        world.hardware.ev(EvDemand.NONE)
        await world.settle(300)
        assert world.told()[-1] == ("Updated", "EVCommunicationLost", "Idle")
        assert world.hardware.evses[0].locked
        world.hardware.ev(EvDemand.READY)
        await world.settle(5)
        assert world.told()[-2:] == [
            ("Updated", "CablePluggedIn", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        world.hardware.ev(EvDemand.NONE)
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "Idle")
        assert not world.hardware.evses[0].locked


# --- E15, several EVSEs, versions ------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", ["Authorized", "EVConnected"])
async def test_E15_the_EV_ends_the_session(points: str) -> None:
    async with stopping(points) as world:
        await charging(world)
        assert world.hardware.events is not None
        world.hardware.events.stopped_by_ev(1)
        await world.settle()
        kind = "Ended" if points == "Authorized" else "Updated"
        assert (kind, "StopAuthorized", "EVConnected") == world.told()[-1]  # TC_E_46
        if kind == "Ended":
            assert reason(world) == "StoppedByEV"


async def test_a_reader_for_all_EVSEs_where_the_driver_plugs_in_later() -> None:
    async with starting("Authorized", evses=(EvseConfig(), EvseConfig())) as world:
        await world.online()
        world.hardware.swipe(evse=0)
        await world.settle()
        assert world.told() == [("Started", "Authorized", "Idle")]
        world.hardware.plug(2)
        await world.settle(10)
        assert world.told()[1:] == [
            ("Updated", "CablePluggedIn", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        assert world.events[1]["evse"] == {"id": 2, "connectorId": 1}
        assert world.hardware.evses[1].power > 0
        world.hardware.swipe(evse=0)
        await world.settle()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "EVConnected")
        world.check_books()


async def test_a_reader_for_all_EVSEs_where_one_is_plugged_in() -> None:
    async with starting("PowerPathClosed", evses=(EvseConfig(), EvseConfig())) as world:
        await world.online()
        world.hardware.plug(2)
        world.hardware.swipe(evse=0)
        await world.settle(10)
        assert world.events[0]["evse"] == {"id": 2, "connectorId": 1}
        world.hardware.swipe("OTHER", evse=0)
        await world.settle()
        world.hardware.plug(1)
        await world.settle()
        assert world.hardware.evses[0].power > 0
        world.check_books()


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_both_versions_hear_the_same(version: Version) -> None:
    async with starting("EVConnected", version=version) as world:
        await charging(world)
        world.hardware.unplug()
        await world.settle()
        assert [each[:2] for each in world.told()] == [
            ("Started", "CablePluggedIn"),
            ("Updated", "Authorized"),
            ("Updated", "ChargingStateChanged"),
            ("Ended", "EVCommunicationLost"),
        ]


async def test_a_station_that_asks_for_no_token_charges_whoever_comes() -> None:
    async with ChargingWorld(*QUIET, "AuthCtrlr.Enabled=false") as world:
        await world.online()
        world.hardware.plug()
        await world.settle()
        assert world.events[0]["idToken"] == {"idToken": "", "type": "NoAuthorization"}
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")


async def test_remote_start_and_stop() -> None:
    async with starting("EVConnected") as world:
        await world.online()
        world.hardware.plug()
        await world.settle()
        from fake_hardware import tag

        transaction = await world.station.transactions.start(1, tag("REMOTE"), remote_start_id=7)
        assert transaction is not None
        await world.settle()
        assert world.told()[1:] == [
            ("Updated", "RemoteStart", "EVConnected"),
            ("Updated", "ChargingStateChanged", "Charging"),
        ]
        assert world.events[1]["transactionInfo"]["remoteStartId"] == 7
        assert "remoteStartId" not in world.events[2]["transactionInfo"]
        await world.station.transactions.stop(transaction, "Remote", "RemoteStop")
        await world.settle()
        assert world.told()[-1] == ("Ended", "RemoteStop", "EVConnected")
        assert reason(world) == "Remote"


async def test_a_reset_ends_all_transactions() -> None:
    async with stopping("EVConnected") as world:
        await charging(world)
        await world.station.transactions.stop_all("ImmediateReset", "ResetCommand")
        await world.settle()
        assert world.told()[-1] == ("Ended", "ResetCommand", "EVConnected")
        assert reason(world) == "ImmediateReset"


# --- E17: after a boot -----------------------------------------------------------------------------------------------


async def power_cut(world: ChargingWorld, seconds: float, boot: Any = "PowerUp") -> None:
    await world.station.stop()
    world.station.power_down()
    await world.settle(seconds)
    world.station.power_up(boot)
    await world.online()
    await world.settle(1)


async def test_E17FR14_a_transaction_goes_on() -> None:
    async with stopping("EVConnected,Authorized") as world:
        await charging(world)
        before = world.hardware.evses[0].read().energy_import
        await power_cut(world, 100)
        assert world.told()[-1] == ("Updated", "TxResumed", "Charging")
        assert world.events[-1]["meterValue"][0]["sampledValue"][0]["context"] == "Interruption.End"
        assert world.hardware.evses[0].read().energy_import - before < 20
        world.check_books()


async def test_E17FR02_a_long_silence_before_the_power_went_does_not_count() -> None:
    async with stopping("EVConnected,Authorized", "TxCtrlr.ResumptionTimeout=120") as world:
        await charging(world)
        await world.settle(7200)
        await power_cut(world, 30)
        assert world.told()[-1] == ("Updated", "TxResumed", "Charging")


@pytest.mark.parametrize(("boot", "expected"), [("PowerUp", "PowerLoss"), ("Watchdog", "Reboot")])
async def test_E17FR20_or_ends_if_it_took_too_long(boot: str, expected: str) -> None:
    async with stopping("EVConnected,Authorized", "TxCtrlr.ResumptionTimeout=60") as world:
        await charging(world)
        await power_cut(world, 100, boot)
        assert world.told()[-1][:2] == ("Ended", "AbnormalCondition")
        assert reason(world) == expected
        assert not world.station.transactions.running
        assert not world.hardware.evses[0].closed
        world.check_books()


async def test_E17FR17_or_ends_if_the_cable_has_gone() -> None:
    async with stopping("EVConnected") as world:
        await charging(world)
        await world.station.stop()
        world.station.power_down()
        world.hardware.unplug()
        await world.online()
        assert world.told()[-1] == ("Ended", "EVCommunicationLost", "Idle")
        assert reason(world) == "EVDisconnected"
        world.check_books()


async def test_E17FR16_or_waits_for_the_EV() -> None:
    async with stopping("Authorized", STAYS) as world:
        await charging(world)
        await world.station.stop()
        world.station.power_down()
        world.hardware.unplug()
        await world.online()
        assert world.told()[-1] == ("Updated", "TxResumed", "Idle")
        world.hardware.plug()
        await world.settle(5)
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")
        world.check_books()


async def test_E17FR12_or_goes_on_without_energy() -> None:
    async with stopping("EVConnected,Authorized", "TxCtrlr.AllowEnergyTransferResumption=false") as world:
        await charging(world)
        await power_cut(world, 10)
        assert world.told()[-1] == ("Updated", "TxResumed", "SuspendedEVSE")
        assert world.hardware.evses[0].power == 0
        world.hardware.swipe()
        await world.settle()
        assert world.told()[-1] == ("Ended", "StopAuthorized", "EVConnected")
        world.check_books()


async def test_E17FR18_or_waits_a_random_while() -> None:
    async with stopping("EVConnected,Authorized", "TxCtrlr.EnergyTransferResumptionRandomRange=600") as world:
        await charging(world)
        await power_cut(world, 10)
        assert world.told()[-1] == ("Updated", "TxResumed", "SuspendedEVSE")
        await world.settle(601)
        assert world.told()[-1] == ("Updated", "ChargingStateChanged", "Charging")
        world.check_books()
