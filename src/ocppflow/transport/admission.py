"""Who is let in when many come at once: all stations after an outage, or one address that connects without end."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

from ocppflow.transport.fair_rate import FairRate
from ocppflow.transport.handshake import Refuse
from ocppflow.transport.settings import ServerLimits


class Admission:
    """Counts connections and handshakes against :class:`ServerLimits`, for each network (see ``network_of``) and in
    all. Time is an argument, chance is injected.
    """

    def __init__(
        self, limits: ServerLimits, now: float, uniform: Callable[[float, float], float] | None = None
    ) -> None:
        self._limits = limits
        rate = limits.handshakes_per_second
        self._rate = FairRate(rate, limits.handshake_burst, now) if rate else None
        self._uniform = uniform or random.uniform
        self._by_network: Counter[str] = Counter()
        self.connections = 0

    def check(self, network: str, now: float) -> Refuse | None:
        """Whether one more handshake from ``network`` may go on now; it takes its token if so."""
        limits = self._limits
        if limits.connections_per_address and self._by_network[network] >= limits.connections_per_address:
            count = limits.connections_per_address
            return self.refuse(429, f"{network} has {count} connections, the most one address may have")
        if limits.max_connections and self.connections >= limits.max_connections:
            return self.refuse(503, f"all {limits.max_connections} connections of this server are in use")
        if self._rate is not None and not self._rate.take(network, now):
            return self.refuse(503, f"more than {limits.handshakes_per_second:g} handshakes a second")
        return None

    def entered(self, network: str) -> None:
        """A connection from ``network`` was let in."""
        self.connections += 1
        self._by_network[network] += 1

    def left(self, network: str) -> None:
        """It is gone."""
        self.connections -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]

    def refuse(self, status: int, reason: str) -> Refuse:
        """A refusal that asks to come back later."""
        # Spread, or all who were refused within one second would come back within one second.
        shortest = self._limits.retry_after
        if not shortest:
            return Refuse(status, reason)
        return Refuse(status, reason, {"Retry-After": str(math.ceil(self._uniform(shortest, 2 * shortest)))})
