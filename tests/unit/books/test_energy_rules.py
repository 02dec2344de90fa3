"""How much energy a transaction took, by what real stations tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.csms.books.energy_rules import RULES, Energy, energy_of
from ocppflow.csms.books.meter_units import REGISTER
from ocppflow.csms.books.readings import Reading

AT = datetime(2026, 3, 1, 10, tzinfo=UTC)
POWER = "Power.Active.Import"


def at(minutes: float, wh: float | None = None, context: str = "Sample.Periodic", **values: float) -> Reading:
    told = {} if wh is None else {REGISTER: wh}
    told |= {name.replace("_", "."): value for name, value in values.items()}
    return Reading(timestamp=AT + timedelta(minutes=minutes), context=context, values=told)


def begin(minutes: float, wh: float) -> Reading:
    return at(minutes, wh, "Transaction.Begin")


def end(minutes: float, wh: float) -> Reading:
    return at(minutes, wh, "Transaction.End")


@pytest.mark.parametrize(
    ("readings", "wh", "source"),
    [
        ([begin(0, 1000), at(5, 1500), end(10, 2000)], 1000, "register"),
        ([at(5, 1500), at(1, 1100)], 400, "register"),
        ([begin(0, 0), at(5, 300), end(10, 600)], 600, "session-register"),
        ([begin(0, 909_948), at(5, 300), at(10, 600)], 600, "session-register"),
        ([begin(0, 909_948), at(5, 300), at(10, 600), end(10, 910_560)], 612, "register"),
        ([begin(0, 0), at(20, 909_948), at(30, 910_031)], 83, "placeholder-zero"),
        ([begin(0, 0), at(20, 0), at(700, 909_948), end(710, 910_031)], 83, "placeholder-zero"),
        ([begin(0, 5000), at(5, 5500), at(10, 10), at(15, 310), end(16, 310)], 800, "rising-parts"),
        ([begin(0, 0), at(5, 500), at(10, 0), at(15, 300), end(20, 900)], 800 + 600, "rising-parts"),
        ([begin(0, 1000), at(5, 1500), at(10, 7_000_000), end(15, 7_000_400)], 900, "rising-parts"),
        ([begin(0, 895_000), at(5, 895_400), at(6, 0), at(7, 895_500), end(10, 895_800)], 800, "register"),
        ([begin(0, 1000), at(5, 9e11), at(6, 1200), end(10, 1400)], 400, "register"),
        ([begin(0, 1000), at(5, 1400.7), end(5, 1400)], 400, "register"),
        ([begin(0, 1000), at(5, 1400), end(6, 0)], 400, "register"),
        (
            [at(1, None, Energy_Active_Import_Interval=100), at(2, None, Energy_Active_Import_Interval=50)],
            150,
            "intervals",
        ),
        ([at(0, None, Power_Active_Import=6000), at(30, None, Power_Active_Import=6000)], 3000, "power"),
        ([at(0, None, Power_Active_Import=6000), at(120, None, Power_Active_Import=6000)], 0, "power"),
        ([begin(0, 77)], 0, "register"),
        ([at(0, None, Voltage=230)], None, "none"),
        ([], None, "none"),
    ],
)
def test_energy(readings: list[Reading], wh: float | None, source: str) -> None:
    energy = energy_of(readings)
    assert (energy.energy_wh, energy.source) == (None if wh is None else pytest.approx(wh), source)


def test_a_zero_of_an_offline_start_is_judged_by_what_is_drawn_later() -> None:
    readings = [begin(0, 0), at(60, 60_000), at(65, 60_100, Power_Active_Import=1200), end(70, 60_200)]
    assert energy_of(readings, is_offline_start=True).energy_wh == 200
    assert energy_of(readings).energy_wh == 60_200
    slow = [begin(0, 0), at(60, 3000), at(65, 3250), end(70, 3500)]
    assert energy_of(slow, is_offline_start=True).energy_wh == 3500


def test_a_begin_told_only_later_counts_where_there_is_no_other() -> None:
    later = Reading(timestamp=AT, values={REGISTER: 163_630.0}, begin_wh=157_440.0)
    assert energy_of([later]).energy_wh == pytest.approx(6190)
    assert energy_of([begin(-1, 157_000), later]).energy_wh == pytest.approx(6630)


def test_doubts_are_named_where_the_way_was_not_straight() -> None:
    assert energy_of([begin(0, 1), end(1, 2)]).doubts == ()
    assert "909948" in energy_of([begin(0, 0), at(20, 909_948), at(30, 910_031)]).doubts[0]


STEPS = st.lists(st.tuples(st.floats(0, 60), st.floats(0, 3000)), min_size=1, max_size=12)


@settings(max_examples=80, deadline=None)
@given(st.floats(0, 1e8), STEPS)
def test_a_register_that_rises_gives_its_rise_wherever_it_starts(
    start: float, steps: list[tuple[float, float]]
) -> None:
    readings, minute, wh = [begin(0, start)], 0.0, start
    for minutes, rise in steps:
        minute, wh = minute + minutes, wh + rise
        readings.append(at(minute, wh))
    assert energy_of(readings).energy_wh == pytest.approx(wh - start, abs=0.01)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 1e12), max_size=8), st.booleans())
def test_energy_is_never_negative_nor_more_than_can_flow(registers: list[float], offline: bool) -> None:
    readings = [at(index, wh) for index, wh in enumerate(registers)]
    energy = energy_of(readings, is_offline_start=offline).energy_wh
    assert energy is None or 0 <= energy <= 1_000_000 * (3 * len(registers)) / 60 * 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1e9)), max_size=8), st.randoms())
def test_the_order_of_arrival_does_not_matter(told: list[tuple[int, float]], random: Any) -> None:
    readings = [at(minute, wh) for minute, wh in dict(told).items()]
    shuffled = list(readings)
    random.shuffle(shuffled)
    assert energy_of(shuffled) == energy_of(readings)


def test_every_rule_has_a_name_and_is_used_by_a_case_above() -> None:
    assert len({name for name, _ in RULES}) == len(RULES)
    assert energy_of([]) == Energy(None, "none")
