"""Connection: a Session, its Link, one timer and the handlers: OCPP with ``await``.

Both roles speak through this, with a different way to get a Link. Everything runs on the event loop's thread.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from ocppflow.endpoint.answering import Answering
from ocppflow.endpoint.caller import Caller
from ocppflow.endpoint.connection_state import NEXT, ConnectionState, Keeper
from ocppflow.endpoint.hooks import Background
from ocppflow.endpoint.incoming_call import IncomingCall
from ocppflow.endpoint.router import Router
from ocppflow.endpoint.tracer import Tracer
from ocppflow.errors import InternalError, InvalidResponse, NotConnected
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.events import (
    CallAnswered,
    CallExpired,
    CallFailed,
    CallReceived,
    Event,
    LateAnswer,
    SendReceived,
    Warn,
)
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.rpc.session import Session
from ocppflow.trace import TraceHook
from ocppflow.transport.clock import Clock, Timer
from ocppflow.transport.deadline import Deadline, set_done
from ocppflow.transport.link import Link, Peer

log = budgeted("ocppflow")


_ASKED, _PRESSED = 1, 2  # why the peer has to wait: somebody outside wants it, or too much of what it said waits


class Connection(Caller):
    """One connection, seen from this side. Handlers get ``owner`` as their first argument, by default the Connection
    itself.

    ``keeper`` is told when it is over, and of answers that come after that.
    """

    __slots__ = (
        "__weakref__",
        "_answering",
        "_armed",
        "_clock",
        "_keeper",
        "_link",
        "_pauses",
        "_quiet",
        "_session",
        "_state",
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
        router: Router[Any],
        background: Background,
        owner: Any = None,
        limits: Limits,
        policy: Policy = STRICT,
        history: History | None = None,
        trace: TraceHook | None = None,
        keeper: Keeper,
    ) -> None:
        peer = link.peer
        self._link = link
        self._clock = clock
        self._tracer = Tracer(trace, peer, role, clock) if trace is not None else None
        self._session = Session(
            peer.version, role, identity=peer.identity, limits=limits, policy=policy, history=history
        )
        self._answering = Answering(
            self._session,
            router,
            self if owner is None else owner,
            background,
            self,
        )
        self._timer: Timer | None = None
        self._armed = 0.0
        self._pauses = 0
        self._quiet: tuple[asyncio.Future[None], int] | None = None
        self._state = ConnectionState.OPEN
        self._keeper = keeper
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
    def state(self) -> ConnectionState:
        """Where it stands; CLOSING from the moment when either side has begun to close."""
        if self._state is ConnectionState.OPEN and not self._link.is_open:
            return ConnectionState.CLOSING
        return self._state

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent."""
        return self._state is ConnectionState.OPEN and self._link.is_open

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
        self._pause(_ASKED, True)

    def resume_reading(self) -> None:
        """Go on after :meth:`pause_reading`."""
        self._pause(_ASKED, False)

    def hold_handlers(self) -> None:
        """Let the peer's messages wait, until :meth:`release_handlers`; answers to our own calls come through."""
        self._answering.hold()

    def release_handlers(self) -> None:
        """Handle what has waited, and go on."""
        self._answering.go_on()
        self.flush()

    # --- for Caller ----------------------------------------------------------------------------------------------

    def _begin(
        self,
        request: Any,
        timeout: float | None,
        give_up_after: float | None,
        message_id: str | None,
        validate: bool,
    ) -> tuple[str, asyncio.Future[CallAnswered]]:
        self._must_be_open()
        future: asyncio.Future[CallAnswered] = asyncio.get_running_loop().create_future()
        message_id = self._session.call(
            request,
            self._clock.now(),
            timeout=timeout,
            give_up_after=give_up_after,
            message_id=message_id,
            validate=validate,
            waiter=future,
        )
        self.flush()
        self._rearm()
        return message_id, future

    def _cancel(self, message_id: str) -> None:
        self._session.cancel(message_id)

    def _send(self, message: Any, message_id: str | None, validate: bool) -> str:
        self._must_be_open()
        message_id = self._session.send(message, message_id=message_id, validate=validate)
        self.flush()
        return message_id

    def _spoken(self) -> Version:
        return self._session.version

    def _at_hand(self) -> IncomingCall | None:
        return self._answering.current

    def _must_be_open(self) -> None:
        if not self.is_open:
            raise NotConnected(f"{self.peer.identity}: the connection is closed")

    # --- LinkHandler ---------------------------------------------------------------------------------------------

    def received(self, data: bytes, *, binary: bool = False) -> None:
        """A message came."""
        if self._state is ConnectionState.CLOSED:  # replaced by a newer connection; the peer will repeat it there
            return
        session, now = self._session, self._clock.now()
        events = session.receive_binary(data, now) if binary else session.receive(data, now)
        if self._tracer is not None:
            self._tracer.incoming(data, events)
        for event in events:
            if type(event) is CallReceived:
                self._answering.take(event)
            else:
                self._dispatch(event)
        if session.out or self._quiet is not None:
            self.flush()
        if self._timer is None and session.waiting:
            self._rearm()

    def received_binary(self, data: bytes) -> None:
        """A binary message came. A tolerant policy takes JSON in it; else the peer is told that messages are text."""
        self.received(data, binary=True)

    def closed(self, code: int, reason: str) -> None:
        """The connection is over. What the link says after :meth:`retire` is ignored."""
        if self._state is ConnectionState.CLOSED:
            return
        self._become(ConnectionState.CLOSED)
        if self._tracer is not None:
            self._tracer.record("disconnected", note=f"{code} {reason}".strip())
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for event in self._session.lost():
            self._dispatch(event)
        if self._quiet is not None:
            set_done(self._quiet[0])
        patience = self._session.limits.handler_timeout
        if patience and self._answering.tasks:
            self._timer = self._clock.call_at(self._clock.now() + patience, self._gone_for_long)
        self._keeper.connection_closed(self, code, reason)

    def _gone_for_long(self) -> None:
        self._timer = None
        self._answering.give_up()

    def _become(self, state: ConnectionState) -> None:
        if state is not self._state:
            if state not in NEXT[self._state]:
                raise RuntimeError(f"a connection that is {self._state.value} cannot become {state.value}")
            self._state = state

    # --- events --------------------------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        if isinstance(event, (CallAnswered, CallFailed)):
            self._resolve(event)
            self._rearm()  # the next one of the queue may be in flight now
            if isinstance(event, CallFailed) and isinstance(event.error, InvalidResponse):
                self._complain(f"refused: {event.error}", warn=True)
        elif isinstance(event, SendReceived):
            self._answering.take_send(event)
            self._rearm()
        else:
            self._complain(event, warn=isinstance(event, Warn))
            if isinstance(event, CallExpired):
                self._answering.expired(event.message_id, self._clock.now())

    def _complain(self, what: object, *, warn: bool) -> None:
        (log.warning if warn else log.info)("%s: %s", self.peer.identity, what)

    def _resolve(self, event: CallAnswered | CallFailed) -> None:
        future: asyncio.Future[CallAnswered] | None = event.waiter
        if future is None or future.done():
            return
        if isinstance(event, CallAnswered):
            future.set_result(event)
        else:
            future.set_exception(event.error)

    def answered_late(self, answer: LateAnswer) -> None:
        """This connection has ended; the role knows whether the peer has repeated the call on another one."""
        self._keeper.answered_late(self, answer)

    def pass_on(self, answer: LateAnswer) -> None:
        """An earlier connection of this station has the answer to a call that was repeated here."""
        self._session.pass_on(answer)
        self._answering.proceed()
        self.flush()

    # --- the wire and the timer ----------------------------------------------------------------------------------

    def under_pressure(self, yes: bool) -> None:
        self._pause(_PRESSED, yes)

    def _pause(self, why: int, yes: bool) -> None:
        self._pauses = self._pauses | why if yes else self._pauses & ~why
        (self._link.pause_reading if self._pauses else self._link.resume_reading)()

    def flush(self) -> None:
        """Send what is to be sent."""
        if self._state is ConnectionState.CLOSED:
            if self._timer is not None and not self._answering.tasks:  # of those who were at work
                self._timer.cancel()
                self._timer = None
            return
        for data, since in self._session.data_to_send():
            if self._tracer is not None:
                self._tracer.outgoing(data, since)
            self._link.send(data)
        if self._quiet is not None and self._is_quiet(self._quiet[1]):
            set_done(self._quiet[0])

    def _rearm(self) -> None:
        """Something has a deadline now that had none before."""
        due = min(filter(None, (self._session.timer(), self._answering.due)), default=None)
        if due is not None and (self._timer is None or due < self._armed):
            self._arm(due)

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
        self._answering.cancel_overdue(self._clock.now())
        self.flush()
        self._rearm()

    # --- the end -------------------------------------------------------------------------------------------------

    def retire(self, code: int, reason: str) -> None:
        """Be over at once, for a newer connection has taken this one's place: what is pending fails now, and the
        closing handshake goes on without anybody waiting for it. Handlers at work go on: the peer may ask again."""
        self._link.close(code, reason)
        self.closed(code, reason)

    def abort(self, reason: str) -> None:
        """Be over at once and without a goodbye, as if the line had been cut: what is pending fails now."""
        self._link.abort(reason)
        self.closed(1006, reason)

    async def close(self, code: int = 1000, reason: str = "", *, grace: float | None = None) -> None:
        """Close in order, within ``grace`` seconds: no new calls of ours, time for what is pending in both directions,
        a CALLERROR for calls of the peer's that nobody has answered by then, and the closing handshake. With ``grace``
        None nothing pending is waited for, and the handshake has the ``close_timeout`` of the limits."""
        await self.close_by(Deadline(self._clock, grace), code, reason)

    async def close_by(self, deadline: Deadline, code: int, reason: str) -> None:
        """As :meth:`close`, as a part of a closing that has begun already."""
        if self._state is ConnectionState.OPEN:
            self._become(ConnectionState.CLOSING)
        await self._settle(deadline)
        for message_id in list(self._session.waiting):
            self._session.fail(message_id, InternalError("the connection is being closed"))
        self.flush()
        self._link.close(code, reason)
        await deadline.end_of(self._link)
        await deadline.cancel(self.handlers_at_work, deadline.hooks)

    @property
    def handlers_at_work(self) -> list[asyncio.Future[Any]]:
        """The tasks of handlers that have not finished."""
        return list(self._answering.tasks or ())

    async def _settle(self, deadline: Deadline) -> None:
        """Wait until nothing is pending; a handler that closes its own connection does not wait for itself."""
        own = int(deadline.caller in (self._answering.tasks or ()))
        if self._state is ConnectionState.CLOSED or self._is_quiet(own) or deadline.is_over(deadline.answers):
            return
        if self._quiet is None:
            self._quiet = asyncio.get_running_loop().create_future(), own
        quiet = self._quiet[0]
        timer = self._clock.call_at(deadline.answers, lambda: set_done(quiet))
        try:
            await asyncio.shield(quiet)
        finally:
            timer.cancel()

    def _is_quiet(self, own: int) -> bool:
        session = self._session
        at_work = max(len(session.waiting), len(self._answering.tasks or ()))
        return len(session.own_calls) == 0 and at_work <= own

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.peer} {self.version.value} {self.state.value}>"
