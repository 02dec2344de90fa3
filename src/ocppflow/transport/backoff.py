"""When to try again (2.1 Part 4, 5.4; OCPPCommCtrlr.RetryBackOff...)."""

from __future__ import annotations

import random
from collections.abc import Callable

from ocppflow.errors import ConfigurationError

_MAX_DOUBLINGS = 64  # 0.5 s doubled so often is 300 times the age of the universe; a float overflows at 1024

SHORTEST_WAIT = 0.5
"""Seconds. A station whose waits are all 0 would otherwise try a dead port hundreds of times a second."""

LONGEST_RETRY_AFTER = 3600.0
"""Seconds. What a server asks for beyond an hour is taken for a mistake, or malice: the station would seem dead."""


class Backoff:
    """The waits between attempts to reconnect, in seconds.

    The first is ``wait_minimum`` (RetryBackOffWaitMinimum); each further one doubles, at most
    ``repeat_times`` times (RetryBackOffRepeatTimes). To each comes a new random part of 0 to
    ``random_range`` (RetryBackOffRandomRange), drawn with ``uniform(a, b)``. After a success,
    :meth:`reset`. Whatever is configured, a wait is at least ``SHORTEST_WAIT``.
    """

    def __init__(
        self,
        wait_minimum: float = 10.0,
        random_range: float = 2.0,
        repeat_times: int = 2,
        *,
        uniform: Callable[[float, float], float] | None = None,
    ) -> None:
        self._uniform = uniform or random.uniform
        self._doublings = 0
        self.attempts = 0
        self.configure(wait_minimum=wait_minimum, random_range=random_range, repeat_times=repeat_times)

    def __repr__(self) -> str:
        settings = f"{self.wait_minimum:g}, {self.random_range:g}, {self.repeat_times}"
        return f"<Backoff({settings}), {self.attempts} attempt{'' if self.attempts == 1 else 's'}>"

    def configure(
        self,
        *,
        wait_minimum: float | None = None,
        random_range: float | None = None,
        repeat_times: int | None = None,
    ) -> None:
        """Change some of the settings and start over; what is None stays. 0 is a value."""
        named = {"wait_minimum": wait_minimum, "random_range": random_range, "repeat_times": repeat_times}
        for name, value in named.items():
            if value is not None and not 0 <= value < float("inf"):
                raise ConfigurationError(f"{name} of the back-off is {value}; it must be 0 or more")
        self.wait_minimum = self.wait_minimum if wait_minimum is None else wait_minimum
        self.random_range = self.random_range if random_range is None else random_range
        self.repeat_times = self.repeat_times if repeat_times is None else int(repeat_times)
        self.reset()

    wait_minimum: float = 10.0
    random_range: float = 2.0
    repeat_times: int = 2

    def next(self, retry_after: float | None = None) -> float:
        """How long to wait before the next attempt; never less than the ``retry_after`` that the server
        asked for (HTTP's Retry-After, RFC 9110 10.2.3), of which at most ``LONGEST_RETRY_AFTER`` counts.
        """
        wait = self.wait_minimum * 2.0**self._doublings + self._uniform(0.0, self.random_range)
        self._doublings = min(self._doublings + 1, self.repeat_times, _MAX_DOUBLINGS)
        self.attempts += 1
        return max(wait, SHORTEST_WAIT, min(retry_after or 0.0, LONGEST_RETRY_AFTER))

    def reset(self) -> None:
        """Start over: the connection stands."""
        self._doublings = 0
        self.attempts = 0
