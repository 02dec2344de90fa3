"""K08: the composite schedule is, second for second, what the slow one says, over random stacks of profiles."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from tests.unit.station.slow_schedule import SlowSchedule, as_time, at_once

from ocppflow.messages import v21
from ocppflow.station.blocks.smart_charging.charging_rate import Supply
from ocppflow.station.blocks.smart_charging.composite_schedule import composite
from ocppflow.station.blocks.smart_charging.installed_profile import (
    Circumstances,
    EvseSituation,
    InstalledProfile,
    station_limits,
)
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, moment

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
AC3 = Supply(32.0, 22080.0, 3, 230.0)
AC1 = Supply(16.0, 3680.0, 1, 230.0)
DC = Supply(200.0, 60_000.0, 1, 500.0, is_dc=True)
SECONDS = 300

#: Some quiet afternoon, and shortly before the clocks of Amsterdam are put forward, and back.
NOWS = [
    datetime(2026, 6, 10, 12, 0, tzinfo=UTC),
    datetime(2026, 3, 29, 0, 57, 30, tzinfo=UTC),
    datetime(2026, 10, 25, 0, 58, 0, 500_000, tzinfo=UTC),
]
CONSTRAINTS, STATION_MAX = "ChargingStationExternalConstraints", "ChargingStationMaxProfile"
PURPOSES = [CONSTRAINTS, STATION_MAX, "TxDefaultProfile", "TxProfile", "PriorityCharging", "LocalGeneration"]


class Draws:
    """Random stacks of profiles around a moment; ``choose`` is Hypothesis, or a plain generator."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = chance.choice(NOWS) + timedelta(milliseconds=chance.choice([0, 0, 1, 250, 999]))
        self.offline = chance.random() < 0.3

    def near(self, days: bool = False) -> datetime:
        seconds = self.chance.choice([self.chance.randint(-400, 400), self.chance.randint(-4000, 300)])
        back = self.chance.choice([0, 0, 1, 6, 7, 8, 365]) if days else 0
        return self.now + timedelta(seconds=seconds - back * 86400, milliseconds=self.chance.choice([0, 0, 0, 400]))

    def maybe(self, value: Any, chance: float = 0.4) -> Any:
        return value if self.chance.random() < chance else UNSET

    def period(self, start: int, unit: str) -> v21.ChargingSchedulePeriodType:
        chance = self.chance
        limits = [0, 5.9, 6, 8, 10.5, 16, 32, 63] if unit == "A" else [0, 1380, 3680, 6000, 11040, 22000.5, 50_000]
        each = [chance.choice(limits) for _ in range(3)]
        split = chance.random() < 0.15
        return v21.ChargingSchedulePeriodType(
            start_period=start,
            limit=each[0],
            limit_l2=self.maybe(each[1], 0.7) if split else UNSET,
            limit_l3=self.maybe(each[2], 0.7) if split else UNSET,
            number_phases=self.maybe(chance.randint(1, 3)),
        )

    def profile(self, number: int, evses: int) -> InstalledProfile:
        chance = self.chance
        purpose: Any = chance.choice(PURPOSES)
        kind: Any = chance.choice(["Absolute", "Absolute", "Recurring", "Relative", "Dynamic"])
        unit: Any = chance.choice("AW")
        count = 1 if kind == "Dynamic" else chance.randint(1, 5)
        starts = [0, *sorted(chance.sample(range(1, 400), count - 1))]
        started = kind in ("Absolute", "Recurring")
        local = started and chance.random() < 0.4
        start = self.near(days=kind == "Recurring")
        if local:
            start = start.astimezone(AMSTERDAM).replace(tzinfo=UTC)  # the offset that stands there is of no account
        schedule = v21.ChargingScheduleType(
            id=1,
            charging_rate_unit=unit,
            charging_schedule_period=[self.period(one, unit) for one in starts],
            start_schedule=start if started else UNSET,
            duration=self.maybe(chance.choice([chance.randint(1, 500), 86400, 100_000])),
            use_local_time=True if local else UNSET,
            randomized_delay=self.maybe(90, 0.2),
            limit_at_soc=self.maybe(v21.LimitAtSoCType(soc=80, limit=7 if unit == "A" else 4830), 0.1),
        )
        evse = {STATION_MAX: 0, "TxProfile": chance.randint(1, evses)}.get(purpose, chance.randint(0, evses))
        return InstalledProfile(
            evse,
            source=chance.choice(["EMS", "SO"]) if purpose == CONSTRAINTS else "CSO",
            profile=v21.ChargingProfileType(
                id=number,
                stack_level=number,  # of one level there may be one only (K01.FR.06)
                charging_profile_purpose=purpose,
                charging_profile_kind=kind,
                charging_schedule=[schedule],
                recurrency_kind=chance.choice(["Daily", "Weekly"]) if kind == "Recurring" else UNSET,
                valid_from=self.maybe(self.near(), 0.2),
                valid_to=self.maybe(self.near(), 0.2),
                transaction_id=chance.choice(["1", "1", "2"]) if purpose == "TxProfile" else UNSET,
                max_offline_duration=self.maybe(chance.randint(0, 300), 0.2),
                dyn_update_time=self.near() if kind == "Dynamic" else UNSET,
            ),
        )

    def situation(self) -> EvseSituation:
        return EvseSituation(
            transaction_id=self.chance.choice([None, "1", "1"]),
            ready_at=moment(self.near()),
            priority=self.chance.random() < 0.5,
            soc=self.chance.choice([None, 40.0, 80.0]),
        )

    def circumstances(self) -> Circumstances:
        station, evses = self.chance.choice(
            [
                (AC3, [AC3]),
                (AC1, [AC1]),
                (AC3._replace(amps=48.0, watts=25_760.0), [AC3, AC1]),
                (DC._replace(amps=400.0, watts=120_000.0), [DC, DC]),
                (AC3._replace(amps=119.0, watts=82_080.0), [AC3, DC]),
            ]
        )
        delays = [0, *(self.chance.randint(0, 90) for _ in range(4))]
        return Circumstances(
            supply=station,
            evses=[(supply, self.situation()) for supply in evses],
            local=LocalClock(AMSTERDAM),
            now=moment(self.now),
            offline_since=moment(self.near()) if self.offline else None,
            delays=lambda one, situation: delays if situation.transaction_id else (),
        )


def differences(chance: random.Random) -> list[str]:
    """Where the two differ; empty if they do not."""
    draws = Draws(chance)
    around = draws.circumstances()
    installed = [draws.profile(number, len(around.evses)) for number in range(chance.randint(0, 9))]
    limits = station_limits(installed, around)
    slow = SlowSchedule(installed, around, AMSTERDAM)
    found = []
    for evse in range(len(around.evses) + 1):
        unit: Any = chance.choice("AW")
        voltage = around.evses[evse - 1][0].voltage if evse else around.supply.voltage
        periods, covered = at_once(
            composite(
                lambda when, evse=evse, unit=unit: limits.evse(evse, when) if evse else limits.total(when, unit),  # type: ignore[misc]
                around.now,
                SECONDS,
                unit,
                voltage,
            )
        )
        assert covered == SECONDS
        assert [period.start for period in periods] == sorted({period.start for period in periods})
        fast = [
            next((period.limit, period.phases) for period in reversed(periods) if period.start <= second)
            for second in range(SECONDS)
        ]
        expected = slow.second_by_second(evse, SECONDS, unit)
        if fast != expected:
            second = next(index for index in range(SECONDS) if fast[index] != expected[index])
            found.append(f"EVSE {evse} at {second} s of {as_time(around.now)}: {fast[second]}, not {expected[second]}")
        changes = 1 + sum(expected[second] != expected[second - 1] for second in range(1, SECONDS))
        assert len(periods) == changes  # none without a change
    return found


@given(st.integers(0, 2**64))
@settings(max_examples=150)
def test_K08FR04_it_is_second_for_second_what_the_slow_one_says(seed: int) -> None:
    assert not differences(random.Random(seed))


@pytest.mark.slow
def test_K08FR04_there_are_no_differences_in_10000_random_stacks() -> None:
    found = [(seed, difference) for seed in range(10_000) for difference in differences(random.Random(seed))]
    assert not found
