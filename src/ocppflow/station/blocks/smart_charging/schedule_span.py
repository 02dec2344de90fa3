"""ScheduleSpan: what one charging profile says at any moment, and until when it says so."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from math import inf
from typing import Final

from msgspec import UNSET

from ocppflow.messages.v21 import ChargingProfileType
from ocppflow.station.blocks.smart_charging.charging_rate import ChargingRate, Supply, period_rate
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, moment, wall_moment

RECURRENCE: Final = {"Daily": 86_400_000, "Weekly": 604_800_000}
"""Milliseconds."""

LONGEST: Final = 10**12
"""Seconds; 30,000 years. No schema bounds the numbers of a schedule, and none of them has to be counted with."""


class ScheduleSpan:
    """A profile, made ready to be asked. Moments are milliseconds since 1970 (UTC).

    ``relative_start``: when a Relative schedule began, which is when the station was ready to deliver energy
    (K01.FR.42). ``delays``: seconds by which each period starts later (K01.FR.92). ``ends``: when it becomes invalid
    for another reason than ``validTo``, such as having been offline for too long (K01.FR.101). ``soc``: percent, if
    the EV tells it.
    """

    __slots__ = (
        "_cap",
        "_cycle",
        "_from",
        "_length",
        "_local",
        "_schedule",
        "_start",
        "_starts",
        "_supply",
        "_to",
        "level",
    )

    def __init__(
        self,
        profile: ChargingProfileType,
        supply: Supply,
        *,
        relative_start: int,
        local: LocalClock | None = None,
        delays: Sequence[int] = (),
        ends: float = inf,
        soc: float | None = None,
    ) -> None:
        schedule = profile.charging_schedule[0]
        self.level = profile.stack_level
        self._from = -inf if profile.valid_from is UNSET else moment(profile.valid_from)  # K01.FR.10, K01.FR.36
        self._to = min(ends, inf if profile.valid_to is UNSET else moment(profile.valid_to))  # K01.FR.37
        self._length = inf if schedule.duration is UNSET else min(schedule.duration, LONGEST) * 1000
        self._local = local if schedule.use_local_time is True else None
        self._cycle = self._recurrence(profile)
        self._start = self._begin(profile, relative_start)
        self._schedule = schedule
        self._supply = supply
        self._cap: ChargingRate | None = None
        cap = schedule.limit_at_soc
        if cap is not UNSET and soc is not None and soc >= cap.soc:  # K01.FR.100
            amperes = schedule.charging_rate_unit == "A"
            self._cap = ChargingRate(cap.limit) if amperes else ChargingRate(watts=cap.limit)
        self._starts = _delayed([period.start_period for period in schedule.charging_schedule_period], delays)

    @staticmethod
    def _recurrence(profile: ChargingProfileType) -> float:
        if profile.charging_profile_kind != "Recurring" or profile.recurrency_kind is UNSET:
            return inf
        return RECURRENCE[profile.recurrency_kind]

    def _begin(self, profile: ChargingProfileType, relative_start: int) -> int:
        schedule = profile.charging_schedule[0]
        if profile.charging_profile_kind == "Dynamic":  # counts from when its values came
            return relative_start if profile.dyn_update_time is UNSET else moment(profile.dyn_update_time)
        if profile.charging_profile_kind == "Relative" or schedule.start_schedule is UNSET:
            self._local = None
            return relative_start
        return (moment if self._local is None else wall_moment)(schedule.start_schedule)

    def _rate(self, index: int) -> ChargingRate:
        """Of a period. Only few are ever asked for, of the thousand that a schedule may have."""
        schedule = self._schedule
        rate = period_rate(schedule.charging_schedule_period[index], schedule.charging_rate_unit, self._supply)
        return rate if self._cap is None else rate.meet(self._cap)

    @property
    def least(self) -> float:
        """A per phase below which the EV charges inefficiently (K01.FR.21)."""
        schedule, least = self._schedule, self._schedule.min_charging_rate
        if least is UNSET:
            return 0.0
        if schedule.charging_rate_unit == "A":
            return float(least)
        return least / (self._supply.voltage * self._rate(0).phases)

    def at(self, when: int) -> tuple[ChargingRate | None, float]:
        """The limit, None if it has none then, and the first later moment at which that may be different."""
        if when < self._from:
            return None, self._from
        if when >= self._to:
            return None, inf
        offset = 0 if self._local is None else self._local.offset(when)
        rate, ahead = self._in_schedule(when + offset - self._start)
        until = when + ahead
        if self._local is not None:  # K01.FR.91: the schedule follows a shift of the clock
            until = min(until, self._local.next_shift(when, until))
        return rate, min(until, self._to)

    def _in_schedule(self, position: int) -> tuple[ChargingRate | None, float]:
        """The limit at so many milliseconds after the start, and for how long from there on."""
        if position < 0:
            return None, -position  # K01.FR.30
        if self._cycle != inf:
            position %= int(self._cycle)
        if position >= self._length:  # K01.FR.11, K01.FR.13
            return None, self._cycle - position
        index = bisect_right(self._starts, position) - 1
        following = self._starts[index + 1] if index + 1 < len(self._starts) else inf
        until = min(following, self._length, self._cycle) - position  # K01.FR.12
        return (self._rate(index) if index >= 0 else None), until


def _delayed(starts: Sequence[int], delays: Sequence[int]) -> list[int]:
    """The periods' starts in milliseconds. The first is never delayed (K01.FR.92); a period that starts before the one
    in front of it has come ends that one's turn."""
    later = [min(start, LONGEST) * 1000 for start in starts]
    for index, delay in enumerate(delays[: len(later)]):
        if index:
            later[index] += min(delay, LONGEST) * 1000
    for index in range(len(later) - 2, -1, -1):
        later[index] = min(later[index], later[index + 1])
    return later
