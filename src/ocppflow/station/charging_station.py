"""ChargingStation: the station's role, without behaviour of its own: it keeps the connection, and answers what has a
handler; the rest is refused (NotSupported)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from typing import Any, Final, Self

from ocppflow.endpoint import (
    EXACT,
    Backoff,
    CallAnswered,
    Caller,
    Clock,
    Connection,
    Deadline,
    History,
    Hooks,
    IncomingCall,
    LateAnswer,
    Leniency,
    Limits,
    Link,
    LinkLimits,
    RoleBase,
    Timer,
    connect,
    shown_url,
)
from ocppflow.errors import ConfigurationError, ConnectionRefused, NotConnected
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.plain_text import SHOWN_TEXT, one_line
from ocppflow.trace import TraceHook

log = budgeted("ocppflow")

Dial = Callable[[], Awaitable[Link]]


class StationState(Enum):
    """Where a station stands; see :data:`NEXT` for what may follow what."""

    STOPPED = "stopped"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """For the next attempt to connect."""


NEXT: Final = {
    StationState.STOPPED: frozenset({StationState.CONNECTING}),
    StationState.CONNECTING: frozenset({StationState.CONNECTED, StationState.WAITING, StationState.STOPPED}),
    StationState.CONNECTED: frozenset({StationState.WAITING, StationState.STOPPED}),
    StationState.WAITING: frozenset({StationState.CONNECTING, StationState.STOPPED}),
}


class ChargingStation(RoleBase["ChargingStation"], Caller):
    """A station: connects to a CSMS and stays connected, reconnecting with the back-off of OCPP-J Part 4, 5.3.

    ::

        async with ChargingStation("CS1", "ws://127.0.0.1:9000/ocpp", password="a-long-password-1") as cs:
            answer = await cs.call(v201.HeartbeatRequest())

    ``url`` is the CSMS's endpoint URL; it is kept as it is, and the identity is appended to its path, or goes where the
    URL says ``{identity}``. ``versions`` are offered in this order. ``password``:
    text, or in 1.6 the key's raw bytes. ``ssl`` (``client_context``) is for ``wss://``. ``backoff`` has the waits;
    ``reconnect=False`` connects once. ``leniency`` may say which version a CSMS speaks that names none. ``dial``
    replaces the network (tests).

    Handlers get this object as their first argument; see Router. Hooks: ``on_connect(station)``, whose async callbacks
    end before the first message is handled, ``on_disconnect(station, code, reason)``, ``on_retry(station, attempt,
    delay, reason)`` with the seconds until the next attempt.
    """

    role = Role.CS

    __slots__ = (
        "_at_once",
        "_connection",
        "_dial",
        "_history",
        "_keeper",
        "_lost",
        "_state",
        "_stops",
        "backoff",
        "identity",
        "leniency",
        "link_limits",
        "next_attempt_at",
        "on_retry",
        "password",
        "reconnect",
        "ssl",
        "url",
    )

    def __init__(
        self,
        identity: str,
        url: str,
        *,
        password: str | bytes | None = None,
        versions: Iterable[Version | str] = (Version.V21, Version.V201),
        ssl: ssl.SSLContext | None = None,
        limits: Limits | None = None,
        link_limits: LinkLimits | None = None,
        policy: Policy = STRICT,
        leniency: Leniency = EXACT,
        backoff: Backoff | None = None,
        reconnect: bool = True,
        trace: TraceHook | None = None,
        clock: Clock | None = None,
        dial: Dial | None = None,
        grace: float | None = 5.0,
    ) -> None:
        super().__init__(versions=versions, limits=limits, policy=policy, trace=trace, clock=clock, grace=grace)
        self.identity = identity
        self.url = url
        self.password = password
        self.ssl = ssl
        self.link_limits = link_limits or LinkLimits()
        leniency.check(self.versions)
        self.leniency = leniency
        self.backoff = backoff or Backoff()
        self.reconnect = reconnect
        self.on_retry = Hooks("on_retry")
        self.next_attempt_at: float | None = None
        """Clock time of the next attempt to connect; None while connected, connecting or closed."""
        self._dial = dial or self._dial_out
        self._connection: Connection | None = None
        self._history = History()
        self._keeper: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[str] | None = None
        self._at_once = False
        self._state = StationState.STOPPED
        self._stops = 0

    # --- the connection ------------------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._connection is not None and self._connection.is_open

    @property
    def state(self) -> StationState:
        """Where it stands."""
        return self._state

    def _become(self, state: StationState) -> None:
        if state is not self._state:
            if state not in NEXT[self._state]:
                raise RuntimeError(f"a station that is {self._state.value} cannot become {state.value}")
            self._state = state

    @property
    def is_running(self) -> bool:
        """Whether it is connected, or keeps trying to be."""
        return self._state is not StationState.STOPPED

    @property
    def _shown_url(self) -> str:
        """For texts: a query may hold a token."""
        return shown_url(self.url, quoted=False)

    @property
    def version(self) -> Version | None:
        """The version of the connection; None while there is none."""
        return self._connection.version if self._connection is not None else None

    @property
    def connection(self) -> Connection:
        """The connection. Raises NotConnected."""
        if self._connection is None:
            raise NotConnected(f"{self.identity} is not connected to {self._shown_url}")
        return self._connection

    async def connect(self) -> None:
        """Connect, with one attempt. Raises ConnectionRefused, saying why and what to check. Once connected, it stays
        so: after a loss it reconnects by itself, unless ``reconnect`` is False."""
        await self.stop()
        stops = self._stops
        try:
            lost = await self._attempt()
        except BaseException:
            if stops == self._stops:
                self._become(StationState.STOPPED)
            raise
        if self.reconnect:
            self._keeper = asyncio.get_running_loop().create_task(self._keep(lost))

    def start(self) -> None:
        """Connect in the background, and keep trying. Does nothing while it does already."""
        if not self.is_running:
            self._become(StationState.CONNECTING)
            self._keeper = asyncio.get_running_loop().create_task(self._keep(None))

    async def stop(self, code: int = 1000, reason: str = "", *, grace: float | None = None) -> None:
        """Close the connection and do not reconnect, within ``grace`` seconds, in which what is pending may end. With
        ``grace`` None nothing pending is waited for, and the CSMS has the ``close_timeout`` of the limits for its part
        of the goodbye."""
        deadline = Deadline(self.clock, grace)
        await deadline.hold(self._stop_by(deadline, code, reason))

    async def _stop_by(self, deadline: Deadline, code: int, reason: str) -> None:
        self._stops += 1
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await deadline.cancel([keeper], deadline.hooks)
        self.next_attempt_at = None
        if self._connection is not None:
            await self._connection.close_by(deadline, code, reason)
        self._become(StationState.STOPPED)
        await self.background.stop(deadline)

    async def reconnect_now(self, reason: str = "") -> None:
        """Close the connection in order, and connect again without waiting for a back-off. Does nothing while there is
        no connection."""
        if self._connection is not None:
            self._at_once = True
            await self._connection.close_by(Deadline(self.clock, None), 1000, reason)

    def drop(self, reason: str) -> None:
        """Let the connection be gone, without a goodbye, and do not reconnect: the network, or the power, is away."""
        self._stops += 1
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.cancel()
        if self._connection is not None:
            self._connection.abort(reason)
        self._become(StationState.STOPPED)

    async def close(self) -> None:
        """``stop`` as a program ends: 1001, with ``grace``."""
        await self.stop(1001, "going away", grace=self.grace)

    async def serve_forever(self) -> None:
        """Stay connected until SIGINT, SIGTERM or cancellation, and close in order; a second signal closes at once."""
        await self._serve_until_told()

    def run(self) -> None:
        """``serve_forever`` for a program that does nothing else, on the fastest event loop there is."""
        self._run_until_told()

    async def _begin_serving(self, *where: Any, **how: Any) -> None:
        self.start()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _keep(self, lost: asyncio.Future[str] | None) -> None:
        """Connect, wait for the loss, wait the back-off, connect ..."""
        while True:
            retry_after: float | None = None
            if lost is None:
                try:
                    lost = await self._attempt()
                except ConnectionRefused as exc:
                    reason, retry_after = exc.reason, exc.retry_after
                except ConfigurationError as exc:  # which no further attempt can change
                    log.error("%s: cannot connect: %s", self.identity, exc)
                    self._become(StationState.STOPPED)
                    return
                except Exception as exc:
                    reason = f"{type(exc).__name__}: {exc}"
                    log.exception("%s: the attempt to connect to %s failed", self.identity, self._shown_url)
            if lost is not None:
                reason = await lost
                lost = None
                if not self.reconnect:
                    return
            await self._wait(reason, retry_after)

    async def _wait(self, reason: str, retry_after: float | None) -> None:
        self._become(StationState.WAITING)
        delay = 0.0 if self._at_once else self.backoff.next(retry_after)
        self._at_once = False
        log.info("%s: next attempt in %.1f s (%s)", self.identity, delay, reason)
        loop = asyncio.get_running_loop()
        wake: asyncio.Future[None] = loop.create_future()
        self.next_attempt_at = self.clock.now() + delay
        timer: Timer = self.clock.call_at(self.next_attempt_at, lambda: None if wake.done() else wake.set_result(None))
        self.on_retry.fire(self.background, self, self.backoff.attempts, delay, reason)
        try:
            await wake
        finally:
            timer.cancel()
            self.next_attempt_at = None

    async def _attempt(self) -> asyncio.Future[str]:
        """Connect once; the future is done, with the reason, when the connection is lost."""
        stops = self._stops
        self._become(StationState.CONNECTING)
        try:
            link = await self._dial()
        except ConnectionRefused as exc:
            log.warning("%s: could not connect to %s: %s", self.identity, self._shown_url, exc.reason)
            self._trace_event(self.identity, "refused", exc.reason)
            raise
        if stops != self._stops:
            link.abort("stopped while connecting")
            raise ConnectionRefused(f"{self.identity} was stopped while it connected")
        lost = self._lost = asyncio.get_running_loop().create_future()
        connection = self._connection = self._take(Connection, link, self._history, self)
        self._become(StationState.CONNECTED)
        self.backoff.reset()
        log.info("%s: connected to %s, OCPP %s", self.identity, self._shown_url, link.peer.version.value)
        self._connected(connection, self)
        return lost

    async def _dial_out(self) -> Link:
        return await self.dial_with(self.password, self.ssl)

    async def dial_with(self, password: str | bytes | None, tls: ssl.SSLContext | None) -> Link:
        """One attempt over the network with these credentials. Raises ConnectionRefused."""
        return await connect(
            self.url,
            self.identity,
            versions=self.versions,
            password=password,
            ssl=tls,
            limits=self.link_limits,
            clock=self.clock,
            leniency=self.leniency,
        )

    def connection_closed(self, connection: Connection, code: int, reason: str) -> None:
        self.background.hold(connection.handlers_at_work)
        if connection is not self._connection:
            return
        self._connection = None
        keeps_trying = self._keeper is not None and self.reconnect
        self._become(StationState.WAITING if keeps_trying else StationState.STOPPED)
        log.info("%s: disconnected (%s)", self.identity, f"{code} {reason}".rstrip())
        self.on_disconnect.fire(self.background, self, code, reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(one_line(reason, SHOWN_TEXT) or f"closed with {code}")

    def answered_late(self, connection: Connection, answer: LateAnswer) -> None:
        if self._connection is not None:
            self._connection.pass_on(answer)

    # --- for Caller ----------------------------------------------------------------------------------------------

    def _begin(
        self,
        request: Any,
        timeout: float | None,
        give_up_after: float | None,
        message_id: str | None,
        validate: bool,
    ) -> tuple[str, asyncio.Future[CallAnswered]]:
        return self.connection._begin(request, timeout, give_up_after, message_id, validate)

    def _cancel(self, message_id: str) -> None:
        if self._connection is not None:
            self._connection._cancel(message_id)

    def _send(self, message: Any, message_id: str | None, validate: bool) -> str:
        return self.connection._send(message, message_id, validate)

    def _spoken(self) -> Version:
        return self.connection.version

    def _at_hand(self) -> IncomingCall | None:
        return self._connection._at_hand() if self._connection is not None else None

    def __repr__(self) -> str:
        return f"<ChargingStation {one_line(self.identity)} {self._state.value}>"
