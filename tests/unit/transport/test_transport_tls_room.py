"""How many strangers have TLS with us at a time, whose turn it is, and who gives way."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.tls_room import PER_TURN, TLSRoom


class Guest:
    def __init__(self, network: str, room: TLSRoom, log: list[str]) -> None:
        self.network = network
        self.room = room
        self.log = log
        self.tls_since = 0.0
        self.is_over = False
        self.begun = False

    def begin_tls(self) -> None:
        self.begun = True
        self.log.append(self.network)

    def give_way(self, reason: str) -> None:
        self.log.append(f"-{self.network}")
        self.go()

    def go(self) -> None:
        self.is_over = True
        self.room.leave(self)


class Hotel:
    def __init__(self, most: int, patience: float = 4.0) -> None:
        self.clock = ManualClock()
        self.room = TLSRoom(most, patience, self.clock)
        self.log: list[str] = []

    def come(self, networks: str) -> list[Guest]:
        guests = [Guest(network, self.room, self.log) for network in networks]
        for guest in guests:
            self.room.enter(guest)
        return guests


async def test_there_is_room_for_so_many_and_the_rest_waits_by_network() -> None:
    hotel = Hotel(3)
    guests = hotel.come("AAAAABC")
    await settle()
    assert "".join(hotel.log) == "ABC"  # networks take turns
    guests[0].go()
    await settle()
    assert "".join(hotel.log) == "ABCA"


async def test_the_network_with_the_most_gives_way_to_one_with_fewer() -> None:
    hotel = Hotel(4)
    hotel.come("AAAAA")
    await settle()
    hotel.come("B")
    await settle()
    assert " ".join(hotel.log) == "A A A A -A B"
    hotel.come("C")
    await settle()
    assert hotel.log[-2:] == ["-A", "C"]
    hotel.come("D")
    await settle()
    assert hotel.log[-2:] == ["-A", "D"]
    hotel.come("E")  # now all have one
    await settle()
    assert hotel.log[-1] == "D"
    assert len(hotel.room) == 4


async def test_after_half_of_its_time_a_guest_gives_way_to_anybody() -> None:
    hotel = Hotel(2)
    hotel.come("AA")
    await settle()
    hotel.come("A")
    await settle()
    assert hotel.log == ["A", "A"]
    await hotel.clock.advance(4)
    hotel.come("A")
    await settle()
    assert hotel.log == ["A", "A", "-A", "A", "-A", "A"]  # both that waited are in


async def test_who_has_gone_while_it_waited_takes_no_place() -> None:
    hotel = Hotel(1)
    first, *others = hotel.come("AAAA")
    await settle()
    for other in others[:2]:
        other.go()
    first.go()
    await settle()
    assert [guest.begun for guest in others] == [False, False, True]


async def test_without_a_bound_all_begin() -> None:
    hotel = Hotel(0)
    hotel.come("A" * 100)
    await settle()
    assert len(hotel.room) == 100


@pytest.mark.parametrize("what", ["begin", "go on"])
async def test_so_much_is_done_in_one_turn_of_the_loop(what: str) -> None:
    hotel = Hotel(0)
    if what == "begin":
        hotel.come("A" * 100)
        most = PER_TURN // 4
    else:
        for _ in range(100):
            hotel.room.go_on(lambda: hotel.log.append("step"))
        most = PER_TURN
    counts = []
    for _ in range(10):
        await asyncio.sleep(0)
        counts.append(len(hotel.log))
    assert all(0 < after - before <= most for before, after in itertools.pairwise(counts) if after < 100)


async def test_steps_of_those_who_have_begun_come_before_those_who_begin() -> None:
    hotel = Hotel(0)
    hotel.come("A")
    hotel.room.go_on(lambda: hotel.log.append("step"))
    await settle()
    assert hotel.log == ["step", "A"]


async def test_a_step_that_fails_stops_nobody(caplog) -> None:
    hotel = Hotel(0)
    hotel.room.go_on(lambda: 1 / 0)
    hotel.come("A")
    await settle()
    assert hotel.log == ["A"]
    assert "a step of a TLS handshake failed" in caplog.text


@given(
    st.integers(1, 5),
    st.lists(
        st.one_of(
            st.tuples(st.just("come"), st.sampled_from("ABC")),
            st.tuples(st.just("go"), st.integers(0, 30)),
            st.tuples(st.just("wait"), st.sampled_from([0.5, 5.0])),
        ),
        max_size=40,
    ),
)
def test_never_more_than_there_is_room_for_and_nobody_waits_for_an_empty_place(most, steps) -> None:
    async def run() -> None:
        hotel = Hotel(most)
        guests: list[Guest] = []
        for what, how in steps:
            if what == "come":
                guests += hotel.come(how)
            elif what == "go" and guests:
                guests.pop(how % len(guests)).go()
            elif what == "wait":
                await hotel.clock.advance(how)
            await settle(20)
            inside = [guest for guest in guests if guest.begun and not guest.is_over]
            waiting = [guest for guest in guests if not guest.begun and not guest.is_over]
            assert len(inside) == len(hotel.room) <= most
            assert not waiting or len(inside) == most

    with asyncio.Runner() as runner:
        runner.run(run())
