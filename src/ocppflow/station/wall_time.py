"""The time of day as a station knows it: the CSMS's, counted on by the station's own clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ocppflow.endpoint import Clock


class WallTime:
    """UTC. It runs with what ``clock`` returns, from ``start`` on (by default from the machine's time), and is set by
    what a CSMS says (B01.FR.06, G02). ``error``: seconds by which it is wrong on purpose."""

    __slots__ = ("_clock", "_since", "_start", "error", "on_set")

    def __init__(self, clock: Callable[[], Clock], start: datetime | None = None, *, error: float = 0.0) -> None:
        self._clock = clock
        self._start = start if start is not None else datetime.now(UTC)
        self._since: float | None = None
        with suppress(RuntimeError):  # there is no event loop yet, whose clock it would be: then it runs from its start
            self._since = clock().now()
        self.error = error
        self.on_set: Callable[[], None] = lambda: None
        """Called after it has been set."""

    def now(self) -> datetime:
        """The time of day, in whole milliseconds: more nobody compares."""
        clock_now = self._clock().now()
        if self._since is None:
            self._since = clock_now
        now = self._start + timedelta(seconds=clock_now - self._since + self.error)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def set(self, now: datetime) -> None:
        """It is ``now``."""
        self._start, self._since = now, self._clock().now()
        self.on_set()

    def clock_time(self, moment: datetime) -> float:
        """When ``moment`` will be, or was, in the clock's seconds."""
        return self._clock().now() + (moment - self.now()).total_seconds()
