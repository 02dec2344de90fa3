"""What the elements of a tariff say at a moment, and what a station takes of a tariff at all (I07, I12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final, NamedTuple

from msgspec import UNSET, UnsetType

from ocppflow.messages import v21
from ocppflow.messages.tariff_conditions import (
    Conditions,
    Elements,
    Price,
    conditions_of,
    fits_the_occasion,
    groups,
    has_an_empty_bound,
    is_dated,
    wrong_date,
    wrong_time_of_day,
)
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, date_time

_DAY_MS = 86_400_000
_MINUTE_MS = 60_000


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
    if not fits_the_occasion(conditions, here, facts.evse_kind, facts.payment):
        return False
    if isinstance(conditions, v21.TariffConditionsFixedType):
        return True  # which asks for no amounts
    for name in _RANGES:
        least, most = getattr(conditions, f"min_{name}"), getattr(conditions, f"max_{name}")
        value = getattr(facts, name)
        if (least is not UNSET and value < least) or (most is not UNSET and value >= most):
            return False
    return True


def next_moment(tariff: v21.TariffType, facts: Facts, local: LocalClock, *, charging: bool, idle: bool) -> float:
    """The first moment after ``facts`` at which a condition of date or time may change; ``inf`` if none does."""
    moments = [inf]
    for conditions in conditions_of(tariff):
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
    times = [time for time in (conditions.start_time_of_day, conditions.end_time_of_day) if time is not UNSET]
    if not times and not is_dated(conditions):
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


# --- what is taken ---------------------------------------------------------------------------------------------------


def wrong_in(tariff: v21.TariffType) -> str:
    """What is wrong with a tariff (I07.FR.05); empty if nothing is."""
    if not groups(tariff):
        return "there are no prices"
    if wrong_time_of_day(tariff) is not None:
        return "a time of day is not in the form hh:mm"
    if wrong_date(tariff) is not None:
        return "a date is not in the form yyyy-mm-dd"
    if has_an_empty_bound(tariff):
        return "minCost and maxCost need exclTax or inclTax"
    return ""


def has_conditions(tariff: v21.TariffType) -> bool:
    """Whether a price depends on something."""
    return next(conditions_of(tariff), None) is not None


def count(tariff: v21.TariffType) -> int:
    """How many prices its longest list has: MaxElements is for each of them."""
    return max((len(group.prices) for group in groups(tariff)), default=0)
