"""Messages that cost more than they should, and too many of those that cost little."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar

from tests.attack import shapes
from tests.attack.attack import Attack, counted
from tests.attack.ground import Ground, crowd, endless, pour
from tests.attack.targets import EVIL, Setting
from tests.fuzz.wire import text

COST = "a budget per slice: bytes after inflation, frames, and violations; the others come first"
_MIB = 2**20


class Compressed(Attack):
    """Messages that deflate to almost nothing, so many a second from each of ``stations``."""

    promise = "no message makes others wait (1,042 bytes of blanks hung the loop for hours)"
    rate: ClassVar[float | None] = None
    stations: ClassVar[int] = 1
    source: ClassVar[Callable[[], Iterator[bytes]]]

    def prepare(self) -> None:
        self._frames = [shapes.packed(message) for message in type(self).source()]

    async def run(self, ground: Ground) -> None:
        following = itertools.cycle(self._frames)
        pause = 1.0 / self.rate if self.rate else 0.0

        async def visit(who: int) -> None:
            peer = await ground.way.enter(EVIL[who], **shapes.DEFLATE)
            await pour(ground, peer, ((each, 1) for each in following), "messages", pause)

        await crowd(ground, self.stations, visit)


class Blanks(Compressed):
    name = "blanks"
    rate = 20.0
    short = True
    source = staticmethod(shapes.blanks)
    settings = (Setting(), Setting(log="pipe", trace="file"))


class Runs(Compressed):
    name = "runs"
    promise = "each pattern and parser that sees a peer's bytes is linear"
    rate = 40.0
    source = staticmethod(shapes.runs)
    settings = (Setting(log="pipe", tls=True, passwords=True),)


class ValidBombs(Compressed):
    name = "bombs"
    time = 1.0
    promise = COST
    short = True
    source = staticmethod(shapes.valid_bombs)
    settings = (Setting(log="pipe"), Setting(trace="file", tls=True))


class ManyBombers(Compressed):
    name = "bombs4"
    time = 0.6
    promise = COST
    stations = 4
    source = staticmethod(shapes.valid_bombs)
    settings = (Setting(trace="file"),)


class BombsBeyondTheLimit(Compressed):
    name = "bombs-beyond"
    promise = "a bomb is not inflated beyond the limit of a message"
    stations = 4
    source = staticmethod(shapes.beyond_the_limit)


class InvalidPayloads(Compressed):
    """1.2 kB a second."""

    name = "invalid"
    promise = "the walk over an invalid payload stops after about ten findings"
    rate = 1.2
    source = staticmethod(shapes.invalid_bombs)
    settings = (Setting(), Setting(log="pipe", trace="file"))


class InvalidFlood(Compressed):
    name = "invalid-flood"
    time = 0.6
    promise = COST
    stations = 4
    source = staticmethod(shapes.invalid_bombs)


class Flood(Attack):
    """Small messages as fast as the target takes them."""

    promise = COST
    stations: ClassVar[int] = 1

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        raise NotImplementedError

    async def run(self, ground: Ground) -> None:
        async def visit(who: int) -> None:
            await pour(ground, await ground.way.enter(EVIL[who]), self.blocks(), "messages")

        await crowd(ground, self.stations, visit)


class EmptyArrays(Flood):
    name = "arrays"
    time = 1.0
    promise = "one that floods [] makes nobody wait (13 s)"
    short = True
    settings = (Setting(log="pipe"), Setting(trace="file", passwords=True))

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(text(b"[]") * 5000, 5000)


def _calls(action: str, payload: bytes) -> Iterator[tuple[bytes, int]]:
    """Valid calls, no two of one id."""
    numbers = itertools.count()
    while True:
        yield b"".join(text(b'[2,"%d","%s",%s]' % (next(numbers), action.encode(), payload)) for _ in range(500)), 500


class ValidCalls(Flood):
    name = "calls"
    time = 1.0
    promise = "a connection that costs more than its share is slowed, also with log and trace on"
    short = True
    settings = (Setting(grace=5.0, log="pipe"), Setting(trace="file"))

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return _calls("Heartbeat", b"{}")


class ValidCallsOfFour(ValidCalls):
    name = "calls4"
    time = 0.3
    short = False
    stations = 4
    settings = (Setting(log="pipe", tls=True, passwords=True), Setting(trace="file"))


class Answers(Flood):
    """Answers to nothing, which are silently ignored."""

    name = "answers"
    settings = (Setting(trace="file"),)

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        return endless(text(b'[3,"x",{}]') * 3000 + text(b'[4,"x","GenericError","",{}]') * 1000, 4000)


class UnknownActions(Flood):
    """Calls that are refused, each with a different action."""

    name = "unknown-actions"
    settings = (Setting(log="pipe"),)

    def blocks(self) -> Iterable[tuple[bytes, int]]:
        numbers = itertools.count()
        while True:
            yield b"".join(text(b'[2,"%d","NoSuch%d",{}]' % (n, n)) for n in itertools.islice(numbers, 500)), 500


class EndlessHandlers(Attack):
    """Calls whose handlers never end, from stations that leave and come again."""

    name = "endless-handlers"
    time = 0.8
    promise = "a handler that never ends is cancelled (608 tasks stayed after 20 s)"
    settings = (Setting(grace=5.0, app="endless", flags=("--limits", "answer_timeout=0.3,handler_timeout=0.3")),)
    most_tasks: ClassVar[int] = 8 * 64 + 100  # as many handlers as eight stations may have at work, and as many waiting

    async def run(self, ground: Ground) -> None:
        call = b'[2,"%d","DataTransfer",{"vendorId":"x"}]'

        async def visit(who: int) -> None:
            peer = await ground.way.enter(EVIL[who])
            blocks = ((b"".join(text(call % number) for number in range(40)), 40) for _ in range(2))
            await pour(ground, peer, blocks, "messages", 0.2)

        await crowd(ground, len(EVIL), visit)

    def judge(self, scene, result) -> Iterator[str]:  # type: ignore[no-untyped-def]
        counts = [int(line) for line in scene.target.said.read_text().split()]
        last = counts[-1] if counts else 0
        if not counts:
            yield "the app did not say how many tasks there are"
        if counted(result, "messages") < self.most_tasks:
            yield "too few calls were taken to tell whether handlers end"
        if last > self.most_tasks:
            yield f"{last} tasks were there at the end"


ATTACKS = [
    Blanks(),
    Runs(),
    ValidBombs(),
    ManyBombers(),
    BombsBeyondTheLimit(),
    InvalidPayloads(),
    InvalidFlood(),
    EmptyArrays(),
    ValidCalls(),
    ValidCallsOfFour(),
    Answers(),
    UnknownActions(),
    EndlessHandlers(),
]
