"""Finds everything that is wrong with a payload, and makes the best Struct of it.

The checks are compiled from the message types themselves (``msgspec.inspect``), so there is no second description of
the schema. This is Python, many times slower than msgspec, and runs only for what msgspec has refused.

The best Struct: values are as they came where they break a rule, unknown fields are left out, a field that is missing
or null, and an empty object or array where one is not allowed, is ``UNSET`` (also where it is required: the field is
then left out when encoded again, as it was when it came); null in a list is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, inspect

from ocppflow.messages.base import BrokenRule, CustomDataType, Message, custom_data_violation
from ocppflow.messages.violation import ABSENT, PRESENT, Violation, path_key, shorten

LIMIT = 100
"""Violations that one payload may report; a hostile one could have as many as it has bytes."""

T = TypeVar("T", bound=Message)
Report = list[Violation]
Check = Callable[[Any, str, Report], Any]


def walk(kind: type[T], value: object) -> tuple[T | None, tuple[Violation, ...]]:
    """The best Struct of a JSON value (None if that is no object), and all violations. ``null`` is an empty object."""
    report: Report = []
    built = _struct(kind)({} if value is None else value, "$", report)
    if len(report) >= LIMIT:
        report[LIMIT - 1 :] = [Violation("$", f"fewer than {LIMIT} violations", "more", "FormatViolation")]
    return (built if isinstance(built, kind) else None), tuple(report)


def _add(report: Report, path: str, expected: str, value: object, code: str) -> None:
    if len(report) < LIMIT:
        report.append(Violation(path, expected, shorten(value), code))


def _wrong_type(report: Report, path: str, expected: str, value: object) -> Any:
    _add(report, path, expected, value, "TypeConstraintViolation")
    return UNSET if value is None else value


@cache
def _struct(kind: type[msgspec.Struct]) -> Check:
    info = cast("inspect.StructType", inspect.type_info(kind))
    fields = [(f.name, f.encode_name, f.required, _check(f.type)) for f in info.fields]
    known = frozenset(f.encode_name for f in info.fields)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, dict):
            if path == "$":
                _add(report, path, "an object", value, "FormatViolation")
                return value
            return _wrong_type(report, path, "an object", value)
        values: dict[str, Any] = {}
        for name, wire, required, check_field in fields:
            if wire in value:
                values[name] = check_field(value[wire], path_key(path, wire), report)
            elif required:
                values[name] = UNSET
                if len(report) < LIMIT:
                    where = path_key(path, wire)
                    report.append(Violation(where, PRESENT, "nothing", "OccurrenceConstraintViolation"))
        for key in value:
            if key not in known:
                _add(report, path_key(path, key), ABSENT, value[key], "FormatViolation")
        if not value and len(values) > 0 and path != "$":
            return UNSET
        return _build(kind, values, path, report)

    return check


def _build(kind: type[msgspec.Struct], values: dict[str, Any], path: str, report: Report) -> msgspec.Struct:
    try:
        return kind(**values)
    except BrokenRule as exc:
        report.extend(v.below(path) for v in exc.violations)
    built = kind(**dict.fromkeys(kind.__struct_fields__, UNSET))  # UNSET breaks no rule
    for name, value in values.items():
        setattr(built, name, value)
    return built


def _check(info: inspect.Type) -> Check:
    """The check for a type; raises KeyError for one that the messages do not use."""
    if isinstance(info, inspect.StructType):
        return _struct(info.cls)
    return _MAKERS[type(info)](info)


def _string(info: inspect.StrType) -> Check:
    pattern = re.compile(info.pattern) if info.pattern else None

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(report, path, "a string", value)
        if info.max_length is not None and len(value) > info.max_length:
            expected = f"at most {info.max_length} characters"
            _add(report, path, expected, value, "PropertyConstraintViolation")
        if pattern and not pattern.search(value):
            _add(report, path, "a URI", value, "PropertyConstraintViolation")
        return value

    return check


def _enum(info: inspect.LiteralType) -> Check:
    shown = ", ".join(map(str, info.values))
    expected = f"one of {shown}" if len(shown) <= 150 else f"one of {shown[:147].rsplit(', ', 1)[0]}, ..."

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(report, path, "a string", value)
        if value not in info.values:
            _add(report, path, expected, value, "PropertyConstraintViolation")
        return value

    return check


def _boolean(_: inspect.BoolType) -> Check:
    def check(value: Any, path: str, report: Report) -> Any:
        return value if isinstance(value, bool) else _wrong_type(report, path, "true or false", value)

    return check


def _range(info: inspect.IntType | inspect.FloatType) -> Callable[[Any, str, Report], None]:
    def check(value: Any, path: str, report: Report) -> None:
        if info.ge is not None and value < info.ge:
            _add(report, path, f"at least {info.ge:g}", value, "PropertyConstraintViolation")
        if info.le is not None and value > info.le:
            _add(report, path, f"at most {info.le:g}", value, "PropertyConstraintViolation")

    return check


def _integer(info: inspect.IntType) -> Check:
    in_range = _range(info)

    def check(value: Any, path: str, report: Report) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON knows one kind of number, so 1.0 is an integer (JSON Schema, from draft 6 on)
        if not isinstance(value, int) or isinstance(value, bool):
            return _wrong_type(report, path, "an integer", value)
        in_range(value, path, report)
        return value

    return check


def _number(info: inspect.FloatType) -> Check:
    in_range = _range(info)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return _wrong_type(report, path, "a number", value)
        in_range(value, path, report)
        return value

    return check


_RFC3339 = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[Tt ](?P<minute>\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d+)?"
    r"(?P<zone>[Zz]|[+-]\d\d:?\d\d)?",
    re.ASCII,
)


def _date_time(_: inspect.DateTimeType) -> Check:
    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(report, path, "a date-time", value)
        parts = _RFC3339.fullmatch(value)
        moment = _moment(parts) if parts else None
        if moment is not None and moment.tzinfo is not None:
            return moment
        expected = "a date-time with a time zone" if moment else "a date-time (RFC 3339)"
        _add(report, path, expected, value, "PropertyConstraintViolation")
        # A moment without zone is of use to the receiver; text that is no date-time stays as it came.
        return value if moment is None else moment

    return check


def _moment(parts: re.Match[str]) -> datetime | None:
    """The moment that was written; the second 60 of a leap second is the first one after it."""
    leap = parts["second"] == "60"
    zone = (parts["zone"] or "").upper()
    fraction = (parts["fraction"] or "")[:7]
    try:
        text = f"{parts['day']}T{parts['minute']}:{'59' if leap else parts['second']}{fraction}{zone}"
        moment = datetime.fromisoformat(text)
        if not leap:
            return moment
        in_utc = moment.astimezone(UTC) if moment.tzinfo else moment
        return moment + timedelta(seconds=1) if (in_utc.hour, in_utc.minute) == (23, 59) else None
    except (ValueError, OverflowError):
        return None


def _list(info: inspect.ListType) -> Check:
    item_check = _check(info.item_type)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, list):
            return _wrong_type(report, path, "an array", value)
        if info.min_length is not None and len(value) < info.min_length:
            expected = f"at least {info.min_length} item{'s' if info.min_length > 1 else ''}"
            _add(report, path, expected, value, "OccurrenceConstraintViolation")
        if info.max_length is not None and len(value) > info.max_length:
            expected = f"at most {info.max_length} item{'s' if info.max_length > 1 else ''}"
            _add(report, path, expected, value, "OccurrenceConstraintViolation")
        if not value and info.min_length:
            return UNSET
        items = [item_check(item, f"{path}[{i}]", report) for i, item in enumerate(value)]
        return items if UNSET not in items else [item for item in items if item is not UNSET]

    return check


def _union(info: inspect.UnionType) -> Check:
    """The only union in use is ``Number``: an int or a float with the same bounds."""
    return next(_number(t) for t in info.types if isinstance(t, inspect.FloatType))


def _custom(_: inspect.CustomType) -> Check:
    def check(value: Any, path: str, report: Report) -> Any:
        found = custom_data_violation(value)
        if found is None:
            return CustomDataType(value)
        if len(report) < LIMIT:
            report.append(found.below(path))
        return UNSET if value is None or value in ({}, []) else value

    return check


def _any(_: inspect.AnyType) -> Check:
    return lambda value, path, report: value


_MAKERS: dict[type[inspect.Type], Callable[[Any], Check]] = {
    inspect.AnyType: _any,
    inspect.BoolType: _boolean,
    inspect.CustomType: _custom,
    inspect.DateTimeType: _date_time,
    inspect.FloatType: _number,
    inspect.IntType: _integer,
    inspect.ListType: _list,
    inspect.LiteralType: _enum,
    inspect.StrType: _string,
    inspect.UnionType: _union,
}
