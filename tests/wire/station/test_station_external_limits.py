"""K11 to K13, K21, K22, K27 to K29: limits from outside, priority charging, profiles whose values come bit by bit."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from profile_world import TWO_AC, ProfileWorld, profile

from ocppflow.messages import Version, v21

MAX = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
OUTSIDE = {"chargingProfilePurpose": "ChargingStationExternalConstraints"}


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(request.param, TWO_AC) as world:
        yield await world.up()


@pytest.fixture
async def newest() -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(Version.V21, TWO_AC) as world:
        yield await world.up()


async def test_K12FR05_a_limit_from_outside_is_reported_as_such(two: ProfileWorld) -> None:
    two.station.smart_charging.external.set(10_000)
    await two.clock.advance(1)
    (report,) = await two.reported(OUTSIDE)
    assert report["chargingLimitSource"] == "EMS"
    assert report["evseId"] == 0
    (sent,) = report["chargingProfile"]
    assert sent["chargingProfilePurpose"] == "ChargingStationExternalConstraints"
    assert sent["id"] < 0
    assert sent["chargingProfileKind"] == ("Dynamic" if two.version is Version.V21 else "Absolute")  # K29.FR.04
    (period,) = sent["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert period["limit"] == 10_000


async def test_K12FR02_K13FR02_the_CSMS_hears_of_it_and_of_its_end(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    block.external.set(10_000, grid_critical=True)
    await two.clock.advance(1)
    assert two.sent("NotifyChargingLimit") == [
        {"chargingLimit": {"chargingLimitSource": "EMS", "isGridCritical": True}}
    ]
    block.external.set(10_050)  # by less than LimitChangeSignificance, 1 %
    await two.clock.advance(1)
    assert len(two.sent("NotifyChargingLimit")) == 1
    block.external.set(12_000)
    await two.clock.advance(1)
    assert len(two.sent("NotifyChargingLimit")) == 2
    assert len(await two.reported(OUTSIDE)) == 1
    assert block.external.clear()
    assert not block.external.clear()
    await two.clock.advance(1)
    assert two.sent("ClearedChargingLimit") == [{"chargingLimitSource": "EMS"}]
    assert not await two.reported(OUTSIDE)


async def test_K11FR03_with_the_schedule_if_it_is_wanted(two: ProfileWorld) -> None:
    two.station.device_model.set("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", True)
    two.station.smart_charging.external.set(16, "A", evse=2, source="SO")
    await two.clock.advance(1)
    (told,) = two.sent("NotifyChargingLimit")
    assert told["evseId"] == 2
    assert told["chargingLimit"] == {"chargingLimitSource": "SO"}
    (schedule,) = told["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 16}]
    assert schedule["startSchedule"] == "2026-01-01T00:00:01Z"


async def test_K11FR01_K11FR04_K13FR03_it_limits_what_charges_and_the_rate_is_told(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    await two.begin()
    await two.install(profile(1, (0, 20)))
    told = two.rates_told
    block.external.set(10, "A", evse=1)
    assert two.offered().amps == 10.0
    await two.clock.advance(1)
    assert two.rates_told == told + 1
    block.external.clear(evse=1)
    await two.clock.advance(1)
    assert two.offered().amps == 20.0
    assert two.rates_told == told + 2


async def test_K12FR01_all_EVSEs_together_obey_and_so_do_two_sources(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    await two.begin(1)
    await two.begin(2)
    block.external.set(30, "A", source="EMS")
    block.external.set(24, "A", source="SO")
    assert (two.offered(1).amps, two.offered(2).amps) == (12.0, 12.0)
    block.external.clear(source="SO")
    assert (two.offered(1).amps, two.offered(2).amps) == (15.0, 15.0)


async def test_K11_a_schedule_from_outside(two: ProfileWorld) -> None:
    schedule = v21.ChargingScheduleType(
        id=1,
        charging_rate_unit="A",
        start_schedule=two.station.time.now(),
        duration=120,
        charging_schedule_period=[
            v21.ChargingSchedulePeriodType(start_period=0, limit=8),
            v21.ChargingSchedulePeriodType(start_period=60, limit=12),
        ],
    )
    two.station.smart_charging.external.set(schedule, evse=1)
    assert await two.schedule(1, 300) == [(0, 8), (60, 12), (120, 32)]
    (report,) = await two.reported(OUTSIDE)
    assert report["chargingProfile"][0]["chargingProfileKind"] == "Absolute"


async def test_K11_what_the_CSMS_could_not_be_told_it_is_told_later(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    await two.station.stop()
    block.external.set(10_000)
    block.external.set(5_000, evse=1, source="Other")
    block.external.set(9_000)
    await two.clock.advance(1)
    assert not two.sent("NotifyChargingLimit")
    await two.station.connect()
    await two.clock.advance(1)
    sources = sorted(one["chargingLimit"]["chargingLimitSource"] for one in two.sent("NotifyChargingLimit"))
    assert sources == ["EMS", "Other"]


async def test_K01FR05_its_id_cannot_be_taken(two: ProfileWorld) -> None:
    number = two.station.smart_charging.external.set(10_000)
    assert number is not None
    assert await two.refused(profile(number)) == "InvalidProfileId"


async def test_K11FR05_wrong_use_says_what_is_wrong(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    with pytest.raises(ValueError, match="CSO"):
        block.external.set(10, source="CSO")
    with pytest.raises(ValueError, match="there is no EVSE 3"):
        block.external.set(10, evse=3)


async def test_K11FR07_where_the_CSMS_does_not_allow_it_nothing_happens(newest: ProfileWorld) -> None:
    newest.station.device_model.set("SmartChargingCtrlr", "ExternalConstraintsProfileDisallowed", True)
    await newest.begin()
    assert newest.station.smart_charging.external.set(10, "A") is None
    await newest.clock.advance(1)
    assert newest.offered().amps == 32.0
    assert not newest.sent("NotifyChargingLimit")


async def test_K01FR82_its_id_is_one_of_the_stations(newest: ProfileWorld) -> None:
    newest.station.device_model.set("SmartChargingCtrlr", "MaxExternalConstraintsId", -100)
    number = newest.station.smart_charging.external.set(10)
    assert number is not None
    assert number <= -100
    await newest.install(profile(-5))


async def test_K27_what_is_generated_locally_comes_on_top(newest: ProfileWorld) -> None:
    block = newest.station.smart_charging
    await newest.install(profile(1, (0, 10), startSchedule=newest.at(0), **MAX), evse=0)
    await newest.begin()
    block.external.set(5, "A", local_generation=True)
    assert newest.offered().amps == 15.0
    assert await newest.schedule(1, 100) == [(0, 15.0)]
    block.external.set(12, "A")
    await newest.clock.advance(1)
    assert newest.offered().amps == 15.0
    generated = [one for one in newest.sent("NotifyChargingLimit") if one["chargingLimit"].get("isLocalGeneration")]
    assert len(generated) == 1  # K27.FR.03, K27.FR.05
    (report,) = await newest.reported({"chargingProfilePurpose": "LocalGeneration"})
    assert report["chargingLimitSource"] == "EMS"


async def test_K27_2_0_1_has_no_words_for_it(two: ProfileWorld) -> None:
    if two.version is Version.V201:
        two.station.smart_charging.external.set(5, "A", local_generation=True)
        await two.clock.advance(1)
        assert not two.sent("NotifyChargingLimit")
        assert not await two.reported({})


async def test_K12_1_6_has_no_message_for_it() -> None:
    async with ProfileWorld(Version.V16, TWO_AC) as world:
        await world.up()
        heard = len(world.heard)
        world.station.smart_charging.external.set(10, "A", evse=1)
        await world.clock.advance(1)
        assert len(world.heard) == heard
        assert world.station.smart_charging.limit(1).amps == 10.0


# --- priority charging -----------------------------------------------------------------------------------------------

PRIORITY = {"chargingProfilePurpose": "PriorityCharging"}


async def use(world: ProfileWorld, transaction_id: str, activate: bool = True) -> str:
    answer = await world.call("UsePriorityCharging", {"transactionId": transaction_id, "activate": activate})
    await world.clock.advance(0)
    status: str = answer["status"]
    return status


async def test_K21_the_CSMS_gives_a_transaction_priority(newest: ProfileWorld) -> None:
    assert await use(newest, "unknown") == "Rejected"  # K21.FR.02
    transaction = await newest.begin()
    assert await use(newest, transaction.id) == "NoProfile"  # K21.FR.01
    await newest.install(profile(1, (0, 8)))
    await newest.install(profile(2, (0, 24), **PRIORITY), evse=0)
    assert newest.offered().amps == 8.0
    assert await use(newest, transaction.id) == "Accepted"
    assert newest.offered().amps == 24.0  # K21.FR.04
    assert await newest.schedule(1, 100) == [(0, 24.0)]
    assert await use(newest, transaction.id) == "Accepted"
    assert newest.sent("NotifyPriorityCharging") == [{"transactionId": transaction.id, "activated": True}]
    await newest.again()
    assert newest.offered().amps == 24.0
    assert await use(newest, transaction.id, False) == "Accepted"
    assert newest.offered().amps == 8.0  # K21.FR.07
    assert newest.sent("NotifyPriorityCharging")[1:] == [{"transactionId": transaction.id, "activated": False}]


async def test_K22_the_driver_asks_for_priority(newest: ProfileWorld) -> None:
    block = newest.station.smart_charging
    assert not block.ask_for_priority(1)
    transaction = await newest.begin()
    assert not block.ask_for_priority(1)  # K22.FR.01
    await newest.install(profile(1, (0, 8)))
    await newest.install(profile(2, (0, 24), **PRIORITY))
    assert block.ask_for_priority(1)
    await newest.clock.advance(1)
    assert newest.offered().amps == 24.0
    assert newest.sent("NotifyPriorityCharging") == [{"transactionId": transaction.id, "activated": True}]
    assert block.ask_for_priority(1, on=False)
    assert newest.offered().amps == 8.0


# --- Dynamic profiles ------------------------------------------------------------------------------------------------

DYNAMIC = {"chargingProfileKind": "Dynamic"}


async def test_K28FR05_K28FR06_the_CSMS_gives_a_profile_new_values(newest: ProfileWorld) -> None:
    await newest.begin()
    await newest.install(profile(1, (0, 8), **DYNAMIC))
    assert newest.offered().amps == 8.0
    (report,) = await newest.reported({"chargingProfileId": [1]})
    assert report["chargingProfile"][0]["dynUpdateTime"].startswith("2026-01-01T00:00:0")
    await newest.clock.advance(60)
    update = {"chargingProfileId": 1, "scheduleUpdate": {"limit": 13}}
    assert (await newest.call("UpdateDynamicSchedule", update))["status"] == "Accepted"
    assert newest.offered().amps == 13.0
    (report,) = await newest.reported({"chargingProfileId": [1]})
    assert report["chargingProfile"][0]["dynUpdateTime"].startswith("2026-01-01T00:01:0")  # K28.FR.09


@pytest.mark.parametrize(
    ("number", "values", "reason"),
    [
        (9, {"limit": 13}, "NotFound"),
        (2, {"limit": 13}, "InvalidProfile"),  # K28.FR.11
        (1, {"setpoint": 13}, "InvalidSchedule"),
        (1, {"limit": -1}, "InvalidSchedule"),
    ],
)
async def test_K28_updates_are_checked(newest: ProfileWorld, number: int, values: dict[str, Any], reason: str) -> None:
    await newest.install(profile(1, (0, 8), **DYNAMIC))
    await newest.install(profile(2, (0, 8), stackLevel=1))
    answer = await newest.call("UpdateDynamicSchedule", {"chargingProfileId": number, "scheduleUpdate": values})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", reason)


async def test_K28FR08_K28FR10_the_station_asks_for_new_values(newest: ProfileWorld) -> None:
    await newest.begin()
    limits = iter([10, 11, 12, 13, 14, 15])
    newest.answers["PullDynamicScheduleUpdate"] = lambda _: {
        "status": "Accepted",
        "scheduleUpdate": {"limit": next(limits)},
    }
    await newest.install(profile(1, (0, 8), dynUpdateInterval=30, **DYNAMIC))
    seen = []
    for _ in range(3):
        seen.append(newest.offered().amps)
        await newest.clock.advance(30)
    assert seen == [8.0, 10.0, 11.0]
    newest.answers["PullDynamicScheduleUpdate"] = {"status": "Rejected"}
    await newest.clock.advance(30)
    assert newest.offered().amps == 12.0
    await newest.call("ClearChargingProfile", {"chargingProfileId": 1})
    asked = len(newest.sent("PullDynamicScheduleUpdate"))
    assert asked == 4
    await newest.clock.advance(300)
    assert len(newest.sent("PullDynamicScheduleUpdate")) == asked


async def test_K28_an_answer_that_makes_no_sense_changes_nothing(newest: ProfileWorld) -> None:
    await newest.begin()
    newest.answers["PullDynamicScheduleUpdate"] = {"status": "Accepted", "scheduleUpdate": {"limit": -3}}
    await newest.install(profile(1, (0, 8), dynUpdateInterval=30, **DYNAMIC))
    await newest.clock.advance(61)
    assert newest.offered().amps == 8.0
    assert len(newest.sent("PullDynamicScheduleUpdate")) == 2
