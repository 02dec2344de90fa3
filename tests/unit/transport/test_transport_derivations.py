"""The queue before the threads that derive keys, with threads and time in the hands of the test."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any

import pytest

from ocppflow.transport.clock import settle
from ocppflow.transport.derivations import Derivations, Overloaded, default_threads

COST = 0.004  # s for one derivation
HASH = "hash"


class Known:
    """A memory that holds what a test has put into it."""

    def __init__(self) -> None:
        self.answer: int | None = None
        self.learnt: list[int] = []

    def recall(self) -> int | None:
        return self.answer

    def learn(self, index: int) -> None:
        self.learnt.append(index)


class Hands(Executor):
    """Runs a job when it is told to; each takes ``COST``."""

    def __init__(self) -> None:
        self.jobs: deque[Callable[[], None]] = deque()
        self.now = 0.0
        self.derived: list[bytes] = []

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.jobs.append(lambda: future.set_result(function(*args, **kwargs)))
        return future

    def matches(self, password: bytes, stored: str) -> bool:
        self.now += COST
        self.derived.append(password)
        return password == b"right"

    async def run(self, most: int = 1_000_000) -> int:
        """Run up to ``most`` jobs; how many there were."""
        done = 0
        await settle(3)
        while self.jobs and done < most:
            self.jobs.popleft()()
            done += 1
            await settle(3)
        return done


@pytest.fixture
async def hands() -> Hands:
    return Hands()


@pytest.fixture
async def derivations(hands: Hands) -> Derivations:
    return Derivations(hands.matches, 1, pool=hands, now=lambda: hands.now)


def _ask(
    derivations: Derivations,
    address: str,
    identity: str,
    *passwords: bytes,
    patience: float = 5.0,
    memory: Known | None = None,
) -> asyncio.Future[int]:
    units = [(password, HASH) for password in passwords]
    return asyncio.ensure_future(
        derivations.first_match(address, identity, units, patience=patience, memory=memory or Known())
    )


async def test_the_index_of_what_matches_or_minus_one(hands: Hands, derivations: Derivations) -> None:
    asked = [_ask(derivations, "A", "1", *words) for words in ([b"x", b"right", b"y"], [b"x", b"y"], [b"right"])]
    await hands.run()
    assert [each.result() for each in asked] == [1, -1, 0]
    assert hands.derived.count(b"y") == 1


async def test_the_spellings_of_one_password_are_turns_of_their_own(hands: Hands, derivations: Derivations) -> None:
    _ask(derivations, "A", "1", b"a1", b"a2", b"a3")
    _ask(derivations, "A", "1", b"b1", b"b2")
    _ask(derivations, "B", "1", b"c1")
    await hands.run()
    assert hands.derived.index(b"c1") <= 2
    assert hands.derived.index(b"b1") < hands.derived.index(b"a3")


async def test_who_has_gone_costs_no_derivation(hands: Hands, derivations: Derivations) -> None:
    asked = [_ask(derivations, "A", str(number), b"wrong") for number in range(50)]
    await settle(3)
    for each in asked[10:]:
        each.cancel()
    await hands.run()
    assert len(hands.derived) == 10
    assert await asyncio.gather(*asked[:10]) == [-1] * 10


async def test_who_has_gone_during_a_derivation_gets_no_further_one(hands: Hands, derivations: Derivations) -> None:
    known = Known()
    asked = [_ask(derivations, "A", "1", *words, memory=known) for words in ([b"a", b"b", b"c"], [b"d"])]
    await settle(3)
    for each in asked:
        each.cancel()
    await hands.run()
    assert hands.derived == [b"a", b"d"]
    assert known.learnt == [-1]  # it was derived, so it is remembered


async def test_what_another_check_found_out_meanwhile_is_not_derived_again(
    hands: Hands, derivations: Derivations
) -> None:
    known = Known()
    asked = [_ask(derivations, "A", "1", b"same", memory=known) for _ in range(50)]
    await hands.run(1)
    known.answer = -1
    await hands.run()
    assert await asyncio.gather(*asked) == [-1] * 50
    assert len(hands.derived) <= 3  # two were on their way to the thread


async def test_when_too_much_waits_the_crowd_is_refused_and_not_the_newcomer(
    hands: Hands, derivations: Derivations
) -> None:
    crowd = [_ask(derivations, "A", str(number), b"wrong", patience=1.0) for number in range(1000)]
    newcomer = _ask(derivations, "B", "1", b"right", patience=1.0)
    await hands.run(4)  # two were on their way, then each address has a turn
    assert newcomer.result() == 0
    await hands.run()
    refused = [each for each in crowd if isinstance(each.exception(), Overloaded)]
    assert len(hands.derived) + len(refused) == 1001
    assert len(hands.derived) <= 1 / COST * 1.5  # what can be done within the second, as far as costs are known


async def test_without_patience_any_number_may_wait(hands: Hands, derivations: Derivations) -> None:
    asked = [_ask(derivations, "A", str(number), b"wrong", patience=0) for number in range(3000)]
    await settle(3)
    assert not any(each.done() for each in asked)
    await hands.run()
    assert {each.result() for each in asked} == {-1}


async def test_a_hash_that_cannot_be_checked_is_told_and_others_go_on(hands: Hands) -> None:
    def fails(password: bytes, stored: str) -> bool:
        raise ValueError(stored)

    class Now(Hands):
        def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
            future: Future[Any] = Future()
            try:
                future.set_result(function(*args, **kwargs))
            except ValueError as error:
                future.set_exception(error)
            return future

    derivations = Derivations(fails, 1, pool=Now(), now=lambda: 0.0)
    asked = [_ask(derivations, "A", "1", b"x") for _ in range(5)]
    await settle()
    assert [type(each.exception()) for each in asked] == [ValueError] * 5


@pytest.mark.parametrize(
    ("address", "identities", "share"),
    [
        ("elsewhere", 10_000, 1.0),  # from an address of its own
        ("flooded", 200, 1.0),  # behind the proxy or NAT that the flood comes from as well
        ("flooded", 10_000, 0.25),  # there, and no identity comes twice: nothing tells the right one from the others
    ],
)
async def test_500_wrong_passwords_a_second_do_not_keep_a_right_one_waiting_for_a_second(
    hands: Hands, derivations: Derivations, address: str, identities: int, share: float
) -> None:
    """Arrivals every 2 ms, derivations every 4: half of the flood cannot be served, for eight seconds."""
    sent, outcomes = 0, []
    asked: list[asyncio.Future[int]] = []
    good: deque[tuple[float, asyncio.Future[int]]] = deque()
    while hands.now < 8.0:
        while sent * 0.002 <= hands.now:
            asked.append(_ask(derivations, "flooded", f"X{sent % identities}", b"wrong %d" % sent))
            sent += 1
            if sent % 100 == 0:
                good.append((hands.now, _ask(derivations, address, f"good{sent}", b"right")))
        await hands.run(1)
        for _ in range(len(good)):
            start, each = good.popleft()
            if each.done():
                outcomes.append(hands.now - start if each.exception() is None else None)
            else:
                good.append((start, each))
    waits = [wait for wait in outcomes if wait is not None]
    assert len(outcomes) >= 35
    assert len(waits) >= share * len(outcomes)
    assert max(waits) <= 1.0
    if share == 1.0:  # but at the beginning, when nothing is known of the flood
        assert max(waits[5:]) <= 0.05
    for each in [*asked, *(each for _, each in good)]:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def test_a_processor_is_left_to_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    if hasattr(os, "sched_getaffinity"):
        monkeypatch.delattr(os, "sched_getaffinity")
    threads = []
    for processors in (None, 1, 2, 3, 4, 64):
        monkeypatch.setattr(os, "cpu_count", lambda processors=processors: processors)
        threads.append(default_threads())
    assert threads == [1, 1, 1, 2, 3, 4]
