"""Time, injected. Everything that waits asks a Clock, so tests turn hours into a function call."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """A scheduled callback that can be called off."""

    def cancel(self) -> None:
        """Call it off; harmless if it has run."""


class Clock(Protocol):
    """Monotonic seconds, and callbacks at a time."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back."""

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        """Run ``callback`` on the event loop when ``now()`` reaches ``when``."""


async def sleep(clock: Clock, seconds: float) -> None:
    """Wait ``seconds`` of ``clock``'s time."""
    done = asyncio.get_running_loop().create_future()
    timer = clock.call_at(clock.now() + seconds, lambda: None if done.done() else done.set_result(None))
    try:
        await done
    finally:
        timer.cancel()


class LoopClock:
    """The running event loop's own time."""

    __slots__ = ("_loop", "now")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.now = self._loop.time  # asked at every message, so without a detour

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        return self._loop.call_at(when, callback)

    @property
    def is_current(self) -> bool:
        """Whether its loop is the one that runs: an object may live through several, one after another."""
        return self._loop is asyncio.get_running_loop()


class _ManualTimer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, start: float = 1000.0) -> None:
        self._now = start
        self._heap: list[tuple[float, int, _ManualTimer]] = []
        self._count = itertools.count()

    def now(self) -> float:
        return self._now

    def call_at(self, when: float, callback: Callable[[], object]) -> Timer:
        timer = _ManualTimer(callback)
        heapq.heappush(self._heap, (when, next(self._count), timer))
        return timer

    @property
    def pending(self) -> int:
        """How many timers have neither run nor been called off."""
        return sum(timer.callback is not None for _, _, timer in self._heap)

    async def advance(self, seconds: float) -> None:
        """Move on by ``seconds``, running what falls due in order and letting the loop settle after each."""
        await settle()
        end = self._now + seconds
        while self._heap and self._heap[0][0] <= end:
            when, _, timer = heapq.heappop(self._heap)
            self._now = max(self._now, when)
            if timer.callback is not None:
                timer.callback()
                await settle()
        self._now = end
        await settle()


async def settle(rounds: int = 50) -> None:
    """Let the event loop run what is ready: for tests, in place of a sleep."""
    for _ in range(rounds):
        await asyncio.sleep(0)
