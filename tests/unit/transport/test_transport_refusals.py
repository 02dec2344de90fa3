"""Refused connections: told of one by one as long as they are few; nobody can fill a log or a trace with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.clock import ManualClock
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.refusals import MOST_SUMS, PERIOD, Refusals
from ocppflow.transport.settings import ServerLimits

INFO = RefusedInfo("CS1", "192.0.2.1:5", "/ocpp", 401, "wrong password")


class World:
    def __init__(self, **limits: float) -> None:
        self.clock = ManualClock()
        self.told: list[RefusedInfo] = []
        self.refusals = Refusals(ServerLimits(**limits), self.clock, self.told.append)  # type: ignore[arg-type]

    def refuse(self, network: str, times: int = 1, *, route: str = "/ocpp") -> None:
        for number in range(times):
            self.refusals.add(network, route, replace(INFO, address=f"{network}:{number}"))


async def test_the_first_ones_of_an_address_are_told_of_at_once_and_the_rest_together() -> None:
    world = World(refusals_per_address=3)
    world.refuse("192.0.2.1", 1000)
    world.refuse("192.0.2.2")
    assert [info.address for info in world.told] == [
        *("192.0.2.1:0", "192.0.2.1:1", "192.0.2.1:2"),
        "192.0.2.2:0",
    ]
    world.told.clear()
    await world.clock.advance(PERIOD)
    assert world.told == [replace(INFO, address="192.0.2.1:999", more=996)]
    world.refuse("192.0.2.1")
    assert len(world.told) == 2, "a new period, and a share as before"


async def test_no_timer_runs_where_nothing_waits_to_be_told() -> None:
    world = World()
    world.refuse("192.0.2.1", 3)
    assert not world.clock.pending
    await world.clock.advance(PERIOD)
    world.refuse("192.0.2.1", 20)
    assert len(world.told) == 23, "the first period is over"


async def test_a_botnet_gets_no_more_than_the_supply_of_all() -> None:
    world = World()
    seconds = 30
    for second in range(seconds):
        for number in range(500):
            world.refuse(f"10.{second}.{number >> 8}.{number & 255}")
        await world.clock.advance(1)
    world.refusals.tell_all()
    assert len(world.told) <= 20 * (seconds + 10) + (MOST_SUMS + 1) * (seconds / PERIOD + 1)
    assert sum(1 + info.more for info in world.told) == 500 * seconds, "and none is lost"
    assert not world.clock.pending


async def test_what_a_route_is_refused_for_is_not_mixed_with_another() -> None:
    world = World(refusals_per_address=1)
    for route in ("/a", "/b"):
        for _ in range(5):
            world.refusals.add("192.0.2.1", route, replace(INFO, path=route))
    world.refusals.tell_all()
    assert Counter((info.path, info.more) for info in world.told) == {
        ("/a", 0): 1,
        ("/a", 3): 1,
        ("/b", 0): 1,
        ("/b", 3): 1,
    }


async def test_bounds_of_0_tell_of_each() -> None:
    world = World(refusals_per_address=0, refusals_per_second=0)
    world.refuse("192.0.2.1", 5000)
    assert len(world.told) == 5000


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40), st.floats(0, 12)), max_size=30))
async def test_every_refusal_is_told_of_once(coming: list[tuple[str, int, float]]) -> None:
    world = World(refusals_per_address=5, refusals_per_second=2)
    for network, times, passed in coming:
        world.refuse(network, times)
        await world.clock.advance(passed)
    world.refusals.tell_all()
    assert sum(1 + info.more for info in world.told) == sum(times for _, times, _ in coming)
