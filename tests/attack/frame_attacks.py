"""Frames of the WebSocket protocol: control frames, fragments, what comes after the close, peers that never read."""

from __future__ import annotations

import asyncio
import itertools
import socket
from collections.abc import Iterable
from typing import ClassVar

from tests.attack.attack import Attack
from tests.attack.ground import Ground, crowd, endless, pour
from tests.attack.message_attacks import Flood
from tests.attack.targets import EVIL, Setting
from tests.fuzz.wire import CLOSE, PING, PONG, TEXT, frame, text


class Pings(Flood):
    name = "pings"
    time = 1.0
    promise = "pings count as work (four stations that ping: others waited 11.9 s)"
    stations = 4
    short = True
    settings = (Setting(grace=5.0, log="pipe"), Setting(trace="file", tls=True))

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(frame(PING, b"") * 5000, 5000)


class Pongs(Pings):
    name = "pongs"
    time = 0.3
    short = False
    settings = (Setting(),)

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(frame(PONG, b"x" * 8) * 5000, 5000)


class EmptyFragments(Flood):
    """A message in empty fragments that never ends."""

    name = "fragments"
    promise = "fragments count as work"
    stations = 2

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return itertools.chain([(frame(TEXT, b"", fin=False), 1)], endless(frame(0, b"", fin=False) * 5000, 5000))


class SmallFragments(EmptyFragments):
    """Messages in fragments of one byte, with a ping after each."""

    name = "fragments-pings"
    short = False

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        call = b'[2,"1","Heartbeat",{}]'
        parts = [frame(0 if at else TEXT, call[at : at + 1], fin=at == len(call) - 1) for at in range(len(call))]
        return endless(frame(PING, b"").join(parts) * 100, 4300)


class AfterClose(Attack):
    """The target closes for a breach of the protocol; a flood follows and is never ended."""

    name = "after-close"
    time = 1.0
    promise = "after our close frame nothing is parsed but the peer's close (18.9 s)"
    stations: ClassVar[int] = 2
    settings = (Setting(grace=5.0, log="pipe"),)
    short = True
    breach: ClassVar[bytes] = frame(TEXT, b"x", rsv=2)

    async def run(self, ground: Ground) -> None:
        flood = text(b"[]") * 4000 + frame(PING, b"") * 1000

        async def visit(who: int) -> None:
            peer = await ground.way.enter(EVIL[who])
            await pour(ground, peer, itertools.chain([(self.breach, 1)], endless(flood, 5000)), "frames")

        await crowd(ground, self.stations, visit)


class AfterOurClose(AfterClose):
    """The attacker says that it closes, and floods."""

    name = "after-their-close"
    time = 0.3
    short = False
    breach = frame(CLOSE, (1000).to_bytes(2))


class NeverReads(Attack):
    """Pings, and nothing is ever read."""

    name = "unread-pongs"
    time = 1.0
    promise = "pongs respect max_write_buffer (35 MB in 29 s per connection that never reads)"
    stations: ClassVar[int] = 8
    settings = (Setting(grace=5.0, log="pipe"),)
    short = True
    block: ClassVar[bytes] = frame(PING, b"x" * 125) * 500

    async def run(self, ground: Ground) -> None:
        async def visit(who: int) -> None:
            peer = await ground.way.enter(EVIL[who])
            peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
            peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            try:
                while not peer.writer.is_closing():
                    peer.send(self.block)
                    await asyncio.wait_for(peer.writer.drain(), 10)
                    ground.count("frames", 500)
                    ground.count("bytes", len(self.block))
                    await asyncio.sleep(0)
            finally:
                peer.reset()

        await crowd(ground, self.stations, visit)


class NeverReadsAnswers(NeverReads):
    """Calls whose answers are longer than they are, and nothing is ever read."""

    name = "unread-answers"
    time = 0.3
    promise = "every write is followed by the same check of the write buffer"
    short = False
    settings = (Setting(trace="file"),)
    block = text(b'[2,"1","X",{}]') * 500


ATTACKS = [
    Pings(),
    Pongs(),
    EmptyFragments(),
    SmallFragments(),
    AfterClose(),
    AfterOurClose(),
    NeverReads(),
    NeverReadsAnswers(),
]
