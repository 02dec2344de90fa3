"""Monitor: what is watched of a variable, and when that makes an event. Nothing here knows of stations or clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import msgspec

from ocppflow.messages.v21 import EventNotificationEnumType, EventTriggerEnumType, MonitorEnumType
from ocppflow.station.device_model import VariableKey

PERIODIC: Final[frozenset[MonitorEnumType]] = frozenset(("Periodic", "PeriodicClockAligned"))
_DAY: Final = 86_400
TARGET: Final[frozenset[MonitorEnumType]] = frozenset(("TargetDelta", "TargetDeltaRelative"))


class Monitor(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A monitor. It is kept in the store whole, with what it has to remember over a boot (N07.FR.13, N07.FR.14)."""

    id: int
    key: VariableKey
    type: MonitorEnumType
    value: float
    """Of the variable's unit; seconds for the periodic types; for TargetDeltaRelative the part of the target."""
    severity: int
    """0 (danger) to 9 (debug)."""
    transaction: bool = False
    """It is active only during a transaction there."""
    kind: EventNotificationEnumType = "CustomMonitor"
    alarmed: bool = False
    """The value is beyond the threshold, and that has been noticed."""
    reference: str | None = None
    """The value from which Delta counts."""

    @property
    def is_periodic(self) -> bool:
        """It makes events by the clock, whatever the value."""
        return self.type in PERIODIC

    def says_the_same(self, other: Monitor) -> bool:
        """Whether it watches the same in the same way."""
        mine = (self.key, self.type, self.value, self.severity, self.transaction)
        return mine == (other.key, other.type, other.value, other.severity, other.transaction)


class MonitorEvent(NamedTuple):
    """What a change of a value means."""

    trigger: EventTriggerEnumType
    cleared: bool = False


def judge(monitor: Monitor, value: str, target: str = "", *, numeric: bool = True) -> MonitorEvent | None:
    """What ``value`` means to the monitor, which remembers it; None: nothing new. A value that is not a number means
    nothing to a monitor that needs one. Source: N07.FR.02, N07.FR.16 to N07.FR.19; 2.1: N07.FR.22, N07.FR.23."""
    if monitor.is_periodic:
        return None
    if monitor.type == "Delta":
        return _delta(monitor, value, numeric)
    beyond = _is_beyond(monitor, _number(value), _number(target))
    if beyond is None or beyond == monitor.alarmed:
        return None
    monitor.alarmed = beyond
    return MonitorEvent("Alerting", cleared=not beyond)


def _delta(monitor: Monitor, value: str, numeric: bool) -> MonitorEvent | None:
    before, monitor.reference = monitor.reference, value
    if before is None or value == before:
        return None
    old, new = _number(before), _number(value)
    if numeric and old is not None and new is not None and abs(new - old) <= Decimal(str(monitor.value)):
        monitor.reference = before
        return None
    return MonitorEvent("Delta")


def _is_beyond(monitor: Monitor, value: Decimal | None, target: Decimal | None) -> bool | None:
    if value is None:
        return None
    limit = Decimal(str(monitor.value))
    if monitor.type == "UpperThreshold":
        return value > limit
    if monitor.type == "LowerThreshold":
        return value < limit
    if target is None:
        return None
    return abs(value - target) > (limit * abs(target) if monitor.type == "TargetDeltaRelative" else limit)


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def next_aligned(now: datetime, interval: float) -> datetime:
    """The first moment after ``now`` that is a whole number of intervals (seconds) after midnight, UTC (N08.FR.07); the
    last interval of a day ends with it."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (now - midnight).total_seconds()
    due = (passed // interval + 1) * interval
    return midnight + timedelta(seconds=min(due, _DAY))
