"""Quotas: each subject is told of so many times, all together so often, and what is left out is counted."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.quotas import BURST, MOST_SUBJECTS, Quotas


def test_each_subject_has_its_own_share_and_the_rest_is_counted() -> None:
    quotas = Quotas(3, 0, 10.0)
    told = [quotas.tally("noisy", 0.0) is None for _ in range(10)]
    assert told == [True] * 3 + [False] * 7
    assert quotas.tally("another", 0.0) is None
    assert {subject: tally.left_out for subject, tally in quotas.end().items()} == {"noisy": 7}
    assert quotas.tally("noisy", 0.0) is None, "a new period"


def test_a_period_begins_with_what_comes_first_and_ends_by_the_clock() -> None:
    quotas = Quotas(1, 0, 10.0)
    assert quotas.ends_at is None
    assert not quotas.is_over(1e9)
    quotas.tally("a", 100.0)
    assert quotas.ends_at == 110.0
    assert not quotas.is_over(109.9)
    assert quotas.is_over(110.0)
    assert quotas.is_over(99.0), "a clock that goes back must not keep the period for years"


def test_many_who_are_noisy_do_not_hide_one_who_speaks_for_the_first_time() -> None:
    quotas = Quotas(20, 10, 10.0)
    for _ in range(20):
        for number in range(30):
            quotas.tally(number, 0.0)
    assert quotas.tally("a station with a fault", 0.0) is None


def test_what_is_not_urgent_leaves_half_of_the_supply_to_what_is() -> None:
    quotas = Quotas(0, 10, 10.0)
    full = 10 * BURST
    assert sum(quotas.tally(number, 0.0, urgent=False) is None for number in range(1000)) == full / 2 + 1
    assert sum(quotas.tally(f"fault {number}", 0.0) is None for number in range(1000)) == full / 2 - 1


def test_in_the_long_run_the_rate_holds() -> None:
    quotas = Quotas(0, 10, 1e9)
    told = sum(quotas.tally((second, number), float(second)) is None for second in range(100) for number in range(50))
    assert told <= 10 * BURST + 10 * 100


def test_the_memory_for_counting_is_bounded_and_nothing_is_lost() -> None:
    quotas = Quotas(1, 1, 10.0)
    told = sum(quotas.tally(number, 0.0) is None for number in range(3 * MOST_SUBJECTS))
    ended = quotas.end()
    assert len(ended) <= MOST_SUBJECTS + 1
    assert told + sum(tally.left_out for tally in ended.values()) == 3 * MOST_SUBJECTS
    assert ended[None].left_out >= 2 * MOST_SUBJECTS - 1


@given(
    st.integers(0, 3),
    st.sampled_from([0, 1, 5]),
    st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3), st.booleans()), max_size=200),
)
def test_whatever_comes_is_either_told_or_counted(each: int, rate: int, coming: list[tuple[int, float, bool]]) -> None:
    quotas = Quotas(each, rate, 5.0)
    now, told, counted = 0.0, Counter[int](), Counter[int]()

    def end() -> None:
        counted.update({subject: tally.left_out for subject, tally in quotas.end().items() if isinstance(subject, int)})

    for subject, passed, urgent in coming:
        now += passed
        if quotas.is_over(now):
            end()
        if quotas.tally(subject, now, urgent=urgent) is None:
            told[subject] += 1
    end()
    assert told + counted == Counter(subject for subject, _, _ in coming)
    if not each and not rate:
        assert not counted
