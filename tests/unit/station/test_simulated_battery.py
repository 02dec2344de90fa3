"""How a simulated battery fills: exact for any stretch of time."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.station.hardware import ElectricVehicle
from ocppflow.station.hardware.electric_vehicle import Battery

_share = st.floats(0.02, 1.0)
curves = st.lists(st.integers(1, 99), max_size=4, unique=True).flatmap(
    lambda middle: st.tuples(*(st.tuples(st.just(float(at)), _share) for at in sorted([0, 100, *middle])))
)
evs = st.builds(
    ElectricVehicle,
    capacity=st.floats(5_000, 200_000),
    soc=st.floats(0, 100),
    target_soc=st.floats(0, 100),
    max_watts=st.floats(1_000, 400_000),
    efficiency=st.floats(0.5, 1.0),
    feeds_back=st.floats(0, 10_000),
    curve=curves,
)
grids = st.floats(-20_000, 400_000)
seconds = st.floats(0, 40_000)


def _slowly(battery: Battery, content: float, time: float, grid: float) -> float:
    """The same by small steps (midpoint rule), which is obviously right."""
    factor = battery.ev.efficiency if grid > 0 else 1 / battery.ev.efficiency
    low, high = min(battery.floor, content), max(battery.ceiling, content)
    while time > 0 and (power := battery.power(content, grid) * factor):
        step = min(time, battery.ev.capacity / 500 / abs(power) * 3600)
        half = min(high, max(low, content + power * step / 2 / 3600))
        content = min(high, max(low, content + battery.power(half, grid) * factor * step / 3600))
        time -= step
    return content


@given(evs, grids, seconds)
@settings(max_examples=60, deadline=None)
def test_it_fills_as_the_integral_of_its_power_says(ev: ElectricVehicle, grid: float, time: float) -> None:
    battery = Battery(ev)
    content = battery.after(battery.arrived, time, grid)
    assert content == pytest.approx(_slowly(battery, battery.arrived, time, grid), abs=ev.capacity * 2e-3)


@given(evs, grids, seconds, seconds)
def test_two_stretches_are_as_one(ev: ElectricVehicle, grid: float, first: float, second: float) -> None:
    battery = Battery(ev)
    in_two = battery.after(battery.after(battery.arrived, first, grid), second, grid)
    assert in_two == pytest.approx(battery.after(battery.arrived, first + second, grid), rel=1e-9, abs=1e-6)


@given(evs, grids, seconds)
def test_it_stays_within_its_walls_and_its_limit(ev: ElectricVehicle, grid: float, time: float) -> None:
    battery = Battery(ev)
    content = battery.after(battery.arrived, time, grid)
    assert 0 <= content <= ev.capacity
    power = battery.power(content, grid)
    assert min(grid, 0.0) <= power <= max(grid, 0.0)
    assert power * ev.efficiency <= battery.takes(content) * (1 + 1e-9)


@given(evs, st.floats(100, 400_000))
def test_it_is_full_when_it_said(ev: ElectricVehicle, grid: float) -> None:
    battery = Battery(ev)
    left = battery.seconds_until_done(battery.arrived, grid)
    assert math.isfinite(left)
    assert battery.after(battery.arrived, left, grid) == pytest.approx(max(battery.ceiling, battery.arrived), rel=1e-9)
    if left > 1:
        assert battery.after(battery.arrived, left * 0.99, grid) < battery.ceiling


def test_it_wants_no_more_than_it_was_told() -> None:
    battery = Battery(ElectricVehicle(capacity=50_000, soc=10, wants=9_200, efficiency=0.92))
    assert battery.ceiling == pytest.approx(5_000 + 9_200 * 0.92)


@pytest.mark.parametrize(
    ("field", "value"),
    [("soc", 101), ("capacity", 0), ("phases", 4), ("efficiency", 0), ("soc", math.nan), ("wants", -1.0)],
)
def test_what_cannot_be_is_refused_by_name(field: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=field):
        ElectricVehicle(**{field: value})


@pytest.mark.parametrize("curve", [((0.0, 1.0),), ((0.0, 1.0), (50.0, 1.0)), ((0.0, 0.0), (100.0, 1.0))])
def test_a_curve_that_is_none_is_refused(curve: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ConfigurationError, match="curve"):
        ElectricVehicle(curve=curve)
