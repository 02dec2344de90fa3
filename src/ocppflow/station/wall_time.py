"""The time of day as a station knows it: the CSMS's, counted on by the station's own clock."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from ocppflow.endpoint import Clock
from ocppflow.log_budget import budgeted

log = budgeted("ocppflow.station")

EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC)
"""Times of day that can be right, and from which a date-time can be counted on: none is after the year 9999."""


class WallTime:
    """UTC. It runs with what ``clock`` returns, from ``start`` on (by default from the machine's time), and is set by
    what a CSMS says (B01.FR.06, G02). ``error``: seconds by which it is wrong on purpose."""

    __slots__ = ("_clock", "_since", "_start", "error", "jump", "on_set")

    def __init__(self, clock: Callable[[], Clock], start: datetime | None = None, *, error: float = 0.0) -> None:
        self._clock = clock
        self._start = start if start is not None else datetime.now(UTC)
        self._since: float | None = None
        with suppress(RuntimeError):  # there is no event loop yet, whose clock it would be: then it runs from its start
            self._since = clock().now()
        self.error = error
        self.on_set: Callable[[], None] = lambda: None
        """Called after it has been set."""
        self.jump = timedelta()
        """By how much it went forward when it was set last."""

    def now(self) -> datetime:
        """The time of day, in whole milliseconds: more nobody compares."""
        clock_now = self._clock().now()
        if self._since is None:
            self._since = clock_now
        now = self._start + timedelta(seconds=clock_now - self._since + self.error)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)

    def set(self, now: datetime) -> None:
        """It is ``now``, unless that cannot be right: such a time is left alone, and the log says so."""
        if not EARLIEST <= now < LATEST:
            log.warning("the CSMS says that it is %s, which cannot be: the time of day stays as it was", now)
            return
        before = self.now()
        self._start, self._since = now, self._clock().now()
        self.jump = self.now() - before
        self.on_set()

    def moved(self, moment: datetime) -> datetime:
        """When that was, by the time that has just been set: what has been counted from there goes on from there."""
        try:
            return moment + self.jump
        except OverflowError:
            return self.now()

    def clock_time(self, moment: datetime) -> float:
        """When ``moment`` will be, or was, in the clock's seconds."""
        return self._clock().now() + (moment - self.now()).total_seconds()
