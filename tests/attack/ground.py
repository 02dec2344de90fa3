"""What an attack has to work with, in the attacker's own process."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from tests.attack.way_in import WayIn
from tests.fuzz.wire import Peer

PAUSE = 0.05  # seconds before an attacker that was thrown out comes again


class Ground:
    """The way to the target, and how much has been thrown (``count``); of a station, ``way.port`` is where the hostile
    CSMS is to listen."""

    def __init__(self, way: WayIn) -> None:
        self.way = way
        self.counts: Counter[str] = Counter()

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] += number


async def crowd(ground: Ground, number: int, visit: Callable[[int], Awaitable[None]], pause: float = PAUSE) -> None:
    """So many attackers, each of whom visits again and again, whatever becomes of it."""

    async def one(who: int) -> None:
        while True:
            try:
                await visit(who)
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                ground.count(f"thrown out ({type(error).__name__})")
            await asyncio.sleep(pause)

    await asyncio.gather(*map(one, range(number)))


async def pour(ground: Ground, peer: Peer, blocks: Iterable[tuple[bytes, int]], what: str, pause: float = 0.0) -> None:
    """Write ``blocks``, each of so many ``what``, as fast as the target takes them (or with pauses), and take whatever
    comes back. Ends with the connection."""
    swallowing = asyncio.ensure_future(swallow(peer))
    try:
        for block, number in blocks:
            if swallowing.done():
                return
            peer.send(block)
            await peer.writer.drain()
            ground.count(what, number)
            ground.count("bytes", len(block))
            await asyncio.sleep(pause)
    finally:
        swallowing.cancel()
        peer.reset()


async def swallow(peer: Peer) -> None:
    """Read, and do nothing with it, until the end."""
    with contextlib.suppress(OSError):
        while await peer.reader.read(2**18):
            pass


def endless(block: bytes, number: int = 1) -> Iterable[tuple[bytes, int]]:
    """The same block again and again."""
    return itertools.repeat((block, number))
