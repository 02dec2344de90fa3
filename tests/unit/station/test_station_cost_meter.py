"""I12: what a transaction costs by its tariff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.messages import v21
from ocppflow.messages.tariff_conditions import taxed
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock, moment
from ocppflow.station.blocks.tariff.cost_meter import CostMeter, MeterPoint
from ocppflow.station.blocks.tariff.tariff_rules import wrong_in

START = datetime(2026, 1, 5, 17, 30, tzinfo=UTC)  # a Monday
UTC_CLOCK = LocalClock()


def tariff(**parts: Any) -> v21.TariffType:
    return msgspec.convert({"tariffId": "11", "currency": "EUR", **parts}, v21.TariffType)


def point(minutes: float, kwh: float, state: Any = "Charging", power: float = 11_000) -> MeterPoint:
    at = moment(START + timedelta(minutes=minutes))
    return MeterPoint(at, kwh * 1000, power if state == "Charging" else 0.0, power / 230, state)


def begin(given_tariff: v21.TariffType, local: LocalClock = UTC_CLOCK, **more: Any) -> CostMeter:
    return CostMeter.begin(given_tariff, point(0, 0), local, evse_kind="AC", **more)


def prices(kind: str, *each: dict[str, Any], tax: float | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"prices": list(each)}
    if tax is not None:
        made["taxRates"] = [{"type": "vat", "tax": tax}]
    return {kind: made}


def test_I12FR09_energy() -> None:
    meter = begin(tariff(**prices("energy", {"priceKwh": 0.25}, tax=10)))
    meter.advance(point(60, 10), UTC_CLOCK)
    told = meter.details(final=True)
    assert told.total_cost.energy == v21.PriceType(
        excl_tax=2.5, incl_tax=2.75, tax_rates=[v21.TaxRateType(type="vat", tax=10)]
    )
    assert told.total_cost.total == v21.TotalPriceType(excl_tax=2.5, incl_tax=2.75)
    assert told.total_cost.type_of_cost == "NormalCost"  # I12.FR.41
    assert told.total_usage == v21.TotalUsageType(energy=10_000, charging_time=3600, idle_time=0)


def test_I12FR35_I12FR36_a_price_by_time_of_day_makes_two_periods() -> None:
    day = {"startTimeOfDay": "18:00", "endTimeOfDay": "08:00"}
    meter = begin(tariff(**prices("energy", {"priceKwh": 0.4, "conditions": day}, {"priceKwh": 0.25})))
    assert meter.next_moment(UTC_CLOCK) == point(30, 0).at
    meter.advance(point(30, 6), UTC_CLOCK)
    meter.advance(point(60, 10), UTC_CLOCK)
    told = meter.details(final=True)
    assert told.total_cost.total.excl_tax == pytest.approx(6 * 0.25 + 4 * 0.4)
    assert told.charging_periods is not msgspec.UNSET
    energies = [
        next(one.volume for one in period.dimensions if one.type == "Energy")
        for period in told.charging_periods
        if period.dimensions is not msgspec.UNSET
    ]
    assert energies == [6000, 4000]
    assert [period.start_period for period in told.charging_periods] == [START, START + timedelta(minutes=30)]
    assert {period.tariff_id for period in told.charging_periods} == {"11"}  # I12.FR.04


def test_I12FR37_time_of_day_follows_local_time() -> None:
    amsterdam = LocalClock(ZoneInfo("Europe/Amsterdam"))
    evening = {"startTimeOfDay": "18:00", "endTimeOfDay": "20:00"}
    meter = begin(tariff(**prices("energy", {"priceKwh": 1, "conditions": evening})), amsterdam)
    meter.advance(point(60, 1), amsterdam)  # 18:30 to 19:30 in Amsterdam
    assert meter.totals()[0] == pytest.approx(1.0)
    assert meter.next_moment(amsterdam) == point(90, 0).at


def test_I12FR10_I12FR11_charging_and_idle_time() -> None:
    idle = {"priceMinute": 1, "conditions": {"minIdleTime": 300}}
    meter = begin(tariff(**prices("chargingTime", {"priceMinute": 0.1}), **prices("idleTime", idle, tax=20)))
    meter.advance(point(60, 10, "SuspendedEV"), UTC_CLOCK)
    assert meter.next_moment(UTC_CLOCK) == point(65, 0).at
    meter.advance(point(65, 10, "SuspendedEV"), UTC_CLOCK)
    meter.advance(point(70, 10, "SuspendedEV"), UTC_CLOCK)
    told = meter.details(final=True)
    assert told.total_cost.charging_time == v21.PriceType(excl_tax=6.0, incl_tax=6.0)
    assert told.total_cost.idle_time is not msgspec.UNSET
    assert (told.total_cost.idle_time.excl_tax, told.total_cost.idle_time.incl_tax) == (5.0, 6.0)
    assert told.total_usage == v21.TotalUsageType(energy=10_000, charging_time=3600, idle_time=600)


def test_I12FR30_fixed_fees_are_charged_once_and_by_how_it_is_paid() -> None:
    card = {"priceFixed": 3, "conditions": {"paymentRecognition": "CC"}}
    fees = tariff(**prices("fixedFee", card, {"priceFixed": 2.5}, tax=10))
    assert begin(fees).totals()[0] == 2.5
    meter = begin(fees, payment=frozenset({("PaymentRecognition", "CC")}))
    meter.advance(point(60, 10), UTC_CLOCK)
    assert meter.totals() == (3.0, pytest.approx(3.3))


def test_I12FR06_I12FR08_a_fee_for_the_reservation() -> None:
    fees = tariff(**prices("reservationFixed", {"priceFixed": 1.5}))
    assert begin(fees).totals()[0] == 0.0
    assert begin(fees, reserved=0.0).totals()[0] == 1.5


def test_I12FR13_taxes_upon_taxes() -> None:
    rates = [v21.TaxRateType(type="energy", tax=10), v21.TaxRateType(type="vat", tax=20, stack=1)]
    assert taxed(100, rates) == pytest.approx(132)
    assert taxed(100, [v21.TaxRateType(type="a", tax=6), v21.TaxRateType(type="b", tax=4)]) == pytest.approx(110)


def test_I12FR38_the_least_that_it_costs_counts_at_the_end() -> None:
    meter = begin(tariff(minCost={"exclTax": 5}, **prices("energy", {"priceKwh": 0.25})))
    meter.advance(point(60, 10), UTC_CLOCK)
    assert meter.details().total_cost.total.excl_tax == 2.5
    final = meter.details(final=True).total_cost
    assert (final.type_of_cost, final.total.excl_tax) == ("MinCost", 5)


def test_I12FR39_I12FR40_the_most_that_it_costs() -> None:
    meter = begin(tariff(maxCost={"inclTax": 5.5}, **prices("energy", {"priceKwh": 1}, tax=10)))
    meter.advance(point(30, 4), UTC_CLOCK)
    assert meter.details().total_cost.type_of_cost == "NormalCost"
    meter.advance(point(60, 10), UTC_CLOCK)
    told = meter.details(final=True)
    assert told.total_cost.type_of_cost == "MaxCost"
    assert told.total_cost.total == v21.TotalPriceType(excl_tax=5.0, incl_tax=5.5)
    assert told.total_usage.energy == 10_000


def test_I12FR31_power_and_energy_are_seen_at_each_reading() -> None:
    fast = {"priceMinute": 2, "conditions": {"minPower": 11_000}}
    meter = begin(tariff(**prices("chargingTime", fast, {"priceMinute": 1, "conditions": {"maxPower": 11_000}})))
    meter.advance(point(10, 1, power=7_000), UTC_CLOCK)
    meter.advance(point(20, 2, power=7_000), UTC_CLOCK)
    assert meter.totals()[0] == pytest.approx(10 * 2 + 10 * 1)
    first_kwh = tariff(**prices("energy", {"priceKwh": 0, "conditions": {"maxEnergy": 1000}}, {"priceKwh": 1}))
    meter = begin(first_kwh)
    meter.advance(point(10, 1), UTC_CLOCK)
    meter.advance(point(20, 3), UTC_CLOCK)
    assert meter.totals()[0] == pytest.approx(2.0)


def test_I11FR08_another_tariff_counts_from_then_on() -> None:
    meter = begin(tariff(**prices("energy", {"priceKwh": 1})))
    meter.advance(point(30, 4), UTC_CLOCK)
    new = msgspec.structs.replace(tariff(**prices("energy", {"priceKwh": 2})), tariff_id="12")
    meter.change(new, UTC_CLOCK)
    meter.advance(point(60, 10), UTC_CLOCK)
    told = meter.details(final=True)
    assert told.total_cost.total.excl_tax == pytest.approx(4 + 12)
    assert told.charging_periods is not msgspec.UNSET
    assert [period.tariff_id for period in told.charging_periods] == ["11", "12"]


def test_I12_the_time_without_power_costs_nothing() -> None:
    meter = begin(tariff(**prices("chargingTime", {"priceMinute": 1}), **prices("energy", {"priceKwh": 1})))
    meter.advance(point(10, 1), UTC_CLOCK)
    meter = msgspec.json.decode(msgspec.json.encode(meter), type=CostMeter)  # as it is kept
    meter.resume(point(40, 1.5), UTC_CLOCK)
    assert meter.totals()[0] == pytest.approx(10 + 1.5)


def test_I12_with_many_changes_the_periods_are_left_out_and_the_cost_is_right() -> None:
    fast = {"priceMinute": 2, "conditions": {"minPower": 11_000}}
    meter = begin(tariff(**prices("chargingTime", fast, {"priceMinute": 1})))
    for minute in range(1, 401):
        meter.advance(point(minute, 0, power=11_000 if minute % 2 else 5_000), UTC_CLOCK)
    assert meter.totals()[0] == pytest.approx(2 + 199.5 * 2 + 200 - 1, abs=2)
    assert meter.details(final=True).charging_periods is msgspec.UNSET
    assert len(msgspec.json.encode(meter.details())) < 1000


@pytest.mark.parametrize(
    "wrong",
    [
        prices("energy", {"priceKwh": 1, "conditions": {"startTimeOfDay": "25:00"}}),
        prices("energy", {"priceKwh": 1, "conditions": {"endTimeOfDay": "8:00"}}),
        prices("energy", {"priceKwh": 1, "conditions": {"validFromDate": "2026-02-30"}}),
        {"minCost": {}},
    ],
)
def test_I07FR05_what_is_wrong_in_a_tariff(wrong: dict[str, Any]) -> None:
    assert wrong_in(tariff(**wrong))


TIMES = st.sampled_from(["00:00", "06:15", "17:45", "18:00", "18:20", "23:59"])
MINUTES = st.integers(0, 120).map(lambda minutes: minutes * 60)
CONDITIONS = st.fixed_dictionaries(
    {},
    optional={
        "startTimeOfDay": TIMES,
        "endTimeOfDay": TIMES,
        "dayOfWeek": st.lists(st.sampled_from(["Monday", "Tuesday", "Sunday"]), min_size=1, unique=True),
        "minTime": MINUTES,
        "maxChargingTime": MINUTES,
    },
)


@given(st.lists(CONDITIONS, min_size=1, max_size=4), st.lists(st.integers(1, 600), max_size=20))
def test_I12FR31_readings_in_between_change_nothing_where_prices_depend_on_time(
    conditions: list[dict[str, Any]], readings: list[int]
) -> None:
    """If it is looked at whenever ``next_moment`` says so, more readings make no other cost."""
    each = [{"priceMinute": index + 1, "conditions": one} for index, one in enumerate(conditions)]
    by_time = tariff(**prices("chargingTime", *each))
    stops = set(readings)
    costs = []
    for extra in (set(), stops):
        meter = begin(by_time)
        for minute in [*sorted(extra), 601]:
            while (moments := meter.next_moment(UTC_CLOCK)) < point(minute, 0).at:
                at = int(moments) + (moments > int(moments))
                meter.advance(MeterPoint(at, 0.0, 0.0, 0.0, "Charging"), UTC_CLOCK)
            meter.advance(point(minute, 0), UTC_CLOCK)
        costs.append(meter.totals()[0])
    assert costs[0] == pytest.approx(costs[1])
    assert costs[0] == pytest.approx(_minute_by_minute(conditions), abs=0.01)


def _minute_by_minute(conditions: list[dict[str, Any]]) -> float:
    """The plain way: what applies in each minute."""
    cost = 0.0
    for second in range(0, 601 * 60, 60):
        now = START + timedelta(seconds=second)
        time = now.strftime("%H:%M")
        for index, one in enumerate(conditions):
            start, end = one.get("startTimeOfDay", "00:00"), one.get("endTimeOfDay", "24:00")
            within = start <= time < end if start < end else time >= start or time < end
            day = now.strftime("%A") in one.get("dayOfWeek", [now.strftime("%A")])
            if within and day and one.get("minTime", 0) <= second < one.get("maxChargingTime", 10**9):
                cost += index + 1
                break
    return cost
