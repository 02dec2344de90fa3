"""What transactions cost, against a reference that counts second by second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.csms.blocks.tariff import course_of
from ocppflow.csms.blocks.tariff_pricing import Course, CourseStep, price_course, wrong_in_tariff
from ocppflow.csms.books.readings import Reading
from ocppflow.messages import v21

AT = datetime(2026, 3, 2, 20, tzinfo=UTC)  # a Monday
CENT = Decimal("0.01")


def tariff(**parts: Any) -> v21.TariffType:
    return msgspec.convert({"tariffId": "t", "currency": "EUR", **parts}, v21.TariffType)


def energy(*prices: tuple[float, dict[str, Any] | None], **more: Any) -> dict[str, Any]:
    return {
        "prices": [{"priceKwh": price, **({"conditions": when} if when else {})} for price, when in prices],
        **more,
    }


def minutes(*prices: tuple[float, dict[str, Any] | None]) -> dict[str, Any]:
    return {"prices": [{"priceMinute": price, **({"conditions": when} if when else {})} for price, when in prices]}


def course(*steps: tuple[float, float, str], start: datetime = AT, **more: Any) -> Course:
    """Steps of (minute, Wh by then, "charging", "idle" or "")."""
    made = [CourseStep(start + timedelta(minutes=m), wh, s == "charging", s == "idle") for m, wh, s in steps]
    return Course(tuple(made), **more)


def total(of: v21.TariffType, what: Course, **zone: Any) -> Decimal:
    return price_course(of, what, **zone).incl_tax


HOUR = course((0, 0, "charging"), (60, 10_000, "idle"), (90, 10_000, ""))


def test_I12_FR_09_to_11_energy_time_idle_and_fixed_prices() -> None:
    made = tariff(
        energy=energy((0.4, None)),
        chargingTime=minutes((0.01, None)),
        idleTime=minutes((0.1, None)),
        fixedFee={"prices": [{"priceFixed": 1}]},
    )
    cost = price_course(made, HOUR)
    assert {line.dimension: line.excl_tax for line in cost.lines} == {
        "energy": Decimal("4.00"),
        "charging_time": Decimal("0.60"),
        "idle_time": Decimal("3.00"),
        "fixed": Decimal("1.00"),
    }
    assert (cost.incl_tax, cost.kind, cost.currency) == (Decimal("8.60"), "NormalCost", "EUR")


def test_I12_FR_13_taxes_are_stacked() -> None:
    rates = [{"type": "energy tax", "tax": 10}, {"type": "VAT", "tax": 20, "stack": 1}]
    cost = price_course(tariff(energy=energy((1, None), taxRates=rates)), HOUR)
    assert (cost.excl_tax, cost.incl_tax) == (Decimal("10.00"), Decimal("13.20"))


def test_I12_FR_34_the_first_price_whose_conditions_are_met_counts() -> None:
    made = tariff(energy=energy((0.5, {"maxEnergy": 4000}), (0.3, None), (9, None)))
    assert total(made, HOUR) == Decimal("3.80")  # 4 kWh at 0.5, 6 kWh at 0.3
    made = tariff(energy=energy((0.5, {"maxTime": 1800}), (0.3, None)))
    assert total(made, HOUR) == Decimal("4.00")
    made = tariff(energy=energy((0.5, {"minPower": 12_000}), (0.3, {"maxPower": 12_000})))
    assert total(made, HOUR) == Decimal("3.00")
    assert total(tariff(energy=energy((0.5, {"evseKind": "DC"}))), HOUR) == 0


def test_idle_is_free_for_a_while() -> None:
    made = tariff(idleTime=minutes((0, {"maxIdleTime": 600}), (0.5, None)))
    assert total(made, HOUR) == Decimal("10.00")


def test_I07_FR_17_times_of_day_and_days_are_local() -> None:
    made = tariff(energy=energy((1, {"startTimeOfDay": "22:00", "endTimeOfDay": "06:00"}), (2, None)))
    assert total(made, course((0, 0, "charging"), (240, 4000, ""))) == Decimal("6.00")  # 20:00 to 24:00
    berlin = ZoneInfo("Europe/Berlin")
    assert total(made, course((0, 0, "charging"), (240, 4000, "")), zone=berlin) == Decimal("5.00")
    days = tariff(energy=energy((1, {"dayOfWeek": ["Tuesday"]}), (2, None)))
    assert total(days, course((180, 0, "charging"), (300, 2000, ""))) == Decimal("3.00")


def test_I12_FR_37_an_hour_that_comes_twice_counts_twice() -> None:
    night = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 02:00 in summer, then 02:00 once more
    made = tariff(energy=energy((1, {"startTimeOfDay": "02:00", "endTimeOfDay": "03:00"}), (0, None)))
    what = course((0, 0, "charging"), (180, 3000, ""), start=night)
    assert total(made, what, zone=ZoneInfo("Europe/Berlin")) == Decimal("2.00")


def test_I12_FR_38_and_39_least_and_most() -> None:
    made = tariff(energy=energy((0.1, None)), minCost={"exclTax": 5})
    assert price_course(made, HOUR).kind == "MinCost"
    assert total(made, HOUR) == Decimal("5.00")
    running = Course(HOUR.steps, is_over=False)
    assert total(made, running) == Decimal("1.00")
    made = tariff(energy=energy((1, None)), maxCost={"inclTax": 7.5})
    assert (price_course(made, HOUR).kind, total(made, running)) == ("MaxCost", Decimal("7.50"))


def test_I12_FR_06_a_reservation_costs_once() -> None:
    made = tariff(reservationTime=minutes((0.2, None)), reservationFixed={"prices": [{"priceFixed": 2}]})
    assert total(made, HOUR) == 0
    assert total(made, Course(HOUR.steps, reserved_s=600)) == Decimal("4.00")


def test_rounding_is_half_up_by_the_digits_of_the_currency() -> None:
    made = tariff(energy=energy((0.125, None)))
    assert total(made, course((0, 0, "charging"), (1, 1000, ""))) == Decimal("0.13")
    yen = tariff(energy=energy((31, None)), currency="JPY")
    assert str(total(yen, course((0, 0, "charging"), (1, 1500, "")))) == "47"
    assert price_course(made, Course(())).lines == ()


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ({}, "no prices"),
        ({"energy": energy((1, None)), "currency": "E1R"}, "currency"),
        ({"energy": energy((1, {"startTimeOfDay": "24:00"}))}, "hh:mm"),
        ({"energy": energy((1, {"validFromDate": "2026-02-30"}))}, "yyyy-mm-dd"),
        ({"energy": energy((1, None)), "minCost": {}}, "minCost"),
    ],
)
def test_I07_FR_05_what_a_tariff_cannot_be(parts: dict[str, Any], wrong: str) -> None:
    assert wrong in wrong_in_tariff(tariff(**parts))


def test_a_course_is_made_of_readings_and_states() -> None:
    def reading(minute: float, wh: float) -> Reading:
        return Reading(timestamp=AT + timedelta(minutes=minute), values={"Energy.Active.Import.Register": wh})

    states = [(AT, "Charging"), (AT + timedelta(minutes=30), "SuspendedEV")]
    made = course_of([reading(0, 100), reading(20, 2100)], states, AT, AT + timedelta(minutes=40), 2000)
    cost = price_course(tariff(energy=energy((1, None)), idleTime=minutes((1, None))), made)
    assert (cost.incl_tax, made.steps[-1].energy_wh) == (Decimal("12.00"), 2000)


# --- against an independent reference ----------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(st.integers(1, 90), st.integers(0, 90).map(lambda n: n * 60), st.sampled_from(["charging", "idle", ""])),
    min_size=1,
    max_size=5,
)
WHEN = st.one_of(
    st.none(),
    st.fixed_dictionaries({"startTimeOfDay": st.sampled_from(["21:00", "23:30"]), "endTimeOfDay": st.just("05:00")}),
    st.fixed_dictionaries({"dayOfWeek": st.just(["Monday"])}),
    st.fixed_dictionaries({"maxTime": st.integers(1, 100).map(lambda n: n * 60)}),
    st.fixed_dictionaries({"minChargingTime": st.integers(1, 60).map(lambda n: n * 60)}),
    st.fixed_dictionaries({"minIdleTime": st.integers(1, 60).map(lambda n: n * 60)}),
)
PRICES = st.lists(st.tuples(st.integers(0, 90).map(lambda n: n / 100), WHEN), min_size=1, max_size=3)


def _met(when: dict[str, Any] | None, at: datetime, time: int, charged: int, idle: int) -> bool:
    for name, limit in (when or {}).items():
        clock = f"{at:%H:%M}"
        if (
            (name == "startTimeOfDay" and not (clock >= limit or clock < when["endTimeOfDay"]))  # type: ignore[index]
            or (name == "dayOfWeek" and f"{at:%A}" not in limit)
            or (name == "maxTime" and time >= limit)
            or (name == "minChargingTime" and charged < limit)
            or (name == "minIdleTime" and idle < limit)
        ):
            return False
    return True


@settings(max_examples=40, deadline=None)
@given(STEPS, PRICES, PRICES)
def test_prices_are_those_of_a_count_by_the_minute(steps: list[Any], kwh: list[Any], idle_prices: list[Any]) -> None:
    quantities: dict[tuple[str, int], Fraction] = {}
    told, minute, wh, charged, idle = [], 0, 0, 0, 0
    for length, rise, state in steps:
        told.append((minute, wh, state))
        for _ in range(length):
            at = AT + timedelta(minutes=minute)
            for kind, prices, amount in (
                ("energy", kwh, Fraction(rise, length * 1000)),
                ("idle", idle_prices, Fraction(state == "idle")),
            ):
                index = next((n for n, (_, w) in enumerate(prices) if _met(w, at, minute * 60, charged, idle)), None)
                if index is not None and amount:
                    quantities[kind, index] = quantities.get((kind, index), Fraction(0)) + amount
            minute += 1
            charged += 60 * (state == "charging")
            idle += 60 * (state == "idle")
        wh += rise
    told.append((minute, wh, ""))
    expected = Decimal(0)
    for (kind, index), amount in quantities.items():
        price = Decimal(str((kwh if kind == "energy" else idle_prices)[index][0]))
        exact = price * Decimal(amount.numerator) / Decimal(amount.denominator)
        expected += round(exact, 9).quantize(CENT, ROUND_HALF_UP)
    got = total(tariff(energy=energy(*kwh), idleTime=minutes(*idle_prices)), course(*told))
    assert got == expected
