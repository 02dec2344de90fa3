"""What a connection may cost: its share of the processor, its rate, and what happens to one that floods."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_benches import CONT, PING, PONG, TEXT, Bench, turn
from websockets.frames import Opcode
from websockets.protocol import Side

from ocppflow.errors import ConfigurationError
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.throttle import (
    AT_ONCE,
    BREAK,
    LEAST,
    MOST_PER_BYTE,
    MOST_PER_FRAME,
    SAVED_UP,
    Flood,
    Throttle,
    work_of,
)

SIDES = pytest.mark.parametrize("side", [Side.SERVER, Side.CLIENT])


@given(
    rate=st.floats(0.5, 1000),
    share=st.floats(0.01, 1),
    batches=st.lists(st.tuples(st.integers(1, 50), st.floats(0, 1), st.floats(0, 5)), min_size=1, max_size=50),
)
def test_a_peer_that_waits_as_told_exceeds_no_limit_by_more_than_what_it_saved_up(
    rate: float, share: float, batches: list[tuple[int, float, float]]
) -> None:
    throttle = Throttle(LinkLimits(messages_per_second=rate, share=share))
    start = now = 100.0
    allowed_from, sent, worked = 0.0, 0, 0.0
    for count, work, pause in batches:
        now = max(now + pause, allowed_from)
        assert sent <= rate * (now - start + SAVED_UP) + 1e-6
        assert worked <= share * (now - start + SAVED_UP) + 1e-6
        allowed_from = throttle.charge(allowed_from, count, work, now)
        sent += count
        worked += work


@given(measured=st.floats(0, 100), frames=st.integers(0, 64), size=st.integers(0, 2**20))
def test_a_charge_is_plausible_whatever_the_clock_says(measured: float, frames: int, size: int) -> None:
    work = work_of(measured, frames, size)
    assert work >= (frames + 1) * LEAST
    assert work <= max((frames + 1) * LEAST, frames * MOST_PER_FRAME + size * MOST_PER_BYTE)


def test_a_flood_lasts_until_there_is_a_break() -> None:
    flood = Flood(100.0)
    assert flood.lasts(104.0) == 4.0
    assert flood.lasts(104.0 + BREAK) == 4.0 + BREAK
    assert flood.lasts(104.1 + 2 * BREAK) == 0.0
    assert flood.lasts(105.1 + 2 * BREAK) == 1.0


async def test_a_connection_that_costs_more_than_its_share_waits_until_it_is_paid_off() -> None:
    clock = ManualClock()
    limits = LinkLimits(messages_per_second=0, share=0.25, ping_interval=0)
    bench = Bench(clock=clock, limits=limits)
    await turn()
    moments = iter([0.0, 0.6, 0.6])
    bench.context.measure = lambda: next(moments)
    long = b"x" * 600_000  # may plausibly take 0.6 s, which is worth 2.4 s; 2 of them were saved up
    bench.arrives(bench.frame(TEXT, long))
    await settle()
    assert bench.heard == [long]
    assert not bench.wire.is_reading
    await clock.advance(0.39)
    assert not bench.wire.is_reading
    await clock.advance(0.02)
    assert bench.wire.is_reading


@SIDES
@pytest.mark.parametrize(
    ("opcode", "fin"), [(TEXT, True), (PING, True), (PONG, True), (TEXT, False)], ids=["text", "ping", "pong", "pieces"]
)
async def test_frames_of_all_kinds_count(side: Side, opcode: Opcode, fin: bool) -> None:
    clock = ManualClock()
    bench = Bench(side, clock=clock, limits=LinkLimits(messages_per_second=10, ping_interval=0))
    await turn()
    first, more = bench.frame(opcode, b"", fin=fin), bench.frame(opcode if fin else CONT, b"", fin=fin)
    bench.arrives(first + more * 39)
    assert not bench.wire.is_reading
    await clock.advance(1.9)  # 40 frames are worth 4 seconds, two of which were saved up
    assert not bench.wire.is_reading
    await clock.advance(0.2)
    assert bench.wire.is_reading


@SIDES
async def test_what_has_been_read_already_waits_as_well(side: Side) -> None:
    clock = ManualClock()
    bench = Bench(side, clock=clock, limits=LinkLimits(messages_per_second=10, ping_interval=0))
    await turn()
    bench.arrives(bench.frame(TEXT, b"x") * 640)
    for slices in range(1, 11):
        await settle()
        assert len(bench.heard) == 64 * slices
        await clock.advance(6.4)
    assert bench.wire.is_reading


async def _flood(bench: Bench, clock: ManualClock, seconds: float, frames: int) -> None:
    """Send whenever something is read, and as if more had been waiting."""
    end = clock.now() + seconds
    while clock.now() < end and bench.link.is_open:
        while bench.wire.is_reading and bench.link.is_open:
            bench.arrives(bench.frame(TEXT, b"x") * frames)
        await clock.advance(0.5)


@SIDES
async def test_a_flood_without_a_break_is_told_and_closed(side: Side, caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    bench = Bench(side, clock=clock, limits=LinkLimits(messages_per_second=10, ping_interval=0))
    await turn()
    with caplog.at_level(logging.WARNING, "ocppflow"):
        await _flood(bench, clock, 59, AT_ONCE + 1)
        assert bench.link.is_open
        await _flood(bench, clock, 5, AT_ONCE + 1)
    reason = "over 10 messages a second (messages_per_second) for 60 s without a break"
    assert bench.said() == [(0x88, (1008).to_bytes(2) + reason.encode())]
    assert [record.getMessage() for record in caplog.records] == [f"CS1: closed with 1008: {reason}"]


async def test_the_reason_names_the_share_if_that_was_it() -> None:
    throttle = Throttle(LinkLimits())
    assert throttle.excess(64, 0.1) == "over 25% of a processor (share) for 60 s without a break"


async def test_a_flood_that_is_kept_is_slowed_for_ever() -> None:
    clock = ManualClock()
    limits = LinkLimits(messages_per_second=10, flood_timeout=0, ping_interval=0)
    bench = Bench(clock=clock, limits=limits)
    await turn()
    await _flood(bench, clock, 300, AT_ONCE + 1)
    assert bench.link.is_open
    assert len(bench.heard) <= 10 * (300 + SAVED_UP) + AT_ONCE + 1


async def test_who_waits_for_answers_is_slowed_and_not_closed() -> None:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=LinkLimits(messages_per_second=10, ping_interval=0))
    await turn()
    await _flood(bench, clock, 300, 1)
    assert bench.link.is_open
    assert len(bench.heard) <= 10 * (300 + SAVED_UP) + 1


async def test_a_break_ends_a_flood() -> None:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=LinkLimits(messages_per_second=10, ping_interval=0))
    await turn()
    for _ in range(10):
        await _flood(bench, clock, 50, AT_ONCE + 1)
        await clock.advance(2 * BREAK)
    assert bench.link.is_open


async def test_without_limits_nothing_is_slowed() -> None:
    clock = ManualClock()
    limits = LinkLimits(messages_per_second=0, share=0, ping_interval=0)
    bench = Bench(clock=clock, limits=limits)
    await turn()
    for _ in range(50):
        bench.arrives(bench.frame(TEXT, b"x") * 60)
        await turn()
        assert bench.wire.is_reading


async def test_a_frame_that_comes_in_pieces_costs_each_read() -> None:
    clock = ManualClock()
    bench = Bench(clock=clock, limits=LinkLimits(ping_interval=0))
    await turn()
    data, reads = bench.frame(TEXT, b"x" * 2**20), 0
    while bench.wire.is_reading:
        bench.arrives(data[reads : reads + 1])
        reads += 1
    assert reads == pytest.approx(SAVED_UP * 0.25 / LEAST, rel=0.01)


def test_a_share_is_a_part_of_one_core() -> None:
    with pytest.raises(ConfigurationError, match="share is 2; it is a part of one processor core, at most 1"):
        LinkLimits(share=2)
