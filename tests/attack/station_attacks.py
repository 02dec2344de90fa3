"""A hostile CSMS, against stations in a program of a user's and against CS nodes of an engine."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from tests.attack import shapes
from tests.attack.attack import Attack, counted
from tests.attack.ground import Ground, endless, pour
from tests.attack.scenes import Scene
from tests.attack.trial import Result
from tests.fuzz.wire import COMPRESSED, PING, TEXT, Peer, deflated, frame, response

_PROMISE = "a station can be hung by a CSMS as well: the other stations of its program must not notice"


def _text(payload: bytes) -> bytes:
    return frame(TEXT, payload, masked=False)


class HostileCSMS(Attack):
    """Lets stations in, and pours ``blocks`` over them."""

    kind = "station"
    promise = _PROMISE
    pause: ClassVar[float] = 0.0

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        raise NotImplementedError

    async def run(self, ground: Ground) -> None:
        async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = Peer(reader, writer, masked=False)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
                await self.visited(ground, peer, await reader.readuntil(b"\r\n\r\n"))
            peer.reset()

        server = await asyncio.start_server(came, "127.0.0.1", ground.way.port, limit=2**24)
        await server.serve_forever()

    async def visited(self, ground: Ground, peer: Peer, head: bytes) -> None:
        """A station has come, with this request."""
        peer.send(response(head, "ocpp2.0.1", deflate=True))
        ground.count("visits")
        await pour(ground, peer, self.blocks(), "messages", self.pause)


class PackedToStation(HostileCSMS):
    """Compressed messages."""

    source: ClassVar[Callable[[], Iterator[bytes]]]

    def prepare(self) -> None:
        packed = [frame(TEXT, deflated(each), masked=False, rsv=COMPRESSED) for each in type(self).source()]
        self._following = itertools.cycle([(each, 1) for each in packed])

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return self._following


class BlanksToStation(PackedToStation):
    name = "station-blanks"
    source = staticmethod(shapes.blanks)
    pause = 0.05
    short = True


class RunsToStation(PackedToStation):
    name = "station-runs"
    source = staticmethod(shapes.runs)
    pause = 0.025


class BombsToStation(PackedToStation):
    name = "station-bombs"
    source = staticmethod(shapes.valid_bombs)


class InvalidToStation(PackedToStation):
    name = "station-invalid"
    source = staticmethod(shapes.invalid_bombs)
    pause = 0.8


class ArraysToStation(HostileCSMS):
    name = "station-arrays"

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(_text(b"[]") * 5000, 5000)


class CallsToStation(HostileCSMS):
    name = "station-calls"

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        numbers = itertools.count()
        while True:
            yield b"".join(_text(b'[2,"%d","ClearCache",{}]' % next(numbers)) for _ in range(500)), 500


class PingsToStation(HostileCSMS):
    name = "station-pings"

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(frame(PING, b"x" * 20, masked=False) * 5000, 5000)


class FragmentsToStation(HostileCSMS):
    name = "station-fragments"

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        first = (frame(TEXT, b"", masked=False, fin=False), 1)
        return itertools.chain([first], endless(frame(0, b"", masked=False, fin=False) * 5000, 5000))


class AfterCloseToStation(HostileCSMS):
    name = "station-after-close"

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return itertools.chain([(frame(TEXT, b"x", masked=False, rsv=2), 1)], endless(_text(b"[]") * 5000, 5000))


class NeverReadsStation(HostileCSMS):
    """Pings, whose answers are not read."""

    name = "station-unread"
    time = 0.6

    async def visited(self, ground: Ground, peer: Peer, head: bytes) -> None:
        peer.send(response(head, "ocpp2.0.1"))
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        block = frame(PING, b"x" * 125, masked=False) * 500
        while not peer.writer.is_closing():
            peer.send(block)
            await asyncio.wait_for(peer.writer.drain(), 10)
            ground.count("frames", 500)
            await asyncio.sleep(0)


class EndlessAnswer(HostileCSMS):
    """Answers to the opening handshake that never end: headers, and a page."""

    name = "station-endless-answer"

    async def visited(self, ground: Ground, peer: Peer, head: bytes) -> None:
        ground.count("visits")
        begin = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 999999999\r\n\r\n", b"HTTP/1.1 101 X\r\n"
        more = b"<p>no</p>" * 1000, b"X-More: 1\r\n" * 1000
        which = ground.counts["visits"] % 2
        peer.send(begin[which])
        for _ in range(2000):
            peer.send(more[which])
            await peer.writer.drain()


class RetryAfter(HostileCSMS):
    """503, and come again in 31,700 years."""

    name = "retry-after"
    promise = "Retry-After is capped (a CSMS could silence a station for 31,700 years)"
    most: ClassVar[float] = 3600.0

    async def visited(self, ground: Ground, peer: Peer, head: bytes) -> None:
        ground.count("visits")
        peer.send(b"HTTP/1.1 503 Later\r\nRetry-After: 999999999999\r\nContent-Length: 0\r\n\r\n")
        await asyncio.sleep(1)

    def judge(self, scene: Scene, result: Result) -> Iterator[str]:
        delays = [float(line.split()[0]) for line in scene.target.said.read_text().splitlines()]
        if counted(result, "visits") and max(delays) < 60:
            yield "the station does not wait for as long as it is asked to at all"
        if max(delays, default=0.0) > self.most:
            yield f"the station waits {max(delays):,.0f} s before it comes again"


class BlanksToNode(BlanksToStation):
    name = "cs-node-blanks"
    kind = "CS nodes"
    short = False


class CallsToNode(CallsToStation):
    name = "cs-node-calls"
    kind = "CS nodes"


class PingsToNode(PingsToStation):
    name = "cs-node-pings"
    kind = "CS nodes"


ATTACKS = [
    BlanksToStation(),
    RunsToStation(),
    BombsToStation(),
    InvalidToStation(),
    ArraysToStation(),
    CallsToStation(),
    PingsToStation(),
    FragmentsToStation(),
    AfterCloseToStation(),
    NeverReadsStation(),
    EndlessAnswer(),
    RetryAfter(),
    BlanksToNode(),
    CallsToNode(),
    PingsToNode(),
]
