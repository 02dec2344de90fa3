"""Local time, for schedules that follow it (``useLocalTime``, K01.FR.90, K01.FR.91). Moments are whole milliseconds
since 1970 in UTC, so that no date a peer sends can overflow."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from math import inf
from zoneinfo import ZoneInfo

from ocppflow.log_budget import budgeted
from ocppflow.plain_text import one_line
from ocppflow.station.device_model import DeviceModel

log = budgeted("ocppflow.station")

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

    __slots__ = ("_at", "_known", "_next", "_now", "_zone")

    def __init__(
        self, zone: tzinfo | None = None, *, offset: int = 0, next_offset: int | None = None, next_at: int | None = None
    ) -> None:
        self._zone = zone
        self._now = offset
        self._next = offset if next_offset is None else next_offset
        self._at = inf if next_at is None else next_at
        self._known = (0, 0)

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
        if not self._known[0] <= after < self._known[1]:  # looking is dear, and many ask for the same time
            self._known = after, self._look(after)
        return self._known[1] if self._known[1] <= before else inf

    def _look(self, after: int) -> int:
        offset, low, end = self.offset(after), after, after + _LOOK_AHEAD
        while low < end:
            high = min(low + _DAY, end)
            if self.offset(high) != offset:
                return self._between(low, high, offset)
            low = high
        return end

    def _between(self, low: int, high: int, offset: int) -> int:
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.offset(middle) == offset else (low, middle)
        return high


def station_local_clock(model: DeviceModel) -> LocalClock:
    """What the ClockCtrlr of a station says: its TimeZone if that is a known one, else its TimeOffset."""
    name = model.text("ClockCtrlr", "TimeZone")
    if name:
        try:
            return LocalClock(ZoneInfo(name))
        except (KeyError, ValueError, OSError):  # nobody knows such a zone here
            log.warning("the time zone %s is not known at this station; its TimeOffset is used", one_line(name, 64))
    return LocalClock(
        offset=_offset(model.text("ClockCtrlr", "TimeOffset")) or 0,
        next_offset=_offset(model.text("ClockCtrlr", "TimeOffset", variable_instance="NextTransition")),
        next_at=_time(model.text("ClockCtrlr", "NextTimeOffsetTransitionDateTime")),
    )


def _offset(text: str) -> int | None:
    """``+02:00`` in milliseconds; None if it is not an offset."""
    found = re.fullmatch(r"([+-]?)(\d{1,2}):(\d{2})", text)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3])
    return (-minutes if found[1] == "-" else minutes) * 60_000


def _time(text: str) -> int | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment(time if time.tzinfo is not None else time.replace(tzinfo=UTC))
