"""CostMeter: what a transaction costs by its tariff, from reading to reading (I12)."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.messages import v21
from ocppflow.messages.tariff_conditions import taxed
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, date_time
from ocppflow.station.blocks.tariff.tariff_rules import Facts, first, next_moment

MOST_PERIODS: Final = 200
"""Charging periods that are told of one transaction: some 40 KB. With more they are left out; they are optional."""


class MeterPoint(msgspec.Struct, frozen=True):
    """What the meter shows, and what the EV does, at one moment (milliseconds since 1970)."""

    at: int
    register: float
    """Wh."""
    power: float
    current: float
    """A, of all phases together."""
    state: v21.ChargingStateEnumType


class CostPart(msgspec.Struct):
    """One of the sums that make the cost."""

    net: float = 0.0
    gross: float = 0.0
    rates: list[v21.TaxRateType] | None = None


class UsagePeriod(msgspec.Struct):
    """Usage to which the same prices apply."""

    start: int
    tariff_id: str
    energy: float = 0.0
    charging: float = 0.0
    idle: float = 0.0
    powers: tuple[float, float] = (0.0, 0.0)
    currents: tuple[float, float] = (0.0, 0.0)


class CostMeter(msgspec.Struct):
    """The cost so far. It is kept with every change, so that nothing is lost or counted twice over a power cut."""

    tariff: v21.TariffType
    evse_kind: v21.EvseKindEnumType
    start: int
    last: MeterPoint
    used: tuple[int | None, int | None, int | None] = (None, None, None)
    """The prices in use: of energy, charging time and idle time (I12.FR.34)."""
    energy: float = 0.0
    """Wh."""
    charging: float = 0.0
    """Seconds."""
    idle: float = 0.0
    parts: dict[str, CostPart] = {}
    """By the names of TotalCostType's fields."""
    periods: list[UsagePeriod] = []
    capped: bool = False
    """maxCost is reached: nothing is added any more (I12.FR.39)."""
    failure: str = ""
    """Why the cost cannot be told (I12.FR.14)."""
    reserved: float | None = None
    """Seconds from the reservation to the start; None: there was none."""
    kind: v21.TariffKindEnumType = "DriverTariff"
    """Whose the tariff is: the driver's or the transaction's own, or the default of the EVSE."""
    told_id: bool = False
    """A message has told the tariff's id (I08.FR.22)."""

    @classmethod
    def begin(
        cls,
        tariff: v21.TariffType,
        point: MeterPoint,
        local: LocalClock,
        *,
        evse_kind: v21.EvseKindEnumType,
        payment: frozenset[tuple[str, str]] = frozenset(),
        reserved: float | None = None,
    ) -> CostMeter:
        """From now on. What is charged once is charged now (I12.FR.30, I12.FR.06). ``reserved``: for how many seconds
        there was a reservation, which this transaction uses; None: there was none."""
        meter = cls(tariff, evse_kind, point.at, point, parts={}, periods=[], reserved=reserved)
        facts = meter._facts(point)._replace(payment=payment)
        fees = [("fixed", tariff.fixed_fee)]
        if reserved is not None:
            fees.append(("reservation_fixed", tariff.reservation_fixed))
            waiting = tariff.reservation_time
            index = first(waiting, facts, local)
            if index is not None and waiting is not UNSET:  # I12.FR.07
                price = waiting.prices[index].price_minute * reserved / 60
                meter._add({"reservation_time": (price, waiting.tax_rates)})
        for name, group in fees:
            index = first(group, facts, local)
            if index is not None and group is not UNSET:
                meter._add({name: (group.prices[index].price_fixed, group.tax_rates)})
        meter._choose(point, local)
        return meter

    def advance(self, point: MeterPoint, local: LocalClock) -> None:
        """Count what has been used since the last reading, at the prices that were in use, and see which are from now
        on (I12.FR.33 to I12.FR.36)."""
        seconds = max(0, point.at - self.last.at) / 1000
        energy = max(0.0, point.register - self.last.register)
        charging = seconds if self.last.state == "Charging" else 0.0
        idle = seconds if self.last.state in ("EVConnected", "SuspendedEV", "SuspendedEVSE") else 0.0
        self.energy += energy
        self.charging += charging
        self.idle += idle
        self._count(energy, charging, idle, point)
        prices: dict[str, tuple[float, list[v21.TaxRateType] | UnsetType]] = {}
        groups = (self.tariff.energy, self.tariff.charging_time, self.tariff.idle_time)
        if groups[0] is not UNSET and self.used[0] is not None:
            prices["energy"] = groups[0].prices[self.used[0]].price_kwh * energy / 1000, groups[0].tax_rates
        if groups[1] is not UNSET and self.used[1] is not None:
            prices["charging_time"] = groups[1].prices[self.used[1]].price_minute * charging / 60, groups[1].tax_rates
        if groups[2] is not UNSET and self.used[2] is not None:
            prices["idle_time"] = groups[2].prices[self.used[2]].price_minute * idle / 60, groups[2].tax_rates
        self._add(prices)
        self.last = point
        self._choose(point, local)

    def resume(self, point: MeterPoint, local: LocalClock) -> None:
        """Go on after the power was away: that time is neither charging nor idle."""
        self.last = msgspec.structs.replace(self.last, at=point.at)
        self.advance(point, local)

    def move(self, jump: int) -> None:
        """The time of day has gone forward by so many milliseconds: what was before it is by the new time now."""
        self.start += jump
        self.last = msgspec.structs.replace(self.last, at=self.last.at + jump)
        for period in self.periods:
            period.start += jump

    def change(self, tariff: v21.TariffType, local: LocalClock) -> None:
        """Another tariff from now on (I11.FR.08)."""
        self.tariff, self.told_id = tariff, True
        self.used = (None, None, None)
        self._choose(self.last, local, anew=True)

    def next_moment(self, local: LocalClock) -> float:
        """When another price may apply, as far as that depends on time."""
        state = self.last.state
        idle = state in ("EVConnected", "SuspendedEV", "SuspendedEVSE")
        return next_moment(self.tariff, self._facts(self.last), local, charging=state == "Charging", idle=idle)

    def _facts(self, point: MeterPoint) -> Facts:
        return Facts(
            at=point.at,
            evse_kind=self.evse_kind,
            energy=self.energy,
            current=point.current,
            power=point.power,
            time=(point.at - self.start) / 1000,
            charging_time=self.charging,
            idle_time=self.idle,
        )

    def _choose(self, point: MeterPoint, local: LocalClock, *, anew: bool = False) -> None:
        facts, tariff = self._facts(point), self.tariff
        groups = (tariff.energy, tariff.charging_time, tariff.idle_time)
        used = (first(groups[0], facts, local), first(groups[1], facts, local), first(groups[2], facts, local))
        if anew or used != self.used or not self.periods:
            self.used = used
            powers, currents = (point.power, point.power), (point.current, point.current)
            if len(self.periods) <= MOST_PERIODS:
                period = UsagePeriod(point.at, tariff.tariff_id, powers=powers, currents=currents)
                self.periods.append(period)

    def _count(self, energy: float, charging: float, idle: float, point: MeterPoint) -> None:
        period = self.periods[-1]
        period.energy += energy
        period.charging += charging
        period.idle += idle
        period.powers = (min(period.powers[0], point.power), max(period.powers[1], point.power))
        period.currents = (min(period.currents[0], point.current), max(period.currents[1], point.current))

    def _add(self, prices: dict[str, tuple[float, list[v21.TaxRateType] | UnsetType]]) -> None:
        """Add to the sums, up to maxCost (I12.FR.39)."""
        if self.capped:
            return
        share = self._share({name: (net, taxed(net, rates)) for name, (net, rates) in prices.items()})
        for name, (net, rates) in prices.items():
            part = self.parts.setdefault(name, CostPart())
            part.net += net * share
            part.gross += taxed(net, rates) * share
            part.rates = None if rates is UNSET else rates

    def _share(self, more: dict[str, tuple[float, float]]) -> float:
        """How much of what comes can still be charged."""
        most = self.tariff.max_cost
        share = 1.0
        if most is UNSET:
            return share
        for limit, side in ((most.excl_tax, 0), (most.incl_tax, 1)):
            added = sum(each[side] for each in more.values())
            before = self.totals()[side]
            if limit is not UNSET and before + added >= limit:
                self.capped = True
                share = min(share, max(0.0, limit - before) / added if added > 0 else 0.0)
        return share

    def totals(self) -> tuple[float, float]:
        """The cost without and with taxes."""
        return sum(part.net for part in self.parts.values()), sum(part.gross for part in self.parts.values())

    # --- what is told --------------------------------------------------------------------------------------------

    def details(self, *, final: bool = False) -> v21.CostDetailsType:
        """The CostDetails of now, without the periods (I12.FR.02), or of the end (I12.FR.01)."""
        usage = v21.TotalUsageType(
            energy=_round(self.energy), charging_time=round(self.charging), idle_time=round(self.idle)
        )
        if self.reserved is not None:
            usage.reservation_time = round(self.reserved)
        told = final and len(self.periods) <= MOST_PERIODS
        return v21.CostDetailsType(
            total_cost=self._total_cost(final=final),
            total_usage=usage,
            charging_periods=[_told(period) for period in self.periods] if told else UNSET,
            failure_to_calculate=True if self.failure else UNSET,
            failure_reason=self.failure or UNSET,
        )

    def _total_cost(self, *, final: bool) -> v21.TotalCostType:
        net, gross = self.totals()
        least = self.tariff.min_cost
        if final and least is not UNSET:
            below_net = least.excl_tax is not UNSET and net < least.excl_tax
            below_gross = least.incl_tax is not UNSET and gross < least.incl_tax
            if below_net or below_gross:  # I12.FR.38
                total = v21.TotalPriceType(excl_tax=least.excl_tax, incl_tax=least.incl_tax)
                return v21.TotalCostType(
                    currency=self.tariff.currency, type_of_cost="MinCost", total=total, fixed=least
                )
        parts: dict[str, Any] = {
            name: v21.PriceType(excl_tax=_round(part.net), incl_tax=_round(part.gross), tax_rates=part.rates or UNSET)
            for name, part in self.parts.items()
        }
        return v21.TotalCostType(
            currency=self.tariff.currency,
            type_of_cost="MaxCost" if self.capped else "NormalCost",
            total=v21.TotalPriceType(excl_tax=_round(net), incl_tax=_round(gross)),
            **parts,
        )


def _told(period: UsagePeriod) -> v21.ChargingPeriodType:
    volumes: list[tuple[v21.CostDimensionEnumType, float]] = [
        ("Energy", period.energy),
        ("ChargingTime", period.charging),
        ("IdleTIme", period.idle),  # the standard's spelling
    ]
    found = [v21.CostDimensionType(type=kind, volume=_round(volume)) for kind, volume in volumes if volume]
    if period.charging:
        found.append(v21.CostDimensionType(type="MinPower", volume=_round(period.powers[0])))
        found.append(v21.CostDimensionType(type="MaxPower", volume=_round(period.powers[1])))
    return v21.ChargingPeriodType(
        start_period=date_time(period.start), dimensions=found or UNSET, tariff_id=period.tariff_id
    )


def _round(value: float) -> float:
    """Sums of floats have tails that nobody wants to read."""
    return round(value, 4)
