"""The dots of the day at which clock-aligned values are taken."""

from __future__ import annotations

from datetime import datetime, timedelta


def next_dot(after: datetime, interval: int) -> datetime:
    """The first moment after ``after`` that lies a whole number of ``interval`` seconds after midnight (UTC). Midnight
    itself is one, however long the last interval of the day was (Part 2, J, 2.2)."""
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (after - midnight) // timedelta(seconds=interval)
    return midnight + timedelta(seconds=min((passed + 1) * interval, 86_400))
