"""Endpoint: a Session, its Link, one timer and the handlers: OCPP with ``await``.

Both roles are this, with a different way to get a Link. Everything runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ocppflow.complaints import Complaints
from ocppflow.errors import InternalError, NotConnected
from ocppflow.handlers import Handlers, end
from ocppflow.messages import Request, Response, Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.dialect import RawMessage
from ocppflow.rpc.events import (
    CallAnswered,
    CallFailed,
    CallReceived,
    Event,
    Resumed,
    SendReceived,
)
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.session import Session
from ocppflow.serving import Serving, payload_of
from ocppflow.trace import TraceHook
from ocppflow.tracing import Tracer
from ocppflow.transport.clock import Clock, Timer
from ocppflow.transport.link import Link, Peer

log = logging.getLogger("ocppflow")

_R = TypeVar("_R", bound=Response)


class Endpoint:
    """One end of one connection. ``owner`` is what handlers get as their first argument, by default the Endpoint
    itself;
    ``on_closed(endpoint, code, reason)`` is called once, when the connection is over."""

    __slots__ = (
        "__weakref__",
        "_armed",
        "_clock",
        "_closing",
        "_complaints",
        "_ended",
        "_futures",
        "_link",
        "_on_closed",
        "_quiet",
        "_serving",
        "_session",
        "_timer",
        "_tracer",
        "connected_at",
    )

    def __init__(
        self,
        link: Link,
        role: Role,
        *,
        clock: Clock,
        handlers: Handlers,
        owner: Any = None,
        limits: Limits,
        policy: Policy = STRICT,
        history: History | None = None,
        trace: TraceHook | None = None,
        silence: str = "no answer in time",
        on_closed: Callable[[Any, int, str], object] | None = None,
    ) -> None:
        peer = link.peer
        self._link = link
        self._clock = clock
        self._tracer = Tracer(trace, peer, role, clock) if trace is not None else None
        self._session = Session(
            peer.version,
            role,
            identity=peer.identity,
            limits=limits,
            policy=policy,
            history=history,
            silence=silence,
        )
        self._serving = Serving(self._session, handlers, self if owner is None else owner, self._flush)
        self._timer: Timer | None = None
        self._armed = 0.0
        self._futures: dict[str, asyncio.Future[CallAnswered]] | None = None
        self._quiet: tuple[asyncio.Future[None], int] | None = None
        self._complaints: Complaints | None = None
        self._closing = False
        self._ended = False
        self._on_closed = on_closed
        self.connected_at = time.time()
        if self._tracer is not None:
            self._tracer.record("connected")
        link.attach(self)

    # --- what it is ----------------------------------------------------------------------------------------------

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        return self._link.peer

    @property
    def version(self) -> Version:
        """The version of this connection."""
        return self._session.version

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._link.is_open and not self._closing

    @property
    def history(self) -> History:
        """What is known of the station beyond this connection."""
        return self._session.history

    @property
    def idle_for(self) -> float:
        """Seconds since anything came from the peer."""
        return max(0.0, self._clock.now() - self._link.last_received)

    def pause_reading(self) -> None:
        """Take nothing more from the peer for now, who feels it as backpressure."""
        self._link.pause_reading()

    def resume_reading(self) -> None:
        """Go on after :meth:`pause_reading`, once for each."""
        self._link.resume_reading()

    # --- what it says --------------------------------------------------------------------------------------------

    async def call(
        self,
        request: Request[_R],
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> _R:
        """Send a request and return its response.

        ``timeout``: seconds from when it goes out, ``Limits.call_timeout`` by default. ``validate=False`` sends what
        the schema forbids. Cancelling the call takes it out of the queue; if it is in flight, the next one still waits
        for its answer or time-out (OCPP-J 4.1.1).

        Raises InvalidMessage, UnknownAction, InvalidMessageId, QueueFull or NotConnected before anything is sent;
        CallTimeout, ConnectionLost, RemoteCallError or InvalidResponse after.
        """
        answer = await self._call(request, timeout, message_id, validate)
        response: _R = answer.message
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
        CallAnswered: ``.payload`` is the response's JSON as it came, ``.message`` the Struct, ``.latency`` in
        seconds."""
        return await self._call(RawMessage(action, payload_of(action, data)), timeout, message_id, validate)

    async def _call(self, request: Any, timeout: float | None, message_id: str | None, validate: bool) -> CallAnswered:
        message_id, future = self._begin(request, timeout, message_id, validate)
        try:
            return await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                future.exception()  # it failed in the same moment; nobody is left to hear of it
            self._session.cancel(message_id)
            raise
        finally:
            self._forget(message_id, future)

    def begin_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> asyncio.Future[CallAnswered]:
        """As ``call_raw``, but begun when this returns, and without a task: what has to be refused before sending is
        raised here, the future has the outcome. Cancelling the future cancels the call."""
        message_id, future = self._begin(RawMessage(action, payload_of(action, data)), timeout, message_id, validate)

        def over(ended: asyncio.Future[CallAnswered]) -> None:
            if ended.cancelled():
                self._session.cancel(message_id)
            self._forget(message_id, ended)

        future.add_done_callback(over)
        return future

    def _begin(
        self, request: Any, timeout: float | None, message_id: str | None, validate: bool
    ) -> tuple[str, asyncio.Future[CallAnswered]]:
        self._must_be_open()
        message_id = self._session.call(
            request, self._clock.now(), timeout=timeout, message_id=message_id, validate=validate
        )
        future: asyncio.Future[CallAnswered] = asyncio.get_running_loop().create_future()
        if self._futures is None:
            self._futures = {}
        self._futures[message_id] = future
        self._flush()
        return message_id, future

    def _forget(self, message_id: str, future: asyncio.Future[CallAnswered]) -> None:
        """An id may be used again as soon as it is answered, so only this future goes."""
        if self._futures is not None and self._futures.get(message_id) is future:
            del self._futures[message_id]

    def send(self, request: Any, *, message_id: str | None = None, validate: bool = True) -> str:
        """Send an unconfirmed message (2.1 SEND): a Struct such as ``v21.NotifyPeriodicEventStream``. Returns its
        id."""
        self._must_be_open()
        message_id = self._session.send(request, message_id=message_id, validate=validate)
        self._flush()
        return message_id

    def send_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        message_id: str | None = None,
        validate: bool = True,
    ) -> str:
        """As ``send``, for an action by name and its payload in wire names."""
        return self.send(RawMessage(action, payload_of(action, data)), message_id=message_id, validate=validate)

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise NotConnected(f"{self.peer.identity}: the connection is closed")

    # --- LinkHandler ---------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """A message came."""
        if self._ended:  # replaced by a newer connection; the peer will repeat it there
            return
        events = self._session.receive(data, self._clock.now())
        if self._tracer is not None:
            self._tracer.incoming(data, events)
        for event in events:
            if type(event) is CallReceived:
                self._serving.on_call(event)
            else:
                self._dispatch(event)
        self._flush()

    def received_binary(self, data: bytes) -> None:
        """A binary message came; OCPP-J has none, and RFC 6455 leaves it to us to go on."""
        reason = f"a binary message of {len(data)} bytes; OCPP-J messages are text (RFC 6455 5.6)"
        log.warning("%s: ignored %s", self.peer.identity, reason)
        if self._tracer is not None:
            self._tracer.record("in", note=reason)

    def closed(self, code: int, reason: str) -> None:
        """The connection is over. What the link says after :meth:`retire` is no news."""
        if self._ended:
            return
        self._closing = self._ended = True
        if self._tracer is not None:
            self._tracer.record("disconnected", note=f"{code} {reason}".strip())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in self._session.lost():
            self._dispatch(event)
        if self._quiet is not None:
            _set(self._quiet[0])
        if self._on_closed is not None:
            self._on_closed(self, code, reason)

    # --- events --------------------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        kind = type(event)
        if kind is CallReceived:
            self._serving.on_call(event)  # type: ignore[arg-type]
        elif kind is CallAnswered or kind is CallFailed:
            self._resolve(event)  # type: ignore[arg-type]
        elif kind is SendReceived:
            self._serving.on_send(event)  # type: ignore[arg-type]
        else:
            self._report(event)

    def _resolve(self, event: CallAnswered | CallFailed) -> None:
        future = self._futures.get(event.message_id) if self._futures else None
        if future is None or future.done():
            return
        if isinstance(event, CallAnswered):
            future.set_result(event)
        else:
            future.set_exception(event.error)

    def _report(self, event: Event) -> None:
        if self._complaints is None:
            self._complaints = Complaints(self.peer.identity)
        self._complaints(event)
        if isinstance(event, Resumed):
            self._session.wake = self._flush

    # --- the wire and the timer ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        if self._ended:
            return
        for data in self._session.data_to_send():
            if self._tracer is not None:
                self._tracer.outgoing(data)
            self._link.send(data)
        due = self._session.timer()
        if due is not None and (self._timer is None or due < self._armed):
            self._arm(due)
        if self._quiet is not None and self._is_quiet(self._quiet[1]):
            _set(self._quiet[0])

    def _arm(self, due: float) -> None:
        """One timer at the earliest deadline. It is not moved when that deadline passes by, only looked at when it
        fires: most calls are answered long before, and setting a timer costs more than answering some of them."""
        if self._timer is not None:
            self._timer.cancel()
        self._armed = due
        self._timer = self._clock.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer = None
        for event in self._session.tick(self._clock.now()):
            self._dispatch(event)
        self._flush()

    # --- the end -------------------------------------------------------------------------------------------------

    def retire(self, code: int, reason: str) -> None:
        """Be over at once, for a newer connection has taken this one's place: what is pending fails now, and the
        closing handshake goes on without anybody waiting for it. Handlers at work go on: the peer may ask again."""
        self._link.close(code, reason)
        self.closed(code, reason)

    async def close(self, code: int = 1000, reason: str = "", *, grace: float = 0.0) -> None:
        """Close in order: no new calls of ours, up to ``grace`` seconds for what is pending in both directions, a
        CALLERROR for calls of the peer's that nobody has answered by then, and the closing handshake."""
        self._closing = True
        if grace > 0:
            await self._settle(grace)
        for message_id in list(self._session.pending()):
            self._session.fail(message_id, InternalError("the connection is being closed"))
        self._flush()
        self._link.close(code, reason)
        await self._link.wait_closed()
        await end(self.handlers_at_work)

    @property
    def handlers_at_work(self) -> list[asyncio.Future[Any]]:
        """The tasks of handlers that have not finished."""
        return list(self._serving.tasks or ())

    async def _settle(self, grace: float) -> None:
        """Wait until nothing is pending; a handler that closes its own connection does not wait for itself."""
        own = int(asyncio.current_task() in (self._serving.tasks or ()))
        if self._ended or self._is_quiet(own):
            return
        if self._quiet is None:
            self._quiet = asyncio.get_running_loop().create_future(), own
        quiet = self._quiet[0]
        timer = self._clock.call_at(self._clock.now() + grace, lambda: _set(quiet))
        try:
            await asyncio.shield(quiet)
        finally:
            timer.cancel()

    def _is_quiet(self, own: int) -> bool:
        session = self._session
        at_work = max(len(session.pending()), len(self._serving.tasks or ()))
        return session.calls_waiting == 0 and at_work <= own


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
