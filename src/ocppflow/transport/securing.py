"""The TLS handshake of a connection that has come in, before a word of HTTP is read.

Nothing is allocated for TLS until a whole ClientHello has come, the peer's address has its share of the handshakes, and
there is room (see :class:`~ocppflow.transport.tls_room.TLSRoom`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, Protocol

from ocppflow.transport.clock import Clock
from ocppflow.transport.handshake import Refuse
from ocppflow.transport.tls import alert, explain_tls_failure
from ocppflow.transport.tls_room import TLSRoom
from ocppflow.transport.tls_stream import TLSStream, next_flight

_HANDSHAKE = 0x16  # the type of a TLS record (RFC 8446, 5.1), with which a ClientHello begins
_HEADER = 5  # bytes of a record's header; the last two are its length
_MOST = 2**14 + 256  # bytes that a record may have
_LEFT = "the connection was closed before TLS began"
_MOST_EARLY = 64 * 1024  # bytes that may come before it is our turn: 5 KiB do for the largest ClientHello with one key


class Secured(Protocol):
    """Who wants a connection with TLS."""

    @property
    def network(self) -> str:
        """What the bounds per address count."""

    def secured(self, stream: TLSStream) -> None:
        """TLS is agreed. ``stream`` is the transport from now on; it has to be started."""

    def not_secured(self, reason: str, last: bytes, status: int | None = None) -> None:
        """It has failed. ``last`` is still to be sent, and read by the peer, before the connection ends. ``status`` is
        that of HTTP, if ``last`` is an answer."""

    def give_way(self, reason: str) -> None:
        """Others need its place: the end, without a word."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is closed."""


class Securing(asyncio.Protocol):
    """The protocol of ``transport`` until TLS is agreed, or has failed. ``owner`` hears of it, once.

    ``admit`` says whether the peer may go on, asked when its ClientHello has come. ``context`` gives the settings.
    After ``timeout`` seconds (0: never) it has failed.
    """

    def __init__(
        self,
        transport: Any,
        owner: Secured,
        room: TLSRoom,
        admit: Callable[[], Refuse | None],
        context: Callable[[], ssl.SSLContext],
        *,
        clock: Clock,
        timeout: float,
    ) -> None:
        self._transport = transport
        self._owner = owner
        self._room = room
        self._admit = admit
        self._context = context
        self._early = bytearray()
        self._entered = False
        self._tls: ssl.SSLObject | None = None
        self._incoming = self._outgoing = ssl.MemoryBIO()
        self.is_over = False
        self.network = owner.network
        self.tls_since = 0.0
        self._timeout = timeout
        self._timer = clock.call_at(clock.now() + timeout, self._timed_out) if timeout else None
        transport.set_protocol(self)

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        if self.is_over:
            return
        if self._tls is not None:
            self._incoming.write(data)
            self._wait_for_turn(self._step)
            return
        self._early += data
        if len(self._early) > _MOST_EARLY:
            self._fail("the peer sent too much before TLS was agreed", alert(10))  # unexpected_message
        elif not self._entered:
            self._look_at_hello()

    def eof_received(self) -> None:
        self._end(explain_tls_failure(ConnectionResetError()) if self._tls is not None else _LEFT)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(explain_tls_failure(exc or ConnectionResetError()) if self._tls is not None else _LEFT)
        self._owner.connection_lost(exc)

    # What the room calls.

    def begin_tls(self) -> None:
        if self._transport.is_closing():
            self.over()
            return
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context().wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(self._early)
        self._early = bytearray()
        self._step()

    def give_way(self, reason: str) -> None:
        self._owner.give_way(reason)

    def over(self) -> None:
        """It has ended, or the peer is a stranger no longer: give back what it takes."""
        if self.is_over:
            return
        self.is_over = True
        self._stop_timer()
        self._tls = None
        self._early = bytearray()
        self._room.leave(self)

    # Inside.

    def _look_at_hello(self) -> None:
        early = self._early
        if early[0] != _HANDSHAKE:
            self._refuse_what_is_not_tls()
        elif len(early) >= _HEADER:
            length = int.from_bytes(early[3:_HEADER])
            if not 0 < length <= _MOST:
                self._fail("the peer does not speak TLS: a record of a length that none can have", alert(22))
            elif len(early) >= _HEADER + length:
                self._entered = True
                if refusal := self._admit():
                    self._fail(refusal.reason, alert(80))  # internal_error, for TLS has no word for "too many"
                else:
                    self._transport.pause_reading()
                    self._room.enter(self)

    def _refuse_what_is_not_tls(self) -> None:
        if self._early[:1].isalpha():
            text = b"this port speaks TLS: use wss:// (or https://)\n"
            head = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            self._fail(
                "TLS failed: plain HTTP on a TLS port: use wss://",
                head + b"Content-Length: %d\r\n\r\n" % len(text) + text,
                400,
            )
        else:
            self._fail("TLS failed: the peer does not speak TLS", alert(70))  # protocol_version

    def _wait_for_turn(self, step: Callable[[], None]) -> None:
        self._transport.pause_reading()
        self._room.go_on(step)

    def _step(self) -> None:
        """One flight of the handshake."""
        tls = self._tls
        if tls is None or self._transport.is_closing():
            return
        flight, agreed = next_flight(tls, self._outgoing)
        if isinstance(agreed, ssl.SSLError):
            self._fail(explain_tls_failure(agreed), flight)
            return
        if flight:
            self._transport.write(flight)
        if agreed:
            self._agreed(tls)
        else:
            self._transport.resume_reading()

    def _agreed(self, tls: ssl.SSLObject) -> None:
        self._stop_timer()
        stream = TLSStream(self._transport, tls, self._incoming, self._outgoing, self._owner)
        self._tls = None
        self._owner.secured(stream)
        stream.start()

    def _timed_out(self) -> None:
        self._fail(f"TLS was not agreed within {self._timeout:g} s", b"")

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fail(self, reason: str, last: bytes, status: int | None = None) -> None:
        self.over()
        self._transport.set_protocol(self._owner)
        self._owner.not_secured(reason, last, status)

    def _end(self, reason: str) -> None:
        if not self.is_over:
            self._fail(reason, b"")
