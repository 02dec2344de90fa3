"""What a Session reports. Payloads stay the bytes they were; Structs stand beside them for whoever wants types."""

from __future__ import annotations

from typing import Any

import msgspec

from ocppflow.errors import CallError, RemoteError
from ocppflow.messages.tolerance import Violation
from ocppflow.rpc.frame import last_element


class Event(msgspec.Struct):
    """Base of all events."""


class Report(Event):
    """Base of the events that call for nothing but being told. ``str()`` of one is a sentence for log and trace."""


class Warn(Report):
    """Base of the reports that somebody should look into."""


class _Payload(Event):
    """A message with a payload."""

    message_id: str
    action: str
    message: Any
    """The decoded Struct; None only for an action this version does not know (sent with ``validate=False``)."""
    data: bytes
    """The whole frame as it came or, unless ``framed``, the payload alone."""
    violations: tuple[Violation, ...] = ()
    """What a tolerant policy forgave; empty for a valid message."""
    framed: bool = True

    @property
    def payload(self) -> bytes:
        """The payload's JSON as it came. It is cut out when asked for: handlers of typed messages never do."""
        return last_element(self.data) if self.framed else self.data


class CallReceived(_Payload, gc=False):
    """The peer calls; answer with ``Session.reply`` or ``Session.fail``."""


class SendReceived(_Payload):
    """An unconfirmed message (2.1 SEND); there is no answer to it."""


class CallAnswered(_Payload):
    """The response to a call of ours. ``latency`` in seconds since it went out."""

    latency: float = 0.0


class CallFailed(Event):
    """A call of ours ended without a response. ``latency`` is None if it never went out."""

    message_id: str
    action: str
    error: RemoteError
    latency: float | None = None


class CallExpired(Warn):
    """Nobody answered the peer's call in time; the peer got a CALLERROR instead of silence."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} was not answered in time"


class ResultRefused(Warn):
    """The peer could not use our response (2.1 CALLRESULTERROR)."""

    message_id: str
    error: CallError

    def __str__(self) -> str:
        return f"the peer could not use our response to {self.message_id!r}: {self.error}"


class Refused(Warn):
    """A message of the peer's that we answered with a CALLERROR; nothing else is to be done."""

    message_id: str
    action: str
    error: CallError
    violations: tuple[Violation, ...] = ()

    def __str__(self) -> str:
        return f"refused: {self.error}"


class Ignored(Report):
    """A message that is not answered and has no effect, and why: a late answer, an unknown message type, ..."""

    reason: str

    def __str__(self) -> str:
        return f"ignored: {self.reason}"


class Repeated(Report):
    """A call that was answered before got the same answer again (OCPP-J 1.6 errata 3.1)."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} came again and got the same answer"


class Resumed(Report):
    """A repetition, on this connection, of a call that is still at work for an earlier one. Its answer will be sent
    here, by whoever answers the earlier call: ``Session.wake`` says when there is something to send."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} came again while it is at work"


class Noted(Report):
    """A fault in the framing that was forgiven; an event for the message itself follows."""

    reason: str

    def __str__(self) -> str:
        return f"forgiven: {self.reason}"
