"""Finds everything that is wrong with a payload, and builds the best possible Struct from it.

The checks are compiled from the message types themselves (``msgspec.inspect``), so there is no second description of
the schema. This is Python, many times slower than msgspec, and runs only for what msgspec has refused.

What that Struct holds, should the violations be forgiven:

- A value of the wrong type with one evident meaning in the right one is converted (``messages.conversion``): text to
  a number, a number to text, ``"true"`` to True, one object to a list of it, a list of one object to the object, a
  date-time without a zone to one in UTC.
- An unknown field is left out.
- A field that is missing or null, and an empty object or array where one is not allowed, is ``UNSET``: even a required
  field, although its type says that it is always set; :meth:`Message.missing_fields` names these. When the Struct is
  encoded such a field is left out. So is a null in a list.
- Any other value is kept as it came, whatever its type.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, inspect

from ocppflow.messages import conversion, date_times
from ocppflow.messages.base import BrokenRule, CustomDataType, Message, Version, custom_data_violation
from ocppflow.messages.violation import ABSENT, PRESENT, Violation, hidden, path_key, shorten
from ocppflow.secrecy.secret_names import NAMING, holds_a_secret, is_about_a_secret

LIMIT = 100
"""How many violations of one payload are listed, so that a report stays readable; the last entry then says so."""
MOST = 1000
"""How many violations of one payload are examined: stations send some hundred configuration keys or meter values in a
message, and may make the same mistake in each of them. To ask ten rules about one violation takes about 50 us."""
ENOUGH = 10
"""A payload is given up after this many violations that are not forgiven: a longer list helps nobody to correct it."""
BUDGET = 10_000
"""Objects and list items that are examined once a payload is certain to be refused; they take about 15 ms."""
EXAMINED = 20_000
"""Objects and list items of one payload that are examined in any case: those of some 500 KB of meter values. A payload
that has more and breaks the schema is refused whatever the policy forgives, for nobody may take the time of others."""

T = TypeVar("T", bound=Message)


class GivenUp(Exception):
    """The payload will be refused, and enough is known to say why."""


class Report:
    """What a walk has found.

    ``found`` lists all violations, at most :data:`LIMIT`; ``held`` those that ``forgives`` does not forgive.
    ``sealed``: the walk is where a secret stands, so that no value is shown.
    """

    __slots__ = ("_count", "_examined", "_forgives", "_left", "found", "full", "held", "sealed", "version")

    def __init__(self, version: Version, forgives: Callable[[Violation], bool]) -> None:
        self.version = version
        self.found: list[Violation] = []
        self.held: list[Violation] = []
        self.full = False
        self.sealed = False
        self._count = 0
        self._forgives = forgives
        self._left = BUDGET
        self._examined = 0

    def add(self, path: str, expected: str, value: object, code: str) -> None:
        """Adds a violation, described by the value that breaks the rule. Raises GivenUp as :meth:`take` does."""
        if not self.full:
            got = hidden(value, expected) if self.sealed else shorten(value)
            self.take(Violation(path, expected, got, code))

    def take(self, violation: Violation) -> None:
        """Adds a violation. Raises GivenUp when there are enough."""
        if self.full:
            return
        self._count += 1
        if self._count <= LIMIT:
            self.found.append(violation if self._count < LIMIT else _too_many(LIMIT))
        if self._count == MOST:
            self.full = True
            violation = _too_many(MOST)
        if not self._forgives(violation):
            self.held.append(violation)
            if len(self.held) >= ENOUGH or self._left < 0:
                raise GivenUp

    def look_at(self, values: int) -> None:
        """Counts ``values`` that are about to be examined. Raises GivenUp if it is not worth it any more."""
        self._left -= values
        self._examined += values
        if self._left < 0 and self.held:
            raise GivenUp
        if self._examined > EXAMINED:
            expected = f"at most {EXAMINED} values in a payload that is to be examined"
            self.held.append(Violation("$", expected, "more", "FormatViolation"))
            raise GivenUp


def _too_many(most: int) -> Violation:
    return Violation("$", f"fewer than {most} violations", "more", "FormatViolation")


Check = Callable[[Any, str, Report], Any]


def walk(kind: type[T], value: object, report: Report) -> T | None:
    """The best Struct for a JSON value, None if that is not an object; what is wrong goes to ``report``.

    ``null`` is an empty object. Raises GivenUp, see :class:`Report`.
    """
    built = _struct(kind)({} if value is None else value, "$", report)
    return built if isinstance(built, kind) else None


def _wrong_type(report: Report, path: str, expected: str, value: object) -> Any:
    report.add(path, expected, value, "TypeConstraintViolation")
    return UNSET if value is None else value


@cache
def _struct(kind: type[msgspec.Struct]) -> Check:
    info = cast("inspect.StructType", inspect.type_info(kind))
    known = frozenset(f.encode_name for f in info.fields)
    among = frozenset(map(str.lower, known))
    secret: list[tuple[bool, bool]] = [
        (holds_a_secret(f.encode_name, among, False), holds_a_secret(f.encode_name, among, True)) for f in info.fields
    ]
    fields = [
        (f.name, f.encode_name, f.required, _check(f.type), *either)
        for f, either in zip(info.fields, secret, strict=True)
    ]
    names_others = not among.isdisjoint(NAMING)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, dict):
            return _not_an_object(value, path, report, check, _struct_holds_secrets(kind))
        report.look_at(max(1, len(value) - len(fields)))
        values: dict[str, Any] = {}
        outer = report.sealed
        about = outer or (names_others and is_about_a_secret(value))
        for name, wire, required, check_field, always, if_about in fields:
            if wire in value:
                report.sealed = if_about if about else always
                values[name] = check_field(value[wire], path_key(path, wire), report)
            elif required:
                values[name] = UNSET
                if not report.full:
                    where = path_key(path, wire)
                    report.take(Violation(where, PRESENT, "nothing", "OccurrenceConstraintViolation"))
        if not known.issuperset(value):
            _unknown_fields(value, known, path, report, about or is_about_a_secret(value))
        report.sealed = outer
        if not value and len(values) > 0 and path != "$":
            return UNSET
        return _build(kind, values, path, report)

    return check


def _unknown_fields(value: dict[str, Any], known: frozenset[str], path: str, report: Report, about: bool) -> None:
    for key in value:
        if report.full:
            break
        if key not in known:
            report.sealed = holds_a_secret(key, map(str.lower, value), about)
            report.add(path_key(path, key), ABSENT, value[key], "FormatViolation")


def _not_an_object(value: Any, path: str, report: Report, check: Check, secret: bool) -> Any:
    """``secret``: whether the object would hold one, so that whatever came instead may be it."""
    outer, report.sealed = report.sealed, report.sealed or secret
    if path == "$":
        report.add(path, "an object", value, "FormatViolation")
        return value
    value = _wrong_type(report, path, "an object", value)
    report.sealed = outer
    if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
        return check(value[0], f"{path}[0]", report)
    return UNSET if value == [] else value


def _holds_secrets(info: inspect.Type) -> bool:
    """Whether there is a secret, or the value of some variable, in what a type describes."""
    if isinstance(info, inspect.ListType):
        return _holds_secrets(info.item_type)
    return isinstance(info, inspect.StructType) and _struct_holds_secrets(info.cls)


@cache
def _struct_holds_secrets(kind: type[msgspec.Struct]) -> bool:
    fields = cast("inspect.StructType", inspect.type_info(kind)).fields
    among = frozenset(f.encode_name.lower() for f in fields)
    return not among.isdisjoint(("key", "variable", "messageid")) or any(
        holds_a_secret(f.encode_name, among, False) or _holds_secrets(f.type) for f in fields
    )


def _build(kind: type[msgspec.Struct], values: dict[str, Any], path: str, report: Report) -> msgspec.Struct:
    try:
        return kind(**values)
    except BrokenRule as exc:
        for violation in exc.violations:
            report.take(violation.below(path))
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
            value = conversion.text_of(_wrong_type(report, path, "a string", value))
            if not isinstance(value, str):
                return value
        if info.max_length is not None and len(value) > info.max_length:
            expected = f"at most {info.max_length} characters"
            report.add(path, expected, value, "PropertyConstraintViolation")
        if pattern and not pattern.search(value):
            report.add(path, "a URI", value, "PropertyConstraintViolation")
        return value

    return check


def _enum(info: inspect.LiteralType) -> Check:
    shown = ", ".join(map(str, info.values))
    expected = f"one of {shown}" if len(shown) <= 150 else f"one of {shown[:147].rsplit(', ', 1)[0]}, ..."

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(report, path, "a string", value)
        if value not in info.values:
            report.add(path, expected, value, "PropertyConstraintViolation")
        return value

    return check


def _boolean(_: inspect.BoolType) -> Check:
    def check(value: Any, path: str, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        return conversion.boolean_of(_wrong_type(report, path, "true or false", value))

    return check


def _range(info: inspect.IntType | inspect.FloatType) -> Callable[[Any, str, Report], None]:
    def check(value: Any, path: str, report: Report) -> None:
        if info.ge is not None and value < info.ge:
            report.add(path, f"at least {info.ge:g}", value, "PropertyConstraintViolation")
        if info.le is not None and value > info.le:
            report.add(path, f"at most {info.le:g}", value, "PropertyConstraintViolation")

    return check


def _integer(info: inspect.IntType) -> Check:
    in_range = _range(info)

    def check(value: Any, path: str, report: Report) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)  # JSON knows one kind of number, so 1.0 is an integer (JSON Schema, from draft 6 on)
        if not isinstance(value, int) or isinstance(value, bool):
            value = conversion.integer_of(_wrong_type(report, path, "an integer", value))
            if not isinstance(value, int) or isinstance(value, bool):
                return value
        in_range(value, path, report)
        return value

    return check


def _number(info: inspect.FloatType) -> Check:
    in_range = _range(info)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            value = conversion.number_of(_wrong_type(report, path, "a number", value))
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                return value
        in_range(value, path, report)
        return value

    return check


def _date_time(_: inspect.DateTimeType) -> Check:
    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, str):
            return _wrong_type(report, path, "a date-time", value)
        moment = date_times.valid(value, offset_of_hours=report.version is Version.V16)
        if moment is not None:
            return moment
        lacks_only_zone = date_times.valid(value + "Z") is not None
        expected = "a date-time with a time zone" if lacks_only_zone else "a date-time (RFC 3339)"
        report.add(path, expected, value, "PropertyConstraintViolation")
        meant = date_times.evident(value)
        return value if meant is None else meant

    return check


_ALONE: dict[type[inspect.Type], type] = {
    inspect.IntType: int,
    inspect.LiteralType: str,
    inspect.StrType: str,
    inspect.StructType: dict,
}
"""Item type of a list -> the JSON type of a value that was meant to be a list of one."""


def _list(info: inspect.ListType) -> Check:
    item_check = _check(info.item_type)
    alone = _ALONE.get(type(info.item_type), list)

    def check(value: Any, path: str, report: Report) -> Any:
        if not isinstance(value, list):
            outer, report.sealed = report.sealed, report.sealed or _holds_secrets(info)
            value = _wrong_type(report, path, "an array", value)
            report.sealed = outer
            if value == {}:
                return UNSET
            if not isinstance(value, alone) or isinstance(value, bool):
                return value
            item = item_check(value, path, report)
            return UNSET if item is UNSET else [item]
        if info.min_length is not None and len(value) < info.min_length:
            expected = f"at least {info.min_length} item{'s' if info.min_length > 1 else ''}"
            report.add(path, expected, value, "OccurrenceConstraintViolation")
        if info.max_length is not None and len(value) > info.max_length:
            expected = f"at most {info.max_length} item{'s' if info.max_length > 1 else ''}"
            report.add(path, expected, value, "OccurrenceConstraintViolation")
        if not value and info.min_length:
            return UNSET
        report.look_at(len(value))
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
        report.take(found.below(path))
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
