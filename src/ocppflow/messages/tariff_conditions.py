"""What a tariff's elements say, for whoever counts by one: the station (I12) and the CSMS. No I/O, no clock."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from ocppflow.messages import v21

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME_OF_DAY: Final = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)

Elements = v21.TariffEnergyType | v21.TariffTimeType | v21.TariffFixedType
Price = v21.TariffEnergyPriceType | v21.TariffTimePriceType | v21.TariffFixedPriceType
Conditions = v21.TariffConditionsType | v21.TariffConditionsFixedType

_Amount = TypeVar("_Amount", float, Decimal)


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


def conditions_of(tariff: v21.TariffType) -> Iterator[Conditions]:
    """All conditions of a tariff's prices."""
    for group in groups(tariff):
        prices: Sequence[Price] = group.prices
        for price in prices:
            if price.conditions is not UNSET:
                yield price.conditions


def fits_the_occasion(
    conditions: Conditions,
    here: datetime,
    evse_kind: v21.EvseKindEnumType,
    payment: frozenset[tuple[str, str]],
) -> bool:
    """Whether the conditions that do not depend on what has been taken are met. ``here`` is the local time;
    ``payment`` is of the token's additional_info: (type, value), which only a fixed price asks for."""
    if conditions.evse_kind is not UNSET and conditions.evse_kind != evse_kind:
        return False
    if not _is_at_this_time(conditions, here):
        return False
    if isinstance(conditions, v21.TariffConditionsFixedType):
        wanted = {("PaymentBrand", conditions.payment_brand), ("PaymentRecognition", conditions.payment_recognition)}
        return {one for one in wanted if one[1] is not UNSET} <= payment
    return True


def _is_at_this_time(conditions: Conditions, here: datetime) -> bool:
    day, time = here.date().isoformat(), f"{here:%H:%M}"
    if conditions.day_of_week is not UNSET and DAYS[here.weekday()] not in conditions.day_of_week:
        return False
    if conditions.valid_from_date is not UNSET and day < conditions.valid_from_date:
        return False
    if conditions.valid_to_date is not UNSET and day >= conditions.valid_to_date:
        return False
    start = "00:00" if conditions.start_time_of_day is UNSET else conditions.start_time_of_day
    end = "24:00" if conditions.end_time_of_day is UNSET else conditions.end_time_of_day
    if start < end:
        return start <= time < end
    return time >= start or time < end  # over midnight


def is_dated(conditions: Conditions) -> bool:
    """Whether they ask for a day."""
    return (conditions.day_of_week, conditions.valid_from_date, conditions.valid_to_date) != (UNSET, UNSET, UNSET)


def taxed(amount: _Amount, rates: Sequence[v21.TaxRateType] | UnsetType) -> _Amount:
    """An amount with its taxes: those with stack 0 on it, those with stack 1 on the sum of that, and so on
    (I12.FR.13). A Decimal is counted with to the last digit."""
    if rates is UNSET:
        return amount
    number = type(amount)
    for stack in sorted({_stack(rate) for rate in rates}):
        percent = sum((number(str(rate.tax)) for rate in rates if _stack(rate) == stack), number(0))
        amount *= 1 + percent / 100
    return amount


def _stack(rate: v21.TaxRateType) -> int:
    return 0 if rate.stack is UNSET else rate.stack


# --- what a tariff may not be (I07.FR.05) ------------------------------------------------------------------------


def wrong_time_of_day(tariff: v21.TariffType) -> str | None:
    """A time of day that is not in the form hh:mm."""
    times = (time for each in conditions_of(tariff) for time in (each.start_time_of_day, each.end_time_of_day))
    return next((time for time in times if time is not UNSET and _TIME_OF_DAY.fullmatch(time) is None), None)


def wrong_date(tariff: v21.TariffType) -> str | None:
    """A date that is not in the form yyyy-mm-dd, or that there is not."""
    days = (day for each in conditions_of(tariff) for day in (each.valid_from_date, each.valid_to_date))
    return next((day for day in days if day is not UNSET and not _is_date(day)), None)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def has_an_empty_bound(tariff: v21.TariffType) -> bool:
    """Whether there is a minCost or maxCost without an amount."""
    bounds = (tariff.min_cost, tariff.max_cost)
    return any(each is not UNSET and each.excl_tax is UNSET and each.incl_tax is UNSET for each in bounds)
