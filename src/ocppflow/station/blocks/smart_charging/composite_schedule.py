"""The composite schedule: what all charging profiles together allow, at a moment and over a stretch of time.

Nothing here knows a clock, a station or a message that is sent; moments are arguments. Limits are constant between
moments that the profiles name, so it goes from one such moment to the next, whatever lies between.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from math import inf
from typing import NamedTuple

from ocppflow.messages.v21 import ChargingRateUnitEnumType
from ocppflow.station.blocks.smart_charging.charging_rate import ChargingRate, Supply
from ocppflow.station.blocks.smart_charging.schedule_span import ScheduleSpan

MOST_PERIODS = 1024
"""Periods of a composite schedule: as many as a schedule may have at all."""
MOST_STEPS = 5_000
"""Moments looked at for one schedule, lest somebody asks for a century of daily profiles: some tenths of a second, with
as many profiles as a station takes."""
STEPS_AT_ONCE = 100

Answer = tuple[ChargingRate, float]
"""A limit, and the first later moment at which it may be different."""


class Stacks(NamedTuple):
    """The profiles that apply in one place, by purpose. Each stack has the highest level first."""

    constraints: Sequence[Sequence[ScheduleSpan]] = ()
    """ChargingStationExternalConstraints of this place, a stack for each source: what one allows, another may not."""
    station_max: Sequence[ScheduleSpan] = ()
    """ChargingStationMaxProfile; only where the place is the station."""
    transaction: Sequence[ScheduleSpan] = ()
    default: Sequence[ScheduleSpan] = ()
    priority: Sequence[ScheduleSpan] = ()
    """PriorityCharging; empty as long as it is not in use (K21.FR.04)."""
    generation: Sequence[ScheduleSpan] = ()
    """LocalGeneration."""


def leading(stack: Sequence[ScheduleSpan], when: int) -> tuple[ChargingRate | None, float]:
    """What the profile with the highest level says that says something then (K01.FR.17)."""
    until = inf
    for span in stack:
        rate, changes = span.at(when)
        until = min(until, changes)
        if rate is not None:
            return rate, until
    return None, until


class EvseLimits:
    """The limits of one EVSE, leaving out those that the whole station shares."""

    __slots__ = ("stacks", "supply")

    def __init__(self, supply: Supply, stacks: Stacks) -> None:
        self.supply = supply
        self.stacks = stacks

    def own(self, when: int) -> Answer:
        """What the profiles of this EVSE allow; ``generation`` is not in it."""
        allowed, until = self.supply.rate(), inf
        for stack in (self.stacks.priority, self.stacks.transaction, self.stacks.default):
            rate, changes = leading(stack, when)
            until = min(until, changes)
            if rate is not None:  # a TxProfile overrules the default, PriorityCharging both (K02.FR.04, K21.FR.04)
                allowed = allowed.meet(rate)
                break
        for stack in self.stacks.constraints:
            rate, changes = leading(stack, when)
            until = min(until, changes)
            allowed = allowed if rate is None else allowed.meet(rate)
        return allowed, until

    def least(self, when: int) -> float:
        """A per phase below which its EV charges inefficiently, as the leading profile says (K02.FR.06); else 0."""
        for stack in (self.stacks.priority, self.stacks.transaction, self.stacks.default):
            for span in stack:
                if span.at(when)[0] is not None:
                    return span.least
        return 0.0

    def at(self, when: int) -> Answer:
        """The same with what is generated locally for this EVSE; never more than it can give."""
        allowed, until = self.own(when)
        more, changes = leading(self.stacks.generation, when)
        if more is not None:
            allowed = allowed.plus(more, self.supply.voltage).meet(self.supply.rate())
        return allowed, min(until, changes)


class StationLimits:
    """The limits of a station and of its EVSEs."""

    __slots__ = ("evses", "stacks", "supply")

    def __init__(self, supply: Supply, stacks: Stacks, evses: Sequence[EvseLimits]) -> None:
        self.supply = supply
        self.stacks = stacks
        self.evses = evses

    def shared(self, when: int) -> Answer:
        """What all EVSEs may draw together (K04.FR.05, K12.FR.01), with what is generated locally."""
        allowed, until = ChargingRate(phases=self.supply.phases), inf
        for stack in (self.stacks.station_max, *self.stacks.constraints):
            rate, changes = leading(stack, when)
            until = min(until, changes)
            if rate is not None:
                allowed = allowed.meet(rate)
        more, changes = leading(self.stacks.generation, when)
        if more is not None:
            allowed = allowed.plus(more, self.supply.voltage)
        return allowed.meet(self.supply.rate()), min(until, changes)

    def evse(self, number: int, when: int) -> Answer:
        """What EVSE ``number`` (from 1) may draw if no other draws anything (K08.FR.04)."""
        place = self.evses[number - 1]
        allowed, until = place.at(when)
        together, changes = self.shared(when)
        return allowed.meet(self.seen_by(place.supply, together)), min(until, changes)

    def total(self, when: int, unit: ChargingRateUnitEnumType) -> Answer:
        """What the station may draw from the grid (K08.FR.03), as a limit in this unit: EVSEs may use different
        numbers of phases, so that neither side of the sum can be had from the other."""
        together, until = self.shared(when)
        amps = watts = 0.0
        phases = 1
        for place in self.evses:
            rate, changes = place.at(when)
            until = min(until, changes)
            watts += rate.watts_at(place.supply.voltage)
            amps += self.grid_amps(place.supply, rate)
            phases = max(phases, rate.phases)
        phases = min(phases, together.phases)
        if unit == "A":
            return ChargingRate(min(amps, together.amps_at(self.supply.voltage)), inf, phases), until
        return ChargingRate(inf, min(watts, together.watts_at(self.supply.voltage)), phases), until

    def grid_amps(self, supply: Supply, rate: ChargingRate) -> float:
        """A per phase of the station's connection that an EVSE may need for ``rate``. EVSEs with fewer phases count as
        if they were all on the same one."""
        if supply.is_dc and not self.supply.is_dc:
            return rate.watts_at(supply.voltage) / (self.supply.voltage * self.supply.phases)
        return rate.amps_at(supply.voltage)

    def seen_by(self, supply: Supply, together: ChargingRate) -> ChargingRate:
        """A limit of the station, as one for a single EVSE."""
        if supply.is_dc and not self.supply.is_dc:
            return ChargingRate(inf, together.watts_at(self.supply.voltage), 1)
        return together


class CompositePeriod(NamedTuple):
    """From ``start`` seconds on, ``limit`` on so many phases."""

    start: int
    limit: float
    phases: int


def composite(
    limit_at: Callable[[int], Answer], start: int, seconds: int, unit: ChargingRateUnitEnumType, voltage: float
) -> Generator[None, None, tuple[list[CompositePeriod], int]]:
    """The schedule from ``start`` on (K08.FR.02), and for how many of the ``seconds`` it holds: fewer if it would have
    more periods than a schedule may have. What changes within a second counts from the next whole one on. It stops to
    let others go on after every STEPS_AT_ONCE moments."""
    periods: list[CompositePeriod] = []
    second = 0
    for step in range(1, MOST_STEPS + 1):
        if second >= seconds:
            return periods, seconds
        rate, until = limit_at(start + second * 1000)
        here = CompositePeriod(second, rate.value(unit, voltage), rate.phases)
        if not periods or periods[-1][1:] != here[1:]:
            if len(periods) == MOST_PERIODS:
                break
            periods.append(here)
        if until == inf:
            return periods, seconds
        second = -((start - int(until)) // 1000)
        if step % STEPS_AT_ONCE == 0:
            yield
    return periods, second


def next_change(limit_at: Callable[[int], Answer], when: int, steps: int = 200) -> float:
    """When the limit will be another one than ``when``; ``inf``: never, as far as anybody knows. After ``steps``
    moments without a change it is the last of these: ask again then."""
    now, until = limit_at(when)
    for _ in range(steps):
        if until == inf:
            return inf
        later, following = limit_at(int(until))
        if later != now:
            return until
        until = following
    return until
