"""Values as flows and editors write them: a number may be text, and any value may be JSON that nobody has read yet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw

read_json: Final = msgspec.json.Decoder().decode
UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What reading a peer's or a flow's bytes as JSON may raise."""

_SHOWN: Final = 60
"""Characters of a value in an error text: enough to recognise it, short enough for a status."""


def as_number(value: Any) -> float | None:
    """A finite number, or text that is one; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def as_flag(value: Any) -> bool | None:
    """A boolean, or "true" or "false" in any case; None for everything else."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return None


def as_text(value: Any) -> str | None:
    """Text, or a number as JavaScript writes it; None for everything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def plain(value: Any) -> Any:
    """A msg, or a part of one, with all JSON in it (``msgspec.Raw``) read into plain data."""
    if isinstance(value, Raw):
        return read_json(value)
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def shown(value: Any) -> str:
    """A value in a text for people, shortened; the content of objects is not shown."""
    if value is None or value is UNSET:
        return "missing"
    if isinstance(value, str | int | float):
        text = repr(value) if isinstance(value, str) else str(value).lower()
        return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return kind_of(value)


def kind_of(value: Any) -> str:
    """What a value is, in the words of JSON: "an object", "a string"."""
    if isinstance(value, Raw | bytes):
        try:
            value = read_json(value)
        except UNREADABLE:
            return "not JSON"
    for kinds, name in _KINDS:
        if isinstance(value, kinds):
            return name
    return "missing" if value is None else f"a {type(value).__name__}"


_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (bool, "a boolean"),
    (str, "a string"),
    (int | float, "a number"),
    (list | tuple, "an array"),
    (Mapping, "an object"),
)


def iso(seconds: float) -> str:
    """Seconds since 1970 as a JavaScript Date is written as JSON."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
