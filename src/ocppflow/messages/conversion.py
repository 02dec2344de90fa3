"""Values of the wrong type whose meaning is evident: ``"16"`` where a number is expected. Used when it is forgiven.

Each function returns a value without such a meaning unchanged.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

# Bounded, because the time that Python takes to read an integer grows with the square of its digits; OCPP has no use
# for longer numbers.
_NUMBER: Final = re.compile(r"\s{0,9}+([+-]?+\d{1,30}+)(?>(\.\d{1,30}+)?)(?>([eE][+-]?+\d{1,3}+)?)\s{0,9}+", re.ASCII)
_BOOLEANS: Final = {"true": True, "1": True, "false": False, "0": False}


def text_of(value: Any) -> Any:
    """A number or a boolean as text, in its JSON notation: ``12.5`` to ``"12.5"``, ``True`` to ``"true"``."""
    return msgspec.json.encode(value).decode() if isinstance(value, (bool, int, float)) else value


def number_of(value: Any) -> Any:
    """Text that holds a number, as that number: ``"16"`` to 16, ``" 1.50 "`` to 1.5."""
    parts = _NUMBER.fullmatch(value) if isinstance(value, str) else None
    if parts is None:
        return value
    if parts[2] is None and parts[3] is None:
        return int(parts[1])
    number = float(parts[0])
    return value if number in (float("inf"), float("-inf")) else number


def integer_of(value: Any) -> Any:
    """Text that holds a whole number, as an integer: ``"16"`` and ``"16.0"`` to 16."""
    number = number_of(value)
    if isinstance(number, float) and number.is_integer():
        return int(number)
    return number if isinstance(number, int) else value


def boolean_of(value: Any) -> Any:
    """``"true"``, ``"False"``, 0, 1 and ``"0"``, ``"1"`` as a boolean."""
    if isinstance(value, (int, float)):
        return bool(value) if value in (0, 1) else value
    return _BOOLEANS.get(value.strip().lower(), value) if isinstance(value, str) and len(value) <= 20 else value
