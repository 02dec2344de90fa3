"""What a transaction costs by a tariff (I12, as the CSMS counts it). Pure functions; money in Decimal."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal

from msgspec import UNSET, Struct, UnsetType

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
    taxed,
    wrong_date,
    wrong_time_of_day,
)
from ocppflow.secrecy.discreet_repr import discreet_repr

_DIGITS: Final = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Digits after the point by ISO 4217, where they are not 2."""

Dimension = Literal["energy", "charging_time", "idle_time", "fixed", "reservation_time", "reservation_fixed"]


class CourseStep(Struct, frozen=True):
    """From ``at`` until the next step: whether the EV is charging or idle (neither: nothing is plugged in), W that were
    told, A of all phases. ``energy_wh`` is what the transaction had taken by then."""

    at: datetime
    energy_wh: float
    is_charging: bool = True
    is_idle: bool = False
    power_w: float | None = None
    current_a: float | None = None


class Course(Struct, frozen=True):
    """When energy flowed, and when the EV was idle: the first step is the start, the last one the end or how far it is
    known. ``reserved_s``: seconds from the reservation to the start; None: there was none."""

    __repr__ = discreet_repr

    steps: tuple[CourseStep, ...]
    evse_kind: v21.EvseKindEnumType = "AC"
    reserved_s: float | None = None
    payment: frozenset[tuple[str, str]] = frozenset()
    """Of the token's additional_info: (type, value)."""
    is_over: bool = True


class CostLine(Struct, frozen=True):
    """One price and what it was applied to. ``quantity`` in kWh, in minutes, or 1; money as the tariff's currency."""

    dimension: Dimension
    quantity: Decimal
    price: Decimal
    excl_tax: Decimal
    incl_tax: Decimal


class TransactionCost(Struct, frozen=True):
    """What it costs, line by line. Each line is rounded to the currency's digits, half up, and the total is the sum of
    the lines, so that whoever adds them up finds the same; or the tariff's minCost or maxCost."""

    currency: str
    excl_tax: Decimal
    incl_tax: Decimal
    kind: v21.TariffCostEnumType
    lines: tuple[CostLine, ...]


class _PricedStretch(Struct, frozen=True):
    """A stretch in which no condition changes."""

    at: datetime
    seconds: float
    energy: float
    before: float
    """Wh taken by its begin."""
    time: float
    charging: float
    idle: float
    step: CourseStep
    power: float


def price_course(tariff: v21.TariffType, course: Course, zone: tzinfo = UTC) -> TransactionCost:
    """By the first price of each kind whose conditions are met (I12.FR.33, I12.FR.34), split where a condition of time,
    duration or energy begins or ceases to be met; energy flows evenly between two steps. Times of day are local, in
    ``zone`` (I07.FR.17)."""
    sums: dict[tuple[Dimension, int], float] = {}
    for dimension, index, quantity in _once_only(tariff, course, zone):
        sums[dimension, index] = quantity
    for piece in _pieces(tariff, course, zone):
        shares: tuple[tuple[Dimension, Elements | UnsetType, float], ...] = (
            ("energy", tariff.energy, piece.energy / 1000),
            ("charging_time", tariff.charging_time, piece.seconds / 60 if piece.step.is_charging else 0.0),
            ("idle_time", tariff.idle_time, piece.seconds / 60 if piece.step.is_idle else 0.0),
        )
        for kind, elements, share in shares:
            found = _first(elements, piece, course, zone) if share else None
            if found is not None:
                sums[kind, found] = sums.get((kind, found), 0.0) + share
    digits = Decimal(1).scaleb(-_DIGITS.get(tariff.currency.upper(), 2))
    lines = tuple(_line(tariff, dimension, index, quantity, digits) for (dimension, index), quantity in sums.items())
    return _bounded(tariff, lines, course.is_over, digits)


def elements_of(tariff: v21.TariffType, dimension: Dimension) -> Elements | UnsetType:
    """The prices of one kind."""
    found: Elements | UnsetType = getattr(tariff, "fixed_fee" if dimension == "fixed" else dimension)
    return found


def _line(tariff: v21.TariffType, dimension: Dimension, index: int, quantity: float, digits: Decimal) -> CostLine:
    elements = elements_of(tariff, dimension)
    assert elements is not UNSET  # noqa: S101 - a price of it was found
    price = elements.prices[index]
    each = Decimal(str(next(getattr(price, name) for name in _PRICES if hasattr(price, name))))
    amount = Decimal(str(round(quantity, 9)))
    net = each * amount
    excl = net.quantize(digits, ROUND_HALF_UP)
    incl = taxed(net, elements.tax_rates).quantize(digits, ROUND_HALF_UP)
    return CostLine(dimension, amount, each, excl, incl)


_PRICES: Final = ("price_kwh", "price_minute", "price_fixed")


def _bounded(tariff: v21.TariffType, lines: tuple[CostLine, ...], is_over: bool, digits: Decimal) -> TransactionCost:
    """I12.FR.38, I12.FR.39: minCost in the end, and maxCost always."""
    excl = sum((line.excl_tax for line in lines), Decimal(0)).quantize(digits)
    incl = sum((line.incl_tax for line in lines), Decimal(0)).quantize(digits)
    kind: v21.TariffCostEnumType = "NormalCost"
    bounds: tuple[tuple[v21.PriceType | UnsetType, v21.TariffCostEnumType, int], ...] = (
        (tariff.min_cost if is_over else UNSET, "MinCost", 1),
        (tariff.max_cost, "MaxCost", -1),
    )
    for bound, name, sign in bounds:
        if bound is UNSET:
            continue
        net = None if bound.excl_tax is UNSET else Decimal(str(bound.excl_tax))
        gross = None if bound.incl_tax is UNSET else Decimal(str(bound.incl_tax))
        if (net is not None and (net - excl) * sign > 0) or (gross is not None and (gross - incl) * sign > 0):
            told_net = net if net is not None else gross if gross is not None else excl
            told_gross = gross if gross is not None else taxed(told_net, bound.tax_rates)
            excl, incl = (each.quantize(digits, ROUND_HALF_UP) for each in (told_net, told_gross))
            kind = name
    return TransactionCost(tariff.currency, excl, incl, kind, lines)


# --- what applies when -------------------------------------------------------------------------------------------


def _once_only(tariff: v21.TariffType, course: Course, zone: tzinfo) -> Iterator[tuple[Dimension, int, float]]:
    """What is charged once, by what is so at the start (I12.FR.06, I12.FR.30)."""
    if not course.steps:
        return
    first = course.steps[0]
    start = _PricedStretch(first.at, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, first, first.power_w or 0.0)
    due: list[tuple[Dimension, float]] = [("fixed", 1.0)]
    if course.reserved_s is not None:
        due += [("reservation_fixed", 1.0), ("reservation_time", course.reserved_s / 60)]
    for dimension, quantity in due:
        index = _first(elements_of(tariff, dimension), start, course, zone)
        if index is not None:
            yield dimension, index, quantity


def _first(elements: Elements | UnsetType, piece: _PricedStretch, course: Course, zone: tzinfo) -> int | None:
    if elements is UNSET:
        return None
    prices: Sequence[Price] = elements.prices
    return next((index for index, price in enumerate(prices) if _applies(price.conditions, piece, course, zone)), None)


def _applies(conditions: Conditions | UnsetType, piece: _PricedStretch, course: Course, zone: tzinfo) -> bool:
    if conditions is UNSET:
        return True
    if not fits_the_occasion(conditions, piece.at.astimezone(zone), course.evse_kind, course.payment):
        return False
    if isinstance(conditions, v21.TariffConditionsFixedType):
        return True  # which asks for no amounts
    facts = {
        "energy": piece.before, "current": piece.step.current_a, "power": piece.power, "time": piece.time,
        "charging_time": piece.charging, "idle_time": piece.idle,
    }  # fmt: skip
    for name, value in facts.items():
        least, most = getattr(conditions, f"min_{name}"), getattr(conditions, f"max_{name}")
        if value is None:
            if least is not UNSET or most is not UNSET:
                return False
        elif (least is not UNSET and value < least - _TINY) or (most is not UNSET and value >= most - _TINY):
            return False
    return True


_TINY: Final = 1e-6
"""Wh, s, W: how near to a threshold counts as there, since stretches begin at thresholds."""


def _pieces(tariff: v21.TariffType, course: Course, zone: tzinfo) -> Iterator[_PricedStretch]:
    conditions = list(conditions_of(tariff))
    time = charging = idle = energy = 0.0
    for step, after in zip(course.steps, course.steps[1:], strict=False):
        seconds = max((after.at - step.at).total_seconds(), 0.0)
        taken = max(after.energy_wh - step.energy_wh, 0.0)
        power = step.power_w if step.power_w is not None else taken * 3600 / seconds if seconds else 0.0
        cuts = _cuts(conditions, step, seconds, taken, (time, charging, idle, energy), zone)
        for low, high in itertools.pairwise(cuts):
            part = high - low
            passed, drawn = part * seconds, part * taken
            at = step.at + timedelta(seconds=low * seconds)
            yield _PricedStretch(at, passed, drawn, energy, time, charging, idle, step, power)
            time, energy = time + passed, energy + drawn
            charging += passed if step.is_charging else 0.0
            idle += passed if step.is_idle else 0.0


def _cuts(
    conditions: Sequence[Conditions],
    step: CourseStep,
    seconds: float,
    taken: float,
    so_far: tuple[float, float, float, float],
    zone: tzinfo,
) -> list[float]:
    """Where a condition may change between two steps, as parts of the way, 0 and 1 included."""
    cuts = {0.0, 1.0}
    time, charging, idle, energy = so_far
    counters = (
        ("time", time, seconds), ("charging_time", charging, seconds if step.is_charging else 0.0),
        ("idle_time", idle, seconds if step.is_idle else 0.0), ("energy", energy, taken),
    )  # fmt: skip
    for each in conditions:
        if isinstance(each, v21.TariffConditionsType):
            for name, value, rise in counters:
                for limit in (getattr(each, f"min_{name}"), getattr(each, f"max_{name}")):
                    if limit is not UNSET and value < limit < value + rise:
                        cuts.add((limit - value) / rise)
    if seconds:
        cuts.update(part for at in _turns(conditions, step.at, seconds, zone) if 0 < (part := at / seconds) < 1)
    return sorted(cuts)


def _turns(conditions: Sequence[Conditions], at: datetime, seconds: float, zone: tzinfo) -> Iterator[float]:
    """Seconds from ``at`` to each local midnight and each time of day of a condition."""
    times = {
        time for each in conditions for time in (each.start_time_of_day, each.end_time_of_day) if isinstance(time, str)
    }
    if not times and not any(map(is_dated, conditions)):
        return
    here, until = at.astimezone(zone), (at + timedelta(seconds=seconds)).astimezone(zone)
    for ordinal in range(here.date().toordinal(), until.date().toordinal() + 1):
        for time in times | {"00:00"}:
            hour, minute = time.split(":")
            turn = datetime.combine(date.fromordinal(ordinal), datetime.min.time(), zone)
            for fold in (0, 1):  # I12.FR.37: an hour that comes twice turns twice
                moment = turn.replace(hour=int(hour), minute=int(minute), fold=fold)
                yield (moment.astimezone(UTC) - at).total_seconds()


# --- what a tariff is --------------------------------------------------------------------------------------------


def wrong_in_tariff(tariff: v21.TariffType) -> str:
    """What is wrong with a tariff (I07.FR.05); empty if nothing is."""
    if re.fullmatch(r"[A-Za-z]{3}", tariff.currency) is None:
        return f"currency: {tariff.currency!r} has to be a code of three letters, such as EUR"
    if not groups(tariff):
        return "there are no prices: give energy, chargingTime, idleTime or fixedFee"
    if (time := wrong_time_of_day(tariff)) is not None:
        return f"a time of day has to be hh:mm, not {time!r}"
    if (day := wrong_date(tariff)) is not None:
        return f"a date has to be yyyy-mm-dd, not {day!r}"
    if has_an_empty_bound(tariff):
        return "minCost and maxCost need exclTax or inclTax"
    return ""
