"""What an unusual frame means: everything that can be wrong with a message, and what OCPP-J wants done about it.

:func:`interpret` has no state and changes none; the session carries out what it returns. What it returns is one of the
readings below. Nothing a peer can send makes it raise.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from ocppflow.errors import CallError, InvalidMessage, InvalidResponse
from ocppflow.messages import Version
from ocppflow.messages.repair import repaired
from ocppflow.messages.tolerance import Checked, Policy, Violation, check
from ocppflow.rpc import frame as frames
from ocppflow.rpc import signed
from ocppflow.rpc.codes import from_wire
from ocppflow.rpc.dialect import Dialect
from ocppflow.rpc.frame import CALL, CALLERROR, CALLRESULT, CALLRESULTERROR, SEND, Broken, Frame
from ocppflow.rpc.history import History
from ocppflow.rpc.own_calls import OwnCall
from ocppflow.secrecy.blotting import secrets_of
from ocppflow.secrecy.discreet_repr import discreet_repr

BINARY: Final = Violation("$", "a text message (RFC 6455 5.6)", "a binary one", "FormatViolation")
"""What is wrong with JSON in a binary message."""


class Judge(msgspec.Struct, frozen=True):
    """The policy that a session's messages are judged by, and what it needs to know of their sender."""

    policy: Policy
    identity: str
    history: History

    def check(self, kind: Any, action: str, payload: bytes, repairs: tuple[Violation, ...]) -> Checked[Any]:
        """The message, and what was forgiven. Raises InvalidMessage for what was not."""
        return check(
            kind,
            payload,
            self.policy,
            identity=self.identity,
            vendor=self.history.vendor or None,
            model=self.history.model or None,
            action=action,
            repairs=repairs,
        )


class TheirCall(msgspec.Struct):
    """A call."""

    __repr__ = discreet_repr

    message_id: str
    action: str
    message: Any
    payload: bytes
    violations: tuple[Violation, ...]


class TheirSend(msgspec.Struct):
    """An unconfirmed message (2.1)."""

    __repr__ = discreet_repr

    message_id: str
    action: str
    message: Any
    payload: bytes
    violations: tuple[Violation, ...]


class TheirResult(msgspec.Struct):
    """The response to the call in flight. ``message`` is None if that call's action is unknown to the version."""

    __repr__ = discreet_repr

    message: Any
    payload: bytes
    violations: tuple[Violation, ...]


class TheirBadResult(msgspec.Struct):
    """The call in flight was answered with something of no use."""

    __repr__ = discreet_repr

    code: str
    reason: str
    path: str = "$"
    raw: bytes = b""
    violations: tuple[Violation, ...] = ()

    def error(self, action: str) -> InvalidResponse:
        """What the caller of ``action`` is told."""
        text = f"{action} response: {self.reason}"
        return InvalidResponse(text, code=self.code, path=self.path, raw=self.raw, violations=self.violations)


class TheirError(msgspec.Struct):
    """The call in flight was answered with a CALLERROR; ``wire_code`` is its code as it was spelled."""

    error: CallError
    wire_code: str


class TheirResultError(msgspec.Struct):
    """The peer could not use a response of ours (2.1)."""

    message_id: str
    error: CallError


class TheirFault(msgspec.Struct):
    """A message at fault, to be answered with a CALLERROR."""

    __repr__ = discreet_repr

    message_id: str | int
    action: str
    code: str
    reason: str
    violations: tuple[Violation, ...] = ()


class NoEffect(msgspec.Struct):
    """Not to be answered, and without effect. ``message_id`` is that of an answer that matches no call in flight."""

    __repr__ = discreet_repr

    reason: str
    message_id: str = ""


_NOT_JWS = "the payload is not a flattened JWS (RFC 7515 7.2.2)"

Reading = TheirCall | TheirSend | TheirResult | TheirBadResult | TheirError | TheirResultError | TheirFault | NoEffect


def interpret(
    data: bytes, dialect: Dialect, flying: OwnCall | None, judge: Judge, *, binary: bool = False
) -> tuple[Reading, tuple[str, ...]]:
    """What ``data`` means to a session of ``dialect`` with the call ``flying`` in flight, and which faults of the
    envelope were forgiven."""
    frame = frames.read(data)
    repairs: tuple[Violation, ...] = (BINARY,) if binary else ()
    if isinstance(frame, Broken):
        fixed, more = repaired(data)
        mended = frames.read(fixed) if more else frame
        if isinstance(mended, Broken) or not _is_legible(mended.message_id + mended.action):
            return _broken(frame, dialect, flying, data), ()
        frame, repairs = mended, repairs + more
    if frame.type == CALL:
        return _call(frame, dialect, judge, repairs), frame.notes
    if frame.type == CALLRESULT:
        return _result(frame, dialect, flying, judge, repairs), frame.notes
    if frame.type == SEND and dialect.version is Version.V21:
        return _send(frame, dialect, judge, repairs), frame.notes
    notes = (*frame.notes, *map(str, repairs))
    if frame.type == CALLERROR:
        return _error(frame, flying), notes
    if frame.type == CALLRESULTERROR and dialect.version is Version.V21:
        return TheirResultError(frame.message_id, _error_of(frame)), notes
    return _unknown_type(frame.type, frame.message_id, dialect), notes


def _is_legible(text: str) -> bool:
    """Whether id and action are as they were sent: garbled ones are not guessed at, only what stands in a payload."""
    return text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text


def _unknown_type(kind: int, message_id: str, dialect: Dialect) -> Reading:
    """2.0.1 Part 4, 4.4 answers; 1.6 4.1.3 and 2.1 Part 4, 4.4 ignore."""
    reason = f"message type {kind} is unknown in OCPP {dialect.version.value}"
    if dialect.version is Version.V201:
        return TheirFault(message_id, "", "MessageTypeNotSupported", reason)
    return NoEffect(reason)


def _broken(frame: Broken, dialect: Dialect, flying: OwnCall | None, data: bytes) -> Reading:
    if frame.type in (CALLRESULT, CALLERROR):  # never answered with a CALLERROR (Part 4, 4.2.3)
        if flying is not None and flying.message_id == frame.message_id:
            return TheirBadResult(frame.code, frame.reason, raw=data)
        return NoEffect(f"an answer that cannot be read: {frame.reason}")
    if dialect.version is Version.V21 and frame.type in (SEND, CALLRESULTERROR):
        return NoEffect(f"a message of type {frame.type} that cannot be read: {frame.reason}")
    if frame.type is not None and frame.type != CALL:
        return _unknown_type(frame.type, frame.message_id, dialect)
    if frame.number is not None and dialect.version is Version.V16:
        # 1.6 has no "-1": the answer bears the very id of the call (4.2.3), so its sender can tell what failed.
        return TheirFault(frame.number, frame.action, "ProtocolError", frame.reason)
    return TheirFault(frame.message_id, frame.action, frame.code, frame.reason)


def _call(frame: Frame, dialect: Dialect, judge: Judge, repairs: tuple[Violation, ...]) -> Reading:
    action, payload = signed.unwrap_call(frame.action, frame.payload, dialect.version)
    info = dialect.heard.get(action)
    if info is None:
        return _not_heard(frame.message_id, frame.action, action, dialect)
    if not info.confirmed:
        reason = f"{action} has no response; it comes as SEND, message type 6"
        return TheirFault(frame.message_id, action, "NotSupported", reason)
    if payload is None:
        return TheirFault(frame.message_id, action, "FormatViolation", f"{frame.action}: {_NOT_JWS}")
    try:
        checked = judge.check(info.request, action, payload, repairs)
    except InvalidMessage as exc:
        return TheirFault(frame.message_id, action, exc.code, str(exc), exc.violations)
    return TheirCall(frame.message_id, action, checked.message, payload, checked.violations)


def _not_heard(message_id: str, written: str, action: str, dialect: Dialect) -> Reading:
    """Part 4, 4.3: NotImplemented is for what nobody knows, NotSupported for what is not to be sent to this side."""
    version, role = dialect.version.value, dialect.role
    if dialect.is_known(action):
        reason = f"{action} is the {role.value}'s to send in OCPP {version}, not the {role.peer.value}'s"
        return TheirFault(message_id, action, "NotSupported", reason)
    return TheirFault(message_id, action, "NotImplemented", f"{written[:60]!r} is not an action of OCPP {version}")


def _result(
    frame: Frame, dialect: Dialect, flying: OwnCall | None, judge: Judge, repairs: tuple[Violation, ...]
) -> Reading:
    if flying is None or flying.message_id != frame.message_id:
        return NoEffect("response", frame.message_id)
    payload = signed.unwrap_result(frame.payload, dialect.version)
    if not flying.known:
        fault = frames.object_fault(payload)
        if fault is not None:
            return TheirBadResult("FormatViolation", fault, raw=payload)
        return TheirResult(None, payload, ())
    try:
        checked = judge.check(dialect.said[flying.action].response, flying.action, payload, repairs)
    except InvalidMessage as exc:
        return TheirBadResult(exc.code, str(exc), exc.path, payload, exc.violations)
    return TheirResult(checked.message, payload, checked.violations)


def _error_of(frame: Frame) -> CallError:
    return CallError.of(from_wire(frame.code), frame.description, frame.details)


def _error(frame: Frame, flying: OwnCall | None) -> Reading:
    error = _error_of(frame)
    if flying is None or flying.message_id != frame.message_id:
        return NoEffect(f"CALLERROR ({error})", frame.message_id)
    error._conceal(secrets_of(flying.frame))
    return TheirError(error, frame.code)


def _send(frame: Frame, dialect: Dialect, judge: Judge, repairs: tuple[Violation, ...]) -> Reading:
    """A SEND is never answered, whatever is wrong with it (2.1 Part 4, 4.2.4)."""
    action, payload = signed.unwrap_call(frame.action, frame.payload, dialect.version)
    info = dialect.heard.get(action)
    if info is None or info.confirmed:
        return NoEffect(f"SEND of {frame.action[:60]!r}: not an unconfirmed message to the {dialect.role.value}")
    if payload is None:
        return NoEffect(f"SEND of {frame.action}: {_NOT_JWS}")
    try:
        checked = judge.check(info.request, action, payload, repairs)
    except InvalidMessage as exc:
        return NoEffect(f"SEND of {action}: {exc}")
    return TheirSend(frame.message_id, action, checked.message, payload, checked.violations)
