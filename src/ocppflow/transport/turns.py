"""Turns: connections that have sent much at once take turns, so that those that have not come in between.

What is read at one time can be tens of thousands of frames. A Link works through one slice of them and queues here for
the rest; in each turn of the event loop only as much of that is done as :data:`TURN` allows, and who has taken least in
the last minute comes first. The usual message, alone and short, does not come this way.
"""

from __future__ import annotations

import asyncio
import itertools
from heapq import heappop, heappush
from math import exp
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from ocppflow.log_budget import budgeted

log = budgeted("ocppflow.transport")

SLICE_FRAMES: Final = 64
"""Frames of one connection that are worked through at a time: twice ``Limits.in_progress``, and some milliseconds."""
SLICE_BYTES: Final = 64 * 1024
"""The same in bytes, after inflation. A longer message is a slice of its own."""
SLICE_SECONDS: Final = 0.005
"""The same in time, for frames that cost more than usual."""

TURN: Final = 0.01
"""Seconds of such work in one turn of the event loop, for all connections together. What took longer is followed by
turns without such work: the answer to another peer takes some turns, and is not to be held up in each of them."""


FADES: Final = 60.0
"""Seconds in which most of what a connection has taken is forgotten."""


def faded(taken: float, seconds: float) -> float:
    """What still counts of ``taken`` after ``seconds``."""
    return taken * exp(-seconds / FADES)


class Queued(Protocol):
    """A Link with something left to do."""

    def take_turn(self) -> None: ...
    def abort(self, reason: str) -> None: ...


class Turns:
    """The queue of one event loop: who has taken less comes first, so that floods, however many, wait for a peer that
    seldom sends, and for a newcomer."""

    __slots__ = ("_count", "_queue", "_scheduled", "_spent", "is_full")

    def __init__(self) -> None:
        self._queue: list[tuple[float, int, Queued]] = []
        self._count = itertools.count()
        self._scheduled = False
        self._spent = 0.0
        self.is_full = False
        """Whether this turn of the event loop has no time left for more than single messages."""

    def __len__(self) -> int:
        return len(self._queue)

    def spend(self, work: float) -> None:
        """Something other than a single, short message has taken ``work`` seconds of this turn."""
        self._spent += work
        self.is_full = self._spent >= TURN
        self._schedule()

    def queue(self, link: Queued, taken: float) -> None:
        """Call ``link.take_turn`` when its turn comes, in another turn of the event loop. ``taken`` is what it has had,
        in seconds of work."""
        heappush(self._queue, (taken, next(self._count), link))
        self._schedule()

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        """A new turn of the event loop has begun."""
        self._scheduled = False
        self._spent = max(0.0, self._spent - TURN)
        self.is_full = self._spent >= TURN
        for _ in range(len(self._queue)):
            if self.is_full:
                break
            link = heappop(self._queue)[2]
            try:
                link.take_turn()
            except Exception:
                log.exception("a connection is dropped for an error of this program")
                link.abort("an error of this program")
        if self._queue or self.is_full:
            self._schedule()


_TURNS: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """The one of ``loop``: all servers and clients that run on it share its time."""
    turns = _TURNS.get(loop)
    if turns is None:
        turns = _TURNS[loop] = Turns()
    return turns
