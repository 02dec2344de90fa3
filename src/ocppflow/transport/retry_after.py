"""How long a refusal asks to wait: the header Retry-After (RFC 9110 10.2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, 0 or more; None if the header is missing or cannot be read.

    A date is counted from the answer's own ``Date``, because the clock of a station may not have been set yet; from
    ``now``, by default the present, if the answer has none.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value)
    until = _date(value)
    if until is None:
        return None
    since = _date(headers.get("Date", "")) or now or datetime.now(UTC)
    return max(0.0, (until - since).total_seconds())


def _date(text: str) -> datetime | None:
    """An HTTP date (RFC 9110 5.6.7), in any of its three spellings; None if it is not one."""
    try:
        date = parsedate_to_datetime(text)
        return date.astimezone(UTC) if date.tzinfo is not None else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
