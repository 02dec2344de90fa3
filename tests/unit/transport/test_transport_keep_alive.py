"""The small parts of a Link: when a silent peer is dropped, and who waits (2.1 Part 4, 5.3)."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocppflow.transport.clock import ManualClock
from ocppflow.transport.keep_alive import KeepAlive
from ocppflow.transport.waiters import Waiters


class Line:
    """A connection on which things come at given moments."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.is_open = True
        self.is_reading = True
        self.last_received = clock.now()
        self.pings: list[float] = []
        self.dropped_at: float | None = None
        self.reason = ""

    def send_ping(self) -> None:
        self.pings.append(self.clock.now())

    def abort(self, reason: str) -> None:
        self.is_open = False
        self.dropped_at, self.reason = self.clock.now(), reason


@given(
    interval=st.integers(5, 60),
    timeout=st.integers(0, 60),
    received=st.lists(st.integers(1, 140), max_size=8).map(sorted),
)
async def test_J_5_3_a_peer_is_dropped_just_if_nothing_comes_in_time_after_a_ping(
    interval: int, timeout: int, received: list[int]
) -> None:
    clock = ManualClock(0.0)
    line = Line(clock)
    keeping = KeepAlive(line, clock, interval, timeout)
    for moment in received:
        await clock.advance(moment - clock.now())
        line.last_received = clock.now()
    await clock.advance(150 - clock.now())
    within = min(timeout, interval)
    due, expected = float(interval), None
    while within and expected is None and due + within <= 150:
        if not any(due <= moment < due + within for moment in received):
            expected = due + within
        due += interval
    assert line.dropped_at == expected
    if expected is None:
        assert line.pings == [float(at) for at in range(interval, 151, interval)]
    keeping.stop()


async def test_J_5_3_a_link_that_does_not_read_does_not_miss_a_pong() -> None:
    clock = ManualClock(0.0)
    line = Line(clock)
    line.is_reading = False
    KeepAlive(line, clock, 10, 5)
    await clock.advance(100)
    assert line.is_open
    line.is_reading = True
    await clock.advance(15)
    assert line.reason == "the peer is dead: no pong, nothing received for 105 s"


async def test_who_waits_to_write_wakes_first_and_who_waits_for_the_end_at_the_end() -> None:
    waiters, loop = Waiters(), asyncio.get_running_loop()
    to_write, gone, end = waiters.to_write(loop), waiters.to_write(loop), waiters.for_the_end(loop)
    gone.cancel()
    waiters.wake(ended=False)
    assert (to_write.done(), end.done()) == (True, False)
    again = waiters.to_write(loop)
    waiters.wake(ended=True)
    assert again.done()
    assert end.done()


@pytest.mark.parametrize("timeout", [0, 5])
async def test_J_5_3_a_link_that_is_closing_is_pinged_no_more(timeout: float) -> None:
    clock = ManualClock(0.0)
    line = Line(clock)
    KeepAlive(line, clock, 10, timeout)
    await clock.advance(10)
    line.is_open = False
    await clock.advance(100)
    assert line.pings == [10.0]
    assert line.dropped_at is None
