"""Payloads: bytes to Struct and back, with every constraint of the schema enforced.

The fast path is one pass of msgspec. Only what msgspec refuses is walked over in Python (``messages.walk``): for a
full and readable account of what is wrong, and to accept the few things that the schema allows and msgspec does not
(``1.0`` for an integer, a leap second, in OCPP 1.6 an offset of hours alone).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

from ocppflow.errors import InvalidMessage
from ocppflow.messages import date_times, request_type, response_type
from ocppflow.messages.base import Message, Version, dec_hook
from ocppflow.messages.repair import repaired
from ocppflow.messages.violation import Violation, violation_of
from ocppflow.messages.walk import GivenUp, Report, walk

MessageT = TypeVar("MessageT", bound=Message)

Kind = Literal["request", "response"]
REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder of msgspec raises for bad input: neither of the last two is a DecodeError."""

_encode = msgspec.json.Encoder().encode
_UNWRITABLE = (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError)
"""What an encoder of msgspec raises for what JSON cannot hold."""


def decoder_for(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder for any type made of messages, such as ``tuple[Literal[2], str, Literal["Reset"], ResetRequest]``.

    Make decoders through this: msgspec alone does not know customData.
    """
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)


_decoder = cache(decoder_for)


def decoded(kind: type[MessageT], raw: bytes | str) -> MessageT:
    """The fast path alone. Raises one of :data:`REFUSALS`, also for valid payloads that only :func:`inspect` takes."""
    message: MessageT = _decoder(kind).decode(raw)
    return message


def decode(kind: type[MessageT], raw: bytes | str) -> MessageT:
    """A payload as its Struct. Raises InvalidMessage that names the first fault, its path and its code."""
    try:
        sound: MessageT = _decoder(kind).decode(raw)
    except REFUSALS as exc:
        refused = violation_of(exc)  # the exception itself would be part of a cycle, and keep all that is here
    else:
        return sound
    value, repairs = plain_value(kind, raw)
    return inspect(kind, value, repairs, lambda violation: False, refused)[0]


def encode(message: Message, *, validate: bool = True) -> bytes:
    """A payload as JSON, its date-times cut to milliseconds (see :func:`date_times.in_milliseconds`).

    Raises InvalidMessage for what the schema forbids, unless ``validate`` is false. A Struct made in Python is not
    checked when it is made, so its encoding is decoded once: a few microseconds.
    """
    try:
        raw = _encode(message)
        if b"." in raw:
            raw = date_times.cut(message, raw)
    except _UNWRITABLE as exc:
        raise _unwritable(type(message).__name__, exc) from None
    if validate:
        decode(type(message), raw)
    return raw


def _unwritable(name: str, exc: Exception) -> InvalidMessage:
    return InvalidMessage(f"{name} cannot be written as JSON: {exc}", code="FormatViolation")


def plain_value(kind: type[Message], raw: bytes | str) -> tuple[Any, tuple[Violation, ...]]:
    """A payload as plain data, and what had to be repaired to read it (:func:`ocppflow.messages.repair.repaired`).

    Raises InvalidMessage for what is not JSON even after a repair.
    """
    repairs: tuple[Violation, ...] = ()
    while True:
        try:
            return msgspec.json.decode(raw), repairs
        except msgspec.ValidationError as exc:  # a number out of range; the typed decoder can tell where
            raise refusal(kind, [*repairs, violation_of(_refused(kind, raw) or exc)]) from None
        except REFUSALS as exc:
            reason = violation_of(exc)
        if repairs:
            raise refusal(kind, [*repairs, reason])
        raw, repairs = repaired(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw)
        if not repairs:
            raise refusal(kind, [reason])


def inspect(
    kind: type[MessageT],
    value: object,
    repairs: Iterable[Violation],
    forgives: Callable[[Violation], bool],
    refused: Violation | None = None,
) -> tuple[MessageT, tuple[Violation, ...]]:
    """The best Struct for plain data (see :mod:`ocppflow.messages.walk`), and every violation that was forgiven.

    ``repairs`` are violations found already; ``refused`` is what msgspec found, for a payload that is too long to be
    examined. Raises InvalidMessage if ``value`` is not an object, or for whatever
    ``forgives`` does not forgive.
    """
    report = Report(kind.__version__, forgives)
    try:
        for violation in repairs:
            report.take(violation)
        message = walk(kind, value, report)
    except GivenUp:
        first = [refused] if refused is not None and len(report.held) == 1 else []
        raise refusal(kind, [*first, *report.held], complete=False) from None
    if report.held or message is None:
        raise refusal(kind, report.held or report.found)
    return message, tuple(report.found)


def _refused(kind: type[Message], raw: bytes | str) -> BaseException | None:
    try:
        decoded(kind, raw)
    except REFUSALS as exc:
        return exc
    return None


def violations(kind: type[Message], raw: bytes | str) -> tuple[Violation, ...]:
    """Everything that is wrong with a payload, in the order of the schema; empty if the payload is valid."""
    try:
        _decoder(kind).decode(raw)
    except REFUSALS:
        try:
            value, repairs = plain_value(kind, raw)
            return inspect(kind, value, repairs, lambda violation: True)[1]
        except InvalidMessage as exc:
            return exc.violations
    return ()


def refusal(kind: type[Message], held: Sequence[Violation], *, complete: bool = True) -> InvalidMessage:
    """The error for what is wrong: the first violation in full, and how many more there are.

    ``complete`` is false if the search was given up and there may be more.
    """
    first = held[0]
    more = len(held) - 1
    note = f" (and {'' if complete else 'at least '}{more} more)" if more else ""
    return InvalidMessage(f"{kind.__name__}: {first}{note}", code=first.code, path=first.path, violations=tuple(held))


def message_type(version: Version | str, action: str, kind: Kind) -> type[Message]:
    """The type of an action's request or response. Raises UnknownAction."""
    return request_type(version, action) if kind == "request" else response_type(version, action)


def validate(version: Version | str, action: str, kind: Kind, data: Mapping[str, Any] | bytes | str | None) -> bytes:
    """Checks a payload given as plain data or JSON, and returns it as JSON; bytes come back untouched.

    ``None`` is an empty payload. Raises UnknownAction or InvalidMessage, with the same verdict as :func:`decode`.
    """
    target = message_type(version, action, kind)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    raw = data if isinstance(data, bytes) else to_json({} if data is None else data)
    decode(target, raw)
    return raw


def to_json(data: object) -> bytes:
    """Plain data as JSON, its date-times cut to milliseconds. Raises InvalidMessage for what JSON cannot hold."""
    try:
        return date_times.cut(data, _encode(data))
    except _UNWRITABLE as exc:
        raise _unwritable("the payload", exc) from None
