"""K01, K09, K10: charging profiles are checked, installed, kept, reported and cleared."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from profile_world import TWO_AC, ProfileWorld, profile

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import EvseConfig, StationConfig
from ocppflow.station.station_store import StoreFailed


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(request.param, TWO_AC) as world:
        yield await world.up()


@pytest.fixture
async def newest() -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(Version.V21, TWO_AC) as world:
        yield await world.up()


MAX = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
TX = {"chargingProfilePurpose": "TxProfile", "transactionId": "tx-1"}


async def test_K01FR07_a_profile_is_reported_as_it_was_set(two: ProfileWorld) -> None:
    sent = profile(4, (0, 6.0), (100, 10.5), duration=86400, startSchedule="2026-01-01T00:00:00Z")
    await two.install(sent)
    (report,) = await two.reported({"chargingProfileId": [4]})
    assert report["evseId"] == 1
    assert report["chargingLimitSource"] == "CSO"
    assert report["chargingProfile"] == [sent]


async def test_K01FR14_one_for_all_EVSEs_is_owned_by_EVSE_0(two: ProfileWorld) -> None:
    await two.install(profile(4), evse=0)
    (report,) = await two.reported({"chargingProfileId": [4]})
    assert (report["evseId"], report["tbc"]) == (0, False)
    assert await two.schedule(1) == await two.schedule(2) == [(0, 6.0)]


async def test_K01FR05_one_with_a_known_id_takes_its_place(two: ProfileWorld) -> None:
    await two.install(profile(4, (0, 6.0)))
    await two.install(profile(4, (0, 10.0)))
    (report,) = await two.reported({"chargingProfileId": [4]})
    assert report["chargingProfile"][0]["chargingSchedule"][0]["chargingSchedulePeriod"][0]["limit"] == 10.0
    assert await two.schedule(1) == [(0, 10.0)]


async def test_K01FR27_profiles_outlive_a_boot(two: ProfileWorld) -> None:
    sent = profile(4, (0, 6.0), duration=300)
    await two.install(sent)
    await two.install(profile(5, (0, 20.0), startSchedule=two.at(-1), **MAX), evse=0)
    await two.again()
    (report,) = await two.reported({"chargingProfileId": [4]})
    assert report["chargingProfile"] == [sent]
    assert two.station.device_model.integer("SmartChargingCtrlr", "Entries", variable_instance="ChargingProfiles") == 2
    assert await two.schedule(1) == [(0, 6.0), (300, 20.0)]


async def test_K01FR27_what_cannot_be_kept_is_refused(two: ProfileWorld) -> None:
    await two.install(profile(4, (0, 16.0)))

    def full() -> None:
        raise StoreFailed("the disk is full")

    two.store.failing = full
    assert await two.refused(profile(4, (0, 6.0))) == "OutOfStorage"
    assert await two.refused(profile(9, (0, 6.0), stackLevel=3)) == "OutOfStorage"
    two.store.failing = None
    assert await two.schedule(1) == [(0, 16.0)]
    assert not await two.reported({"chargingProfileId": [9]})


async def test_K01FR28_an_EVSE_that_is_not_there(two: ProfileWorld) -> None:
    assert await two.refused(profile(), evse=3) == "UnknownEvse"


async def test_K01FR09_K01FR33_a_TxProfile_needs_its_transaction(two: ProfileWorld) -> None:
    assert await two.refused(profile(**TX)) == "TxNotFound"
    await two.begin(evse=2)
    assert await two.refused(profile(**TX), evse=1) == "TxNotFound"
    assert await two.refused(profile(**{**TX, "transactionId": "tx-2"}), evse=2) == "TxNotFound"
    await two.install(profile(**TX), evse=2)


async def test_K01FR16_a_TxProfile_is_not_for_the_station(two: ProfileWorld) -> None:
    await two.begin()
    assert await two.refused(profile(**TX), evse=0) == "InvalidProfile"


async def test_K01FR03_a_TxProfile_without_transactionId(two: ProfileWorld) -> None:
    await two.begin()
    assert await two.refused(profile(chargingProfilePurpose="TxProfile")) == "MissingParam"


async def test_K02FR05_a_TxProfile_ends_with_its_transaction(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(4, (0, 8.0), **TX))
    await two.install(profile(5, (0, 16.0)))
    assert await two.schedule(1) == [(0, 8.0)]
    await two.end()
    assert not await two.reported({"chargingProfileId": [4]})
    assert await two.schedule(1) == [(0, 16.0)]


async def test_K01FR27_a_TxProfile_goes_on_with_a_transaction_that_is_resumed(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(4, (0, 8.0), (200, 12.0), **TX))
    await two.clock.advance(50)
    await two.again()
    ((_, first), (second, then)) = await two.schedule(1)
    assert (first, then) == (8.0, 12.0)
    assert 140 < second < 150  # it is relative to when it began, before the power went
    await two.station.stop()
    two.station.power_down()
    two.hardware.unplug(1)  # while nobody looks
    await two.again()
    assert not await two.reported({"chargingProfileId": [4]})


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"stackLevel": 10}, "InvalidStackLevel"),
        ({"chargingProfilePurpose": "ChargingStationExternalConstraints"}, "InvalidProfile"),  # K01.FR.22
        (MAX, "InvalidProfile"),  # K04.FR.03: not at an EVSE
        ({"transactionId": "tx-1"}, "InvalidProfile"),
        ({"chargingProfileKind": "Absolute"}, "InvalidSchedule"),  # K01.FR.40
        ({"startSchedule": "2026-01-01T00:00:00Z", "chargingProfileKind": "Relative"}, "InvalidSchedule"),  # K01.FR.41
        ({"startSchedule": "2026-01-01T00:00:00Z", "chargingProfileKind": "Recurring"}, "InvalidProfile"),
        ({"validFrom": "2026-02-01T00:00:00Z", "validTo": "2026-01-01T00:00:00Z"}, "InvalidProfile"),
        ({"duration": 0}, "InvalidSchedule"),
    ],
    ids=lambda value: str(value)[:60],
)
async def test_K01_what_is_wrong_in_a_profile_is_refused(two: ProfileWorld, wrong: dict[str, Any], reason: str) -> None:
    assert await two.refused(profile(**wrong)) == reason
    assert not await two.reported({"chargingProfilePurpose": "TxDefaultProfile"})


@pytest.mark.parametrize("periods", [((5, 6.0),), ((0, 6.0), (10, 7.0), (10, 8.0)), ((0, 6.0), (20, 7.0), (10, 8.0))])
async def test_K01FR31_K01FR35_the_order_of_periods(two: ProfileWorld, periods: tuple[tuple[int, float], ...]) -> None:
    assert await two.refused(profile(1, *periods)) == "InvalidSchedule"


async def test_K01FR38_a_station_profile_cannot_be_relative(two: ProfileWorld) -> None:
    assert await two.refused(profile(**MAX), evse=0) == "InvalidProfile"


async def test_K01FR34_without_ISO_15118_there_is_one_schedule(two: ProfileWorld) -> None:
    sent = profile()
    sent["chargingSchedule"] *= 2
    assert await two.refused(sent) == "InvalidSchedule"


async def test_K01FR06_one_stackLevel_has_one_profile_at_a_time(two: ProfileWorld) -> None:
    await two.install(profile(4, validTo=two.at(1000)))
    assert await two.refused(profile(5)) == "DuplicateProfile"
    await two.install(profile(5, validFrom=two.at(1000)))
    await two.install(profile(6), evse=2)
    await two.install(profile(7, stackLevel=1))


async def test_K01FR39_one_stackLevel_of_a_transaction_has_one_profile(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(4, **TX))
    assert await two.refused(profile(5, **TX)) == "DuplicateProfile"
    await two.install(profile(5, stackLevel=1, **TX))


async def test_K01FR52_K01FR53_the_defaults_of_all_and_of_one_EVSE_differ_in_level(two: ProfileWorld) -> None:
    await two.install(profile(4), evse=2)
    assert await two.refused(profile(5), evse=0) == "DuplicateProfile"
    await two.install(profile(4), evse=0)
    assert await two.refused(profile(6), evse=1) == "DuplicateProfile"


async def test_K01_there_are_as_many_profiles_as_Entries_says(two: ProfileWorld) -> None:
    for number in range(10):
        for evse in range(1, 3):
            await two.install(profile(10 * number + evse, stackLevel=number), evse=evse)
    declared = two.station.device_model.find("SmartChargingCtrlr", "Entries", variable_instance="ChargingProfiles")
    assert declared is not None
    assert declared.max_limit == 100
    for number in range(80):
        start = two.at(number * 10)
        await two.install(
            profile(200 + number, validFrom=start, validTo=two.at(number * 10 + 10), startSchedule=start, **MAX), evse=0
        )
    assert await two.refused(profile(999, startSchedule=two.at(0), validFrom=two.at(5000), **MAX), evse=0) == (
        "TooManyElements"
    )


async def test_K01FR43_K01FR48_phases(two: ProfileWorld) -> None:
    sent = profile(phases=1)
    sent["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 2
    assert await two.refused(sent) == "InvalidSchedule"
    sent["chargingSchedule"][0]["chargingSchedulePeriod"][0]["phaseToUse"] = 1
    await two.install(sent)
    sent["chargingSchedule"][0]["chargingSchedulePeriod"][0]["numberPhases"] = 3
    assert await two.refused(sent) == "InvalidSchedule"  # K01.FR.19


async def test_K01FR44_a_DC_EVSE_has_no_phases() -> None:
    config = StationConfig(evses=(EvseConfig(current="DC", max_amps=200, voltage=500),))
    for version, outcome in ((Version.V201, "Accepted"), (Version.V21, "Rejected")):
        async with ProfileWorld(version, config) as world:
            await world.up()
            answer = await world.set_profile(profile(unit="W", phases=3))
            assert answer["status"] == outcome
            if outcome == "Rejected":
                assert answer["statusInfo"]["reasonCode"] == "NoPhaseForDC"


async def test_K01FR29_without_smart_charging_it_is_not_supported(two: ProfileWorld) -> None:
    two.station.device_model.set("SmartChargingCtrlr", "Enabled", False)
    for action, payload in (
        ("SetChargingProfile", {"evseId": 1, "chargingProfile": profile()}),
        ("GetChargingProfiles", {"requestId": 1, "chargingProfile": {"chargingProfileId": [1]}}),
        ("ClearChargingProfile", {"chargingProfileId": 1}),
        ("GetCompositeSchedule", {"evseId": 1, "duration": 10}),
    ):
        with pytest.raises(RemoteCallError) as refused:
            await two.call(action, payload)
        assert refused.value.code == "NotSupported"


async def test_K09_reports_by_place_source_level_and_purpose(two: ProfileWorld) -> None:
    await two.install(profile(1, startSchedule=two.at(0), **MAX), evse=0)
    await two.install(profile(2, stackLevel=3), evse=1)
    await two.install(profile(3, stackLevel=3), evse=2)

    async def ids(criterion: dict[str, Any], **more: Any) -> list[int]:
        return [one["id"] for report in await two.reported(criterion, **more) for one in report["chargingProfile"]]

    assert await ids({}) == [1, 2, 3]  # K09.FR.06
    assert await ids({}, evseId=0) == [1]  # K09.FR.05
    assert await ids({}, evseId=1) == [2]  # K09.FR.04
    assert await ids({"stackLevel": 3}) == [2, 3]
    assert await ids({"stackLevel": 3, "chargingProfilePurpose": "TxDefaultProfile"}, evseId=2) == [3]
    assert await ids({"chargingLimitSource": ["CSO"]}, evseId=1) == [2]
    assert await ids({"chargingLimitSource": ["EMS"]}, evseId=1) == []
    assert await ids({"chargingProfileId": [3, 1]}) == [1, 3]
    assert await ids({}, evseId=9) == []


async def test_K09FR02_long_reports_come_in_several(two: ProfileWorld) -> None:
    for number in range(3):
        await two.install(profile(number + 1, *((start, 6.0) for start in range(300)), stackLevel=number))
    reports = await two.reported({})
    assert [[one["id"] for one in report["chargingProfile"]] for report in reports] == [[1], [2], [3]]


async def test_K10FR03_one_is_cleared_by_its_id(two: ProfileWorld) -> None:
    await two.install(profile(4))
    assert await two.call("ClearChargingProfile", {"chargingProfileId": 4}) == {"status": "Accepted"}
    assert not await two.reported({"chargingProfileId": [4]})
    assert (await two.call("ClearChargingProfile", {"chargingProfileId": 4}))["status"] == "Unknown"  # K10.FR.01
    await two.again()
    assert not await two.reported({"chargingProfileId": [4]})


async def test_K10FR04_several_are_cleared_by_what_they_have_in_common(two: ProfileWorld) -> None:
    for number, evse in ((1, 1), (2, 2)):
        await two.install(profile(number, stackLevel=1), evse=evse)
    criterion = {"chargingProfilePurpose": "TxDefaultProfile", "stackLevel": 1}
    wrong = {"chargingProfilePurpose": "ChargingStationMaxProfile", "stackLevel": 0}
    assert (await two.call("ClearChargingProfile", {"chargingProfileCriteria": wrong}))["status"] == "Unknown"
    assert await two.call("ClearChargingProfile", {"chargingProfileCriteria": criterion}) == {"status": "Accepted"}
    assert not await two.reported(criterion)


async def test_K10FR09_what_comes_from_outside_is_not_cleared(two: ProfileWorld) -> None:
    number = two.station.smart_charging.external.set(10_000)
    await two.clock.advance(1)
    assert (await two.call("ClearChargingProfile", {"chargingProfileId": number}))["status"] == "Unknown"
    assert (await two.call("ClearChargingProfile", {"chargingProfileCriteria": {"evseId": 0}}))["status"] == "Unknown"
    assert await two.reported({"chargingProfilePurpose": "ChargingStationExternalConstraints"})


async def test_K10FR05_clearing_lets_the_limit_go(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(4, (0, 6.0)))
    assert two.offered().amps == 6.0
    await two.call("ClearChargingProfile", {"chargingProfileId": 4})
    assert two.offered().amps == 32.0


async def test_K01FR81_ids_of_the_station_are_not_the_CSMSs(newest: ProfileWorld) -> None:
    assert await newest.refused(profile(-5)) == "InvalidProfileId"


async def test_K01FR70_K01FR71_a_PriorityCharging_profile(newest: ProfileWorld) -> None:
    priority = {"chargingProfilePurpose": "PriorityCharging"}
    assert await newest.refused(profile(duration=10, **priority)) == "InvalidSchedule"
    sent = profile(**priority)
    sent["chargingSchedule"][0]["chargingSchedulePeriod"][0]["operationMode"] = "CentralSetpoint"
    assert await newest.refused(sent) == "InvalidSchedule"


async def test_K01FR95_randomizedDelay_is_for_transactions(newest: ProfileWorld) -> None:
    sent = profile(randomizedDelay=60, startSchedule=newest.at(0), **MAX)
    assert await newest.refused(sent, evse=0) == "InvalidSchedule"


async def test_K01FR122_K28FR03_Dynamic_profiles_are_checked(newest: ProfileWorld) -> None:
    assert await newest.refused(profile(dynUpdateInterval=10)) == "InvalidProfile"
    sent = profile(1, (0, 6.0), (10, 7.0), chargingProfileKind="Dynamic")
    assert await newest.refused(sent) == "InvalidSchedule"


async def test_Q02FR02_setpoints_need_a_station_that_feeds_back(newest: ProfileWorld) -> None:
    for name, value in (("setpoint", 5), ("dischargeLimit", -5), ("operationMode", "ExternalSetpoint")):
        sent = profile()
        sent["chargingSchedule"][0]["chargingSchedulePeriod"][0][name] = value
        assert await newest.refused(sent) == "InvalidSchedule"
