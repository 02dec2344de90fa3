"""Who is let in when many come at once: all stations after an outage, or one address that connects without end."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

from ocppflow.transport.handshake import Refuse
from ocppflow.transport.settings import ServerLimits


class Admission:
    """Counts connections and handshakes against :class:`ServerLimits`. Time is an argument, chance is
    injected.
    """

    def __init__(
        self, limits: ServerLimits, now: float, uniform: Callable[[float, float], float] | None = None
    ) -> None:
        self._limits = limits
        self._tokens = float(limits.handshake_burst)
        self._filled_at = now
        self._uniform = uniform or random.uniform
        self._by_address: Counter[str] = Counter()
        self.connections = 0

    def check(self, address: str, now: float) -> Refuse | None:
        """Whether one more handshake from ``address`` may go on now; it takes its token if so."""
        limits = self._limits
        if limits.connections_per_address and self._by_address[address] >= limits.connections_per_address:
            count = limits.connections_per_address
            return self.refuse(429, f"{address} has {count} connections, the most one address may have")
        if limits.max_connections and self.connections >= limits.max_connections:
            return self.refuse(503, f"all {limits.max_connections} connections of this server are in use")
        if not limits.handshakes_per_second:
            return None
        gained = (now - self._filled_at) * limits.handshakes_per_second
        self._tokens = min(self._tokens + gained, float(limits.handshake_burst))
        self._filled_at = now
        if self._tokens < 1:
            return self.refuse(503, f"more than {limits.handshakes_per_second:g} handshakes a second")
        self._tokens -= 1
        return None

    def busy(self, pending: int) -> Refuse | None:
        """Whether ``pending`` unfinished handshakes are too many."""
        if self._limits.max_handshakes and pending > self._limits.max_handshakes:
            return self.refuse(503, f"{self._limits.max_handshakes} handshakes are in progress already")
        return None

    def entered(self, address: str) -> None:
        """A connection from ``address`` was let in."""
        self.connections += 1
        self._by_address[address] += 1

    def left(self, address: str) -> None:
        """It is gone."""
        self.connections -= 1
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]

    def refuse(self, status: int, reason: str) -> Refuse:
        """A refusal that asks to come back later."""
        # Spread, or all who were refused within one second would come back within one second.
        shortest = self._limits.retry_after
        if not shortest:
            return Refuse(status, reason)
        return Refuse(status, reason, {"Retry-After": str(math.ceil(self._uniform(shortest, 2 * shortest)))})
