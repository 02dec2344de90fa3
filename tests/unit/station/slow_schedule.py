"""The composite schedule second by second, as plainly as the standard tells it: what the fast one is measured by."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime, timedelta, tzinfo
from math import floor, inf
from typing import Any

from msgspec import UNSET

from ocppflow.station.blocks.smart_charging.charging_rate import Supply
from ocppflow.station.blocks.smart_charging.composite_schedule import CompositePeriod
from ocppflow.station.blocks.smart_charging.installed_profile import Circumstances, EvseSituation, InstalledProfile

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Limit = tuple[float, float, int]
"""A per phase, W in all, phases."""


def as_time(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


class SlowSchedule:
    def __init__(self, installed: list[InstalledProfile], around: Circumstances, zone: tzinfo) -> None:
        self.installed = installed
        self.around = around
        self.zone = zone

    def second_by_second(self, evse: int, seconds: int, unit: str) -> list[tuple[float, int]]:
        start = as_time(self.around.now)
        return [self.value(evse, start + timedelta(seconds=second), unit) for second in range(seconds)]

    def value(self, evse: int, time: datetime, unit: str) -> tuple[float, int]:
        if evse:
            supply, _ = self.around.evses[evse - 1]
            limit = _lower(self.evse(evse, time), self.for_evse(supply, self.shared(time)))
            exact = _amps(limit, supply) if unit == "A" else _watts(limit, supply)
            return floor(exact * 10 + 1e-6) / 10, limit[2]
        shared = self.shared(time)
        supply = self.around.supply
        each = [(self.around.evses[number][0], self.evse(number + 1, time)) for number in range(len(self.around.evses))]
        phases = min(max(limit[2] for _, limit in each), shared[2])
        if unit == "W":
            exact = min(sum(_watts(limit, own) for own, limit in each), _watts(shared, supply))
        else:
            exact = min(sum(self.grid_amps(own, limit) for own, limit in each), _amps(shared, supply))
        return floor(exact * 10 + 1e-6) / 10, phases

    def grid_amps(self, own: Supply, limit: Limit) -> float:
        station = self.around.supply
        if own.is_dc and not station.is_dc:
            return _watts(limit, own) / (station.voltage * station.phases)
        return _amps(limit, own)

    def for_evse(self, own: Supply, shared: Limit) -> Limit:
        if own.is_dc and not self.around.supply.is_dc:
            return (inf, _watts(shared, self.around.supply), 1)
        return shared

    def evse(self, number: int, time: datetime) -> Limit:
        supply, situation = self.around.evses[number - 1]
        limit = most = (supply.amps, supply.watts, supply.phases)
        of_evse = self.best("TxProfile", (number,), time, supply, situation)
        if of_evse is None:
            of_evse = self.best("TxDefaultProfile", (0, number), time, supply, situation)
        if situation.priority:
            of_evse = self.best("PriorityCharging", (0, number), time, supply, situation) or of_evse
        if of_evse is not None:
            limit = _lower(limit, of_evse)
        for source in ("EMS", "SO"):
            outside = self.best("ChargingStationExternalConstraints", (number,), time, supply, situation, source)
            if outside is not None:
                limit = _lower(limit, outside)
        return self.with_generation(limit, number, time, supply, situation, most)

    def shared(self, time: datetime) -> Limit:
        supply = self.around.supply
        nobody = EvseSituation(ready_at=self.around.now)
        limit: Limit = (inf, inf, supply.phases)
        for purpose, source in (
            ("ChargingStationMaxProfile", "CSO"),
            ("ChargingStationExternalConstraints", "EMS"),
            ("ChargingStationExternalConstraints", "SO"),
        ):
            one = self.best(purpose, (0,), time, supply, nobody, source)
            if one is not None:
                limit = _lower(limit, one)
        most = (supply.amps, supply.watts, supply.phases)
        return _lower(self.with_generation(limit, 0, time, supply, nobody, None), most)

    def with_generation(
        self, limit: Limit, place: int, time: datetime, supply: Supply, situation: EvseSituation, most: Limit | None
    ) -> Limit:
        more = self.best("LocalGeneration", (place,), time, supply, situation)
        if more is None:
            return limit
        counted = (more[0], more[1], limit[2])
        sum_of_both = (limit[0] + _amps(counted, supply), limit[1] + _watts(counted, supply), limit[2])
        return sum_of_both if most is None else _lower(sum_of_both, most)

    def best(
        self,
        purpose: str,
        places: tuple[int, ...],
        time: datetime,
        supply: Supply,
        situation: EvseSituation,
        source: str = "CSO",
    ) -> Limit | None:
        found: tuple[int, Limit] | None = None
        for one in self.installed:
            profile = one.profile
            if profile.charging_profile_purpose != purpose or one.evse not in places or one.source != source:
                continue
            if purpose == "TxProfile" and (
                situation.transaction_id is None or profile.transaction_id != situation.transaction_id
            ):
                continue
            period = self.period(one, time, situation)
            if period is not None and (found is None or profile.stack_level > found[0]):
                unit = profile.charging_schedule[0].charging_rate_unit
                found = profile.stack_level, _limit(period, unit, supply)
                cap = profile.charging_schedule[0].limit_at_soc
                if cap is not UNSET and situation.soc is not None and situation.soc >= cap.soc:
                    most = (cap.limit, inf, 3) if unit == "A" else (inf, cap.limit, 3)
                    found = profile.stack_level, _lower(found[1], most)
        return None if found is None else found[1]

    def is_valid(self, profile: Any, time: datetime) -> bool:
        if profile.valid_from is not UNSET and time < profile.valid_from:
            return False
        if profile.valid_to is not UNSET and time >= profile.valid_to:
            return False
        if self.around.offline_since is None or profile.max_offline_duration is UNSET:
            return True
        return bool(time < as_time(self.around.offline_since) + timedelta(seconds=profile.max_offline_duration))

    def period(self, one: InstalledProfile, time: datetime, situation: EvseSituation) -> Any:
        profile, schedule = one.profile, one.profile.charging_schedule[0]
        if not self.is_valid(profile, time):
            return None
        if profile.charging_profile_kind == "Relative":
            elapsed = time - as_time(situation.ready_at)
        elif profile.charging_profile_kind == "Dynamic":
            assert profile.dyn_update_time is not UNSET
            elapsed = time - profile.dyn_update_time
        else:
            assert schedule.start_schedule is not UNSET
            elapsed = time - schedule.start_schedule
            if schedule.use_local_time is True:
                elapsed = time.astimezone(self.zone).replace(tzinfo=None) - schedule.start_schedule.replace(tzinfo=None)
        if elapsed < timedelta(0):
            return None
        if profile.charging_profile_kind == "Recurring":
            elapsed %= timedelta(days=1 if profile.recurrency_kind == "Daily" else 7)
        if schedule.duration is not UNSET and elapsed >= timedelta(seconds=schedule.duration):
            return None
        delays = self.around.delays(one, situation) if schedule.randomized_delay else ()
        active = None
        for index, period in enumerate(schedule.charging_schedule_period):
            delay = delays[index] if index and index < len(delays) else 0
            if timedelta(seconds=period.start_period + delay) <= elapsed:
                active = period
        return active


def _limit(period: Any, unit: str, supply: Supply) -> Limit:
    phases = 3 if period.number_phases is UNSET else period.number_phases
    phases = 1 if supply.is_dc else min(phases, supply.phases)
    by_phase = [period.limit, period.limit_l2, period.limit_l3]
    if by_phase[1:] == [UNSET, UNSET]:
        return (period.limit, inf, phases) if unit == "A" else (inf, period.limit, phases)
    by_phase = [period.limit if one is UNSET else one for one in by_phase]
    by_phase = by_phase[:phases]
    if unit == "A":
        return (min(by_phase), inf, phases)
    return (min(by_phase) / supply.voltage, sum(by_phase), phases)


def _lower(one: Limit, other: Limit) -> Limit:
    return (min(one[0], other[0]), min(one[1], other[1]), min(one[2], other[2]))


def _amps(limit: Limit, supply: Supply) -> float:
    return min(limit[0], limit[1] / (supply.voltage * limit[2]))


def _watts(limit: Limit, supply: Supply) -> float:
    return min(limit[1], limit[0] * supply.voltage * limit[2])


def at_once(composing: Generator[None, None, tuple[list[CompositePeriod], int]]) -> tuple[list[CompositePeriod], int]:
    """What comes of it, without a stop."""
    while True:
        try:
            next(composing)
        except StopIteration as end:
            result: tuple[list[CompositePeriod], int] = end.value
            return result
