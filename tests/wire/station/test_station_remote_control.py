"""F: remote start, stop, unlock."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from charging_world import ChargingWorld
from connector_reports import TWO, reports, up
from token_steps import setting, told, wire

from ocppflow.messages import Version
from ocppflow.station.station_config import ConnectorConfig, EvseConfig

SOCKET = (EvseConfig(connectors=(ConnectorConfig("sType2"), ConnectorConfig("cCCS2"))),)


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def one(request: pytest.FixtureRequest) -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(version=request.param) as world:
        await up(world)
        yield world


@pytest.fixture
async def two() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(evses=TWO.evses) as world:
        await up(world)
        yield world


@pytest.fixture
async def socket() -> AsyncIterator[ChargingWorld]:
    async with ChargingWorld(evses=SOCKET) as world:
        await up(world)
        yield world


async def start(world: ChargingWorld, card: str = "APP", evse: int = 1, **more: Any) -> dict[str, Any]:
    where = {"evseId": evse} if evse else {}
    payload = {"idToken": wire(card), "remoteStartId": 77, **where, **more}
    answer = await world.call("RequestStartTransaction", payload)
    await world.settle()
    return answer


def reason(answer: dict[str, Any]) -> Any:
    return answer["statusInfo"]["reasonCode"] if answer["status"] == "Rejected" else answer["status"]


async def stop(world: ChargingWorld, transaction_id: str) -> dict[str, Any]:
    answer = await world.call("RequestStopTransaction", {"transactionId": transaction_id})
    await world.settle()
    return answer


async def unlock(world: ChargingWorld, evse: int = 1, connector: int = 1) -> str:
    answer = await world.call("UnlockConnector", {"evseId": evse, "connectorId": connector})
    await world.settle()
    status: str = answer["status"]
    return status


def charges(world: ChargingWorld) -> bool:
    return bool(world.told()) and world.told()[-1][2] == "Charging"


async def test_F01FR02_F01FR13_F01FR19_F01FR25_a_waiting_EV_charges_without_asking(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStartPoint="EVConnected")
    one.hardware.plug()
    await one.settle()
    answer = await start(one)
    assert answer["status"] == "Accepted"
    assert answer["transactionId"] == one.events[0]["transactionInfo"]["transactionId"]
    assert not one.sent("Authorize")
    event = one.events[1]
    assert (event["eventType"], event["triggerReason"], event["idToken"]) == ("Updated", "RemoteStart", wire("APP"))
    assert event["transactionInfo"]["remoteStartId"] == 77
    assert charges(one)


async def test_F02FR01_F02FR21_F02FR10_first_the_start_then_the_cable(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStartPoint="Authorized")
    assert "transactionId" not in await start(one)
    event = one.events[0]
    assert (event["eventType"], event["triggerReason"]) == ("Started", "RemoteStart")
    assert event["transactionInfo"]["remoteStartId"] == 77
    one.hardware.plug()
    await one.settle()
    assert charges(one)


async def test_F02FR21_with_PowerPathClosed_the_first_event_is_RemoteStart(one: ChargingWorld) -> None:
    await start(one)
    assert not one.events
    one.hardware.plug()
    await one.settle()
    event = one.events[0]
    assert (event["eventType"], event["triggerReason"]) == ("Started", "RemoteStart")
    assert event["transactionInfo"]["remoteStartId"] == 77


@pytest.mark.parametrize("status", ["Accepted", "Blocked"])
async def test_F01FR01_F02FR09_with_AuthorizeRemoteStart_the_CSMS_is_asked_after_the_answer(
    one: ChargingWorld, status: str
) -> None:
    setting(one, AuthCtrlr_AuthorizeRemoteStart=True)
    one.answers["Authorize"] = told(status)
    one.hardware.plug()
    assert (await start(one))["status"] == "Accepted"
    assert one.sent("Authorize") == [{"idToken": wire("APP")}]
    assert charges(one) == (status == "Accepted")


async def test_C03FR01_a_Central_id_is_not_asked_about(one: ChargingWorld) -> None:
    setting(one, AuthCtrlr_AuthorizeRemoteStart=True)
    one.hardware.plug()
    await start(one, idToken=wire("APP", "Central"))
    assert charges(one)
    assert not one.sent("Authorize")


async def test_C16FR03_a_master_pass_starts_nothing(one: ChargingWorld) -> None:
    setting(one, AuthCtrlr_MasterPassGroupId="POLICE")
    one.hardware.plug()
    assert reason(await start(one, groupIdToken=wire("Police", "Central"))) == "InvalidIdToken"
    setting(one, AuthCtrlr_AuthorizeRemoteStart=True)
    one.groups["APP"] = "POLICE"
    assert (await start(one))["status"] == "Accepted"
    assert not charges(one)


async def test_F01FR23_unavailable_or_faulted(one: ChargingWorld) -> None:
    one.hardware.fault("GroundFailure", connector=1)
    assert reason(await start(one)) == "Unspecified"
    assert (await start(one, evse=0))["status"] == "Rejected"
    one.hardware.clear(connector=1)
    await one.call("ChangeAvailability", {"operationalStatus": "Inoperative", "evse": {"id": 1}})
    assert reason(await start(one)) == "Unspecified"
    assert reason(await start(one, evse=9)) == "UnknownEvse"
    assert not one.events


async def test_F01FR24_in_use(one: ChargingWorld) -> None:
    one.hardware.plug()
    one.hardware.swipe("CARD")
    await one.settle()
    assert reason(await start(one)) == "TxInProgress"
    assert reason(await start(one, "CARD")) == "TxInProgress"


async def test_F01FR24_a_driver_who_is_awaited_is_not_displaced(one: ChargingWorld) -> None:
    assert (await start(one))["status"] == "Accepted"
    assert reason(await start(one, "OTHER")) == "TxInProgress"


async def test_B02FR05_not_while_Pending(one: ChargingWorld) -> None:
    one.answers["BootNotification"] = {"currentTime": "2026-01-01T00:00:00Z", "interval": 99, "status": "Pending"}
    await one.station.stop()
    one.station.power_down()
    one.station = one.complete_station(hardware=one.hardware)
    await up(one)
    assert reason(await start(one)) == "CSNotAccepted"
    assert reason(await stop(one, "x")) == "CSNotAccepted"


async def test_F01FR20_it_chooses_where_an_EV_waits_or_else_what_is_free(two: ChargingWorld) -> None:
    setting(two, TxCtrlr_TxStartPoint="Authorized")
    two.hardware.plug(2)
    await two.settle()
    assert (await start(two, evse=0))["status"] == "Accepted"
    assert two.station.transactions.on_evse(2) is not None
    assert (await start(two, "OTHER", evse=0))["status"] == "Accepted"
    assert two.station.transactions.on_evse(1) is not None
    assert (await start(two, "THIRD", evse=0))["status"] == "Rejected"


async def test_F02FR07_F04_nobody_comes_and_the_next_start_is_taken(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStartPoint="Authorized", TxCtrlr_EVConnectionTimeOut=30)
    await start(one)
    await one.settle(31)
    last = one.events[-1]
    assert (last["eventType"], last["triggerReason"]) == ("Ended", "EVConnectTimeout")
    assert last["transactionInfo"]["stoppedReason"] == "Timeout"
    assert (await start(one))["status"] == "Accepted"


PROFILE: dict[str, Any] = {
    "id": 1,
    "stackLevel": 0,
    "chargingProfilePurpose": "TxProfile",
    "chargingProfileKind": "Relative",
    "chargingSchedule": [
        {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 8.0}]}
    ],
}


@pytest.mark.parametrize("point", ["Authorized", "PowerPathClosed", "EVConnected"])
async def test_F01FR10_the_profile_that_came_with_the_start_holds(one: ChargingWorld, point: str) -> None:
    setting(one, TxCtrlr_TxStartPoint=point)
    if point == "EVConnected":
        one.hardware.plug()
        await one.settle()
    assert (await start(one, chargingProfile=PROFILE))["status"] == "Accepted"
    if point != "EVConnected":
        one.hardware.plug()
        await one.settle(1)
    assert one.hardware.evses[0].offered.amps == 8.0
    await stop(one, one.events[0]["transactionInfo"]["transactionId"])
    one.hardware.unplug()
    one.hardware.plug()
    one.hardware.swipe("CARD")
    await one.settle(1)
    assert one.hardware.evses[0].offered.amps == 32.0


@pytest.mark.parametrize(
    "wrong", [{"chargingProfilePurpose": "TxDefaultProfile"}, {"transactionId": "abc"}, {"stackLevel": 999}]
)
async def test_F01FR09_F01FR11_F01FR26_an_invalid_profile_is_Rejected(
    one: ChargingWorld, wrong: dict[str, Any]
) -> None:
    answer = await start(one, chargingProfile={**PROFILE, **wrong})
    assert answer["status"] == "Rejected"
    setting(one, SmartChargingCtrlr_Enabled=False)
    assert (await start(one, chargingProfile={**PROFILE, **wrong}))["status"] == "Accepted"  # F01.FR.12


async def test_F03FR03_F03FR07_a_remote_stop(one: ChargingWorld) -> None:
    one.hardware.plug()
    one.hardware.swipe("CARD")
    await one.settle()
    transaction_id = one.events[0]["transactionInfo"]["transactionId"]
    assert reason(await stop(one, "another")) == "TxNotFound"
    assert charges(one)
    assert (await stop(one, transaction_id.upper()))["status"] == "Accepted"
    last = one.events[-1]
    assert (last["eventType"], last["triggerReason"]) == ("Ended", "RemoteStop")
    assert last["transactionInfo"]["stoppedReason"] == "Remote"
    assert reason(await stop(one, transaction_id)) == "TxNotFound"


async def test_F03FR02_F04FR02_a_remote_stop_that_does_not_end_it(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStopPoint="EVConnected")
    one.hardware.plug()
    one.hardware.swipe("CARD")
    await one.settle()
    await stop(one, one.events[0]["transactionInfo"]["transactionId"])
    assert ("Updated", "RemoteStop") in [told[:2] for told in one.told()]
    assert not one.hardware.evses[0].closed
    one.hardware.unplug()
    await one.settle()
    assert one.events[-1]["transactionInfo"]["stoppedReason"] == "Remote"


async def test_F05_unlocking(socket: ChargingWorld) -> None:
    assert await unlock(socket, 1, 3) == "UnknownConnector"
    assert await unlock(socket, 2) == "UnknownConnector"
    assert await unlock(socket, 0, 0) == "UnknownConnector"
    assert await unlock(socket) == "Unlocked"  # F05.FR.06: whether there is a cable or not
    assert await unlock(socket, 1, 2) == "UnlockFailed"  # its cable is fixed
    socket.hardware.plug()
    socket.hardware.swipe("CARD")
    await socket.settle()
    assert await unlock(socket) == "OngoingAuthorizedTransaction"  # F05.FR.02
    assert socket.hardware.evses[0].locked
    socket.hardware.swipe("CARD")
    await socket.settle()
    assert await unlock(socket) == "Unlocked"


async def test_F05FR05_a_lock_that_does_not_open(socket: ChargingWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck(connector: int) -> bool:
        return False

    monkeypatch.setattr(socket.hardware.evses[0], "unlock", stuck)
    assert await unlock(socket) == "UnlockFailed"


async def test_F02_the_status_is_told_when_the_cable_comes(one: ChargingWorld) -> None:
    setting(one, TxCtrlr_TxStartPoint="Authorized")
    since = len(one.heard)
    await start(one)
    assert not reports(one, since)
    one.hardware.plug()
    await one.settle()
    assert reports(one, since) == [(1, 1, "Occupied")]
