"""Date-times: reading those that msgspec refuses although people understand them, and writing at most three decimals.

OCPP 2.x uses RFC 3339, OCPP 1.6 ISO 8601 (1.6 edition 2, 3.15), whose offsets may consist of hours alone (``+02``).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final, cast

import msgspec
from msgspec import UNSET, Struct, inspect

# Possessive or atomic, so that the time to read a peer's text is linear.
_RFC3339: Final = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?>(?P<fraction>\.\d++)?)"
    r"(?P<zone>[Zz]|[+-]\d\d:?+\d\d)",
    re.ASCII,
)
_ISO8601_HOURS: Final = re.compile(_RFC3339.pattern.replace(r":?+\d\d)", r"(?>(?::?+\d\d)?))"), re.ASCII)
_READABLE: Final = re.compile(
    r"\s*+(?P<day>\d{4}-?+\d\d-?+\d\d)[Tt ]\s*+(?P<minute>\d\d:?+\d\d)(?>(?::?+(?P<second>\d\d))?)"
    r"(?>(?P<fraction>[.,]\d++)?)\s*+(?>(?P<zone>[Zz]|[+-]\d\d(?>(?::?+\d\d)?))?)\s*+",
    re.ASCII,
)
_LAST_DECIMALS: Final = re.compile(rb'(?<=\.\d\d\d)\d\d\d(?=(?:Z|[+-]\d\d:\d\d)")')
"""The last three decimals of a datetime as msgspec writes it; a text may look like it, too."""

_encode = msgspec.json.Encoder().encode


def valid(text: str, *, offset_of_hours: bool = False) -> datetime | None:
    """The moment that an RFC 3339 date-time names; None for any other text.

    ``offset_of_hours`` also allows offsets such as ``+02``, as OCPP 1.6 does.
    """
    parts = (_ISO8601_HOURS if offset_of_hours else _RFC3339).fullmatch(text)
    return _moment(parts) if parts else None


def evident(text: str) -> datetime | None:
    """The moment that a person would read in ``text``; without a zone it is UTC. None if it is not a date and time."""
    parts = _READABLE.fullmatch(text)
    moment = _moment(parts) if parts else None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _moment(parts: re.Match[str]) -> datetime | None:
    """The moment that was written; a leap second (second 60) counts as the second after it."""
    leap = parts["second"] == "60"
    second = "59" if leap else parts["second"] or "00"
    fraction = (parts["fraction"] or "").replace(",", ".")[:7]  # a point and as many digits as datetime holds
    day, minute = parts["day"].replace("-", ""), parts["minute"].replace(":", "")
    zone = (parts["zone"] or "").replace(":", "").upper()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{second}{fraction}{zone}")
        if not leap:
            return moment
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
        return moment + timedelta(seconds=1) if (in_utc.hour, in_utc.minute) == (23, 59) else None
    except (ValueError, OverflowError):  # the 30th of February; a leap second at the end of year 9999
        return None


def cut(message: Any, written: bytes) -> bytes:
    """The JSON ``written`` of ``message``, with its date-times cut to three decimals (see :func:`in_milliseconds`)."""
    parts = _LAST_DECIMALS.split(written)
    found = len(parts) - 1
    if not found:
        return written
    kind: type = type(message)
    for name in _times(kind):
        moment = getattr(message, name)
        found -= isinstance(moment, datetime) and moment.microsecond > 0 and moment.tzinfo is not None
    # What looks like a date-time is one, unless there are more of them than the message's own: then it is looked at
    # field by field, for the others may be text.
    return _encode(in_milliseconds(message)) if found else b"".join(parts)


def in_milliseconds(value: Any) -> Any:
    """A message or plain data with its date-times as text of three decimals, where they have a fraction of a second.

    Returns a copy, or ``value`` itself if there is nothing to change. OCPP 2.x allows at most three decimals (2.0.1
    Part 2, 2.1.4), some 1.6 stations refuse more, and msgspec always writes six. The time is cut rather than rounded,
    so that it never lies in the future.
    """
    if isinstance(value, datetime):
        return _text(value) if value.microsecond and value.tzinfo is not None else value
    if isinstance(value, Struct):
        return _struct_in_milliseconds(value)
    if isinstance(value, dict):
        cut = {key: in_milliseconds(old) for key, old in value.items()}
        return cut if any(cut[key] is not old for key, old in value.items()) else value
    if isinstance(value, (list, tuple)):
        items = [in_milliseconds(old) for old in value]
        return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
    return value


def _text(moment: datetime) -> str:
    """As msgspec writes it, without the last three of the six decimals; takes a third of the time of ``isoformat``."""
    written = _encode(moment).decode()
    point = written.index(".")
    return written[1 : point + 4] + written[point + 7 : -1]


def _struct_in_milliseconds(value: Any) -> Any:
    kind: type[Struct] = type(value)
    changed = None
    for name in _fields_with_times(kind):
        old = getattr(value, name)
        if old is not UNSET and (new := in_milliseconds(old)) is not old:
            if changed is None:
                changed = value.__copy__()  # without checks: a tester may send invalid values on purpose
            setattr(changed, name, new)
    return value if changed is None else changed


@cache
def _times(kind: type) -> tuple[str, ...]:
    """The fields that are date-times themselves; none for what is not a message."""
    if not issubclass(kind, Struct):
        return ()
    fields = cast("inspect.StructType", inspect.type_info(kind)).fields
    return tuple(f.name for f in fields if isinstance(f.type, inspect.DateTimeType))


@cache
def _fields_with_times(kind: type[Struct]) -> tuple[str, ...]:
    """The fields of a type that are date-times or contain some; customData has none that the standard knows of."""
    return tuple(f.name for f in cast("inspect.StructType", inspect.type_info(kind)).fields if _has_times(f.type))


def _has_times(info: inspect.Type) -> bool:
    if isinstance(info, inspect.ListType):
        return _has_times(info.item_type)
    if isinstance(info, inspect.StructType):
        return bool(_fields_with_times(info.cls))
    return isinstance(info, inspect.DateTimeType)
