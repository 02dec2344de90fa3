"""What comes at once is worked through in slices, in turn with other connections, and none of it is lost."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from link_benches import BINARY, CLOSE, CONT, PING, PONG, TEXT, Bench, turn
from websockets.protocol import Side

from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.throttle import LEAST
from ocppflow.transport.turns import SLICE_BYTES, SLICE_FRAMES, TURN, turns_of

UNBOUNDED = LinkLimits(messages_per_second=0, share=0, ping_interval=0)
MANY = 5000
SIDES = pytest.mark.parametrize("side", [Side.SERVER, Side.CLIENT])

_payloads = st.one_of(st.binary(max_size=300), st.binary(min_size=1, max_size=9).map(lambda seed: seed * 9000))
_messages = st.lists(
    st.one_of(
        st.tuples(st.just("text"), _payloads),
        st.tuples(st.just("binary"), _payloads),
        st.tuples(st.just("pieces"), st.lists(st.binary(max_size=40), min_size=2, max_size=6)),
        st.tuples(st.just("ping"), st.binary(max_size=125)),
        st.tuples(st.just("pong"), st.binary(max_size=125)),
    ),
    max_size=30,
)


def _stream(bench: Bench, messages: Any, times: int) -> tuple[bytes, list[bytes | bytearray]]:
    """The bytes that a peer sends for ``messages``, each as often as ``times``, and what is to be heard of them."""
    sent, heard = [], []
    for kind, content in messages:
        for _ in range(times):
            match kind:
                case "text":
                    sent.append(bench.frame(TEXT, content))
                    heard.append(content)
                case "binary":
                    sent.append(bench.frame(BINARY, content))
                    heard.append(bytearray(content))
                case "pieces":
                    first, *middle, last = content
                    sent.append(bench.frame(TEXT, first, fin=False))
                    sent += [bench.frame(CONT, piece, fin=False) for piece in middle]
                    sent += [bench.frame(PING, b"between"), bench.frame(CONT, last)]
                    heard.append(b"".join(content))
                case "ping":
                    sent.append(bench.frame(PING, content))
                case "pong":
                    sent.append(bench.frame(PONG, content))
    return b"".join(sent), heard


@given(
    side=st.sampled_from([Side.SERVER, Side.CLIENT]),
    deflate=st.booleans(),
    messages=_messages,
    times=st.integers(1, 40),
    cuts=st.lists(st.floats(0, 1), max_size=8),
    holds=st.sets(st.integers(1, 200), max_size=5),
)
async def test_a_stream_cut_anywhere_yields_the_same_messages_in_the_same_order(
    side: Side, deflate: bool, messages: Any, times: int, cuts: list[float], holds: set[int]
) -> None:
    bench = Bench(side, clock=ManualClock(), limits=UNBOUNDED, deflate=deflate)
    data, expected = _stream(bench, messages, times)

    def hold() -> None:
        if len(bench.heard) in holds:
            bench.link.pause_reading()

    bench.on_message = hold
    await turn()
    places = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
    for begin, end in itertools.pairwise(places):
        while not bench.wire.is_reading:
            bench.link.resume_reading()
            await turn()
        bench.arrives(data[begin:end])
    for _ in range(len(data)):
        if len(bench.heard) == len(expected) and bench.wire.is_reading:
            break
        bench.link.resume_reading()
        await turn()
    assert bench.heard == expected
    assert bench.wire.is_reading
    assert bench.link.is_open
    assert bench.link._rest is None


@SIDES
async def test_a_turn_of_the_loop_takes_a_slice_and_what_is_left_is_not_copied(side: Side) -> None:
    bench = Bench(side, clock=ManualClock(), limits=UNBOUNDED)
    data = bench.frame(TEXT, b"x") * MANY
    await turn()
    bench.arrives(data)
    heard = len(bench.heard)
    assert heard == SLICE_FRAMES
    while len(bench.heard) < MANY:
        assert not bench.wire.is_reading
        assert bench.link._rest is data
        await turn()
        assert len(bench.heard) - heard <= SLICE_FRAMES
        heard = len(bench.heard)
    await turn()
    assert bench.wire.is_reading


async def test_a_slice_is_bounded_in_bytes_after_inflation() -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED, deflate=True)
    await turn()
    bomb = b" " * 2**19
    bench.arrives(b"".join(bench.frame(TEXT, bomb) for _ in range(20)))
    for number in range(1, 20):
        assert len(bench.heard) == number
        await turn()
    assert len(bomb) > SLICE_BYTES


async def test_a_slice_is_bounded_in_time() -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    moments = iter(range(1000))
    bench.context.measure = lambda: float(next(moments))  # each look at the clock finds a second gone
    bench.arrives(bench.frame(TEXT, b"x") * 10)
    assert len(bench.heard) == 1


async def test_many_that_flood_take_turns_and_single_messages_come_in_between() -> None:
    clock = ManualClock()
    floods = [Bench(clock=clock, limits=UNBOUNDED) for _ in range(100)]
    good = Bench(clock=clock, limits=UNBOUNDED, echo=True)
    await turn()
    before = 0
    most = TURN / ((SLICE_FRAMES + 1) * LEAST) + 1  # slices for which one turn of the loop has time
    for bench in floods:
        bench.arrives(bench.frame(TEXT, b"x") * 1000)
    for number in range(20):
        good.arrives(good.frame(TEXT, b"%d" % number))  # at once, whatever waits
        assert good.said() == [(0x81, b"%d" % number)]
        heard = sum(len(bench.heard) for bench in floods)
        assert 0 < heard - before <= most * SLICE_FRAMES
        before = heard
        await turn()
    shares = [len(bench.heard) for bench in floods]
    assert max(shares) - min(shares) <= 2 * SLICE_FRAMES, "each has its turn"
    assert len(turns_of(asyncio.get_running_loop())) > 0
    await settle(1000)
    assert all(len(bench.heard) == 1000 and bench.wire.is_reading for bench in floods)


@pytest.mark.parametrize("what", ["long", "compressed", "pinged", "two"])
async def test_who_seldom_sends_need_not_wait_until_all_floods_have_had_their_turn(what: str) -> None:
    clock = ManualClock()
    floods = [Bench(clock=clock, limits=UNBOUNDED) for _ in range(300)]
    good = Bench(clock=clock, limits=UNBOUNDED, deflate=what == "compressed")
    await turn()
    for bench in floods:
        bench.arrives(bench.frame(TEXT, b"x") * 1000)
    await settle(100)
    assert all(bench.heard for bench in floods)
    match what:
        case "long":
            good.arrives(good.frame(TEXT, b"y" * 50_000))
        case "compressed":
            good.arrives(good.frame(TEXT, b"y" * 500))
        case "pinged":
            good.arrives(good.frame(PING, b"y"))
        case _:
            good.arrives(good.frame(TEXT, b"1") + good.frame(TEXT, b"2"))
    await turn()
    await turn()
    assert good.said() if what == "pinged" else good.heard
    assert good.wire.is_reading
    assert not all(bench.wire.is_reading for bench in floods)


async def test_work_that_took_long_is_followed_by_turns_without_any() -> None:
    costly, other = (Bench(clock=ManualClock(), limits=UNBOUNDED) for _ in range(2))
    await turn()
    moments = iter([0.0, 0.095, 0.095])
    costly.context.measure = lambda: next(moments)
    long = b"x" * 100_000
    costly.arrives(costly.frame(TEXT, long))
    assert costly.heard == [long]
    other.arrives(other.frame(TEXT, b"x") * 2)
    for _ in range(9):
        assert other.heard == []
        await turn()
    assert other.heard == [b"x", b"x"]


async def test_a_connection_that_is_lost_while_it_waits_harms_nobody() -> None:
    lost, other = (Bench(clock=ManualClock(), limits=UNBOUNDED) for _ in range(2))
    await turn()
    for bench in (lost, other):
        bench.arrives(bench.frame(TEXT, b"x") * 1000)
    heard = len(lost.heard)
    lost.link.connection_lost(None)
    await settle()
    assert len(lost.heard) == heard
    assert lost.ended is not None
    assert len(other.heard) == 1000


async def test_an_error_of_ours_costs_the_connection_and_not_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = (Bench(clock=ManualClock(), limits=UNBOUNDED) for _ in range(2))
    await turn()
    for bench in (broken, other):
        bench.arrives(bench.frame(TEXT, b"x") * 1000)
    broken.context.turns = None  # type: ignore[assignment] - whatever: something raises
    await settle()
    assert broken.wire.ended == "aborted"
    assert len(other.heard) == 1000


@SIDES
async def test_pings_are_answered_once_a_slice_without_the_full_protocol(side: Side) -> None:
    bench = Bench(side, clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    pings = [bench.frame(PING, b"%d" % number) for number in range(3 * SLICE_FRAMES)]
    bench.arrives(b"".join(pings))
    assert bench.link._full is None
    await settle()
    answers = [bytes(payload) for _, payload in bench.said()]
    assert answers == [b"%d" % (number * SLICE_FRAMES - 1) for number in (1, 2, 3)]


async def test_pings_of_a_peer_that_does_not_read_are_answered_when_it_does() -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    bench.link.pause_writing()
    for number in range(1000):
        bench.arrives(bench.frame(PING, b"%d" % number))
        await turn()
    assert bench.said() == []
    bench.link.resume_writing()
    assert bench.said() == [(0x8A, b"999")]


@SIDES
@pytest.mark.parametrize("what", ["answer", "pong", "close", "together", "compressed"])
async def test_whatever_is_written_the_peer_has_to_read(side: Side, what: str) -> None:
    limits = LinkLimits(max_write_buffer=1000, ping_interval=0)
    bench = Bench(side, clock=ManualClock(), limits=limits, deflate=what == "compressed")
    await turn()
    bench.link.pause_writing()
    bench.wire.unread = 1001
    match what:
        case "answer" | "compressed":
            bench.link.send(b"x" * 1000)
        case "pong":
            bench.link.send_ping()
        case "close":
            bench.link.close()
        case "together":
            bench.echo = True
            bench.arrives(bench.frame(TEXT, b"1") + bench.frame(TEXT, b"2"))
    assert bench.wire.ended == "aborted"
    bench.link.connection_lost(None)
    assert bench.ended == (1006, "the peer does not read: 1001 bytes wait to be sent")


async def test_long_answers_do_not_wait_for_the_end_of_a_slice() -> None:
    bench = Bench(clock=ManualClock(), limits=LinkLimits(max_write_buffer=2**20, ping_interval=0))
    await turn()

    def answer() -> None:
        bench.link.send(b"x" * 2**18)
        if sum(map(len, bench.wire.written)) > 2**17:
            bench.wire.unread = sum(map(len, bench.wire.written))
            bench.link.pause_writing()

    bench.on_message = answer
    bench.arrives(bench.frame(TEXT, b"x") * 60)
    assert bench.wire.ended == "aborted"
    assert len(bench.wire.written) <= 5


# --- after our close ---


@SIDES
@given(cuts=st.lists(st.floats(0, 1), max_size=8), before=st.integers(0, 3), payload=st.binary(max_size=700))
async def test_after_our_close_nothing_but_the_peers_close_counts(
    side: Side, cuts: list[float], before: int, payload: bytes
) -> None:
    bench = Bench(side, clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    half = bench.frame(TEXT, b"y" * 3000)
    bench.arrives(half[: before * 500])
    bench.link.close(1000, "bye")
    assert bench.said() == [(0x88, b"\x03\xe8bye")]
    rest = half[before * 500 :] + bench.frame(PING, b"p") + bench.frame(CONT, payload, fin=False)
    data = rest + bench.frame(TEXT, payload) * 20 + bench.frame(CLOSE, b"\x03\xe8bye") + bench.frame(TEXT, b"z")
    places = sorted({0, len(data), *(int(cut * len(data)) for cut in cuts)})
    for begin, end in itertools.pairwise(places):
        if bench.wire.ended == "closed":
            break
        bench.arrives(data[begin:end])
        await turn()
        await turn()
    assert bench.heard == []
    assert bench.said() == []
    if side is Side.SERVER:
        assert bench.wire.ended == "closed"
    bench.link.connection_lost(None)
    assert bench.ended == (1000, "bye")


async def test_a_flood_after_our_close_is_stepped_over_in_slices_and_kept_nowhere() -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    bench.link.close()
    for _ in range(50):
        bench.arrives(bench.frame(TEXT, b"") * 3000)
        assert not bench.wire.is_reading
        while not bench.wire.is_reading:
            await turn()
    bench.arrives(bench.frame(TEXT, b"x" * 2**20)[:100_000])  # a long message, whose payload is not kept
    assert bench.link._rest is None
    bench.arrives(b"x" * 100_000)
    assert bench.link._rest is None
    assert bench.heard == []


@pytest.mark.parametrize("end", ["fault", "eof", "abort", "peer's close"])
async def test_after_any_other_end_nothing_is_looked_at(end: str) -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    match end:
        case "fault":
            bench.arrives(b"\x83\x80mask")
        case "eof":
            bench.link.eof_received()
        case "abort":
            bench.link.abort("no more")
        case _:
            bench.arrives(bench.frame(CLOSE, b"\x03\xe8"))
    for _ in range(10):
        bench.arrives(bench.frame(TEXT, b"x") * 1000)
        assert bench.link._rest is None
    assert bench.heard == []


async def test_a_handler_that_closes_hears_no_more_of_the_slice() -> None:
    bench = Bench(clock=ManualClock(), limits=UNBOUNDED)
    await turn()
    bench.on_message = lambda: bench.link.close(1000, "enough")
    bench.arrives(bench.frame(TEXT, b"x") * 10 + bench.frame(CLOSE, b"\x03\xe8enough"))
    await settle()
    assert bench.heard == [b"x"]
    assert bench.wire.ended == "closed"
