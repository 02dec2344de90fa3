"""ChargingStation: the station's role, without behaviour of its own: it keeps the connection, and answers what has a
handler; the rest is refused (NotSupported)."""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

from ocppflow.endpoint import Endpoint
from ocppflow.errors import ConnectionRefused, NotConnected
from ocppflow.handlers import Background, Handlers, Hooks, end
from ocppflow.messages import Request, Response, Role, Version
from ocppflow.messages.tolerance import STRICT, Policy
from ocppflow.rpc.events import CallAnswered
from ocppflow.rpc.history import History
from ocppflow.rpc.limits import Limits
from ocppflow.trace import TraceHook, TraceRecord
from ocppflow.transport.backoff import Backoff
from ocppflow.transport.client import connect
from ocppflow.transport.clock import Clock, LoopClock, Timer
from ocppflow.transport.link import Link
from ocppflow.transport.settings import LinkLimits

log = logging.getLogger("ocppflow")

_R = TypeVar("_R", bound=Response)

Dial = Callable[[], Awaitable[Link]]


class ChargingStation(Handlers):
    """A station: connects to a CSMS and stays connected, reconnecting with the back-off of OCPP-J (row 28).

    ::

        async with ChargingStation("CS1", "ws://127.0.0.1:9000/ocpp", password="a-long-password-1") as cs:
            answer = await cs.call(v201.HeartbeatRequest())

    ``url`` is the CSMS's endpoint URL, without the identity. ``versions`` are offered in this order. ``password``:
    text, or in 1.6 the key's raw bytes. ``ssl`` (``transport.tls.client_context``) is for ``wss://``. ``backoff`` has
    the waits; ``reconnect=False`` connects once. ``dial`` replaces the network (tests).

    Handlers get this object as their first argument. Hooks: ``on_connect(station)``, ``on_disconnect(station, code,
    reason)``, ``on_retry(station, attempt, delay, reason)`` with the seconds until the next attempt.
    """

    __slots__ = (
        "_background",
        "_clock",
        "_connection",
        "_dial",
        "_history",
        "_keeper",
        "_lost",
        "_stops",
        "backoff",
        "identity",
        "limits",
        "link_limits",
        "next_attempt_at",
        "on_connect",
        "on_disconnect",
        "on_retry",
        "password",
        "policy",
        "reconnect",
        "silence",
        "ssl",
        "trace",
        "url",
        "versions",
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
        backoff: Backoff | None = None,
        reconnect: bool = True,
        trace: TraceHook | None = None,
        clock: Clock | None = None,
        dial: Dial | None = None,
        silence: str = "no answer in time",
    ) -> None:
        super().__init__()
        self.identity = identity
        self.url = url
        self.password = password
        self.versions = tuple(dict.fromkeys(Version.parse(version) for version in versions))
        self.ssl = ssl
        self.limits = limits or Limits()
        self.link_limits = link_limits or LinkLimits()
        self.policy = policy
        self.backoff = backoff or Backoff()
        self.reconnect = reconnect
        self.trace = trace
        self.silence = silence
        self.on_connect = Hooks("on_connect")
        self.on_disconnect = Hooks("on_disconnect")
        self.on_retry = Hooks("on_retry")
        self.next_attempt_at: float | None = None
        """Clock time of the next attempt to connect; None while connected, connecting or closed."""
        self._clock = clock
        self._dial = dial or self._dial_out
        self._connection: Endpoint | None = None
        self._history = History()
        self._keeper: asyncio.Task[None] | None = None
        self._lost: asyncio.Future[str] | None = None
        self._background = Background()
        self._stops = 0

    # --- the connection ------------------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether messages can be sent now."""
        return self._connection is not None and self._connection.is_open

    @property
    def is_running(self) -> bool:
        """Whether it is connected, or keeps trying to be."""
        return self.is_connected or (self._keeper is not None and not self._keeper.done())

    @property
    def version(self) -> Version | None:
        """The version of the connection; None while there is none."""
        return self._connection.version if self._connection is not None else None

    @property
    def connection(self) -> Endpoint:
        """The connection. Raises NotConnected."""
        if self._connection is None:
            raise NotConnected(f"{self.identity} is not connected to {self.url}")
        return self._connection

    @property
    def clock(self) -> Clock:
        """The injected clock, or the running loop's."""
        if self._clock is None or (isinstance(self._clock, LoopClock) and not self._clock.is_current):
            self._clock = LoopClock()
        return self._clock

    async def connect(self) -> None:
        """Connect, with one attempt. Raises ConnectionRefused, saying why and what to check. Once connected, it stays
        so: after a loss it reconnects by itself, unless ``reconnect`` is False."""
        await self.stop()
        lost = await self._attempt()
        if self.reconnect:
            self._keeper = asyncio.get_running_loop().create_task(self._keep(lost))

    def start(self) -> None:
        """Connect in the background, and keep trying. Does nothing while it does already."""
        if not self.is_running:
            self._keeper = asyncio.get_running_loop().create_task(self._keep(None))

    async def stop(self, code: int = 1000, reason: str = "", *, grace: float = 0.0) -> None:
        """Close the connection and do not reconnect. Up to ``grace`` seconds are given to what is pending."""
        self._stops += 1
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            await end([keeper])
        self.next_attempt_at = None
        if self._connection is not None:
            await self._connection.close(code, reason, grace=grace)
        await self._background.stop(self.clock, grace)

    async def __aenter__(self) -> ChargingStation:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop(1001, "going away", grace=5.0)

    async def _keep(self, lost: asyncio.Future[str] | None) -> None:
        """Connect, wait for the loss, wait the back-off, connect ..."""
        while True:
            retry_after: float | None = None
            if lost is None:
                try:
                    lost = await self._attempt()
                except ConnectionRefused as exc:
                    reason, retry_after = exc.reason, exc.retry_after
                except Exception as exc:
                    reason = f"{type(exc).__name__}: {exc}"
                    log.exception("%s: the attempt to connect to %s failed", self.identity, self.url)
            if lost is not None:
                reason = await lost
                lost = None
                if not self.reconnect:
                    return
            await self._wait(reason, retry_after)

    async def _wait(self, reason: str, retry_after: float | None) -> None:
        delay = self.backoff.next(retry_after)
        log.info("%s: next attempt in %.1f s (%s)", self.identity, delay, reason)
        loop = asyncio.get_running_loop()
        wake: asyncio.Future[None] = loop.create_future()
        self.next_attempt_at = self.clock.now() + delay
        timer: Timer = self.clock.call_at(self.next_attempt_at, lambda: None if wake.done() else wake.set_result(None))
        self.on_retry.fire(self._background, self, self.backoff.attempts, delay, reason)
        try:
            await wake
        finally:
            timer.cancel()
            self.next_attempt_at = None

    async def _attempt(self) -> asyncio.Future[str]:
        """Connect once; the future is done, with the reason, when the connection is lost."""
        stops = self._stops
        try:
            link = await self._dial()
        except ConnectionRefused as exc:
            log.warning("%s: could not connect to %s: %s", self.identity, self.url, exc.reason)
            if self.trace is not None:
                self._record("refused", exc.reason)
            raise
        if stops != self._stops:
            link.abort("stopped while connecting")
            raise ConnectionRefused(f"{self.identity} was stopped while it connected")
        self._lost = asyncio.get_running_loop().create_future()
        self._connection = Endpoint(
            link,
            Role.CS,
            on_closed=self._closed,
            clock=self.clock,
            handlers=self,
            owner=self,
            limits=self.limits,
            policy=self.policy,
            history=self._history,
            trace=self.trace,
            silence=self.silence,
        )
        self.backoff.reset()
        log.info("%s: connected to %s, OCPP %s", self.identity, self.url, link.peer.version.value)
        self.on_connect.fire(self._background, self)
        return self._lost

    async def _dial_out(self) -> Link:
        return await connect(
            self.url,
            self.identity,
            versions=self.versions,
            password=self.password,
            ssl=self.ssl,
            limits=self.link_limits,
            clock=self.clock,
        )

    def _closed(self, connection: Endpoint, code: int, reason: str) -> None:
        self._background.hold(connection.handlers_at_work)
        if connection is not self._connection:
            return
        self._connection = None
        log.info("%s: disconnected (%s)", self.identity, f"{code} {reason}".rstrip())
        self.on_disconnect.fire(self._background, self, code, reason)
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason or f"closed with {code}")

    def _record(self, event: Any, note: str) -> None:
        if self.trace is None:
            return
        try:
            self.trace(TraceRecord(time.time(), self.identity, event, Role.CS.value, note=note))
        except Exception:
            log.exception("the trace hook failed")

    # --- what it says --------------------------------------------------------------------------------------------

    async def call(
        self,
        request: Request[_R],
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> _R:
        """Send a request and return its response, see ``Endpoint.call``. Raises NotConnected without a connection."""
        return await self.connection.call(request, timeout=timeout, message_id=message_id, validate=validate)

    async def call_raw(
        self,
        action: str,
        data: Mapping[str, Any] | bytes | None = None,
        *,
        timeout: float | None = None,
        message_id: str | None = None,
        validate: bool = True,
    ) -> CallAnswered:
        """As ``call`` for an action by name and a payload in wire names; see ``Endpoint.call_raw``."""
        return await self.connection.call_raw(action, data, timeout=timeout, message_id=message_id, validate=validate)

    def send(self, request: Any, *, message_id: str | None = None, validate: bool = True) -> str:
        """Send an unconfirmed message (2.1); see ``Endpoint.send``."""
        return self.connection.send(request, message_id=message_id, validate=validate)

    def __repr__(self) -> str:
        return f"<ChargingStation {self.identity} {'connected' if self.is_connected else 'not connected'}>"
