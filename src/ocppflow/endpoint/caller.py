"""Caller: what can be said over a connection, alike for a Connection and for a ChargingStation that holds one."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

from ocppflow.endpoint.incoming_call import IncomingCall, Work, payload_of
from ocppflow.messages import Request, Response, Send, Version
from ocppflow.messages.tolerance import Violation
from ocppflow.messages.vocabulary import to_v21, to_v201
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import CallAnswered

_R = TypeVar("_R", bound=Response)


class Caller:
    """Calls to the peer, and the message at hand. All of it raises NotConnected where there is no open connection."""

    __slots__ = ()

    # --- what a subclass provides --------------------------------------------------------------------------------

    @abstractmethod
    def _begin(
        self,
        request: Any,
        timeout: float | None,
        give_up_after: float | None,
        message_id: str | None,
        validate: bool,
    ) -> tuple[str, asyncio.Future[CallAnswered]]:
        """Queue a CALL: its id, and the future of its outcome."""

    @abstractmethod
    def _cancel(self, message_id: str) -> None:
        """Nobody waits for this call any more."""

    @abstractmethod
    def _send(self, message: Any, message_id: str | None, validate: bool) -> str:
        """Send a SEND: its id."""

    @abstractmethod
    def _spoken(self) -> Version:
        """The version of the connection."""

    @abstractmethod
    def _at_hand(self) -> IncomingCall | None:
        """The message whose handler asks."""

    # --- calls ---------------------------------------------------------------------------------------------------

    async def call(
        self,
        request: Request[_R],
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> _R:
        """Send a request and return its response.

        A 2.1 request may go over a 2.0.1 connection: it is put into 2.0.1's words, its response into 2.1's.
        ``timeout``: seconds from when it goes out, ``Limits.call_timeout`` by default. ``validate=False`` sends what
        the schema forbids. Cancelling the call takes it out of the queue; if it is in flight, the next one still waits
        for its answer or time-out (OCPP-J 4.1.1).

        Raises InvalidMessage, UnknownAction, InvalidMessageId, QueueFull or NotConnected before anything is sent;
        CallTimeout, ConnectionLost, RemoteCallError or InvalidResponse after.
        """
        translated = self._spoken() is Version.V201 and getattr(request, "__version__", None) is Version.V21
        answer = await self._call(to_v201(request) if translated else request, timeout, message_id, validate)
        response: _R = to_v21(answer.message) if translated else answer.message
        return response

    async def call_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> CallAnswered:
        """As ``call``, for an action by name and its payload in wire names (a mapping, or JSON as bytes). Returns the
        CallAnswered: ``.payload`` is the response's JSON as it came, ``.message`` the Struct, ``.violations`` what was
        forgiven in it, ``.latency`` in seconds."""
        return await self._call(RawMessage(action, payload_of(action, data)), timeout, message_id, validate)

    async def _call(self, request: Any, timeout: float | None, message_id: str | None, validate: bool) -> CallAnswered:
        message_id, future = self._begin(request, timeout, None, message_id, validate)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                future.exception()  # it failed in the same moment; nobody is left to hear of it
            self._cancel(message_id)
            raise

    def begin_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        timeout: float | None = None,
        give_up_after: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> asyncio.Future[CallAnswered]:
        """As ``call_raw``, but begun when this returns, and without a task: what has to be refused before sending is
        raised here, the future has the outcome. Cancelling the future cancels the call. ``give_up_after`` (seconds)
        counts from now and bounds the time in the queue too: what has not been sent by then is not sent later."""
        message_id, future = self._begin(
            RawMessage(action, payload_of(action, data)), timeout, give_up_after, message_id, validate
        )
        ended_id = message_id

        def over(ended: asyncio.Future[CallAnswered]) -> None:
            if ended.cancelled():
                self._cancel(ended_id)

        future.add_done_callback(over)
        return future

    def send(self, message: Send, *, message_id: str | None = None, validate: bool = True) -> str:
        """Send an unconfirmed message (2.1 SEND): a Struct such as ``v21.NotifyPeriodicEventStream``. Returns its
        id."""
        return self._send(message, message_id, validate)

    def send_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        message_id: str | None = None,
        validate: bool = True,
    ) -> str:
        """As ``send``, for an action by name and its payload in wire names."""
        return self._send(RawMessage(action, payload_of(action, data)), message_id, validate)

    @property
    def current_call(self) -> IncomingCall | None:
        """The message at hand: the one whose handler asks, from within its own task. None outside of handlers."""
        return self._at_hand()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What a tolerant policy forgave in the message at hand, to be asked from within its handler. A required field
        that was missing is UNSET there, in spite of its type."""
        call = self._at_hand()
        return call.violations if call is not None else ()

    def respond_then(self, work: Work) -> None:
        """From within a handler: do ``work``, such as ``lambda: station.call(...)``, once the answer to the message at
        hand is on its way. If it fails, the log says so. Raises RuntimeError outside of a handler."""
        call = self._at_hand()
        if call is None:
            raise RuntimeError("respond_then() belongs into the handler of a call, in the handler's own task")
        call.respond_then(work)
