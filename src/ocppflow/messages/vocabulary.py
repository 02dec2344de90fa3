"""One vocabulary for OCPP 2.0.1 and 2.1: a 2.0.1 message as the 2.1 type of the same action, and back.

OCPP 2.1 takes over every action, field and enum value of 2.0.1 under the same name and in the same direction, and adds
its own. So code written with 2.1's types serves a 2.0.1 connection as well: :func:`to_v21` for what came,
:func:`to_v201` for what is to be sent.

Conversion is not validation. Whether a message is valid is decided by the schema of the version that is spoken, and
2.0.1's is wider than 2.1's in places: ``numberPhases`` above 3, numbers below the 0 or 1 at which 2.1 begins, a
``NotifyMonitoringReport`` without ``eventNotificationType``. Such values are kept, and so are those that a tolerant
policy has forgiven. In the other direction, what 2.0.1 limits more tightly (the length of a text, a field that 2.1 made
optional) is found by :meth:`Message.validate`, or when the message is encoded.

Almost every message is converted by writing it as JSON and reading that as the other type: two passes in C, which take
a sixth of the time of building the Structs in Python (3 against 19 us for a TransactionEvent with five values). Only
what the other version's schema refuses is converted field by field, by converters compiled from the types.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import attrgetter
from typing import Any, cast, overload

import msgspec
from msgspec import UNSET, Struct, inspect

from ocppflow.errors import InvalidMessage, UnknownAction
from ocppflow.messages import request_type, response_type
from ocppflow.messages.base import Message, Request, Response, Version
from ocppflow.messages.codec import decoded
from ocppflow.messages.violation import ABSENT, Violation, hidden, path_key, shorten
from ocppflow.secrecy.secret_names import is_secret

__all__ = ["to_v21", "to_v201", "v21_type", "v201_type"]

Faults = list[Violation]
Change = Callable[[Any, str, Faults], Any]
"""Takes a value, its path and a list for what the other version lacks; returns the value for that version."""

_encode = msgspec.json.Encoder().encode
_UNUSUAL = (msgspec.MsgspecError, RecursionError, TypeError, ValueError)
"""What is raised if a message cannot be written as JSON and read as another type."""


@cache
def v21_type(kind: type[Message]) -> type[Message]:
    """The 2.1 type of a 2.0.1 message type; a 2.1 type is its own. Raises UnknownAction for a type of OCPP 1.6."""
    return _counterpart(kind, Version.V21)


@cache
def v201_type(kind: type[Message]) -> type[Message]:
    """The 2.0.1 type of a 2.1 message type. Raises UnknownAction if 2.0.1 lacks the action, or for OCPP 1.6."""
    return _counterpart(kind, Version.V201)


def _counterpart(kind: type[Message], version: Version) -> type[Message]:
    if kind.__version__ is Version.V16:
        raise UnknownAction(
            f"v16.{kind.__name__} has no counterpart in OCPP {version}: only 2.0.1 and 2.1 share their vocabulary"
        )
    same: type[Message]
    if issubclass(kind, Response):
        same = response_type(version, kind.__action__)
    else:
        same = request_type(version, kind.__action__)
    return same


@overload
def to_v21(message: Request[Any]) -> Request[Any]: ...
@overload
def to_v21(message: Response) -> Response: ...
@overload
def to_v21(message: Message) -> Message: ...
def to_v21(message: Message) -> Message:
    """A 2.0.1 message as the 2.1 type of its action; a 2.1 message is returned as it is.

    Every value is kept, even if 2.1 does not allow it. Raises UnknownAction for a message of OCPP 1.6.
    """
    source = type(message)
    target = v21_type(source)
    if source is target:
        return message
    try:
        return decoded(target, _encode(message))
    except _UNUSUAL:
        return _rebuilt(message, target, [])


@overload
def to_v201(message: Request[Any]) -> Request[Any]: ...
@overload
def to_v201(message: Response) -> Response: ...
@overload
def to_v201(message: Message) -> Message: ...
def to_v201(message: Message) -> Message:
    """A 2.1 message as the 2.0.1 type of its action; a 2.0.1 message is returned as it is.

    Raises UnknownAction if 2.0.1 lacks the action, and InvalidMessage if a field is set, or an enum value used, that
    2.0.1 lacks; its ``violations`` name them all. The one field that is left out instead is ``eventNotificationType``
    of NotifyMonitoringReport: 2.1 requires it and 2.0.1 does not have it, so no 2.1 message could be converted.
    """
    source = type(message)
    target = v201_type(source)
    if source is target:
        return message
    try:
        return decoded(target, _encode(message))
    except _UNUSUAL:
        faults: Faults = []
        converted = _rebuilt(message, target, faults)
    if faults:
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise InvalidMessage(
            f"{source.__name__} of OCPP 2.1 cannot be said in 2.0.1: {faults[0]}{more}",
            code=faults[0].code,
            path=faults[0].path,
            violations=tuple(faults),
        )
    return converted


def _rebuilt(message: Message, target: type[Message], faults: Faults) -> Message:
    built: Message = _struct(type(message), target)(message, "$", faults)
    return built


@cache
def _struct(source: type[Struct], target: type[Struct]) -> Callable[[Any, str, Faults], Any]:
    """The converter from one type to another whose fields have the same names."""
    theirs = {f.name: f for f in _fields(source)}
    ours = {f.name: f for f in _fields(target) if f.name in theirs}
    unknown_there = {f.name: UNSET for f in _fields(target) if f.name not in theirs and f.required}
    names = tuple(ours)
    values_of = cast("Callable[[Any], tuple[Any, ...]]", attrgetter(*names, names[0]))  # two names give a tuple
    changes = [
        (name, path_key("", ours[name].encode_name), change)
        for name in names
        if (change := _change(theirs[name].type, ours[name].type)) is not None
    ]
    refuse = _refusal_of_fields([f for name, f in theirs.items() if name not in ours and not f.required])

    def convert(value: Any, path: str, faults: Faults) -> Any:
        values = dict(zip(names, values_of(value), strict=False))
        for name, below, change in changes:
            if (old := values[name]) is not UNSET:
                values[name] = change(old, path + below, faults)
        if refuse is not None:
            refuse(value, path, faults)
        return target(**values, **unknown_there)

    return convert


def _fields(kind: type[Struct]) -> tuple[inspect.Field, ...]:
    return cast("inspect.StructType", inspect.type_info(kind)).fields


def _refusal_of_fields(fields: list[inspect.Field]) -> Callable[[Any, str, Faults], None] | None:
    """Reports those of ``fields`` that are set."""
    if not fields:
        return None
    names = [f.name for f in fields]
    values_of = cast("Callable[[Any], tuple[Any, ...]]", attrgetter(*names, names[0]))
    unset = (UNSET,) * (len(names) + 1)

    def refuse(value: Any, path: str, faults: Faults) -> None:
        values = values_of(value)
        if values == unset:
            return
        for each, held in zip(fields, values, strict=False):
            if held is not UNSET:
                where = path_key(path, each.encode_name)
                got = hidden(held, ABSENT) if is_secret(each.encode_name) else shorten(held)
                faults.append(Violation(where, ABSENT, got, "FormatViolation"))

    return refuse


def _change(source: inspect.Type, target: inspect.Type) -> Change | None:
    """What has to be done to a value; None if it stays as it is."""
    if isinstance(source, inspect.StructType) and isinstance(target, inspect.StructType):
        return _nested(source.cls, target.cls)
    if isinstance(source, inspect.ListType) and isinstance(target, inspect.ListType):
        item = _change(source.item_type, target.item_type)
        return None if item is None else _list(item)
    if isinstance(target, inspect.LiteralType):
        known = set(target.values)
        if not isinstance(source, inspect.LiteralType) or set(source.values) - known:
            return _enum(target)
    if isinstance(target, inspect.IntType) and isinstance(source, inspect.UnionType):
        return _whole
    return None


def _nested(source: type[Struct], target: type[Struct]) -> Change:
    convert = _struct(source, target)

    def change(value: Any, path: str, faults: Faults) -> Any:
        # Anything else has been forgiven, or is for the schema to refuse.
        return convert(value, path, faults) if type(value) is source else value

    return change


def _list(item: Change) -> Change:
    def change(value: Any, path: str, faults: Faults) -> Any:
        if not isinstance(value, list):
            return value
        return [item(each, f"{path}[{i}]", faults) for i, each in enumerate(value)]

    return change


def _enum(info: inspect.LiteralType) -> Change:
    known = frozenset(info.values)
    shown = ", ".join(map(str, info.values))

    def change(value: Any, path: str, faults: Faults) -> Any:
        if isinstance(value, str) and value not in known:
            faults.append(Violation(path, f"one of {shown}", shorten(value), "PropertyConstraintViolation"))
        return value

    return change


def _whole(value: Any, path: str, faults: Faults) -> Any:
    """2.1 allows decimals where 2.0.1 has integers: ``16.0`` is one, ``16.5`` is for the schema to refuse."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
