"""What all Links of one server route, or of one client, share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from websockets.protocol import Side

from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Link
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.throttle import Throttle


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

    ``ended`` is called with a Link whose connection is over. ``throttle`` is None where nothing bounds the rate
    of messages.
    """

    __slots__ = ("clock", "ended", "limits", "loop", "now", "reads_masked", "side", "throttle")

    def __init__(
        self, side: Side, limits: LinkLimits, clock: Clock, ended: Callable[[Link], None] | None = None
    ) -> None:
        self.side = side
        self.reads_masked = side is Side.SERVER
        self.limits = limits
        self.clock = clock
        self.now = clock.now
        self.ended = ended
        self.loop = asyncio.get_running_loop()
        rate = limits.messages_per_second
        self.throttle = Throttle(rate) if rate else None
