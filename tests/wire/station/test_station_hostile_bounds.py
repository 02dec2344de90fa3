"""What a CSMS can make a station keep, send and work at is bounded, and what is beyond a bound is refused with a
reason; others in the process go on meanwhile."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from station_world import START, StationWorld

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version, v21
from ocppflow.station.blocks.report_desk import MOST_AT_ONCE
from ocppflow.station.blocks.smart_charging import composite_schedule
from ocppflow.station.blocks.smart_charging.composite_schedule import MOST_STEPS, STEPS_AT_ONCE, StationLimits

BALLAST = {"vendorId": "x", "ballast": "x" * 300_000}
TOKEN = {"idToken": "ANN", "type": "ISO14443"}


@pytest.fixture
async def booted() -> AsyncIterator[StationWorld]:
    async with StationWorld(Version.V21) as world:
        await world.station.connect()
        await world.clock.advance(1)
        yield world


def later(seconds: float) -> str:
    return (START + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


async def quiet(world: StationWorld) -> None:
    for _ in range(100):
        await world.clock.advance(10)


def profile(number: int = 1, **more: Any) -> dict[str, Any]:
    schedule = {
        "id": 1,
        "startSchedule": later(0),
        "chargingRateUnit": "A",
        "chargingSchedulePeriod": [{"startPeriod": 60 * each, "limit": 6.0 + each % 9} for each in range(1000)],
    }
    return {
        "id": number,
        "stackLevel": number,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Recurring",
        "recurrencyKind": "Daily",
        "chargingSchedule": [schedule],
        **more,
    }


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(customData=BALLAST)}),
        ("RequestStartTransaction", {"evseId": 1, "remoteStartId": 1, "idToken": {**TOKEN, "customData": BALLAST}}),
        (
            "ReserveNow",
            {"id": 1, "evseId": 1, "expiryDateTime": later(9000), "idToken": {**TOKEN, "customData": BALLAST}},
        ),
        (
            "SetDisplayMessage",
            {
                "message": {
                    "id": 1,
                    "priority": "NormalCycle",
                    "message": {"format": "UTF8", "content": "hello", "customData": BALLAST},
                }
            },
        ),
        (
            "SendLocalList",
            {
                "versionNumber": 1,
                "updateType": "Full",
                "localAuthorizationList": [
                    {"idToken": TOKEN, "idTokenInfo": {"status": "Accepted", "customData": BALLAST}}
                ],
            },
        ),
    ],
)
async def test_what_is_kept_may_not_have_any_size(booted: StationWorld, action: str, payload: dict[str, Any]) -> None:
    booted.station.device_model.set("LocalAuthListCtrlr", "Enabled", True)
    booted.station.device_model.set("ReservationCtrlr", "Enabled", True)
    answer = await booted.call(action, payload)
    assert answer["status"] in ("Rejected", "Failed")
    assert answer["statusInfo"]["reasonCode"]
    assert not booted.station.transactions.running


async def test_default_tariffs_are_so_many_at_most(booted: StationWorld) -> None:
    booted.station.device_model.set("TariffCostCtrlr", "Enabled", True, variable_instance="Tariff")
    seen: Counter[str] = Counter()
    for number in range(50):
        tariff = {"tariffId": f"T{number}", "currency": "EUR", "validFrom": later(86_400 * (50 - number))}
        tariff["energy"] = {"prices": [{"priceKwh": 0.25}]}  # type: ignore[assignment]
        answer = await booted.call("SetDefaultTariff", {"evseId": 0, "tariff": tariff})
        seen[answer["status"]] += 1
    assert seen == {"Accepted": 10, "Rejected": 40}
    assert answer["statusInfo"]["reasonCode"] == "OutOfStorage"


async def test_a_csms_that_asks_for_logs_and_takes_no_notification_fills_no_memory(booted: StationWorld) -> None:
    booted.network.links[-1]._other.hold()  # what the station sends arrives nowhere
    for number in range(600):
        booted.station.diagnostics.notices.put(v21.LogStatusNotificationRequest(status="Uploading", request_id=number))
    await booted.clock.advance(0)
    notices = booted.station.diagnostics.notices
    assert len(notices.waiting) == 100
    assert notices.waiting[-1].request_id == 599
    booted.network.links[-1]._other.release()
    await quiet(booted)
    assert not notices.waiting


def event(station: Any) -> v21.EventDataType:
    return v21.EventDataType(
        event_id=station.monitoring.outlet.next_id(),
        timestamp=START,
        trigger="Periodic",
        actual_value="1",
        event_notification_type="CustomMonitor",
        component=v21.ComponentType(name="EVSE"),
        variable=v21.VariableType(name="Power"),
        severity=0,
    )


async def test_events_that_come_faster_than_they_are_taken_are_dropped(booted: StationWorld) -> None:
    booted.network.links[-1]._other.hold()
    outlet = booted.station.monitoring.outlet
    for _ in range(100):
        for _ in range(100):
            outlet.put(event(booted.station))
        await asyncio.sleep(0)
    assert len(outlet._events) <= 1000
    booted.network.links[-1]._other.release()
    await booted.clock.advance(60)


async def test_events_that_wait_for_a_csms_are_so_many_at_most(booted: StationWorld) -> None:
    station = booted.station
    await station.offline()
    station.message_queue.limit = 50
    for _ in range(1000):
        request = v21.NotifyEventRequest(generated_at=START, seq_no=0, event_data=[event(station)], tbc=False)
        station.message_queue.put(request)
    assert station.message_queue.length <= 101
    await station.online()
    await quiet(booted)
    assert station.message_queue.length == 0


async def test_a_csms_that_starts_and_stops_and_takes_no_event_is_refused_in_the_end(booted: StationWorld) -> None:
    station = booted.station
    station.message_queue.limit = 20
    never: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    booted.answers["TransactionEvent"] = lambda _: never
    await station.plug(1)
    statuses: Counter[str] = Counter()
    for number in range(200):
        start = {"evseId": 1, "remoteStartId": number, "idToken": TOKEN}
        answer = await booted.call("RequestStartTransaction", start)
        statuses[answer["status"]] += 1
        await booted.clock.advance(0)
        for each in list(station.transactions.running):
            await booted.call("RequestStopTransaction", {"transactionId": each})
            await booted.clock.advance(0)
    assert station.message_queue.length <= 2 * 20 + 6
    assert statuses["Rejected"] > 100
    assert answer["statusInfo"]["reasonCode"] == "OutOfStorage"
    booted.answers.clear()
    never.cancel()
    await quiet(booted)
    assert station.message_queue.length == 0
    assert (await booted.call("RequestStartTransaction", start))["status"] == "Accepted"


# --- what is worked at -----------------------------------------------------------------------------------------------


async def test_a_thousand_reports_of_everything_at_once(booted: StationWorld) -> None:
    station = booted.csms["CS1"]
    asked = [
        asyncio.ensure_future(station.call_raw("GetBaseReport", {"requestId": each, "reportBase": "FullInventory"}))
        for each in range(60)
    ]
    most = 0
    while not all(each.done() for each in asked):
        await asyncio.sleep(0)
        most = max(most, booted.station.report_desk._sending)
    assert most <= MOST_AT_ONCE
    await booted.clock.advance(10)
    reports = {each["requestId"] for each in booted.sent("NotifyReport")}
    accepted = sum(b'"Accepted"' in bytes(each.result().payload) for each in asked)
    assert len(reports) == accepted


async def test_others_go_on_while_a_composite_schedule_is_made(
    booted: StationWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await booted.call("SetChargingProfile", {"evseId": 1, "chargingProfile": profile(1001, stackLevel=1)})
    assert answer == {"status": "Accepted"}
    steps = turn_steps = most = 0
    real: Callable[..., Any] = StationLimits.evse

    def counted(self: StationLimits, number: int, when: int) -> Any:
        nonlocal steps, turn_steps
        steps += 1
        turn_steps += 1
        return real(self, number, when)

    monkeypatch.setattr(StationLimits, "evse", counted)
    call = asyncio.ensure_future(booted.call("GetCompositeSchedule", {"evseId": 1, "duration": 2**31}))
    while not call.done():
        turn_steps = 0
        await asyncio.sleep(0)
        most = max(most, turn_steps)
    assert call.result()["status"] == "Accepted"
    assert len(call.result()["schedule"]["chargingSchedulePeriod"]) <= composite_schedule.MOST_PERIODS
    assert 500 < steps <= MOST_STEPS
    assert most <= STEPS_AT_ONCE


@pytest.mark.parametrize("version", [Version.V201, Version.V21])
async def test_a_message_with_ten_thousand_items_is_refused(version: Version) -> None:
    place = {"component": {"name": "OCPPCommCtrlr"}, "variable": {"name": "HeartbeatInterval"}}
    async with StationWorld(version) as world:
        await world.station.connect()
        await world.clock.advance(1)
        for action, payload in (
            ("GetReport", {"requestId": 1, "componentVariable": [place] * 8000}),
            ("GetVariables", {"getVariableData": [place] * 8000}),
            ("SetVariables", {"setVariableData": [{**place, "attributeValue": "60"}] * 8000}),
        ):
            with pytest.raises(RemoteCallError) as refused:
                await world.call(action, payload)
            assert refused.value.code in ("OccurrenceConstraintViolation", "FormatViolation")
