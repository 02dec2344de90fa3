"""K08 and what the EVs are offered: composite schedules over the wire, and the hardware's offers as time goes by."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from profile_world import TWO_AC, ProfileWorld, profile
from station_world import StationWorld

from ocppflow.messages import Version, v21
from ocppflow.station import EvseConfig, StationConfig
from ocppflow.station.hardware import Offer

MAX = {"chargingProfilePurpose": "ChargingStationMaxProfile"}
TX = {"chargingProfilePurpose": "TxProfile", "transactionId": "tx-1"}


@pytest.fixture(params=[Version.V201, Version.V21], ids=str)
async def two(request: pytest.FixtureRequest) -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(request.param, TWO_AC) as world:
        yield await world.up()


@pytest.fixture
async def newest() -> AsyncIterator[ProfileWorld]:
    async with ProfileWorld(Version.V21, TWO_AC) as world:
        yield await world.up()


async def test_K08FR06_without_profiles_it_is_what_the_station_can_give(two: ProfileWorld) -> None:
    assert await two.schedule(0, 300, "A") == [(0, 64.0)]
    assert await two.schedule(1, 300, "W") == [(0, 22080.0)]
    assert await two.schedule(2, 300, None) == [(0, 32.0)]


async def test_K08FR02_stacked_profiles(two: ProfileWorld) -> None:
    valid = {"validFrom": two.at(-5), "validTo": two.at(406), "startSchedule": two.at(0)}
    await two.install(profile(1, (0, 6), (100, 8), (200, 10), duration=400, **valid))
    await two.install(profile(2, (0, 7), (100, 9), duration=150, stackLevel=1, **valid))
    assert await two.schedule(1, 350) == [(0, 7), (100, 9), (150, 8), (200, 10)]


async def test_K08FR04_purposes_are_combined(two: ProfileWorld) -> None:
    await two.begin()
    start = {"startSchedule": two.at(0)}
    await two.install(profile(1, (0, 10), duration=86400, **start, **MAX), evse=0)
    await two.install(profile(2, (0, 6), (60, 10), (120, 8), (180, 15), (260, 8), duration=300, **start))
    await two.install(profile(3, (0, 8), (50, 11), (140, 16), (200, 6), (240, 12), duration=260, **start, **TX))
    assert await two.schedule(1, 400) == [(0, 8), (50, 10), (200, 6), (240, 10), (260, 8), (300, 10)]


async def test_K01FR36_validFrom(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 6), validFrom=two.at(300)))
    assert await two.schedule(1, 400) == [(0, 32), (300, 6)]


async def test_K01FR37_validTo_and_the_sum_of_all_EVSEs(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 6), validTo=two.at(300), startSchedule=two.at(0)), evse=0)
    assert await two.schedule(1, 400) == await two.schedule(2, 400) == [(0, 6), (300, 32)]
    assert await two.schedule(0, 400) == [(0, 12), (300, 64)]


async def test_K01FR30_startSchedule(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 6), validFrom=two.at(50), startSchedule=two.at(60)))
    assert await two.schedule(1, 300) == [(0, 32), (60, 6)]


async def test_K08FR07_a_unit_that_is_not_supported(two: ProfileWorld) -> None:
    two.station.device_model.set("SmartChargingCtrlr", "RateUnit", "A")
    refused = await two.call("GetCompositeSchedule", {"evseId": 0, "duration": 300, "chargingRateUnit": "W"})
    assert refused["status"] == "Rejected"
    assert "schedule" not in refused
    assert await two.refused(profile(unit="W")) == "UnsupportedRateUnit"


async def test_K08FR05_an_EVSE_that_is_not_there(two: ProfileWorld) -> None:
    refused = await two.call("GetCompositeSchedule", {"evseId": 3, "duration": 300, "chargingRateUnit": "A"})
    assert refused["status"] == "Rejected"
    assert "schedule" not in refused


async def test_K08_a_century_of_daily_profiles_costs_no_time(two: ProfileWorld) -> None:
    periods = [(hour * 3600, 6.0 + hour % 2) for hour in range(24)]
    recurring = {"chargingProfileKind": "Recurring", "recurrencyKind": "Daily"}
    sent = profile(1, *periods, startSchedule="2026-01-01T00:00:00Z", **recurring)
    sent["chargingProfileKind"] = "Recurring"
    await two.install(sent)
    answer = await two.call("GetCompositeSchedule", {"evseId": 1, "duration": 2**31 - 1, "chargingRateUnit": "A"})
    schedule = answer["schedule"]
    assert len(schedule["chargingSchedulePeriod"]) == 1024
    assert 1023 * 3600 <= schedule["duration"] <= 1024 * 3600  # it says for how long it holds


async def test_K01FR50_watts_become_amperes_over_the_phases(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 11000), unit="W"))
    await two.begin()
    assert two.offered() == Offer(watts=11000.0, amps=15.9, phases=3)
    await two.install(profile(1, (0, 3680), unit="W", phases=1))
    assert two.offered() == Offer(watts=3680.0, amps=16.0, phases=1)


# --- offers as time goes by ------------------------------------------------------------------------------------------


async def test_K02_the_EV_is_offered_what_the_schedule_says_to_the_second(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(1, (0, 6), (60, 10), (120, 8), duration=180, **TX))
    seen = []
    for _ in range(4):
        seen.append(two.offered().amps)
        await two.clock.advance(60.002)
    assert seen == [6.0, 10.0, 8.0, 32.0]


async def test_K02_no_timer_runs_when_nothing_changes(two: ProfileWorld) -> None:
    block = two.station.smart_charging
    await two.begin()
    assert not block._timers
    await two.install(profile(1, (0, 10)))
    assert not block._timers
    await two.install(profile(2, (0, 6), stackLevel=1, duration=100))
    assert sorted(block._timers) == ["limit 1"]
    await two.clock.advance(101)
    assert not block._timers


async def test_K01FR40_a_daily_profile_comes_again(two: ProfileWorld) -> None:
    sent = profile(1, (0, 6), duration=3600, startSchedule="2026-01-01T17:00:00Z", recurrencyKind="Daily")
    await two.install({**sent, "chargingProfileKind": "Recurring"})
    await two.begin()
    changes = []
    for _ in range(60):
        changes.append((two.now().day, two.now().hour, two.offered().amps))
        await two.clock.advance(3600)
    reduced = [one for one in changes if one[2] == 6.0]
    assert reduced == [(1, 17, 6.0), (2, 17, 6.0), (3, 17, 6.0)][: len(reduced)]
    assert len(reduced) >= 2


async def test_IEC61851_below_six_amperes_an_EV_is_paused(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(1, (0, 5.9), (60, 6)))
    assert two.offered() == Offer(watts=0.0, amps=0.0, phases=3)
    assert two.station.smart_charging.paused(1)
    await two.clock.advance(61)
    assert two.offered().amps == 6.0
    assert not two.station.smart_charging.paused(1)


async def test_K04FR05_all_EVSEs_together_stay_below_the_stations_maximum(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 40), startSchedule=two.at(0), **MAX), evse=0)
    await two.begin(1)
    assert two.offered(1).amps == 32.0
    await two.begin(2)
    assert (two.offered(1).amps, two.offered(2).amps) == (20.0, 20.0)
    two.evses[0].takes = 10  # its EV takes no more
    two.evses[1].takes = 20
    await two.clock.advance(10)
    assert two.offered(1).amps == 12.0
    assert two.offered(2).amps == 28.0
    two.evses[1].takes = 12
    two.evses[0].takes = 12  # now it does want more
    await two.clock.advance(10)
    assert two.offered(1).amps + two.offered(2).amps == pytest.approx(40.0, abs=0.2)
    assert two.offered(1).amps > 20
    await two.end(2)
    await two.clock.advance(10)
    assert two.offered(1).amps == 32.0


async def test_K04FR05_who_came_last_waits_if_there_is_not_enough_for_both(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 11), (300, 12), startSchedule=two.at(0), **MAX), evse=0)
    await two.begin(1)
    await two.clock.advance(1)
    await two.begin(2)
    assert (two.offered(1).amps, two.offered(2).amps) == (11.0, 0.0)
    await two.clock.advance(300)
    assert (two.offered(1).amps, two.offered(2).amps) == (6.0, 6.0)


async def test_K01FR21_an_inefficient_rate_is_avoided_where_there_is_a_choice(two: ProfileWorld) -> None:
    await two.install(profile(1, (0, 16), startSchedule=two.at(0), **MAX), evse=0)
    await two.install(profile(2, (0, 32), minChargingRate=10), evse=0)
    await two.begin(1)
    await two.clock.advance(1)
    await two.begin(2)
    assert (two.offered(1).amps, two.offered(2).amps) == (16.0, 0.0)


async def test_E02_a_rate_that_changes_while_charging_is_told(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(1, (0, 10), (60, 10.05), (120, 16)))
    assert two.rates_told == 1
    await two.clock.advance(61)
    assert two.rates_told == 1  # by less than LimitChangeSignificance, 1 %
    await two.clock.advance(60)
    assert two.rates_told == 2


async def test_K06FR01_offline_the_profiles_go_on(two: ProfileWorld) -> None:
    await two.begin()
    await two.install(profile(1, (0, 6), (60, 10), **TX))
    await two.station.stop()
    await two.clock.advance(61)
    assert two.offered().amps == 10.0


async def test_K01FR101_K01FR102_some_profiles_do_not_hold_offline(newest: ProfileWorld) -> None:
    await newest.begin()
    await newest.install(profile(1, (0, 6)))
    await newest.install(profile(2, (0, 16), stackLevel=1, maxOfflineDuration=100))
    await newest.install(profile(3, (0, 20), stackLevel=2, maxOfflineDuration=50, invalidAfterOfflineDuration=True))
    assert newest.offered().amps == 20.0
    await newest.station.stop()
    seen = []
    for _ in range(3):
        seen.append(newest.offered().amps)
        await newest.clock.advance(50.1)
    assert seen == [20.0, 16.0, 6.0]
    await newest.station.connect()
    await newest.clock.advance(1)
    assert newest.offered().amps == 16.0
    assert not await newest.reported({"chargingProfileId": [3]})


async def test_K01FR90_local_time(newest: ProfileWorld) -> None:
    newest.station.device_model.set("ClockCtrlr", "TimeZone", "Europe/Amsterdam")
    await newest.install(profile(1, (0, 6), startSchedule="2026-01-01T01:02:00Z", useLocalTime=True))
    assert [start for start, _ in await newest.schedule(1, 400)] == [0, 119]  # 00:02 UTC; it is 00:00:01
    newest.station.device_model.set("ClockCtrlr", "TimeZone", "Nowhere/Land")
    newest.station.device_model.set("ClockCtrlr", "TimeOffset", "+01:01")
    assert [start for start, _ in await newest.schedule(1, 400)] == [0, 59]


async def test_K01FR92_K01FR93_random_delays_are_the_same_whenever_it_is_asked(newest: ProfileWorld) -> None:
    periods = [(0, 6), (1000, 7), (2000, 8), (3000, 9)]
    await newest.install(profile(1, *periods, randomizedDelay=600))
    assert [start for start, _ in await newest.schedule(1, 4000)] == [0, 1000, 2000, 3000]  # K08.FR.06
    await newest.begin()
    first = [start for start, _ in await newest.schedule(1, 4000)]
    assert first[0] == 0
    assert all(start <= later <= start + 600 for (start, _), later in zip(periods, first, strict=True))
    assert first != [0, 1000, 2000, 3000]
    assert all(later > earlier for earlier, later in pairwise(first))
    await newest.clock.advance(100)
    assert [start + 100 if start else 0 for start, _ in await newest.schedule(1, 4000)] == first


async def test_K01FR100_limitAtSoC(newest: ProfileWorld) -> None:
    await newest.begin()
    await newest.install(profile(1, (0, 16), limitAtSoC={"soc": 80, "limit": 8}))
    newest.evses[0].soc = 79.0
    await newest.clock.advance(10)
    assert newest.offered().amps == 16.0
    newest.evses[0].soc = 80.0
    await newest.clock.advance(10)
    assert newest.offered().amps == 8.0


async def test_K05_a_profile_comes_with_a_remote_start(newest: ProfileWorld) -> None:
    block, sent = newest.station.smart_charging, _typed(profile(9, (0, 8), chargingProfilePurpose="TxProfile"))
    assert block.check_start_profile(sent, 1) is None
    wrong = block.check_start_profile(_typed(profile(9, (0, 8))), 1)  # K05.FR.02
    assert wrong is not None
    assert wrong.code == "InvalidProfile"
    wrong = block.check_start_profile(_typed(profile(9, (5, 8), chargingProfilePurpose="TxProfile")), 1)
    assert wrong is not None
    assert wrong.code == "InvalidSchedule"
    transaction = await newest.begin()
    block.attach(transaction, sent)
    assert newest.offered().amps == 8.0
    (report,) = await newest.reported({"chargingProfileId": [9]})
    assert report["chargingProfile"][0]["transactionId"] == transaction.id


async def test_K05FR04_without_smart_charging_it_is_ignored(newest: ProfileWorld) -> None:
    newest.station.device_model.set("SmartChargingCtrlr", "Enabled", False)
    block, sent = newest.station.smart_charging, _typed(profile(9, (0, 8)))
    assert block.check_start_profile(sent, 1) is None
    block.attach(await newest.begin(), sent)
    assert len(block.book) == 0


async def test_K08_a_DC_station_counts_in_watts() -> None:
    evse = EvseConfig(current="DC", max_amps=200, voltage=500, max_watts=60_000)
    async with ProfileWorld(Version.V201, StationConfig(evses=(evse, evse))) as world:
        await world.up()
        await world.install(profile(1, (0, 50_000), unit="W", phases=None), evse=0)
        assert await world.schedule(1, 100, None) == [(0, 50_000)]
        assert await world.schedule(1, 100, "A") == [(0, 100)]
        assert await world.schedule(0, 100, "W") == [(0, 100_000)]
        await world.begin()
        assert world.offered() == Offer(watts=50_000.0, amps=100.0, phases=1)


def _typed(sent: dict[str, Any]) -> v21.ChargingProfileType:
    return msgspec.convert(sent, v21.ChargingProfileType, str_keys=True)


async def test_K05FR03_F01FR10_a_remote_start_brings_its_profile(two: ProfileWorld) -> None:
    two.hardware.plug(1)
    await two.clock.advance(0)
    request = {
        "remoteStartId": 1,
        "evseId": 1,
        "idToken": {"idToken": "TOKEN", "type": "ISO14443"},
        "chargingProfile": profile(9, (0, 8), chargingProfilePurpose="TxProfile"),
    }
    answer = await two.call("RequestStartTransaction", request)
    assert answer["status"] == "Accepted"
    await two.clock.advance(1)
    assert two.offered().amps == 8.0
    (report,) = await two.reported({"chargingProfileId": [9]})
    (reported,) = report["chargingProfile"]
    transaction = two.station.transactions.on_evse(1)
    assert transaction is not None
    assert reported.pop("transactionId") == transaction.id
    assert reported == request["chargingProfile"]
    wrong = {**request, "chargingProfile": profile(9, (5, 8), chargingProfilePurpose="TxProfile"), "evseId": 2}
    answer = await two.call("RequestStartTransaction", wrong)
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidSchedule")  # K05.FR.05


async def test_K02FR02_a_simulated_EV_draws_what_the_profile_allows() -> None:
    async with StationWorld(Version.V21) as world:
        await world.station.connect()
        await world.clock.advance(1)
        await world.station.plug(1)
        await world.station.swipe(1, "TOKEN")
        await world.clock.advance(30)
        sent = profile(1, (0, 8), (60, 5), (120, 20))
        assert (await world.call("SetChargingProfile", {"evseId": 1, "chargingProfile": sent}))["status"] == "Accepted"
        drawn, states = [], []
        assert world.station.hardware is not None
        for _ in range(4):
            await world.clock.advance(30)
            drawn.append(max(world.station.hardware.evses[0].read().currents))
            transaction = world.station.transactions.on_evse(1)
            assert transaction is not None
            states.append(transaction.charging_state)
        assert drawn[0] == pytest.approx(8, rel=0.05)
        assert drawn[1:3] == [0, 0]
        assert drawn[3] == pytest.approx(20, rel=0.05)
        assert states == ["Charging", "SuspendedEVSE", "SuspendedEVSE", "Charging"]
