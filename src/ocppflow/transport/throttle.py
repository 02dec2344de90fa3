"""How fast a peer may send: beyond that, its Link stops reading, so nothing is lost and the peer feels it.

One account for all that a connection costs: the moment from which more may be read. It moves on by what was read, in
messages (``messages_per_second``) or in processor time (``share``), whichever is more.
"""

from __future__ import annotations

from typing import Final

from ocppflow.transport.settings import LinkLimits

SAVED_UP: Final = 2.0
"""Seconds of a quiet time that count: a station that comes back sends what it has stored in one burst."""

LEAST: Final = 5e-6
"""What each read and each frame takes at least, in seconds; the kernel's part does not show in a measurement."""
MOST_PER_FRAME: Final = 1e-3
"""What a frame may be charged at most, in seconds: a slow handler, or another program that had the processor
meanwhile, is not the peer's fault."""
MOST_PER_BYTE: Final = 1e-6
"""The same for each byte; the dearest are those of objects that break the schema."""

AT_ONCE: Final = 4
"""Frames that a peer which waits for its answers may have sent while nothing was read: a call, an answer, a ping and a
pong. Such a peer is slowed, and never closed."""

BREAK: Final = 5.0
"""Seconds within its rights after which a peer has stopped flooding."""


class Throttle:
    """``messages_per_second`` and ``share`` of the limits. It keeps no state: a Link keeps the moment from which it may
    read."""

    __slots__ = ("_limits", "_per_second_of_work", "per_message")

    def __init__(self, limits: LinkLimits) -> None:
        self._limits = limits
        self.per_message = 1 / limits.messages_per_second if limits.messages_per_second else 0.0
        """Seconds by which one message moves the moment."""
        self._per_second_of_work = 1 / limits.share if limits.share else 0.0

    def charge(self, allowed_from: float, frames: int, work: float, now: float) -> float:
        """The moment from which more may be read, after ``frames`` that took ``work`` seconds, at ``now``."""
        return max(allowed_from, now - SAVED_UP) + max(frames * self.per_message, work * self._per_second_of_work)

    def excess(self, frames: int, work: float) -> str:
        """Which limit ``frames`` that took ``work`` seconds have used up, as the reason of a close."""
        limits = self._limits
        if frames * self.per_message >= work * self._per_second_of_work:
            what = f"over {limits.messages_per_second:g} messages a second (messages_per_second)"
        else:
            what = f"over {limits.share:.0%} of a processor (share)"
        return f"{what} for {limits.flood_timeout:g} s without a break"


def work_of(measured: float, frames: int, size: int) -> float:
    """What a peer is charged for ``frames`` with ``size`` bytes, after inflation, that seem to have taken ``measured``
    seconds."""
    least, most = (frames + 1) * LEAST, frames * MOST_PER_FRAME + size * MOST_PER_BYTE
    return max(least, min(measured, most))


class Flood:
    """How long a peer has been over its limits without a break. Made when it is, for few ever are."""

    __slots__ = ("_last", "_since")

    def __init__(self, now: float) -> None:
        self._since = self._last = now

    def lasts(self, now: float) -> float:
        """It is over its limits at ``now``, too: for how many seconds by now."""
        if now - self._last > BREAK:
            self._since = now
        self._last = now
        return now - self._since
