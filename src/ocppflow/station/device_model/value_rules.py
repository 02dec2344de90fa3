"""Whether a text is a value for a variable: its data type, its limits, its list of values (B05.FR.07, B05.FR.08)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Final, NamedTuple

from ocppflow.station.device_model.declaration import DataType, Declaration

_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,9}", re.ASCII)
"""No leading zeros, no plus (Part 2, Primitive Datatypes)."""
_DECIMAL: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,6})?", re.ASCII)
"""At most six decimal places, which a CSMS must not exceed (Part 2, Primitive Datatypes)."""
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,3})?([Zz]|[+-][0-9]{2}:[0-9]{2})", re.ASCII
)
"""RFC 3339 with at most three decimal places (Part 2, Primitive Datatypes)."""

_INTEGERS: Final = range(-(2**31), 2**31)
LISTS: Final[frozenset[DataType]] = frozenset(("SequenceList", "MemberList"))


class Refusal(NamedTuple):
    """Why a value is not taken: a reason code of the standard's list, and what a person should know."""

    reason: str
    info: str = ""


class Unfit(ValueError):
    """A text is not a value of this variable. ``refusal`` says why."""

    def __init__(self, reason: str, info: str) -> None:
        super().__init__(info)
        self.refusal = Refusal(reason, info)


def fit(declaration: Declaration, text: str) -> str:
    """The value as it is kept: lists have no blanks. Raises Unfit."""
    return _RULES[declaration.data_type](declaration, text)


def _integer(declaration: Declaration, text: str) -> str:
    if not _INTEGER.fullmatch(text) or int(text) not in _INTEGERS:
        raise Unfit("InvalidValue", "not an integer")
    return _within(declaration, text)


def _decimal(declaration: Declaration, text: str) -> str:
    if not _DECIMAL.fullmatch(text):
        raise Unfit("InvalidValue", "not a decimal")
    return _within(declaration, text)


def _boolean(declaration: Declaration, text: str) -> str:
    if text not in ("true", "false"):
        raise Unfit("InvalidValue", "neither true nor false")
    return text


def _moment(declaration: Declaration, text: str) -> str:
    if text and not _is_moment(text):
        raise Unfit("InvalidValue", "not a dateTime of RFC 3339")
    return text


def _option(declaration: Declaration, text: str) -> str:
    if declaration.values_list and text not in declaration.values_list:
        raise Unfit("InvalidValue", _not_one_of(declaration))
    return text


def _within(declaration: Declaration, text: str) -> str:
    number = float(text)
    if declaration.min_limit is not None and number < declaration.min_limit:
        raise Unfit("ValueOutOfRange", f"less than {declaration.min_limit:g}")
    if declaration.max_limit is not None and number > declaration.max_limit:
        raise Unfit("ValueOutOfRange", f"more than {declaration.max_limit:g}")
    return text


def _length(declaration: Declaration, text: str) -> str:
    if declaration.max_limit is not None and len(text) > declaration.max_limit:
        raise Unfit("TooLargeElement", f"longer than {declaration.max_limit:g} characters")
    if declaration.min_limit is not None and len(text) < declaration.min_limit:
        raise Unfit("InvalidValue", f"shorter than {declaration.min_limit:g} characters")
    return text


def _list(declaration: Declaration, text: str) -> str:
    members = [member.strip() for member in text.split(",")] if text.strip() else []
    if "" in members:
        raise Unfit("InvalidValue", "an item of the list is empty")
    if len(set(members)) < len(members):
        raise Unfit("InvalidValue", "an item of the list is in it twice")
    if declaration.values_list and not set(members) <= set(declaration.values_list):
        raise Unfit("InvalidValue", _not_one_of(declaration))
    return _length(declaration, ",".join(members))


def _not_one_of(declaration: Declaration) -> str:
    return f"not of {','.join(declaration.values_list)}"


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text.upper())
    except ValueError:
        return False
    return True


_RULES: Final[dict[DataType, Callable[[Declaration, str], str]]] = {
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "dateTime": _moment,
    "OptionList": _option,
    "SequenceList": _list,
    "MemberList": _list,
    "string": _length,
}
