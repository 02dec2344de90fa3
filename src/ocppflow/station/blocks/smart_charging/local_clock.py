"""Local time, for schedules that follow it (``useLocalTime``, K01.FR.90, K01.FR.91). Moments are whole milliseconds
since 1970 in UTC, so that no date a peer sends can overflow."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from math import inf

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY = 86_400_000
_LOOK_AHEAD = 200 * _DAY
"""Clocks are shifted twice a year; who asks further ahead asks again."""
_LAST = 253_000_000_000_000
"""In the year 9987: time zones know nothing later."""


def moment(time: datetime) -> int:
    """Milliseconds since 1970 of an aware date-time."""
    return (time - _EPOCH) // _MS


def wall_moment(time: datetime) -> int:
    """The same of what stands in it, whatever its offset says (K01.FR.90)."""
    return (time.replace(tzinfo=UTC) - _EPOCH) // _MS


def date_time(at: int) -> datetime:
    """The date-time of a moment."""
    return _EPOCH + timedelta(milliseconds=at)


class LocalClock:
    """The station's local time: a time zone, or an offset in milliseconds that changes once at most."""

    __slots__ = ("_at", "_next", "_now", "_zone")

    def __init__(
        self, zone: tzinfo | None = None, *, offset: int = 0, next_offset: int | None = None, next_at: int | None = None
    ) -> None:
        self._zone = zone
        self._now = offset
        self._next = offset if next_offset is None else next_offset
        self._at = inf if next_at is None else next_at

    def offset(self, at: int) -> int:
        """Milliseconds by which local time is ahead of UTC at that moment."""
        if self._zone is None:
            return self._now if at < self._at else self._next
        shift = date_time(max(0, min(at, _LAST))).astimezone(self._zone).utcoffset()
        return 0 if shift is None else shift // _MS

    def next_shift(self, after: int, before: float) -> float:
        """A moment in ``(after, before]`` until which the offset does not change: the first change if there is one
        soon; ``inf`` if there is none at all."""
        if self._zone is None:
            return self._at if after < self._at <= before else inf
        if after >= _LAST:
            return inf
        end = int(min(before, after + _LOOK_AHEAD))
        offset, low = self.offset(after), after
        while low < end:
            high = min(low + _DAY, end)
            if self.offset(high) != offset:
                return self._between(low, high, offset)
            low = high
        return end if end < before else inf

    def _between(self, low: int, high: int, offset: int) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == offset else (low, middle)
        return high
