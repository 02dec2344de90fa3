"""IncomingCall: a message of the peer's with all that is known of it, for catch-all handlers and middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from ocppflow.errors import CallError, Expired, InvalidMessage
from ocppflow.messages.codec import to_json
from ocppflow.messages.tolerance import Violation
from ocppflow.rpc.events import CallReceived, SendReceived


class _Later:
    """See LATER."""

    def __repr__(self) -> str:
        return "LATER"


LATER: Final = _Later()
"""What a catch-all handler returns if it will answer through ``IncomingCall.reply`` or ``.fail``."""

Work = Callable[[], Awaitable[object]]
"""Something to be done later, such as ``lambda: station.call(...)``."""


class Answerer(Protocol):
    """Who answers calls: the connection they came over."""

    def reply(self, message_id: str, response: Any, validate: bool) -> None:
        """Send a response."""

    def fail(self, message_id: str, error: CallError) -> None:
        """Send a CALLERROR."""

    def respond_then(self, message_id: str, work: Work) -> None:
        """Do ``work`` once the answer is on its way."""


class IncomingCall:
    """A message of the peer's: the payload's bytes as they came, and the message beside it.

    ``action``; ``message``, the Struct of the connection's version; ``message_id``; ``violations``, what a tolerant
    policy forgave; ``received_at`` in the clock's seconds. ``confirmed`` is False for a 2.1 SEND, which is not
    answered.
    """

    __slots__ = ("_answerer", "_event")

    def __init__(self, event: CallReceived | SendReceived, answerer: Answerer) -> None:
        self._event = event
        self._answerer = answerer

    @property
    def action(self) -> str:
        """The action, such as ``Heartbeat``."""
        return self._event.action

    @property
    def message_id(self) -> str:
        """The id that the peer gave it."""
        return self._event.message_id

    @property
    def message(self) -> Any:
        """The Struct, of the connection's own version."""
        return self._event.message

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What a tolerant policy forgave; empty for a valid message."""
        return self._event.violations

    @property
    def confirmed(self) -> bool:
        """Whether it wants an answer."""
        return isinstance(self._event, CallReceived)

    @property
    def received_at(self) -> float:
        """When it came, in the clock's seconds."""
        return self._event.received_at

    @property
    def payload(self) -> bytes:
        """The payload's JSON as it came."""
        return self._event.payload

    @property
    def data(self) -> dict[str, Any]:
        """The payload as a dict, in wire names."""
        return msgspec.json.decode(self.payload, type=dict[str, Any])

    def reply(self, response: Any, *, validate: bool = True) -> None:
        """Answer with a Struct, a dict in wire names, or the payload's JSON as bytes. Raises InvalidMessage if the
        schema forbids the response (and a better one is still taken), Expired if the call waits no longer."""
        self._must_be_confirmed()
        self._answerer.reply(self.message_id, response, validate)

    def fail(self, error: CallError) -> None:
        """Answer with a CALLERROR. Raises Expired if the call waits no longer."""
        self._must_be_confirmed()
        self._answerer.fail(self.message_id, error)

    def respond_then(self, work: Work) -> None:
        """Do ``work`` once the answer to this call is on its way, however it is given. If it fails, the log says so."""
        self._answerer.respond_then(self.message_id, work)

    def _must_be_confirmed(self) -> None:
        if not self.confirmed:
            raise Expired(f"{self.action} came as a SEND, which is never answered")

    def __repr__(self) -> str:
        return f"<IncomingCall {self.action} {self.message_id!r}>"


def payload_of(action: str, data: Mapping[str, Any] | bytes | None) -> bytes:
    """A payload in wire names as JSON; None is an empty one. Raises InvalidMessage for what JSON cannot hold."""
    if isinstance(data, bytes):
        return data
    try:
        return to_json({} if data is None else data)
    except InvalidMessage as exc:
        raise InvalidMessage(f"{action}: {exc}") from None
