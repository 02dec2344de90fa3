"""FastClock: a clock that runs faster than the event loop's, so that minutes pass in seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ocppflow.endpoint import Timer


class FastClock:
    """The running event loop's time, ``speed`` times as fast."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._loop = asyncio.get_running_loop()

    def now(self) -> float:
        """Fast seconds."""
        return self._loop.time() * self.speed

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """As a Clock's."""
        return self._loop.call_at(when / self.speed, callback)
