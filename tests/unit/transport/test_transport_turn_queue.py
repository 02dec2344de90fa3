"""Whose turn it is: nobody waits behind another's crowd, and who crowds has to go first."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.turn_queue import FAILED_FOR, REMEMBERED, TurnQueue

NOW = 1000.0


@dataclass(eq=False)
class Item:
    address: str
    identity: str
    units: int = 1


def _filled(*who: str) -> TurnQueue[Item]:
    """``"A1 A2 B1"``: items of address A for identities 1 and 2, of B for 1."""
    queue: TurnQueue[Item] = TurnQueue()
    for name in " ".join(who).split():
        queue.put(Item(name[0], name[1:]), NOW)
    return queue


def _order(queue: TurnQueue[Item]) -> str:
    taken = []
    while (item := queue.take()) is not None:
        taken.append(item.address + item.identity)
    return " ".join(taken)


def _fail(queue: TurnQueue[Item], address: str, identity: str) -> None:
    queue.note(Item(address, identity), right=False, now=NOW)


def test_addresses_take_turns() -> None:
    assert _order(_filled("A1 A1 A1 A1 B1 C1 C1")) == "A1 B1 C1 A1 C1 A1 A1"


def test_within_an_address_identities_take_turns() -> None:
    assert _order(_filled("A1 A1 A1 A2 A3 A3")) == "A1 A2 A3 A1 A3 A1"


def test_an_identity_that_has_failed_comes_after_those_that_have_not() -> None:
    queue = _filled()
    _fail(queue, "A", "1")
    for identity in ("1", "1", "2", "3"):
        queue.put(Item("A", identity), NOW)
    assert _order(queue) == "A2 A3 A1 A1"


def test_it_does_not_count_elsewhere_nor_for_ever_nor_after_a_success() -> None:
    queue = _filled()
    _fail(queue, "A", "1")
    for address, now in (("A", NOW), ("B", NOW), ("A", NOW + FAILED_FOR)):
        queue.put(Item(address, "1"), now)
        queue.put(Item(address, "2"), now)
    assert _order(queue) == "A2 B1 A1 B2 A2 A1"
    queue.note(Item("A", "1"), right=True, now=NOW)
    queue.put(Item("A", "1"), NOW)
    queue.put(Item("A", "2"), NOW)
    assert _order(queue) == "A1 A2"


def test_who_has_failed_gets_every_eighth_turn_however_many_have_not() -> None:
    queue = _filled()
    _fail(queue, "A", "X")
    queue.put(Item("A", "X"), NOW)
    for number in range(20):
        queue.put(Item("A", str(number)), NOW)
    assert _order(queue).split().index("AX") == 7


def test_who_has_the_most_waiting_goes_first_and_of_equals_one_by_chance() -> None:
    queue = _filled("A1 A2 A2 B1 B1 B1 B1 C1")
    queue._below = lambda count: count - 1
    gone = []
    while (item := queue.busiest()) is not None:
        queue.discard(item)
        gone.append(item.address + item.identity)
    assert " ".join(gone) == "B1 B1 A2 B1 A2 C1 B1 A1"


def test_those_that_have_failed_go_before_others_of_the_address() -> None:
    queue = _filled()
    _fail(queue, "A", "X")
    for identity in ("X", "1", "1", "1"):
        queue.put(Item("A", identity), NOW)
    item = queue.busiest_of("A")
    assert item is not None
    assert item.identity == "X"
    assert queue.busiest_of("B") is None


def test_an_address_is_mostly_wrong_after_a_dozen_failures_and_right_again_likewise() -> None:
    queue = _filled()
    changes = []
    for right in (False, True):
        count = 0
        while queue.is_mostly_wrong("A") is right:
            queue.note(Item("A", str(count)), right=right, now=NOW)
            count += 1
        changes.append(count)
    assert changes[0] in range(8, 17)
    assert changes[1] in range(1, 17)
    assert not queue.is_mostly_wrong("B")


def test_what_is_remembered_is_bounded() -> None:
    queue = _filled()
    for number in range(REMEMBERED + 100):
        _fail(queue, str(number), "1")
    assert (len(queue._failed), len(queue._wrong)) == (REMEMBERED, REMEMBERED)


_ADDRESS, _IDENTITY = st.sampled_from("ABCDE"), st.sampled_from("123456")
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), _ADDRESS, _IDENTITY, st.integers(1, 5)),
        st.tuples(st.just("fail"), _ADDRESS, _IDENTITY, st.booleans()),
        st.tuples(st.just("discard"), st.integers(0, 50)),
        st.tuples(st.just("busiest")),
        st.tuples(st.just("take")),
    ),
    max_size=80,
)


@given(_STEPS)
def test_nothing_is_lost_or_counted_wrong(steps) -> None:
    queue: TurnQueue[Item] = TurnQueue()
    waiting: list[Item] = []
    for what, *how in steps:
        item: Item | None
        if what == "put":
            item = Item(*how)
            waiting.append(item)
            queue.put(item, NOW)
        elif what == "fail":
            queue.note(Item(how[0], how[1]), right=how[2], now=NOW)
        elif what == "discard" and waiting:
            item = waiting.pop(how[0] % len(waiting))
            queue.discard(item)
            queue.discard(item)
        elif what == "take":
            item = queue.take()
            assert (item is None) == (not waiting)
            if item is not None:
                waiting.remove(item)
        elif what == "busiest" and waiting:
            item = queue.busiest()
            assert item is not None
            most = max(queue.units_of(address) for address in "ABCDE")
            assert queue.units_of(item.address) == most
        assert len(queue) == len(waiting)
        assert queue.units == sum(each.units for each in waiting)
        for address in "ABCDE":
            assert queue.units_of(address) == sum(each.units for each in waiting if each.address == address)


@given(st.lists(st.tuples(_ADDRESS, _IDENTITY), min_size=1, max_size=60), st.sets(st.tuples(_ADDRESS, _IDENTITY)))
def test_no_address_starves_and_no_identity(crowd, failed) -> None:
    """With N addresses waiting, each gets one of N turns, though each taken one is followed by ten new ones; and each
    identity gets its turn within eight rounds of its address's identities."""
    queue: TurnQueue[Item] = TurnQueue()
    for address, identity in sorted(failed):
        _fail(queue, address, identity)
    for address, identity in crowd:
        queue.put(Item(address, identity), NOW)
    addresses, identities = {address for address, _ in crowd}, set(crowd)
    for _ in range(3):
        turns = []
        for _ in range(len(addresses)):
            item = queue.take()
            assert item is not None
            turns.append(item.address)
            for _ in range(10):
                queue.put(Item(item.address, item.identity), NOW)
        assert set(turns) == addresses
    served = set()
    for _ in range(8 * 6 * len(addresses)):
        item = queue.take()
        assert item is not None
        served.add((item.address, item.identity))
        queue.put(Item(item.address, item.identity), NOW)
    assert served == identities
