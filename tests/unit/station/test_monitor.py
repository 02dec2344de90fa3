"""N07: when a monitor makes an event. Each type is held against an independent model over random series of values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.messages.v21 import MonitorEnumType
from ocppflow.station.blocks.monitoring.monitor import Monitor, MonitorEvent, judge, next_aligned
from ocppflow.station.device_model import VariableKey

KEY = VariableKey("EVSE", "Power", evse=1)
TENTHS = st.integers(-50, 50)


def monitor(kind: MonitorEnumType, value: float) -> Monitor:
    return Monitor(id=1, key=KEY, type=kind, value=value, severity=5)


def text(tenths: int) -> str:
    return f"{tenths / 10:.1f}"


def alarms(beyond: list[bool]) -> list[MonitorEvent | None]:
    """What a series of "beyond or not" means: an alarm at each way in, and its end at each way out."""
    events: list[MonitorEvent | None] = []
    for before, now in pairwise([False, *beyond]):
        events.append(None if before == now else MonitorEvent("Alerting", cleared=not now))
    return events


@given(st.lists(TENTHS), TENTHS)
def test_N07FR16_N07FR02_an_upper_threshold(values: list[int], limit: int) -> None:
    one = monitor("UpperThreshold", limit / 10)
    assert [judge(one, text(value)) for value in values] == alarms([value > limit for value in values])


@given(st.lists(TENTHS), TENTHS)
def test_N07FR17_N07FR02_a_lower_threshold(values: list[int], limit: int) -> None:
    one = monitor("LowerThreshold", limit / 10)
    assert [judge(one, text(value)) for value in values] == alarms([value < limit for value in values])


@given(st.lists(st.tuples(TENTHS, TENTHS)), st.integers(0, 20))
def test_N07FR22_a_distance_from_the_target(pairs: list[tuple[int, int]], limit: int) -> None:
    one = monitor("TargetDelta", limit / 10)
    events = [judge(one, text(value), text(target)) for value, target in pairs]
    assert events == alarms([abs(value - target) > limit for value, target in pairs])


@given(st.lists(st.tuples(TENTHS, TENTHS)), st.integers(0, 20))
def test_N07FR23_a_part_of_the_target(pairs: list[tuple[int, int]], percent: int) -> None:
    one = monitor("TargetDeltaRelative", percent / 100)
    events = [judge(one, text(value), text(target)) for value, target in pairs]
    assert events == alarms([abs(value - target) > abs(Fraction(percent, 100) * target) for value, target in pairs])


@given(st.lists(TENTHS), st.integers(0, 20))
def test_N07FR18_a_delta_counts_from_the_last_event(values: list[int], limit: int) -> None:
    one = monitor("Delta", limit / 10)
    reference: int | None = None
    for value in values:
        event = judge(one, text(value))
        if reference is None:
            assert event is None
            reference = value
        elif abs(value - reference) > limit:
            assert event == MonitorEvent("Delta")
            reference = value
        else:
            assert event is None


@given(st.lists(st.sampled_from(["Available", "Occupied", "Faulted"])), st.floats(0, 100))
def test_N07FR19_any_change_of_what_is_no_number_is_a_delta(values: list[str], value: float) -> None:
    one = monitor("Delta", value)
    events = [judge(one, each, numeric=False) for each in values]
    changed = [False, *(before != now for before, now in pairwise(values))]
    assert events == [MonitorEvent("Delta") if each else None for each in changed[: len(values)]]


@pytest.mark.parametrize("kind", ["UpperThreshold", "LowerThreshold", "TargetDelta", "TargetDeltaRelative"])
@pytest.mark.parametrize("value", ["", "NaN", "Infinity", "much"])
def test_what_is_no_number_changes_nothing(kind: MonitorEnumType, value: str) -> None:
    one = monitor(kind, 1)
    one.alarmed = True
    assert judge(one, value, "100") is None
    assert one.alarmed


def test_a_target_that_is_not_set_makes_no_event() -> None:
    assert judge(monitor("TargetDelta", 1), "100", "") is None


@pytest.mark.parametrize("kind", ["Periodic", "PeriodicClockAligned"])
def test_values_mean_nothing_to_periodic_monitors(kind: MonitorEnumType) -> None:
    assert [judge(monitor(kind, 1), value) for value in ("1", "100")] == [None, None]


@given(
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC)),
    st.sampled_from([1.0, 7.0, 60.0, 900.0, 3600.0, 86_400.0, 100_000.0]),
)
def test_N08FR07_the_next_whole_interval_after_midnight(now: datetime, interval: float) -> None:
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC)
    moments = [midnight + timedelta(days=1)]
    if interval >= 60:  # walk the day, slowly
        steps = int(86_400 // interval) + 1
        moments += [midnight + timedelta(seconds=interval * step) for step in range(steps)]
        assert next_aligned(now, interval) == min(moment for moment in moments if moment > now)
    else:
        due = next_aligned(now, interval)
        assert timedelta(0) < due - now <= timedelta(seconds=interval)
        assert (due - midnight).total_seconds() % interval == 0 or due == moments[0]
