"""How fast a peer may send: beyond that, its Link stops reading, so nothing is lost and the peer feels it."""

from __future__ import annotations

SAVED_UP = 1.0  # s: a station that comes back sends what it has stored in one burst; one second's worth may pass


class Throttle:
    """``messages_per_second`` of the limits. It keeps no state: a Link keeps the moment from which it may read."""

    __slots__ = ("_seconds_per_message",)

    def __init__(self, messages_per_second: float) -> None:
        self._seconds_per_message = 1 / messages_per_second

    def charge(self, allowed_from: float, count: int, now: float) -> float:
        """The moment from which more may be read, after ``count`` messages at ``now``."""
        return max(allowed_from, now - SAVED_UP) + count * self._seconds_per_message
