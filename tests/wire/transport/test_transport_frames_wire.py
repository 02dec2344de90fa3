"""Frames of every kind on an open connection: what is delivered, what closes it, what is bounded."""

from __future__ import annotations

import asyncio
import os

import pytest
from transport_peers import PATIENCE, RawPeer, Recorder
from websockets.frames import Frame, Opcode

from ocppflow.errors import ConfigurationError
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.link import Link
from ocppflow.transport.settings import ServerLimits

TEXT, BINARY, CONT, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


async def _open(here) -> tuple[RawPeer, Recorder]:
    peer = await here.raw()
    assert (await peer.asked())[0] == 101
    return peer, await here.handler()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 1_000_000, 2**20])
async def test_text_of_any_size_goes_both_ways_as_bytes(site, size: int) -> None:
    peer, handler = await _open(await site())
    data = os.urandom(size)
    peer.frame(TEXT, data)
    assert await handler.next() == data
    echoed = await peer.next_frame()
    assert (echoed.opcode, bytes(echoed.data)) == (TEXT, data)


async def test_text_that_is_no_utf8_is_handed_up_for_an_answer(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(TEXT, b'[2,"\xff\xfe"]')
    assert await handler.next() == b'[2,"\xff\xfe"]'
    assert handler.link.is_open


async def test_many_frames_in_one_packet_come_in_order_and_are_answered_in_one_write(site) -> None:
    peer, handler = await _open(await site())
    for number in range(100):
        peer.frame(TEXT, b"%d" % number)
    peer.frame(PING, b"p")
    assert [await handler.next() for _ in range(100)] == [b"%d" % number for number in range(100)]
    assert [bytes((await peer.next_frame()).data) for _ in range(101)][-1] == b"p"


async def test_a_frame_in_single_bytes_is_put_together(site) -> None:
    peer, handler = await _open(await site())
    for byte in Frame(Opcode.TEXT, b"x" * 200).serialize(mask=True):
        peer.send(bytes((byte,)))
        await peer.writer.drain()
    peer.frame(TEXT, b"next")
    assert await handler.next() == b"x" * 200
    assert await handler.next() == b"next"


async def test_fragments_with_a_ping_between_make_one_message(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(TEXT, b"one ", fin=False)
    peer.frame(PING, b"hello")
    peer.frame(CONT, b"two ", fin=False)
    peer.frame(CONT, b"three")
    assert await handler.next() == b"one two three"
    got = {(frame.opcode, bytes(frame.data)) for frame in (await peer.next_frame(), await peer.next_frame())}
    assert got == {(PONG, b"hello"), (TEXT, b"one two three")}
    peer.frame(TEXT, b"whole again")
    assert await handler.next() == b"whole again"


async def test_binary_is_handed_up_as_such_and_the_connection_goes_on(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(BINARY, b"\x00" * 10)
    peer.frame(BINARY, b"[2,", fin=False)
    peer.frame(CONT, b"1]")
    peer.frame(TEXT, b"ok")
    heard = [await handler.next() for _ in range(3)]
    assert heard == [b"\x00" * 10, b"[2,1]", b"ok"]
    assert [type(message) for message in heard] == [bytearray, bytearray, bytes]


async def test_binary_is_bounded_by_max_message_size(site) -> None:
    peer, handler = await _open(await site(limits=ServerLimits(max_message_size=100)))
    peer.frame(BINARY, bytes(60), fin=False)
    peer.frame(CONT, bytes(60))
    assert (await peer.next_frame()).data[:2] == (1009).to_bytes(2)
    await peer.close()
    closed = await handler.next()
    assert isinstance(closed, tuple)
    assert closed[0] == 1009


def _header(first: int, second: int, rest: bytes = b"") -> bytes:
    return bytes((first, second)) + rest


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (_header(0x83, 0x80, b"mask"), 1002),  # reserved opcodes
        (_header(0x8B, 0x80, b"mask"), 1002),
        (_header(0x81, 0x01, b"x"), 1002),  # not masked
        (_header(0xC1, 0x81, b"maskx"), 1002),  # a reserved bit, nothing negotiated
        (_header(0x80, 0x81, b"maskx"), 1002),  # nothing to continue
        (_header(0x01, 0x81, b"maskx") + _header(0x81, 0x81, b"maskx"), 1002),  # a text inside a text
        (_header(0x09, 0x80, b"mask"), 1002),  # a ping in fragments
        (_header(0x89, 0xFE, b"\x00\x80mask" + b"x" * 128), 1002),  # a ping too long
        (_header(0x88, 0x81, b"maskx"), 1002),  # a close of one byte
        (_header(0x81, 0xFF, (2**20 + 1).to_bytes(8)), 1009),
        (_header(0x81, 0xFF, (2**63).to_bytes(8)), 1009),
        (_header(0x01, 0xFF, (2**20).to_bytes(8) + b"\0" * 4 + b"x" * 2**20) + _header(0x80, 0x81, b"maskx"), 1009),
    ],
)
async def test_a_broken_frame_closes_with_the_right_code_and_harms_nobody(site, raw: bytes, code: int) -> None:
    here = await site()
    other, _ = await _open(here)
    peer, handler = await _open(here)
    peer.send(raw)
    closing = await peer.next_frame()
    assert closing.opcode == CLOSE
    assert int.from_bytes(closing.data[:2]) == code
    await peer.close()
    ended = await handler.next()
    assert isinstance(ended, tuple)
    assert ended[0] == code
    assert ended[1]
    other.frame(TEXT, b"unharmed")
    assert bytes((await other.next_frame()).data) == b"unharmed"


async def test_endless_empty_fragments_do_not_grow(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(TEXT, b"a", fin=False)
    for _ in range(2000):
        peer.frame(CONT, b"", fin=False)
    peer.frame(PING, b"")
    assert (await peer.next_frame()).opcode == PONG
    assert handler.link._full._fragments == b"a"
    peer.frame(CONT, b"b")
    assert await handler.next() == b"ab"


async def test_the_engine_is_dropped_when_it_is_idle(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(PING, b"")
    await peer.next_frame()
    assert handler.link._full is None


async def test_close_by_us_is_answered_and_reported(site) -> None:
    peer, handler = await _open(await site())
    handler.link.close(4001, "é" * 100)
    assert not handler.link.is_open
    handler.link.send(b"never sent")
    closing = await peer.next_frame()
    assert closing.data == (4001).to_bytes(2) + ("é" * 61).encode()
    peer.frame(TEXT, b"discarded (RFC 6455 1.4)")
    peer.frame(CLOSE, closing.data)
    assert await handler.next() == (4001, "é" * 61)
    await asyncio.wait_for(handler.link.wait_closed(), PATIENCE)
    assert await peer.at_end()


async def test_close_by_the_peer_is_echoed_and_reported(site) -> None:
    peer, handler = await _open(await site())
    peer.frame(CLOSE, (1000).to_bytes(2) + b"bye")
    assert (await peer.next_frame()).data == (1000).to_bytes(2) + b"bye"
    assert await handler.next() == (1000, "bye")
    assert await peer.at_end()


async def test_a_peer_that_vanishes_is_1006(site) -> None:
    peer, handler = await _open(await site())
    await peer.close()
    code, reason = await handler.next()
    assert code == 1006
    assert reason


async def test_abort_ends_at_once_with_its_reason(site) -> None:
    _, handler = await _open(await site())
    handler.link.abort("no more")
    assert await handler.next() == (1006, "no more")


async def test_a_close_without_an_answer_ends_after_the_timeout(site) -> None:
    clock = ManualClock()
    peer, handler = await _open(await site(clock=clock))
    handler.link.close(1000, "bye")
    await peer.next_frame()
    await clock.advance(10.1)
    assert await handler.next() == (1006, "the closing handshake was not finished within 10 s")


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 2999, 5000])
async def test_a_code_that_must_not_be_sent_is_refused(site, code: int) -> None:
    _, handler = await _open(await site())
    with pytest.raises(ConfigurationError, match="not a close code that may be sent"):
        handler.link.close(code)
    assert handler.link.is_open


async def test_J_5_3_pings_every_interval_and_the_pong_keeps_alive(site) -> None:
    clock = ManualClock()
    limits = ServerLimits(ping_interval=30, pong_timeout=10)
    peer, handler = await _open(await site(clock=clock, limits=limits))
    for _ in range(3):
        await clock.advance(29.9)
        await clock.advance(0.1)
        assert (await peer.next_frame()).opcode == PING
        peer.frame(PONG, b"")
        peer.frame(TEXT, b"x")  # its echo tells that the pong before it has been read
        await handler.next()
        await peer.next_frame()
    assert handler.link.is_open
    assert handler.link.last_received == clock.now()


async def test_J_5_3_a_dead_peer_is_dropped(site) -> None:
    clock = ManualClock()
    limits = ServerLimits(ping_interval=30, pong_timeout=10)
    _, handler = await _open(await site(clock=clock, limits=limits))
    await clock.advance(39.9)
    assert handler.link.is_open
    await clock.advance(0.2)
    code, reason = await handler.next()
    assert code == 1006
    assert "no pong" in reason


async def test_J_5_3_zero_is_off_and_the_interval_can_change(site) -> None:
    clock = ManualClock()
    peer, handler = await _open(await site(clock=clock, limits=ServerLimits(ping_interval=0)))
    await clock.advance(100_000)
    assert handler.link.is_open
    handler.link.set_ping_interval(5)
    await clock.advance(5)
    assert (await peer.next_frame()).opcode == PING
    handler.link.set_ping_interval(0)
    await clock.advance(100_000)
    assert handler.link.is_open


async def test_a_flood_is_read_no_faster_than_allowed_and_nothing_is_lost(site) -> None:
    clock = ManualClock()
    limits = ServerLimits(messages_per_second=10, ping_interval=0)
    peer, handler = await _open(await site(clock=clock, limits=limits, echo=False))
    for number in range(200):
        peer.frame(TEXT, b"%d" % number)
    await peer.writer.drain()
    first = await handler.next()
    assert first == b"0"
    count = 1
    while count < 200:
        await clock.advance(30)
        while not handler.queue.empty():
            assert await handler.next() == b"%d" % count
            count += 1
    peer.frame(TEXT, b"after")
    assert await handler.next() == b"after"


async def test_a_flood_pauses_reading(site) -> None:
    clock = ManualClock()
    limits = ServerLimits(messages_per_second=10, ping_interval=0)
    here = await site(clock=clock, limits=limits, echo=False)
    peer, handler = await _open(here)
    peer.send(Frame(Opcode.TEXT, b"x").serialize(mask=True) * 50)
    for _ in range(50):
        assert await handler.next() == b"x"
    peer.frame(TEXT, b"late")
    await peer.writer.drain()
    await clock.advance(2.9)  # 50 messages are worth 5 seconds, two of which were saved up
    assert handler.queue.empty()
    await clock.advance(0.2)
    assert await handler.next() == b"late"


async def test_a_close_reads_on_whatever_held_reading_back(site) -> None:
    peer, handler = await _open(await site(clock=ManualClock()))
    handler.link.pause_reading()
    assert repr(handler.link) == "<SocketLink CS1 open>"
    handler.link.close(1000, "bye")
    assert repr(handler.link) == "<SocketLink CS1 closing>"
    peer.frame(CLOSE, (await peer.next_frame()).data)
    assert await handler.next() == (1000, "bye")
    assert repr(handler.link) == "<SocketLink CS1 closed>"


async def test_a_peer_that_does_not_read_is_dropped(site) -> None:
    limits = ServerLimits(max_write_buffer=100_000)
    _, handler = await _open(await site(limits=limits))
    for _ in range(1000):
        handler.link.send(b"x" * 100_000)
        if not handler.link.is_open:
            break
    code, reason = await handler.next()
    assert code == 1006
    assert "does not read" in reason


async def test_without_a_bound_a_peer_may_be_slow(site) -> None:
    peer, handler = await _open(await site(limits=ServerLimits(max_write_buffer=0)))
    for _ in range(100):
        handler.link.send(b"x" * 100_000)
    assert handler.link.is_open
    await asyncio.wait_for(peer.reader.readexactly(100 * 100_010), PATIENCE)


async def test_drain_waits_for_the_peer(site) -> None:
    peer, handler = await _open(await site())
    await asyncio.wait_for(handler.link.drain(), PATIENCE)
    for _ in range(70):
        handler.link.send(b"x" * 100_000)
    draining = asyncio.ensure_future(handler.link.drain())
    await settle()
    assert not draining.done()
    reading = asyncio.ensure_future(peer.reader.readexactly(70 * 100_010))
    await asyncio.wait_for(draining, PATIENCE)
    await asyncio.wait_for(reading, PATIENCE)


async def test_paused_reading_holds_the_peer_back(site) -> None:
    peer, handler = await _open(await site())
    handler.link.pause_reading()
    peer.frame(TEXT, b"x")
    await peer.writer.drain()
    await settle()
    assert handler.queue.empty()
    handler.link.resume_reading()
    assert await handler.next() == b"x"


async def test_a_handler_that_fails_costs_one_message_not_the_connection(site) -> None:
    class Faulty(Recorder):
        def received(self, data: bytes) -> None:
            if data == b"bad":
                raise RuntimeError("bug")
            super().received(data)

    handlers: list[Faulty] = []
    here = await site(on_link=lambda link: handlers.append(Faulty(link)))
    peer = await here.raw()
    assert (await peer.asked())[0] == 101
    peer.frame(TEXT, b"bad")
    peer.frame(TEXT, b"good")
    assert await handlers[0].next() == b"good"


async def test_a_link_that_nobody_attaches_to_is_closed(site) -> None:
    links: list[Link] = []
    here = await site(on_link=links.append)
    peer = await here.raw()
    assert (await peer.asked())[0] == 101
    assert (await peer.next_frame()).data[:2] == (1011).to_bytes(2)


async def test_shutdown_closes_with_1001_frees_the_port_and_drops_stragglers(site) -> None:
    clock = ManualClock()
    here = await site(clock=clock)
    good, first = await _open(here)
    silent, second = await _open(here)
    waiting = await here.raw()
    port = here.server.port
    closing = asyncio.ensure_future(here.server.close())
    frame = await good.next_frame()
    assert frame.data[:2] == (1001).to_bytes(2)
    good.frame(CLOSE, frame.data)
    assert (await first.next())[0] == 1001
    assert (await silent.next_frame()).opcode == CLOSE
    assert not closing.done()
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the platform
        await asyncio.open_connection("127.0.0.1", port)
    await clock.advance(10.1)
    assert (await second.next())[0] == 1006
    await asyncio.wait_for(closing, PATIENCE)
    assert await waiting.at_end()
    assert not here.server.links
    assert here.server.context.admission.connections == 0


async def test_J_3_4_compression_is_negotiated_and_its_absence_harms_nothing(site) -> None:
    here = await site()
    plain = await here.raw()
    assert "sec-websocket-extensions" not in (await plain.asked())[1]
    peer = await here.raw()
    offer = "permessage-deflate; client_max_window_bits"
    headers = (await peer.asked(**{"Sec-WebSocket-Extensions": offer}))[1]
    assert headers["sec-websocket-extensions"].startswith("permessage-deflate")
    off = await site(limits=ServerLimits(compression=False))
    peer = await off.raw()
    assert "sec-websocket-extensions" not in (await peer.asked(**{"Sec-WebSocket-Extensions": offer}))[1]
