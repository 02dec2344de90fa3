"""What a Session reports. Payloads stay the bytes they were; Structs stand beside them for whoever wants types."""

from __future__ import annotations

from typing import Any

import msgspec

from ocppflow.errors import CallError, RemoteError
from ocppflow.messages.tolerance import Violation
from ocppflow.rpc.frame import last_element
from ocppflow.secrecy.discreet_repr import discreet_repr


class Event(msgspec.Struct):
    """Base of all events."""

    __repr__ = discreet_repr


class Notice(Event):
    """Base of the events that call for nothing but being told. ``str()`` of one is a sentence for log and trace."""


class Warn(Notice):
    """Base of the notices that somebody should look into."""


class MessageEvent(Event):
    """Base of the events for a message with a payload."""

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


class CallReceived(MessageEvent, gc=False):
    """The peer calls; answer with ``Session.reply`` or ``Session.fail``. ``received_at`` is the clock's time."""

    fingerprint: int = 0
    """The hash of the whole frame, which tells a repetition from another call with the same id."""
    received_at: float = 0.0
    shared: bool = False
    """Whether a handler is at work on it for an earlier connection, so that the answer comes from there."""

    @property
    def key(self) -> tuple[str, int]:
        """What a repetition of this very call has in common with it."""
        return self.message_id, self.fingerprint

    def without_content(self) -> CallReceived:
        """The same, without the message: what has to be kept of a call whose connection has ended."""
        return CallReceived(
            self.message_id,
            self.action,
            None,
            b"",
            framed=False,
            fingerprint=self.fingerprint,
            received_at=self.received_at,
        )


class SendReceived(MessageEvent):
    """An unconfirmed message (2.1 SEND); there is no answer to it. ``received_at`` is the clock's time."""

    received_at: float = 0.0


class CallAnswered(MessageEvent):
    """The response to a call of ours. ``latency`` in seconds since it went out."""

    latency: float = 0.0
    waiter: Any = None
    """What was handed to ``Session.call``."""


class CallFailed(Event):
    """A call of ours ended without a response. ``latency`` is None if it never went out."""

    message_id: str
    action: str
    error: RemoteError
    latency: float | None = None
    waiter: Any = None
    """What was handed to ``Session.call``."""


class LateAnswer(Event):
    """An answer to a call of a connection that has ended: the frame, for whichever connection has it now."""

    key: tuple[str, int]
    frame: bytes


class CallExpired(Warn):
    """Nobody answered the peer's call in time; the peer got a CALLERROR instead of silence."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} was not answered in time"


class ResultRefused(Warn):
    """The peer could not use our response (2.1 CALLRESULTERROR). ``action`` is empty if that was too long ago."""

    message_id: str
    action: str
    error: CallError

    def __str__(self) -> str:
        what = f"{self.action} response" if self.action else "response"
        return f"the peer could not use our {what} to {self.message_id!r}: {self.error}"


class Refused(Warn):
    """A message of the peer's that we answered with a CALLERROR; nothing else is to be done."""

    message_id: str
    action: str
    error: CallError
    violations: tuple[Violation, ...] = ()

    def __str__(self) -> str:
        """With every violation, not only the first that the peer is told of."""
        more = "; ".join(map(str, self.violations[1:]))
        return f"refused: {self.error}{'; ' + more if more else ''}"


class Forgiven(Notice):
    """What a tolerant policy forgave in the message of the event that follows."""

    action: str
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        return f"forgiven in {self.action}: {'; '.join(map(str, self.violations))}"


class Ignored(Notice):
    """A message that is not answered and has no effect, and why: a late answer, an unknown message type, ..."""

    reason: str

    def __str__(self) -> str:
        return f"ignored: {self.reason}"


class Repeated(Notice):
    """A call that was answered before got the same answer again (OCPP-J 1.6 errata 3.1)."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} came again and got the same answer"


class Shared(Notice):
    """A repetition of a call that is still at work, for this connection or an earlier one. One answer serves both; it
    goes out here, as soon as there is one."""

    message_id: str
    action: str

    def __str__(self) -> str:
        return f"{self.action} {self.message_id!r} came again while it is being processed"


class Noted(Notice):
    """A fault in the framing that was forgiven; an event for the message itself follows."""

    reason: str

    def __str__(self) -> str:
        return f"forgiven: {self.reason}"
