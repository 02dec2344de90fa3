"""Endpoint: a Session, its Link, one timer and the handlers: OCPP with ``await``.

Both roles are this, with a different way to get a Link. Everything runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping
from types import CoroutineType
from typing import Any, TypeVar

import msgspec

from ocppflow.errors import (
    CallError,
    Expired,
    InternalError,
    InvalidMessage,
    NotConnected,
    NotSupported,
    OCPPError,
)
from ocppflow.handlers import LATER, Handlers, IncomingCall
from ocppflow.messages import Request, Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.events import (
    CallAnswered,
    CallExpired,
    CallFailed,
    CallReceived,
    Event,
    Ignored,
    Noted,
    Refused,
    ResultRefused,
    SendReceived,
)
from ocppflow.rpc.history import History
from ocppflow.rpc.session import Limits, RawMessage, Session
from ocppflow.trace import TraceHook
from ocppflow.tracing import Tracer
from ocppflow.transport.clock import Clock, Timer
from ocppflow.transport.link import Link, Peer

log = logging.getLogger("ocppflow")

_R = TypeVar("_R")


class Endpoint:
    """One end of one connection. ``owner`` is what handlers get as their first argument; by default the Endpoint
    itself."""

    __slots__ = (
        "__weakref__",
        "_armed",
        "_clock",
        "_closing",
        "_ended",
        "_futures",
        "_handlers",
        "_link",
        "_session",
        "_tasks",
        "_timer",
        "_tracer",
        "connected_at",
        "owner",
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
    ) -> None:
        peer = link.peer
        self._link = link
        self._clock = clock
        self._handlers = handlers
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
        self._timer: Timer | None = None
        self._armed = 0.0
        self._futures: dict[str, asyncio.Future[CallAnswered]] | None = None
        self._tasks: set[asyncio.Task[None]] | None = None
        self._closing = False
        self._ended = False
        self.owner = self if owner is None else owner
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
        the
        schema forbids. Cancelling the call takes it out of the queue; if it is in flight, the next one still waits
        for its
        answer or time-out (OCPP-J 4.1.1).

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
        return await self._call(RawMessage(action, _payload(action, data)), timeout, message_id, validate)

    async def _call(self, request: Any, timeout: float | None, message_id: str | None, validate: bool) -> CallAnswered:
        message_id, future = self._begin(request, timeout, message_id, validate)
        try:
            return await future
        except asyncio.CancelledError:
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
        message_id, future = self._begin(RawMessage(action, _payload(action, data)), timeout, message_id, validate)

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
        return self.send(RawMessage(action, _payload(action, data)), message_id=message_id, validate=validate)

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise NotConnected(f"{self.peer.identity}: the connection is closed")

    # --- LinkHandler ---------------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """A message came."""
        events = self._session.receive(data, self._clock.now())
        if self._tracer is not None:
            self._tracer.incoming(data, events)
        for event in events:
            self._dispatch(event)
        self._flush()

    def received_binary(self, size: int) -> None:
        """A binary message came; OCPP-J has none, and RFC 6455 leaves it to us to go on."""
        reason = f"a binary message of {size} bytes; OCPP-J messages are text (RFC 6455 5.6)"
        log.warning("%s: ignored %s", self.peer.identity, reason)
        if self._tracer is not None:
            self._tracer.record("in", note=reason)

    def closed(self, code: int, reason: str) -> None:
        """The connection is over."""
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

    # --- events --------------------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        kind = type(event)
        if kind is CallReceived:
            self._on_call(event)  # type: ignore[arg-type]
        elif kind is CallAnswered or kind is CallFailed:
            self._resolve(event)  # type: ignore[arg-type]
        elif kind is SendReceived:
            self._on_send(event)  # type: ignore[arg-type]
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
        who = self.peer.identity
        match event:
            case Refused(_, _, error):
                log.warning("%s: refused a message: %s", who, error)
            case Ignored(reason) | Noted(reason):
                log.info("%s: %s", who, reason)
            case ResultRefused(message_id, error):
                log.warning("%s: could not use our response to %r: %s", who, message_id, error)
            case CallExpired(message_id, action):
                log.warning("%s: %s %r was not answered in time", who, action, message_id)

    def _on_call(self, event: CallReceived) -> None:
        handler = self._handlers.find(type(event.message))
        argument = event.message
        if handler is None:
            handler = self._handlers.catch_all
            if handler is None:
                self._session.fail(event.message_id, NotSupported(f"{event.action} is not supported here"))
                return
            argument = self._incoming(event)
        try:
            result = handler(self.owner, argument)
        except Exception as exc:
            self._failed(event, exc)
            return
        if type(result) is CoroutineType or isinstance(result, Awaitable):
            self._spawn(self._finish(event, result))
        else:
            self._answer(event, result)

    def _incoming(self, event: CallReceived | SendReceived) -> IncomingCall:
        confirmed = type(event) is CallReceived
        return IncomingCall(
            event.message_id,
            event.action,
            event.payload,
            event.message,
            event.violations,
            self._reply if confirmed else None,
            self._fail if confirmed else None,
        )

    def _on_send(self, event: SendReceived) -> None:
        handler = self._handlers.find(type(event.message))
        argument = event.message
        if handler is None:
            handler = self._handlers.catch_all
            if handler is None:
                log.info("%s: nobody handles %s", self.peer.identity, event.action)
                return
            argument = self._incoming(event)
        try:
            result = handler(self.owner, argument)
        except Exception:
            log.exception("%s: the handler of %s failed", self.peer.identity, event.action)
            return
        if isinstance(result, Awaitable):
            self._spawn(self._watch(event, result))

    async def _watch(self, event: SendReceived, result: Awaitable[Any]) -> None:
        try:
            await result
        except Exception:
            log.exception("%s: the handler of %s failed", self.peer.identity, event.action)

    def _spawn(self, coroutine: CoroutineType[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        if self._tasks is None:
            self._tasks = set()
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, event: CallReceived, result: Awaitable[Any]) -> None:
        try:
            response = await result
        except Exception as exc:
            self._failed(event, exc)
        else:
            self._answer(event, response)
        self._flush()

    def _answer(self, event: CallReceived, response: Any) -> None:
        if response is LATER:
            return
        try:
            self._session.reply(event.message_id, _response(event.action, response))
        except Expired:
            log.warning("%s: the answer to %s came too late", self.peer.identity, event.action)
        except Exception as exc:
            self._failed(event, exc)

    def _failed(self, event: CallReceived, exc: Exception) -> None:
        """A handler raised. The peer is told, whatever it was; what the handler's author must mend goes to the log."""
        if isinstance(exc, CallError):
            error = exc
        else:
            error = InternalError(_blame(event.action, exc))
            log.error("%s: the handler of %s failed", self.peer.identity, event.action, exc_info=exc)
        try:
            self._session.fail(event.message_id, error)
        except Expired:
            log.warning("%s: the refusal of %s came too late: %s", self.peer.identity, event.action, error)

    def _reply(self, message_id: str, response: Any, validate: bool) -> None:
        self._session.reply(message_id, _response("response", response), validate=validate)
        self._flush()

    def _fail(self, message_id: str, error: CallError) -> None:
        self._session.fail(message_id, error)
        self._flush()

    # --- the wire and the timer ----------------------------------------------------------------------------------

    def _flush(self) -> None:
        for data in self._session.data_to_send():
            if self._tracer is not None:
                self._tracer.outgoing(data)
            self._link.send(data)
        due = self._session.timer()
        if due is not None and (self._timer is None or due < self._armed):
            self._arm(due)

    def _arm(self, due: float) -> None:
        """One timer at the earliest deadline. It is not moved when that deadline passes by, only looked at when it
        fires:
        most calls are answered long before, and setting a timer costs more than answering some of them."""
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
        closing
        handshake goes on without anybody waiting for it."""
        self._link.close(code, reason)
        self.closed(code, reason)

    async def close(self, code: int = 1000, reason: str = "", *, grace: float = 0.0) -> None:
        """Close in order: no new calls of ours, up to ``grace`` seconds for handlers at work to answer and for calls in
        flight to be answered, then the closing handshake."""
        self._closing = True
        if grace > 0:
            await self._settle(grace)
        self._link.close(code, reason)
        await self._link.wait_closed()
        for task in list(self._tasks or ()):
            task.cancel()

    async def _settle(self, grace: float) -> None:
        waiting: list[asyncio.Future[Any]] = [*(self._tasks or ()), *(self._futures or {}).values()]
        if not waiting:
            return
        over = asyncio.get_running_loop().create_future()
        timer = self._clock.call_at(self._clock.now() + grace, lambda: over.done() or over.set_result(None))
        done = asyncio.gather(*waiting, return_exceptions=True)
        try:
            await asyncio.wait({over, asyncio.ensure_future(done)}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()


def _payload(action: str, data: Mapping[str, Any] | bytes | None) -> bytes:
    if isinstance(data, bytes):
        return data
    try:
        return msgspec.json.encode(data or {})
    except (TypeError, ValueError, RecursionError) as exc:
        raise InvalidMessage(f"{action}: the data cannot be written as JSON: {exc}") from None


def _response(action: str, response: Any) -> Any:
    """A handler's result as Session.reply takes it."""
    if isinstance(response, bytes | msgspec.Struct):
        return response
    if isinstance(response, Mapping):
        return _payload(action, response)
    raise InvalidMessage(
        f"{action}: a handler returns the response, a dict or JSON as bytes, not {type(response).__name__}"
    )


def _blame(action: str, exc: Exception) -> str:
    """What the peer is told of a failed handler: an OCPPError's text is made for reading; any other may hold
    secrets."""
    if isinstance(exc, InvalidMessage):
        return f"the answer made for {action} is not valid: {exc}"
    if isinstance(exc, OCPPError):
        return f"{action}: {exc}"
    return f"{action} could not be processed"
