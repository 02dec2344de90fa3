"""Two Links joined in memory: the network of most tests, with its faults at the test's command.

Messages arrive in order, one turn of the event loop later. Without a running loop nothing moves until
:meth:`MemoryLink.pump` is called, so that a state machine can be driven step by step.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from dataclasses import dataclass, field

from ocppflow.messages.base import Version
from ocppflow.transport.clock import Clock, LoopClock, ManualClock, Timer
from ocppflow.transport.link import LinkHandler, LinkState, Peer
from ocppflow.transport.turns import SLICE_FRAMES

CLOSE_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class _Binary:
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Close:
    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class _CloseAnswer:
    code: int
    reason: str


_Item = bytes | _Binary | _Close | _CloseAnswer


class MemoryLink:
    """One end of a pair made by :func:`memory_pair`; keeps the contract of ``link.Link``.

    ``sent`` lists what this end has sent, for assertions. The faults: :meth:`hold` makes what this end sends
    wait on the way, :meth:`release` lets it through, :meth:`drop` loses it, :meth:`break_` cuts the line.
    """

    def __init__(self, peer: Peer, clock: Clock) -> None:
        self._peer = peer
        self._clock = clock
        self._other: MemoryLink = self
        self._handler: LinkHandler | None = None
        self._inbox: deque[_Item] = deque()
        self._held = False
        self._paused = False
        self._scheduled = False
        self._state = LinkState.OPEN
        self._close_timer: Timer | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._last_received = clock.now()
        self.sent: list[bytes] = []

    @property
    def peer(self) -> Peer:
        return self._peer

    @property
    def is_open(self) -> bool:
        return self._state is LinkState.OPEN

    @property
    def last_received(self) -> float:
        return self._last_received

    def attach(self, handler: LinkHandler) -> None:
        if self._handler is not None:
            raise RuntimeError("this Link has a handler already")
        self._handler = handler
        self._schedule()

    def send(self, data: bytes) -> None:
        if self._state is not LinkState.OPEN:
            return
        self.sent.append(data)
        self._put(data)

    def send_binary(self, data: bytes) -> None:
        """Send a binary message, as a faulty peer would."""
        if self._state is LinkState.OPEN:
            self._put(_Binary(data))

    def close(self, code: int = 1000, reason: str = "") -> None:
        if self._state is not LinkState.OPEN:
            return
        self._state = LinkState.CLOSING
        self._put(_Close(code, reason))
        when = self._clock.now() + CLOSE_TIMEOUT
        self._close_timer = self._clock.call_at(when, lambda: self.abort("close time-out"))

    def abort(self, reason: str) -> None:
        self._end_soon(1006, reason)
        self._other._end_soon(1006, "connection lost")

    async def drain(self) -> None:
        await asyncio.sleep(0)

    async def wait_closed(self) -> None:
        if self._state is not LinkState.CLOSED:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        self._paused = False
        self._schedule()

    def set_ping_interval(self, seconds: float) -> None:
        """Nothing: memory neither sleeps nor dies."""

    # The faults.

    def hold(self) -> None:
        """Keep what this end sends on the way until :meth:`release`: a network that has gone silent."""
        self._held = True

    def release(self) -> None:
        """Let what was held arrive, in order."""
        self._held = False
        self._other._schedule()

    def drop(self) -> int:
        """Lose what is on the way from this end; the number of items lost."""
        lost = len(self._other._inbox)
        self._other._inbox.clear()
        return lost

    def break_(self, reason: str = "connection lost") -> None:
        """Cut the connection: what is on the way is lost, both ends see ``closed(1006, reason)``."""
        self._end_soon(1006, reason)
        self._other._end_soon(1006, reason)

    def pump(self) -> int:
        """Deliver what is on the way to this end now; the number of items delivered."""
        return self._pump(sys.maxsize)

    def _pump(self, most: int) -> int:
        delivered = 0
        while self._inbox and delivered < most and not self._stopped():
            self._deliver(self._inbox.popleft())
            delivered += 1
        return delivered

    # Inside.

    def _stopped(self) -> bool:
        return self._other._held or self._paused or self._handler is None or self._state is LinkState.CLOSED

    def _put(self, item: _Item) -> None:
        self._other._inbox.append(item)
        self._other._schedule()

    def _schedule(self) -> None:
        if self._scheduled or self._stopped() or not self._inbox:
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._scheduled = True
        loop.call_soon(self._run)

    def _run(self) -> None:
        self._scheduled = False
        self._pump(SLICE_FRAMES)
        self._schedule()

    def _deliver(self, item: _Item) -> None:
        self._last_received = self._clock.now()
        if self._state is LinkState.CLOSING and isinstance(item, bytes | _Binary):
            return  # after a close nothing counts but the peer's (RFC 6455 1.4)
        match item:
            case bytes():
                self._heard_by().received(item)
            case _Binary(data):
                self._heard_by().received_binary(data)
            case _Close(code, reason):
                self._state = LinkState.CLOSING
                self._put(_CloseAnswer(code, reason))
                self._end(code, reason)
            case _CloseAnswer(code, reason):
                self._end(code, reason)

    def _heard_by(self) -> LinkHandler:
        if self._handler is None:
            raise RuntimeError("a Link delivers nothing before attach()")
        return self._handler

    def _end_soon(self, code: int, reason: str) -> None:
        if self._state is LinkState.CLOSED:
            return
        self._state = LinkState.CLOSING
        self._inbox.clear()
        try:
            asyncio.get_running_loop().call_soon(self._end, code, reason)
        except RuntimeError:
            self._end(code, reason)

    def _end(self, code: int, reason: str) -> None:
        if self._state is LinkState.CLOSED:
            return
        self._state = LinkState.CLOSED
        if self._close_timer is not None:
            self._close_timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._handler is not None:
            self._handler.closed(code, reason)

    def __repr__(self) -> str:
        return f"<MemoryLink {self._peer} {self._state.value}>"


def memory_pair(
    identity: str = "CS1",
    version: Version = Version.V201,
    *,
    clock: Clock | None = None,
    path: str = "/ocpp",
    security_profile: int = 1,
) -> tuple[MemoryLink, MemoryLink]:
    """Two joined Links: the station's end, then the CSMS's.

    ``clock`` drives ``last_received`` and the close time-out; by default the running loop's, or a ManualClock
    where no loop runs.
    """
    if clock is None:
        clock = _default_clock()
    peer = Peer(identity, version, "memory", path, security_profile)
    station, csms = MemoryLink(peer, clock), MemoryLink(peer, clock)
    station._other, csms._other = csms, station
    return station, csms


def _default_clock() -> Clock:
    try:
        return LoopClock()
    except RuntimeError:
        return ManualClock()
