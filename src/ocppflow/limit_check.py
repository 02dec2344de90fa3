"""How a limit is checked, in whichever room it is."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ocppflow.errors import ConfigurationError


def check_limit(name: str, kind: str, value: object, needed: Mapping[str, str]) -> None:
    """Raise ConfigurationError unless ``value`` is one that a limit may have: of its ``kind`` (``int``, ``float``,
    ``bool`` or ``str``), a number of 0 or more, and not 0 if it is among the ``needed``, which has the reason."""
    if kind in ("bool", "str"):
        if type(value).__name__ != kind:
            raise ConfigurationError(f"{name} is {value!r}; it must be {'True or False' if kind == 'bool' else 'text'}")
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < math.inf:
        raise ConfigurationError(f"{name} is {value!r}; it must be a number of 0 or more")
    if kind == "int" and not isinstance(value, int):
        raise ConfigurationError(f"{name} is {value!r}; it must be a whole number")
    if not value and name in needed:
        raise ConfigurationError(f"{name} is {value}; {needed[name]}")
