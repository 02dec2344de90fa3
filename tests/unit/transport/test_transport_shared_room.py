"""What all connections of a port hold together is bounded, and who holds the most gives way."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from link_benches import CLOSE, CONT, TEXT, Bench, turn
from websockets.protocol import Side

from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.shared_room import SMALL, Amounts, unfinished_room, unsent_room
from ocppflow.transport.socket_link import SHORT

MIB = 2**20
ROOM = 4 * MIB
EVIL, GOOD, OTHER = "192.0.2.1:5000", "192.0.2.2:5000", "[2001:db8::1]:5000"


class Port:
    """The connections of one port, which share its room."""

    def __init__(self, **bounds: Any) -> None:
        limits = ServerLimits(
            **{"messages_per_second": 0, "share": 0, "ping_interval": 0, "max_unfinished": ROOM, "max_unsent": 0}
            | bounds
        )
        self.unfinished, self.unsent = unfinished_room(limits), unsent_room(limits)
        self.context = LinkContext(Side.SERVER, limits, ManualClock(), unfinished=self.unfinished, unsent=self.unsent)
        self.benches: list[Bench] = []

    async def enter(self, address: str, count: int = 1, *, deflate: bool = False) -> list[Bench]:
        """``count`` connections from ``address``, which have begun to read."""
        context = self.context
        came = [Bench(clock=context.clock, context=context, address=address, deflate=deflate) for _ in range(count)]
        self.benches += came
        await turn()
        return came

    def held(self) -> int:
        """What they hold in truth."""
        return sum(bench.link.unfinished for bench in self.benches)


def _begun(bench: Bench, size: int) -> bytes:
    """A message of ``size`` bytes, but for the last one."""
    return bench.frame(TEXT, b"x" * size)[:-1]


def _is_told(bench: Bench) -> bool:
    (first, payload), *more = bench.said()
    return first == 0x80 | CLOSE and payload[:2] == (1013).to_bytes(2) and b"max_unfinished" in payload and not more


@pytest.mark.parametrize("what", ["frame", "fragments", "compressed fragments"])
async def test_messages_that_are_never_finished_take_no_more_than_their_room(what: str) -> None:
    port = Port()
    benches = await port.enter(EVIL, 100, deflate=what.startswith("compressed"))
    for bench in benches:
        if what == "frame":
            bench.arrives(_begun(bench, MIB - 100))
        else:
            bench.arrives(bench.frame(TEXT, b"x" * (MIB - 100), fin=False))
        assert port.unfinished.total == port.held() <= ROOM
    open_ones = [bench for bench in benches if bench.link.is_open]
    assert open_ones == benches[-len(open_ones) :], "the oldest have given way"
    assert len(open_ones) == 4
    assert all(_is_told(bench) for bench in benches if not bench.link.is_open)


async def test_a_message_on_a_slow_network_comes_through_while_others_hold_what_they_can() -> None:
    port = Port()
    (good,) = await port.enter(GOOD)
    report = good.frame(TEXT, b"r" * 100_000)
    for at in range(0, len(report), 1000):
        for bench in await port.enter(EVIL, 2):
            bench.arrives(_begun(bench, MIB - 100))
        for bench in await port.enter(OTHER, 5):
            bench.arrives(_begun(bench, 100_000))
        good.arrives(report[at : at + 1000])
        assert port.unfinished.total == port.held() <= ROOM
    assert good.heard == [b"r" * 100_000]


@pytest.mark.parametrize("size", [MIB - 100, 90_000])
async def test_behind_the_same_proxy_it_comes_through_as_well(size: int) -> None:
    port = Port()
    before = await port.enter(EVIL, 100)
    for bench in before:
        bench.arrives(_begun(bench, size))
    (good,) = await port.enter(EVIL)
    report = good.frame(TEXT, b"r" * 100_000)
    for at in range(0, len(report), 10_000):
        for bench in await port.enter(EVIL):
            bench.arrives(_begun(bench, size))
        good.arrives(report[at : at + 10_000])
    assert good.heard == [b"r" * 100_000]
    assert not all(bench.link.is_open for bench in before)


async def test_what_waits_for_its_turn_counts_and_is_forgotten_by_who_gives_way() -> None:
    port = Port(max_unfinished=200_000)
    first, second = await port.enter(EVIL, 2)
    first.arrives(first.frame(TEXT, b"x" * 1000) * 150)
    assert port.unfinished.total == port.held() > 100_000
    second.arrives(second.frame(TEXT, b"x" * 1000) * 150)
    assert not first.link.is_open
    assert first.link._rest is None
    assert port.unfinished.total == port.held()
    await settle(100)
    assert len(second.heard) == 150
    assert port.unfinished.total == 0
    assert first.wire.is_reading
    first.arrives(first.frame(CLOSE, (1013).to_bytes(2)))
    assert first.link._rest is None


async def test_the_peer_that_answers_the_close_ends_as_usual() -> None:
    port = Port(max_unfinished=MIB // 2)
    (bench,) = await port.enter(EVIL)
    message = bench.frame(TEXT, b"x" * (MIB - 100))
    bench.arrives(message[:-10])
    assert port.held() == 0
    bench.arrives(message[-10:] + bench.frame(CLOSE, (1013).to_bytes(2)))
    assert bench.heard == []
    assert bench.wire.ended == "closed"


async def test_who_holds_little_does_not_count() -> None:
    port = Port(max_unfinished=10 * SHORT)
    for bench in await port.enter(EVIL, 100):
        bench.arrives(bench.frame(TEXT, b"x" * SHORT)[:SHORT])
        assert bench.link.is_open
    assert port.unfinished.total == 0


@pytest.mark.parametrize("deflate", [True, False])
async def test_a_frame_is_kept_nowhere_once_it_has_been_worked_through(deflate: bool) -> None:
    (bench,) = await Port().enter(EVIL, deflate=deflate)
    kept: list[int] = []
    tracemalloc.start()
    for fin in (False, True):
        before = _in_use()
        data = bench.frame(TEXT if not fin else CONT, b"x" * (MIB // 2), fin=fin)
        bench.arrives(data)
        del data
        bench.heard.clear()
        kept.append(_in_use() - before)
    tracemalloc.stop()
    assert kept[0] < 0.7 * MIB, "the fragment, once"
    assert kept[1] < 0, "nothing"


def _in_use() -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def test_a_client_has_no_such_room() -> None:
    bench = Bench(Side.CLIENT, clock=ManualClock())
    await turn()
    bench.arrives(_begun(bench, MIB - 100))
    assert bench.link.is_open


_steps = st.lists(
    st.tuples(
        st.sampled_from(["frame", "pieces", "whole", "finish", "close", "lost", "eof", "turn", "pause", "fault"]),
        st.integers(0, 5),
        st.one_of(st.integers(1, 30_000), st.integers(1, 700_000)),
    ),
    max_size=40,
)


@settings(max_examples=60)
@given(steps=_steps)
async def test_the_account_is_what_is_held_at_any_time_and_nothing_when_all_have_ended(steps: Any) -> None:
    port = Port(max_unfinished=MIB)
    for address in (EVIL, EVIL, EVIL, GOOD, GOOD, OTHER):
        await port.enter(address)
    coming: dict[Bench, bytes] = {}
    lost: set[Bench] = set()
    for what, who, size in steps:
        bench = port.benches[who]
        await _step(bench, what, size, coming, lost)
        assert port.unfinished.total == port.held() <= MIB
    for bench in port.benches:
        if bench not in lost:
            bench.link.connection_lost(None)
        assert port.unfinished.total == port.held()
    assert port.unfinished.total == 0
    assert not port.unfinished._amounts
    assert not port.unfinished._networks._classes


async def _step(bench: Bench, what: str, size: int, coming: dict[Bench, bytes], lost: set[Bench]) -> None:
    if bench in lost:
        return
    if what == "close":
        bench.link.close()
    elif what == "lost":
        lost.add(bench)
        bench.link.connection_lost(None)
    elif what == "turn":
        bench.link.resume_reading()
        await turn()
    elif what == "pause":
        bench.link.pause_reading()
    elif bench.wire.is_reading and not bench.wire.ended:
        if what == "eof":
            bench.link.eof_received()
            bench.wire.ended = "closed"
        elif (rest := coming.pop(bench, b"")) or what == "finish":
            bench.arrives(rest)
        elif what == "frame":
            frame = bench.frame(TEXT, b"x" * size)
            bench.arrives(frame[: size // 2 + 1])
            coming[bench] = frame[size // 2 + 1 :]
        elif what == "pieces":
            bench.arrives(bench.frame(TEXT, b"x" * size, fin=False))
            coming[bench] = bench.frame(CONT, b"y")
        elif what == "whole":
            bench.arrives(bench.frame(TEXT, b"x" * 500) * (size // 500))
        else:
            bench.arrives(b"\x83\x80mask" + b"x" * size)


@given(
    amounts=st.lists(
        st.tuples(st.integers(0, 8), st.one_of(st.just(0), st.integers(1, SMALL), st.integers(1, MIB))), max_size=60
    )
)
def test_none_holds_twice_as_much_as_the_one_that_gives_way(amounts: list[tuple[int, int]]) -> None:
    account: Amounts[int] = Amounts()
    truth: dict[int, int] = {}
    for member, amount in amounts:
        account.set(member, amount)
        truth[member] = amount
        assert account.total == sum(truth.values())
        assert len(account) == sum(map(bool, truth.values()))
        most = max(truth.values())
        if most:
            chosen = truth[account.largest()]
            assert chosen > 0
            assert most < 2 * chosen or most <= SMALL


# --- what waits to be read by the peer ---


async def test_what_waits_for_all_that_do_not_read_is_bounded() -> None:
    port = Port(max_unsent=10 * MIB)
    (good,) = await port.enter(GOOD)
    evil = await port.enter(EVIL, 20)
    good.wire.unread = MIB
    good.link.pause_writing()
    for bench in evil:
        bench.link.pause_writing()
        for _ in range(4):
            bench.wire.unread += MIB // 2
            bench.link.send(b"x" * (MIB // 2))
        waiting = sum(each.link.unsent for each in port.benches)
        assert port.unsent.total == waiting <= 10 * MIB
    assert good.wire.ended == ""
    dropped = [bench for bench in evil if bench.wire.ended == "aborted"]
    assert dropped == evil[:16]
    dropped[0].link.connection_lost(None)
    assert dropped[0].ended is not None
    assert "max_unsent" in dropped[0].ended[1]
    for bench in port.benches:
        if not bench.wire.ended:
            bench.link.resume_writing()
    assert port.unsent.total == 0


async def test_who_has_read_meanwhile_does_not_give_way() -> None:
    port = Port(max_unsent=10 * MIB)
    reads, deaf = await port.enter(EVIL, 2)
    for bench in (reads, deaf):
        bench.wire.unread = 5 * MIB
        bench.link.pause_writing()
    reads.wire.unread = 100_000  # which nobody has told
    deaf.wire.unread += 1
    deaf.link.send_ping()
    assert reads.wire.ended == deaf.wire.ended == ""
    assert port.unsent.total == 5 * MIB + 1 + 100_000


@pytest.mark.parametrize("end", ["lost", "aborted", "closed"])
async def test_what_waited_is_forgotten_at_the_end(end: str) -> None:
    port = Port(max_unsent=10 * MIB)
    (bench,) = await port.enter(EVIL)
    bench.wire.unread = MIB
    bench.link.pause_writing()
    assert port.unsent.total == MIB
    if end == "aborted":
        bench.link.abort("enough")
        assert port.unsent.total == 0
    elif end == "closed":
        bench.link.close()
        assert port.unsent.total == MIB, "it still waits"
    bench.link.connection_lost(None)
    assert port.unsent.total == 0
