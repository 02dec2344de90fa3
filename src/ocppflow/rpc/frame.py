"""The frames of OCPP-J, to bytes and from bytes (OCPP-J 2.1 Part 4, 4.2).

Writing is a join of parts whose payload is JSON already. Reading comes in two kinds. The usual frame is read in one
pass by the action's own decoder (``dialect.py``).
Everything else goes through :func:`read`, which never raises: it returns a :class:`Frame`, or a :class:`Broken` that
says how much could be made out and what is wrong.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

import msgspec

from ocppflow.errors import InvalidMessage, InvalidMessageId
from ocppflow.secrecy.discreet_repr import discreet_repr

CALL: Final = 2
CALLRESULT: Final = 3
CALLERROR: Final = 4
CALLRESULTERROR: Final = 5  # 2.1
SEND: Final = 6  # 2.1

MAX_ID: Final = 36
"""Length limit of a message id (OCPP-J 4.1.4)."""

UNREADABLE_ID: Final = "-1"
"""The id of a CALLERROR for a message whose own id cannot be read (2.0.1 Part 4, 4.2.3)."""

_MAX_ECHOED_ID: Final = 128
"""An id that is too long is still echoed up to here, for its sender to recognise; beyond, the answer bears "-1"."""

_MAX_NUMBER: Final = 2**53
"""The largest id that is a number and echoed: every JSON library has it exactly."""

# Possessive throughout: what a quantifier has taken it never gives back, so a peer cannot make the match cost more than
# one look at each byte (a million blanks once took hours).
_ANY_HEAD: Final = re.compile(rb'\s*+\[?+\s*+(-?+\d{1,9}+)\s*+,\s*+("(?>(?:[^"\\]|\\.){0,512})")')
_TYPE_HEAD: Final = re.compile(rb"\s*+\[\s*+(-?+\d{1,9}+)\s*+(?:[],]|\Z)")

_BOM: Final = b"\xef\xbb\xbf"

_encode = msgspec.json.Encoder().encode
_elements = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_integer = msgspec.json.Decoder(int)
_object = msgspec.json.Decoder(dict[str, Any])

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises for bytes it cannot take; the last two are not subclasses of the first."""


class Frame(msgspec.Struct):
    """A frame whose envelope is sound. ``action`` is empty for answers; ``payload`` means nothing for errors, which use
    ``code``, ``description`` and ``details`` instead. ``notes`` lists faults of the envelope that were forgiven."""

    __repr__ = discreet_repr

    type: int
    message_id: str
    action: str = ""
    payload: bytes = b"{}"
    code: str = ""
    description: str = ""
    details: dict[str, Any] = {}
    notes: tuple[str, ...] = ()


class Broken(msgspec.Struct):
    """What is left of a frame that cannot be read: its type and id where they could be made out, a code in 2.x
    spelling, and a reason without any of the raw input (2.0.1 Part 4, 4.2.3). ``number`` is an id that is a JSON
    integer, where a string is required."""

    __repr__ = discreet_repr

    type: int | None
    message_id: str
    code: str
    reason: str
    action: str = ""
    number: int | None = None


def new_id() -> str:
    """A message id that no connection has seen (OCPP-J 4.1.4): 128 random bits. A UUID looks better and costs five
    times as much."""
    return os.urandom(16).hex()


def last_element(data: bytes) -> bytes:
    """The JSON of the last element of a sound frame: the payload of a CALL or a CALLRESULT."""
    return bytes(_elements.decode(data)[-1])


def call(message_id: str, action: str, payload: bytes) -> bytes:
    """``[2, id, action, payload]``. Raises InvalidMessageId or InvalidMessage for what cannot be written."""
    return _request(b"[2,", message_id, action, payload)


def _request(head: bytes, message_id: str, action: str, payload: bytes) -> bytes:
    if not 0 < len(message_id) <= MAX_ID:
        raise InvalidMessageId(
            f"{action}: message id {message_id[:60]!r} has {len(message_id)} characters; 1 to {MAX_ID} are allowed"
        )
    try:
        return b"".join((head, _encode(message_id), b",", _encode(action), b",", payload, b"]"))
    except UnicodeEncodeError:
        raise InvalidMessage(f"{action!r}: action or message id {message_id!r} is not Unicode text") from None


def result(message_id: str, payload: bytes) -> bytes:
    """``[3, id, payload]``"""
    return b"".join((b"[3,", _encode(message_id), b",", payload, b"]"))


def send(message_id: str, action: str, payload: bytes) -> bytes:
    """``[6, id, action, payload]`` (2.1). Raises as :func:`call` does."""
    return _request(b"[6,", message_id, action, payload)


def error(kind: int, message_id: str | int, code: str, description: str, details: dict[str, Any]) -> bytes:
    """``[4 or 5, id, code, description, details]``; the description is cut to its 255 characters, and details that are
    not JSON are left out rather than costing the peer its answer."""
    head = [kind, message_id, _sound(code), _sound(description)[:255]]
    try:
        return bytes(_encode([*head, details]))
    except (TypeError, ValueError, RecursionError):
        return bytes(_encode([*head, {}]))


def _sound(text: object) -> str:
    """What a handler raised as text (an exception, as often as not); lone surrogates, which have no UTF-8, become
    question marks."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def read(data: bytes) -> Frame | Broken:
    """Read any frame with care, forgiving a byte-order mark and missing outer brackets. Never raises."""
    notes: list[str] = []
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
        notes.append("the message begins with a byte-order mark")
    try:
        elements = _elements.decode(data)
    except UNREADABLE as exc:
        inner = _without_brackets(data)
        if inner is None:
            return _salvage(data, exc)
        elements = inner
        notes.append("the message lacks its outer brackets")
    frame = _frame(elements)
    if isinstance(frame, Frame):
        frame.notes = tuple(notes)
    return frame


def _without_brackets(data: bytes) -> list[msgspec.Raw] | None:
    if not _ANY_HEAD.match(data) or data.lstrip().startswith(b"["):
        return None
    try:
        return _elements.decode(b"[" + data + b"]")
    except UNREADABLE:
        return None


def _salvage(data: bytes, exc: Exception) -> Broken:
    """The answer to unreadable JSON should still bear the id, if that much can be seen."""
    head = _ANY_HEAD.match(data)
    if head is not None:
        message_id = _text(head[2])
        code = "RpcFrameworkError" if message_id is None else "FormatViolation"
        return _broken(int(head[1]), message_id, f"not valid JSON: {_why(exc)}", code=code)
    head = _TYPE_HEAD.match(data)
    kind = None if head is None else int(head[1])
    return _broken(kind, None, f"not a JSON array: {_why(exc)}")


def _why(exc: Exception) -> str:
    if isinstance(exc, RecursionError):
        return "nested too deeply"
    if isinstance(exc, UnicodeDecodeError):
        return f"byte {exc.start} is not valid UTF-8"
    if isinstance(exc, msgspec.ValidationError):
        return "the message must be an array [type, id, ...]"
    return str(exc)


def _text(raw: msgspec.Raw | bytes) -> str | None:
    try:
        return _string.decode(raw)
    except UNREADABLE:
        return None


def _frame(elements: list[msgspec.Raw]) -> Frame | Broken:
    kind = _number(elements[0]) if elements else None
    message_id = _text(elements[1]) if len(elements) > 1 else None
    if len(elements) < 2:
        reason = f"{len(elements)} elements; a message is an array [type, id, ...]"
        return _broken(kind, None, reason)
    if kind is None:
        return _broken(None, message_id, "the first element, the message type, must be an integer")
    if message_id is None:
        reason = "the second element, the message id, must be a string"
        number = _number(elements[1])
        if number is not None and abs(number) > _MAX_NUMBER:
            number = None
        return Broken(kind, UNREADABLE_ID, "RpcFrameworkError", reason, number=number)
    if len(message_id) > MAX_ID and kind in (CALL, SEND):
        reason = f"the message id has {len(message_id)} characters, {MAX_ID} are allowed"
        return _broken(kind, message_id, reason)
    if kind in (CALL, SEND):
        return _call(kind, message_id, elements)
    if kind == CALLRESULT:
        if len(elements) != 3:
            return _broken(kind, message_id, f"a CALLRESULT has 3 elements, not {len(elements)}")
        return Frame(kind, message_id, payload=_payload(elements[2]))
    if kind in (CALLERROR, CALLRESULTERROR):
        return _error(kind, message_id, elements)
    return Frame(kind, message_id)


def _details(raw: msgspec.Raw) -> dict[str, Any]:
    """What is not an object, as the standard wants it, is kept for people: some peers write a sentence here."""
    try:
        value = msgspec.json.decode(raw)
    except UNREADABLE:
        return {}
    if isinstance(value, dict):
        return value
    return {} if value in (None, "", []) else {"errorDetails": value}


def _number(raw: msgspec.Raw) -> int | None:
    try:
        return int(_integer.decode(raw))
    except UNREADABLE:
        return None


def _broken(
    kind: int | None, message_id: str | None, reason: str, action: str = "", *, code: str = "RpcFrameworkError"
) -> Broken:
    if message_id is None or len(message_id) > _MAX_ECHOED_ID:
        message_id = UNREADABLE_ID
    return Broken(kind, message_id, code, reason, action)


def _call(kind: int, message_id: str, elements: list[msgspec.Raw]) -> Frame | Broken:
    name = "CALL" if kind == CALL else "SEND"
    action = _text(elements[2]) if len(elements) > 2 else None
    if len(elements) > 2 and action is None:
        return _broken(kind, message_id, "the third element, the action, must be a string")
    if len(elements) != 4:
        reason = f"a {name} has 4 elements, not {len(elements)}"
        return _broken(kind, message_id, reason, action or "", code="ProtocolError")
    payload = _payload(elements[3])
    if not payload.startswith(b"{"):
        reason = f"the fourth element of a {name}, the payload, must be a JSON object"
        return _broken(kind, message_id, reason, action or "", code="ProtocolError")
    return Frame(kind, message_id, action or "", payload)


def _payload(raw: msgspec.Raw) -> bytes:
    """``null`` is one of the two notations of an empty payload (OCPP-J 4.1.5)."""
    payload = bytes(raw).strip()
    return b"{}" if payload == b"null" else payload


def object_fault(payload: bytes) -> str | None:
    """Why a payload that no type describes is not a JSON object; None if it is one."""
    try:
        _object.decode(payload)
    except UNREADABLE as exc:
        return "not a JSON object" if isinstance(exc, msgspec.ValidationError) else f"not valid JSON: {_why(exc)}"
    return None


def _error(kind: int, message_id: str, elements: list[msgspec.Raw]) -> Frame:
    """Be forgiving: whatever is missing from an error, the call it answers has failed all the same."""
    code = _text(elements[2]) if len(elements) > 2 else None
    description = _text(elements[3]) if len(elements) > 3 else None
    details: dict[str, Any] = {}
    if len(elements) > 4:
        details = _details(elements[4])
    return Frame(kind, message_id, code=code or "GenericError", description=description or "", details=details)
