"""How fast an EV may charge: currents and powers, what converts one into the other, and how limits are combined."""

from __future__ import annotations

from math import floor, inf
from typing import NamedTuple

from msgspec import UNSET

from ocppflow.messages.v21 import ChargingRateUnitEnumType, ChargingSchedulePeriodType


class Supply(NamedTuple):
    """What an EVSE, or the whole station, is wired with."""

    amps: float
    """Per phase (AC)."""
    watts: float
    """Over all phases."""
    phases: int
    """1 for DC."""
    voltage: float
    """From phase to neutral (AC): the nominal one, by which W become A (K01.FR.50)."""
    is_dc: bool = False

    def rate(self) -> ChargingRate:
        """The most that it can give."""
        return ChargingRate(self.amps, self.watts, self.phases)


class ChargingRate(NamedTuple):
    """A limit. It has an A and a W side, and both hold: limits of either unit meet here (section K, Combining charging
    profile purposes)."""

    amps: float = inf
    """Per phase (K01.FR.51)."""
    watts: float = inf
    """Over all phases."""
    phases: int = 3

    def meet(self, other: ChargingRate) -> ChargingRate:
        """What obeys both; the number of phases is the lower one (section K, Avoiding phase conflicts)."""
        return ChargingRate(min(self.amps, other.amps), min(self.watts, other.watts), min(self.phases, other.phases))

    def plus(self, other: ChargingRate, voltage: float) -> ChargingRate:
        """So much more (LocalGeneration, K08.FR.04); the phases stay."""
        more = other.amps_at(voltage, self.phases)
        watts = other.watts_at(voltage, self.phases)
        return ChargingRate(self.amps + more, self.watts + watts, self.phases)

    def amps_at(self, voltage: float, phases: int | None = None) -> float:
        """A per phase (K01.FR.50)."""
        return min(self.amps, self.watts / (voltage * (phases or self.phases)))

    def watts_at(self, voltage: float, phases: int | None = None) -> float:
        """W over all phases."""
        return min(self.watts, self.amps * voltage * (phases or self.phases))

    def value(self, unit: ChargingRateUnitEnumType, voltage: float) -> float:
        """The limit in ``unit``, with one decimal as the standard has it, never more than is allowed."""
        exact = self.amps_at(voltage) if unit == "A" else self.watts_at(voltage)
        return floor(exact * 10 + 1e-6) / 10


def period_rate(period: ChargingSchedulePeriodType, unit: ChargingRateUnitEnumType, supply: Supply) -> ChargingRate:
    """What a period of a schedule allows at this supply. Three phases if it does not say (K01.FR.49), but not more than
    there are (K01.FR.45)."""
    phases = 1 if supply.is_dc else min(3 if period.number_phases is UNSET else period.number_phases, supply.phases)
    phases = max(1, phases)
    limit = inf if period.limit is UNSET else max(0.0, float(period.limit))
    if period.limit_l2 is UNSET and period.limit_l3 is UNSET:
        return ChargingRate(limit, inf, phases) if unit == "A" else ChargingRate(inf, limit, phases)
    each = [limit, *(limit if one is UNSET else max(0.0, float(one)) for one in (period.limit_l2, period.limit_l3))]
    used = each[:phases]
    if unit == "A":
        return ChargingRate(min(used), inf, phases)
    return ChargingRate(min(used) / supply.voltage, sum(used), phases)  # each phase's own, and all of them together
