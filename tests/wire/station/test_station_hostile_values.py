"""Values that a schema allows and that no station can use: each is refused or left alone, with a reason, and none
keeps the station from going on, or from booting."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from station_world import StationWorld

from ocppflow.messages import Version
from ocppflow.station.transfers import TransferFailed

HUGE = 10**400
TOKEN = {"idToken": "ANN", "type": "ISO14443"}


@pytest.fixture(params=list(Version))
async def booted(request: pytest.FixtureRequest) -> AsyncIterator[StationWorld]:
    async with StationWorld(request.param) as world:
        await world.station.connect()
        await world.clock.advance(1)
        yield world


@pytest.fixture
async def older() -> AsyncIterator[StationWorld]:
    """2.0.1, whose schemas have no bounds for numbers."""
    async with StationWorld(Version.V201) as world:
        await world.station.connect()
        await world.clock.advance(1)
        yield world


async def reboot(world: StationWorld) -> None:
    rebooting = asyncio.ensure_future(world.station.reboot())
    await world.clock.advance(60)
    await rebooting
    assert world.station.is_connected


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "1999-12-31T00:00:00Z", "9999-12-31T23:59:59.999-14:00"]
)
async def test_a_time_that_cannot_be_right_is_not_taken(
    booted: StationWorld, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = booted.station.time.now()
    booted.answers["Heartbeat"] = {"currentTime": moment}
    await booted.clock.advance(301)
    assert (booted.station.time.now() - before).total_seconds() == pytest.approx(301, abs=1)
    assert "which cannot be" in caplog.text
    await booted.station.plug(1)
    await booted.clock.advance(60)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("status", ["Accepted", "Pending", "Rejected"])
async def test_an_interval_that_no_clock_counts_to(status: str) -> None:
    async with StationWorld() as world:
        now = world.now().isoformat()
        world.answers["BootNotification"] = {"currentTime": now, "interval": HUGE, "status": status}
        await world.station.connect()
        await world.clock.advance(1)
        assert world.station.provisioning.registration.name == status.upper()
        world.answers.clear()
        if status == "Accepted":
            assert world.station.device_model.integer("OCPPCommCtrlr", "HeartbeatInterval") == 2**31 - 1
        else:
            await reboot(world)
        assert world.station.provisioning.may_send


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_a_monitor_with_an_interval_that_is_longer_than_any_day(version: Version) -> None:
    async with StationWorld(version) as world:
        await world.station.connect()
        await world.clock.advance(1)
        place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
        for kind in ("Periodic", "PeriodicClockAligned"):
            data = [{"value": 1e300, "type": kind, "severity": 0, **place}]
            answer = await world.call("SetVariableMonitoring", {"setMonitoringData": data})
            assert answer["setMonitoringResult"][0]["status"] in ("Accepted", "Rejected", "UnsupportedMonitorType")
        await world.clock.advance(86_400)
        await reboot(world)


async def test_a_schedule_of_any_length_gives_a_composite_schedule(booted: StationWorld) -> None:
    periods = [{"startPeriod": 0, "limit": 6.0}, {"startPeriod": HUGE, "limit": 16.0}]
    schedule = {"duration": 2 * HUGE, "startSchedule": "2026-01-01T00:00:00Z", "chargingRateUnit": "A"}
    profile: dict[str, Any] = {
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Absolute",
    }
    schedule["chargingSchedulePeriod"] = periods
    if booted.version is Version.V16:
        profile |= {"chargingProfileId": 1, "chargingSchedule": schedule}
        answer = await booted.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        where: dict[str, Any] = {"connectorId": 1}
    else:
        profile |= {"id": 1, "chargingSchedule": [{"id": 1, **schedule}]}
        answer = await booted.call("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
        where = {"evseId": 1}
    assert answer["status"] == "Accepted"
    answer = await booted.call("GetCompositeSchedule", {"duration": 3 * HUGE, **where})
    assert answer["status"] == "Accepted"
    await booted.station.plug(1)
    await booted.station.swipe(1, "ANN")
    await booted.clock.advance(60)
    await reboot(booted)


async def test_a_schedule_without_periods_is_refused() -> None:
    async with StationWorld(Version.V16) as world:
        await world.station.connect()
        await world.clock.advance(1)
        profile = {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxDefaultProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": "A", "chargingSchedulePeriod": []},
        }
        answer = await world.call("SetChargingProfile", {"connectorId": 1, "csChargingProfiles": profile})
        assert answer == {"status": "Rejected"}


# --- EVSEs below 0 ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload", "answer"),
    [
        ("RequestStartTransaction", {"evseId": -1, "remoteStartId": 1, "idToken": TOKEN}, "Rejected"),
        ("GetCompositeSchedule", {"evseId": -HUGE, "duration": 60}, "Rejected"),
        ("ChangeAvailability", {"evse": {"id": -1}, "operationalStatus": "Inoperative"}, "Rejected"),
        ("ChangeAvailability", {"evse": {"id": 1, "connectorId": -1}, "operationalStatus": "Inoperative"}, "Rejected"),
        ("Reset", {"type": "Immediate", "evseId": -1}, "Rejected"),
        ("UnlockConnector", {"evseId": -1, "connectorId": 1}, "UnknownConnector"),
        ("TriggerMessage", {"requestedMessage": "MeterValues", "evse": {"id": -1}}, "Rejected"),
        ("ReserveNow", {"id": 1, "expiryDateTime": "2027-01-01T00:00:00Z", "idToken": TOKEN, "evseId": -1}, "Rejected"),
    ],
)
async def test_an_evse_below_0_is_unknown(
    older: StationWorld, action: str, payload: dict[str, Any], answer: str
) -> None:
    if action == "ReserveNow":
        older.station.device_model.set("ReservationCtrlr", "Enabled", True)
    answered = await older.call(action, payload)
    assert answered["status"] == answer
    if answer == "Rejected":
        assert answered["statusInfo"]["reasonCode"].startswith("Unknown")


# --- what 2.1's types cannot hold is not kept ------------------------------------------------------------------------


async def test_a_token_for_an_evse_below_0_is_not_listed(older: StationWorld) -> None:
    older.station.device_model.set("LocalAuthListCtrlr", "Enabled", True)
    entry = {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted", "evseId": [-1]}}
    request = {"versionNumber": 1, "updateType": "Full", "localAuthorizationList": [entry]}
    answer = await older.call("SendLocalList", request)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Failed", "InvalidValue")
    assert len(older.station.local_list) == 0
    await reboot(older)


async def test_a_token_for_an_evse_below_0_is_not_cached(older: StationWorld) -> None:
    older.station.device_model.set("AuthCacheCtrlr", "Enabled", True)
    older.answers["Authorize"] = {"idTokenInfo": {"status": "Accepted", "evseId": [-1]}}
    await older.station.swipe(1, "ANN")
    await older.clock.advance(1)
    assert older.sent("Authorize")
    await reboot(older)
    assert len(older.station.authorization.cache) == 0


async def test_a_profile_with_nine_phases_is_refused(older: StationWorld) -> None:
    period = {"startPeriod": 0, "limit": 6.0, "numberPhases": 9}
    profile = {
        "id": 1,
        "stackLevel": 0,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
        "chargingSchedule": [{"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [period]}],
    }
    answer = await older.call("SetChargingProfile", {"evseId": 1, "chargingProfile": profile})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidProfile")
    await reboot(older)


@pytest.mark.parametrize("message", [{"id": -1}, {"display": {"name": "Display", "evse": {"id": -1}}}])
async def test_a_display_message_that_no_2_1_message_can_be_is_refused(
    older: StationWorld, message: dict[str, Any]
) -> None:
    content = {"format": "UTF8", "content": "hello"}
    request = {"message": {"id": 1, "priority": "NormalCycle", "message": content, **message}}
    answer = await older.call("SetDisplayMessage", request)
    assert answer["status"] == "Rejected"
    assert "reasonCode" in answer["statusInfo"]
    await reboot(older)


@pytest.mark.parametrize("profile", [-1, 4, 2**70])
async def test_a_security_profile_that_does_not_exist_is_refused(older: StationWorld, profile: int) -> None:
    older.station.device_model.set("SecurityCtrlr", "SecurityProfile", 0)
    data = {
        "ocppCsmsUrl": "ws://a.example/ocpp",
        "ocppInterface": "Wired0",
        "ocppTransport": "JSON",
        "messageTimeout": 30,
        "securityProfile": profile,
        "ocppVersion": "OCPP20",
    }
    answer = await older.call("SetNetworkProfile", {"configurationSlot": 2, "connectionData": data})
    assert answer["status"] == "Rejected"
    await reboot(older)


# --- transfers -------------------------------------------------------------------------------------------------------


async def test_attempts_at_a_transfer_are_never_without_a_pause(older: StationWorld) -> None:
    log = {"remoteLocation": "http://127.0.0.1:9/"}
    request = {"log": log, "logType": "DiagnosticsLog", "requestId": 1, "retries": HUGE, "retryInterval": 0}
    tried: list[float] = []

    class Failing:
        async def upload(self, *_: object, **__: object) -> None:
            tried.append(older.clock.now())
            raise TransferFailed("there is nobody")

    older.station.transfer = Failing()  # type: ignore[assignment]
    assert (await older.call("GetLog", request))["status"] == "Accepted"
    await older.clock.advance(10)
    assert 5 <= len(tried) <= 12
    await older.call("GetLog", {**request, "requestId": 2, "retries": 0})
    await older.clock.advance(10)
