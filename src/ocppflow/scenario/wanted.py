"""What a value must be, as a scenario writes it: a value, a list of possible ones, or a table of conditions such as
``{ at_least = 5 }``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from ocppflow.messages.json_paths import ABSENT

_SHOWN: Final = 100


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    return bool(value == wanted)


CONDITIONS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "is": _same,
    "not": lambda value, wanted: not any(_same(value, each) for each in _listed(wanted)),
    "one_of": lambda value, wanted: any(_same(value, each) for each in _listed(wanted)),
    "at_least": lambda value, wanted: _is_number(value) and value >= wanted,
    "at_most": lambda value, wanted: _is_number(value) and value <= wanted,
    "present": lambda value, wanted: (value is not ABSENT) is bool(wanted),
    "contains": lambda value, wanted: isinstance(value, str | list) and wanted in value,
}
"""By name: whether a value is as wanted."""

MEANINGS: Final = {
    "is": "this value; for a table or a list, which would be read as something else",
    "not": "neither this value, nor one of a list",
    "one_of": "one of a list",
    "at_least": "a number, this or more",
    "at_most": "a number, this or less",
    "present": "whether there is anything at all",
    "contains": "a text with this in it, or a list with this element",
}


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


def suits(value: Any, wanted: Any) -> bool:
    """Whether ``value``, perhaps ABSENT, is as ``wanted``."""
    if isinstance(wanted, Mapping):
        return all(CONDITIONS[name](value, each) for name, each in wanted.items())
    return any(_same(value, each) for each in _listed(wanted))


def in_words(wanted: Any) -> str:
    """``wanted``, or a value, as it is read in a sentence."""
    if isinstance(wanted, Mapping) and wanted.keys() <= CONDITIONS.keys():
        return " and ".join(f"{name.replace('_', ' ')} {in_words(each)}" for name, each in wanted.items())
    if isinstance(wanted, list):
        return " or ".join(map(in_words, wanted))
    text = str(wanted) if isinstance(wanted, str) or wanted is ABSENT else msgspec.json.encode(wanted).decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
