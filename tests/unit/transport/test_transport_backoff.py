"""The waits between attempts to reconnect (2.1 Part 4, 5.4)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.errors import ConfigurationError
from ocppflow.transport.backoff import Backoff

seconds = st.floats(0, 3600)


def test_J_5_4_the_wait_doubles_and_has_a_random_part() -> None:
    drawn = iter([0.5, 1.5, 0.0, 2.0, 1.0])
    backoff = Backoff(10, 2, 2, uniform=lambda a, b: next(drawn))
    assert [backoff.next() for _ in range(5)] == [10.5, 21.5, 40.0, 42.0, 41.0]
    assert backoff.attempts == 5


@given(seconds, seconds, st.integers(0, 20), st.data())
def test_J_5_4_every_wait_is_the_doubled_minimum_and_a_new_random_part(minimum, spread, repeats, data) -> None:
    drawn: list[float] = []

    def uniform(a: float, b: float) -> float:
        assert (a, b) == (0.0, spread)
        drawn.append(data.draw(st.floats(a, b)))
        return drawn[-1]

    backoff = Backoff(minimum, spread, repeats, uniform=uniform)
    for attempt in range(data.draw(st.integers(1, 40))):
        assert backoff.next() == max(0.5, minimum * 2 ** min(attempt, repeats) + drawn[-1])
    backoff.reset()
    assert backoff.attempts == 0
    assert backoff.next() == max(0.5, minimum + drawn[-1])
    assert len(drawn) >= 2


@given(st.floats(0, 100), st.one_of(st.none(), st.floats(0, 1000)))
def test_J_5_4_retry_after_only_lengthens(minimum, retry_after) -> None:
    backoff = Backoff(minimum, 0, 3)
    assert backoff.next(retry_after) == max(0.5, minimum, retry_after or 0)


def test_a_server_cannot_send_a_station_away_for_more_than_an_hour() -> None:
    assert Backoff(10, 0, 3).next(10.0**12) == 3600
    assert Backoff(10, 0, 3).next(float("inf")) == 3600
    assert Backoff(7200, 0, 3).next(10.0**12) == 7200


def test_a_dead_port_is_not_tried_more_than_twice_a_second_whatever_is_configured() -> None:
    backoff = Backoff(0, 0.1, 5)
    assert min(backoff.next() for _ in range(100)) >= 0.5
    assert sum(backoff.next(0.0) for _ in range(100)) >= 50


def test_J_5_4_zero_is_a_value_and_configure_starts_over() -> None:
    backoff = Backoff(0, 0, 0)
    assert [backoff.next() for _ in range(3)] == [0.5, 0.5, 0.5]
    backoff.configure(wait_minimum=5)
    assert (backoff.attempts, backoff.next(), backoff.next()) == (0, 5, 5)
    backoff.configure(repeat_times=1, random_range=0)
    assert [backoff.next() for _ in range(3)] == [5, 10, 10]


def test_J_5_4_a_thousand_failures_overflow_nothing() -> None:
    backoff = Backoff(1, 0, 10**9)
    for _ in range(5000):
        wait = backoff.next()
    assert wait < float("inf")


@pytest.mark.parametrize("name", ["wait_minimum", "random_range", "repeat_times"])
@pytest.mark.parametrize("value", [-1, float("inf"), float("nan")])
def test_J_5_4_nonsense_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        Backoff(**{name: value})
