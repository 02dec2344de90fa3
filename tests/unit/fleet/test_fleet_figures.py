"""What a fleet measures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import CallTimeout, ConfigurationError
from ocppflow.fleet import Figures, read_arrivals, read_seconds
from ocppflow.fleet.latencies import Latencies
from ocppflow.fleet.plots import Line, plot

some_seconds = st.lists(st.floats(2e-4, 500), min_size=1, max_size=200)


@given(some_seconds, st.sampled_from([1, 50, 95, 99, 100]))
def test_a_percentile_is_never_too_good_and_at_most_five_percent_too_bad(values: list[float], percent: int) -> None:
    latencies = Latencies()
    for value in values:
        latencies.add(value)
    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    assert exact * 0.9999 <= latencies.percentile(percent) <= exact * 1.0501


@given(some_seconds, some_seconds)
def test_merged_latencies_are_those_of_both(some: list[float], others: list[float]) -> None:
    merged, whole = Latencies(), Latencies()
    other = Latencies()
    for value in some:
        merged.add(value)
        whole.add(value)
    for value in others:
        other.add(value)
        whole.add(value)
    merged.merge(other)
    assert (merged.count, merged.longest) == (whole.count, whole.longest)
    assert merged.percentile(95) == whole.percentile(95)
    assert merged.mean == pytest.approx(whole.mean)


@given(st.lists(st.floats(0, 100_000), max_size=300))
def test_a_week_has_no_more_points_than_a_minute_and_loses_no_answer(moments: list[float]) -> None:
    figures = Figures(0.0)
    for moment in sorted(moments):
        figures.answered("Heartbeat", 0.01, moment)
    assert len(figures.spans) <= 600
    assert sum(span.answered for span in figures.spans) == len(moments)
    assert figures.as_data()["actions"].get("Heartbeat", {"answered": 0})["answered"] == len(moments)


def test_failures_are_counted_by_kind() -> None:
    figures = Figures(0.0)
    figures.failed("Heartbeat", CallTimeout("Heartbeat", 30.0), 1.0)
    data = figures.as_data()
    assert data["actions"]["Heartbeat"]["failures"] == {"no answer in time": 1}
    assert data["spans"][1]["failed"] == 1


def test_arrivals_and_times_as_they_are_typed() -> None:
    assert read_arrivals("2/h", 60).rate == pytest.approx(2 / 3600)
    assert read_arrivals("0.5/min", 60).rate == pytest.approx(0.5 / 60)
    assert read_arrivals("all", 60).kind == "all"
    assert [read_seconds(text) for text in ("90", "90s", "1.5m", "2h", "7d")] == [90, 90, 90, 7200, 604800]
    for wrong in ("0/h", "2/year", "often", "-1/h"):
        with pytest.raises(ConfigurationError, match="EVs per EVSE"):
            read_arrivals(wrong, 60)
    with pytest.raises(ConfigurationError, match="90s"):
        read_seconds("soon")


def test_a_plot_shows_its_lines_and_escapes_its_texts() -> None:
    drawn = plot("a < b", "ms", 60.0, [Line("p50", "one", [1.0, 3.0, 2.0])])
    assert "a &lt; b" in drawn
    assert drawn.count("<polyline") == 1
    assert "4 ms" in drawn  # the axis ends at a round value above the highest
