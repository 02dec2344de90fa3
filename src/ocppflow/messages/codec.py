"""Payloads: bytes to Struct and back, with every constraint of the schema enforced.

The fast path is one pass of msgspec. Only what msgspec refuses is walked over in Python (``messages.walk``): for a
full and readable account of what is wrong, and to accept the few things that the schema allows and msgspec does not
(``1.0`` for an integer, a leap second).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar

import msgspec

from ocppflow.errors import InvalidMessage
from ocppflow.messages import request_type, response_type
from ocppflow.messages.base import Message, Version, dec_hook
from ocppflow.messages.violation import Violation, violation_of
from ocppflow.messages.walk import walk

MessageT = TypeVar("MessageT", bound=Message)

Kind = Literal["request", "response"]
REFUSALS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a decoder of msgspec raises for bad input: neither of the last two is a DecodeError."""

_encode = msgspec.json.Encoder().encode


def decoder_for(kind: Any) -> msgspec.json.Decoder[Any]:
    """A decoder for any type made of messages, such as ``tuple[Literal[2], str, Literal["Reset"], ResetRequest]``.

    Make decoders through this: msgspec alone does not know customData.
    """
    return msgspec.json.Decoder(kind, dec_hook=dec_hook)


_decoder = cache(decoder_for)


def decoded(kind: type[MessageT], raw: bytes | str) -> MessageT:
    """The fast path alone: raises one of :data:`REFUSALS`, which is not the last word (see :func:`inspect`)."""
    message: MessageT = _decoder(kind).decode(raw)
    return message


def decode(kind: type[MessageT], raw: bytes | str) -> MessageT:
    """A payload as its Struct. Raises InvalidMessage that names the first fault, its path and its code."""
    try:
        sound: MessageT = _decoder(kind).decode(raw)
    except REFUSALS:
        message, found = inspect(kind, raw)
        if message is None or found:
            raise refusal(kind, found) from None
        return message
    return sound


def encode(message: Message, *, validate: bool = True) -> bytes:
    """A payload as JSON. Raises InvalidMessage for what the schema forbids, unless ``validate`` is false.

    A Struct made in Python is not checked when it is made, so its encoding is decoded once: a few microseconds.
    """
    try:
        raw = _encode(message)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError) as exc:
        text = f"{type(message).__name__} cannot be written as JSON: {exc}"
        raise InvalidMessage(text, code="FormatViolation") from None
    if validate:
        decode(type(message), raw)
    return raw


def inspect(kind: type[MessageT], raw: bytes | str) -> tuple[MessageT | None, tuple[Violation, ...]]:
    """Everything that is wrong with a payload, and the Struct made of what came as well as can be.

    The Struct is None only if the bytes are no JSON object. See :mod:`ocppflow.messages.walk` for how it is made.
    """
    try:
        value = msgspec.json.decode(raw)
    except msgspec.ValidationError as exc:  # a number beyond all limits; the typed decoder can tell where
        return None, (violation_of(_refused(kind, raw) or exc),)
    except REFUSALS as exc:
        return None, (violation_of(exc),)
    return walk(kind, value)


def _refused(kind: type[Message], raw: bytes | str) -> BaseException | None:
    try:
        decoded(kind, raw)
    except REFUSALS as exc:
        return exc
    return None


def violations(kind: type[Message], raw: bytes | str) -> tuple[Violation, ...]:
    """Everything that is wrong with a payload, in the order of the schema; empty if it is valid."""
    try:
        _decoder(kind).decode(raw)
    except REFUSALS:
        return inspect(kind, raw)[1]
    return ()


def refusal(kind: type[Message], found: tuple[Violation, ...]) -> InvalidMessage:
    """The error for what is wrong: the first violation in full, and how many more there are."""
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return InvalidMessage(f"{kind.__name__}: {first}{more}", code=first.code, path=first.path, violations=found)


def message_type(version: Version | str, action: str, kind: Kind) -> type[Message]:
    """The type of an action's request or response. Raises UnknownAction."""
    return request_type(version, action) if kind == "request" else response_type(version, action)


def validate(version: Version | str, action: str, kind: Kind, data: Mapping[str, Any] | bytes | str | None) -> bytes:
    """Checks a payload that is no Struct, and gives it as JSON; bytes come back untouched.

    ``None`` is an empty payload. Raises UnknownAction or InvalidMessage, with the same verdict as :func:`decode`.
    """
    target = message_type(version, action, kind)
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    raw = data if isinstance(data, bytes) else to_json({} if data is None else data)
    decode(target, raw)
    return raw


def to_json(data: object) -> bytes:
    """Plain data as JSON bytes. Raises InvalidMessage for what JSON cannot hold."""
    try:
        return _encode(data)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, TypeError, ValueError) as exc:
        raise InvalidMessage(f"the payload cannot be written as JSON: {exc}", code="FormatViolation") from None
