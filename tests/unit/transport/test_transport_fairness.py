"""Who gives way, whose turn it is, and who is let in when the rate is exhausted."""

from __future__ import annotations

import itertools
from collections import Counter, deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ocppflow.transport import fair_rate
from ocppflow.transport.fair_rate import FairRate
from ocppflow.transport.shares import FairQueue, Shares

FLOOD = "203.0.113.66"


class SharesAgainstAModel(RuleBasedStateMachine):
    """Shares beside a list that is searched."""

    def __init__(self) -> None:
        super().__init__()
        self.shares: Shares[int] = Shares()
        self.model: dict[int, str] = {}
        self.numbers = itertools.count()

    @rule(network=st.sampled_from("abcd"))
    def comes(self, network: str) -> None:
        number = next(self.numbers)
        self.shares.add(network, number)
        self.model[number] = network

    @rule(data=st.data())
    @precondition(lambda self: self.model)
    def goes(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.model)))
        self.shares.discard(self.model.pop(number), number)
        self.shares.discard("a", number)  # who is gone already changes nothing

    @rule()
    @precondition(lambda self: self.model)
    def gives_way(self) -> None:
        counts = Counter(self.model.values())
        oldest, youngest = self.shares.oldest_of_the_most(), self.shares.youngest_of_the_most()
        network = self.model[oldest]
        own = [number for number, its in self.model.items() if its == network]
        assert counts[network] == max(counts.values())
        assert (oldest, youngest) == (min(own), max(own))
        self.shares.discard(network, oldest)
        del self.model[oldest]

    @invariant()
    def they_agree(self) -> None:
        assert len(self.shares) == len(self.model)
        assert sorted(self.shares.all()) == sorted(self.model)
        assert {name: self.shares.count(name) for name in "abcd"} == {
            name: list(self.model.values()).count(name) for name in "abcd"
        }

    @invariant()
    def nothing_is_kept_of_who_is_gone(self) -> None:
        if not self.model:
            assert (self.shares._members, self.shares._by_count, self.shares._largest) == ({}, {}, 0)


TestShares = SharesAgainstAModel.TestCase


def test_who_floods_gives_way_and_never_the_others() -> None:
    shares: Shares[str] = Shares()
    for number in range(50):
        shares.add(f"site {number % 5}", f"good {number}")
    for number in range(5000):
        shares.add(FLOOD, f"bad {number}")
        if len(shares) > 100:
            victim = shares.oldest_of_the_most()
            assert victim == f"bad {number - 50}"
            shares.discard(FLOOD, victim)
    assert sum(name.startswith("good") for name in shares.all()) == 50


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers()), min_size=1))
def test_networks_take_turns_and_within_one_who_came_first_goes_first(items: list[tuple[str, int]]) -> None:
    queue: FairQueue[tuple[str, int]] = FairQueue()
    expected: dict[str, deque[tuple[str, int]]] = {}
    for item in items:
        queue.put(item[0], item)
        expected.setdefault(item[0], deque()).append(item)
    taken = [queue.take() for _ in items]
    assert not queue
    for network, own in expected.items():
        assert [item for item in taken if item[0] == network] == list(own)
    networks = len(expected)
    for index, (network, _) in enumerate(taken[:networks]):
        assert network == list(expected)[index], "each has its turn in the first round"


def _rush(rate: FairRate, names: list[str], seconds: float, *, step: float = 0.001, start: float = 0.0) -> Counter[str]:
    """Each asks once in each step; how many each gets."""
    got: Counter[str] = Counter()
    for index in range(round(seconds / step)):
        for name in names:
            got[name] += rate.take(name, start + index * step)
    return got


def test_one_network_alone_has_the_whole_rate() -> None:
    rate = FairRate(100, 50, 0.0)
    assert _rush(rate, ["proxy"], 10)["proxy"] in range(1045, 1051)


def test_a_newcomer_beside_a_flood_is_let_in_at_once() -> None:
    rate = FairRate(500, 2000, 0.0)
    _rush(rate, [FLOOD], 10)
    assert all(rate.take(f"198.51.100.{number}", 10.0) for number in range(100))
    assert not rate.take(FLOOD, 10.0)


def test_a_flood_from_many_networks_leaves_the_reserve_to_who_has_used_least() -> None:
    rate = FairRate(500, 2000, 0.0)
    _rush(rate, [f"2001:db8:0:{number:x}::/64" for number in range(256)], 3, step=0.01)
    assert all(rate.take("site", 3.0) for _ in range(5))


def test_networks_that_ask_without_end_get_the_same() -> None:
    rate = FairRate(300, 400, 0.0)
    got = _rush(rate, ["a", "b", "c"], 20, step=0.005)
    assert sum(got.values()) <= 300 * 20 + 400 * 1.25 + 1
    assert max(got.values()) - min(got.values()) < 0.02 * max(got.values())


def test_a_site_that_comes_back_is_served_before_the_flood() -> None:
    rate = FairRate(100, 100, 0.0)
    _rush(rate, [FLOOD], 30)
    got = _rush(rate, [FLOOD, "site"], 2, start=30.0)
    assert got["site"] >= 200


def test_what_is_remembered_is_bounded_and_a_flood_is_among_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_rate, "REMEMBERED", 10)
    rate = FairRate(1000, 1000, 0.0)
    for number in range(1000):
        rate.take(f"net {number}", number / 100)
        rate.take(FLOOD, number / 100)
        assert len(rate) <= 10
    assert FLOOD in rate._used


def test_what_was_long_ago_does_not_count_and_no_number_overflows() -> None:
    rate = FairRate(10, 5, 0.0)
    for now in (0.0, 1e3, 2e4, 1e6, 1e9):
        assert [rate.take(name, now) for name in ("a", "a", "a", "a", "a")] == [True] * 5
        assert not rate.take("a", now)
        assert rate.take("b", now), "the reserve is for who has used less"
    assert len(rate) == 2


@settings(max_examples=50)
@given(
    st.floats(0.1, 1000),
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 5), st.sampled_from("abcdef")), max_size=200),
)
def test_in_no_time_more_is_given_than_rate_and_burst_and_reserve(per_second, burst, asked) -> None:
    rate = FairRate(per_second, burst, 0.0)
    now, given_times = 0.0, []
    for wait, name in asked:
        now += wait
        if rate.take(name, now):
            given_times.append(now)
    reserve = max(1.0, burst / 4)
    for first in range(len(given_times)):
        for last in range(first, len(given_times)):
            bound = burst + reserve + (given_times[last] - given_times[first]) * per_second
            assert last - first + 1 <= bound + 1e-6
