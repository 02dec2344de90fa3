"""What the elements of a tariff say at a moment, and what a station takes of a tariff at all (I07, I12)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from math import inf
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from ocppflow.messages import v21
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, date_time

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_DAY_MS = 86_400_000
_MINUTE_MS = 60_000

Elements = v21.TariffEnergyType | v21.TariffTimeType | v21.TariffFixedType
Price = v21.TariffEnergyPriceType | v21.TariffTimePriceType | v21.TariffFixedPriceType
Conditions = v21.TariffConditionsType | v21.TariffConditionsFixedType


class Facts(NamedTuple):
    """What conditions may ask of a transaction. ``at``: milliseconds since 1970 (UTC); times in seconds, energy in
    Wh."""

    at: int
    evse_kind: v21.EvseKindEnumType
    energy: float = 0.0
    current: float = 0.0
    """Of all phases together."""
    power: float = 0.0
    time: float = 0.0
    charging_time: float = 0.0
    idle_time: float = 0.0
    payment: frozenset[tuple[str, str]] = frozenset()
    """Of the token's additional_info: (type, value)."""


_RANGES: Final = ("energy", "current", "power", "time", "charging_time", "idle_time")
"""What a condition has a minimum and a maximum of."""


def applies(conditions: Conditions | UnsetType, facts: Facts, local: LocalClock) -> bool:
    """Whether all the conditions are met (TariffConditionsType)."""
    if conditions is UNSET:
        return True
    here = date_time(facts.at + local.offset(facts.at))
    if conditions.evse_kind is not UNSET and conditions.evse_kind != facts.evse_kind:
        return False
    if not _at_this_time(conditions, here):
        return False
    if isinstance(conditions, v21.TariffConditionsFixedType):
        wanted = {("PaymentBrand", conditions.payment_brand), ("PaymentRecognition", conditions.payment_recognition)}
        return {one for one in wanted if one[1] is not UNSET} <= facts.payment
    for name in _RANGES:
        least, most = getattr(conditions, f"min_{name}"), getattr(conditions, f"max_{name}")
        value = getattr(facts, name)
        if (least is not UNSET and value < least) or (most is not UNSET and value >= most):
            return False
    return True


def _at_this_time(conditions: Conditions, here: datetime) -> bool:
    day, time = here.date(), f"{here:%H:%M}"
    if conditions.day_of_week is not UNSET and DAYS[day.weekday()] not in conditions.day_of_week:
        return False
    if conditions.valid_from_date is not UNSET and day.isoformat() < conditions.valid_from_date:
        return False
    if conditions.valid_to_date is not UNSET and day.isoformat() >= conditions.valid_to_date:
        return False
    start = "00:00" if conditions.start_time_of_day is UNSET else conditions.start_time_of_day
    end = "24:00" if conditions.end_time_of_day is UNSET else conditions.end_time_of_day
    if start < end:
        return start <= time < end
    return time >= start or time < end  # over midnight


def next_moment(tariff: v21.TariffType, facts: Facts, local: LocalClock, *, charging: bool, idle: bool) -> float:
    """The first moment after ``facts`` at which a condition of date or time may change; ``inf`` if none does."""
    moments = [inf]
    for conditions in _conditions(tariff):
        moments += _wall_moments(conditions, facts.at, local)
        if isinstance(conditions, v21.TariffConditionsType):
            moments += _reached(conditions, facts, "time", True)
            moments += _reached(conditions, facts, "charging_time", charging)
            moments += _reached(conditions, facts, "idle_time", idle)
    return min(one for one in moments if one > facts.at)


def _reached(conditions: v21.TariffConditionsType, facts: Facts, name: str, counts: bool) -> Iterator[float]:
    for limit in (getattr(conditions, f"min_{name}"), getattr(conditions, f"max_{name}")):
        left = 0.0 if limit is UNSET else limit - getattr(facts, name)
        if counts and left > 0:
            yield facts.at + left * 1000


def _wall_moments(conditions: Conditions, at: int, local: LocalClock) -> Iterator[float]:
    """The next time of each time of day, and midnight: a day begins, and what has a start but no end is over. A shift
    of the clock is a moment too."""
    dated = (conditions.day_of_week, conditions.valid_from_date, conditions.valid_to_date) != (UNSET, UNSET, UNSET)
    times = [time for time in (conditions.start_time_of_day, conditions.end_time_of_day) if time is not UNSET]
    if not times and not dated:
        return
    wall = at + local.offset(at)
    for time in ("00:00", *times):
        hours, minutes = time.split(":")
        yield at + ((int(hours) * 60 + int(minutes)) * _MINUTE_MS - wall % _DAY_MS - 1) % _DAY_MS + 1
    yield local.next_shift(at, at + _DAY_MS)


def first(elements: Elements | UnsetType, facts: Facts, local: LocalClock) -> int | None:
    """The index of the first price that applies (I12.FR.34); None if none does."""
    if elements is UNSET:
        return None
    prices: Sequence[Price] = elements.prices
    for index, price in enumerate(prices):
        if applies(price.conditions, facts, local):
            return index
    return None


def taxed(amount: float, rates: list[v21.TaxRateType] | UnsetType) -> float:
    """An amount with its taxes: those with stack 0 on it, those with stack 1 on the sum of that (I12.FR.13)."""
    if rates is UNSET:
        return amount
    for stack in sorted({0 if rate.stack is UNSET else rate.stack for rate in rates}):
        percent = sum(rate.tax for rate in rates if (0 if rate.stack is UNSET else rate.stack) == stack)
        amount *= 1 + percent / 100
    return amount


# --- what is taken ---------------------------------------------------------------------------------------------------


def groups(tariff: v21.TariffType) -> list[Elements]:
    """The lists of prices that a tariff has."""
    every = (
        tariff.energy,
        tariff.charging_time,
        tariff.idle_time,
        tariff.fixed_fee,
        tariff.reservation_time,
        tariff.reservation_fixed,
    )
    return [one for one in every if one is not UNSET]


def _conditions(tariff: v21.TariffType) -> Iterator[Conditions]:
    for group in groups(tariff):
        prices: Sequence[Price] = group.prices
        for price in prices:
            if price.conditions is not UNSET:
                yield price.conditions


def wrong_in(tariff: v21.TariffType) -> str:
    """What is wrong with a tariff (I07.FR.05); empty if nothing is."""
    if not groups(tariff):
        return "there are no prices"
    for conditions in _conditions(tariff):
        for time in (conditions.start_time_of_day, conditions.end_time_of_day):
            if time is not UNSET and _TIME_OF_DAY.fullmatch(time) is None:
                return "a time of day is not in the form hh:mm"
        for day in (conditions.valid_from_date, conditions.valid_to_date):
            if day is not UNSET and not _is_date(day):
                return "a date is not in the form yyyy-mm-dd"
    for price in (tariff.min_cost, tariff.max_cost):
        if price is not UNSET and price.excl_tax is UNSET and price.incl_tax is UNSET:
            return "minCost and maxCost need exclTax or inclTax"
    return ""


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def has_conditions(tariff: v21.TariffType) -> bool:
    """Whether a price depends on something."""
    return next(_conditions(tariff), None) is not None


def count(tariff: v21.TariffType) -> int:
    """How many prices its longest list has: MaxElements is for each of them."""
    return max((len(group.prices) for group in groups(tariff)), default=0)
