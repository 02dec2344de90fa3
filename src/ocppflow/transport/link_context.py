"""What all Links of one server route, or of one client, share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from websockets.protocol import Side

from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.link import Link
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.shared_room import HoldsUnfinished, HoldsUnsent, SharedRoom
from ocppflow.transport.throttle import Throttle
from ocppflow.transport.turns import Turns, turns_of


class Transport(Protocol):
    """The part of asyncio.Transport that a SocketLink uses."""

    def write(self, data: bytes) -> None: ...
    def write_eof(self) -> None: ...
    def can_write_eof(self) -> bool: ...
    def get_write_buffer_size(self) -> int: ...
    def pause_reading(self) -> None: ...
    def resume_reading(self) -> None: ...
    def close(self) -> None: ...
    def abort(self) -> None: ...


class LinkContext:
    """One object for all Links of a route or client, so that each Link stays small.

    ``ended`` is called with a Link whose connection is over. ``measure`` is the clock for how long a piece of work
    took: a loop's own may stand still meanwhile (uvloop's does). ``unfinished`` and ``unsent`` are the room that all
    Links of a port share; a client has one Link, whose own bounds are enough.
    """

    __slots__ = (
        "clock",
        "ended",
        "limits",
        "loop",
        "measure",
        "now",
        "per_message",
        "reads_masked",
        "side",
        "throttle",
        "turns",
        "unfinished",
        "unsent",
    )

    def __init__(
        self,
        side: Side,
        limits: LinkLimits,
        clock: Clock,
        ended: Callable[[Link], None] | None = None,
        *,
        unfinished: SharedRoom[HoldsUnfinished] | None = None,
        unsent: SharedRoom[HoldsUnsent] | None = None,
    ) -> None:
        self.side = side
        self.reads_masked = side is Side.SERVER
        self.limits = limits
        self.clock = clock
        self.now = clock.now
        self.ended = ended
        self.unfinished = unfinished
        self.unsent = unsent
        self.loop = asyncio.get_running_loop()
        self.measure: Callable[[], float] = perf_counter if isinstance(clock, LoopClock) else clock.now
        self.throttle = Throttle(limits)
        self.per_message = self.throttle.per_message  # asked at every message, so without a detour
        self.turns: Turns = turns_of(self.loop)
