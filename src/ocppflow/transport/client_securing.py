"""The TLS handshake of a station that connects."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Protocol

from ocppflow.transport.tls_stream import TLSStream, next_flight


class Connecting(Protocol):
    """Who wants a connection with TLS."""

    def begin_tls(self, transport: Any) -> None:
        """The TCP connection is there. Whoever has given up meanwhile aborts it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TLS is agreed; ``transport`` is the one to use."""

    def tls_failed(self, error: ssl.SSLError) -> None:
        """The peers cannot agree, or one does not trust the other; the alert that says so is on its way."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection has ended."""


class ClientSecuring(asyncio.Protocol):
    """The protocol of a TCP connection until TLS is agreed, or has failed. ``host`` must stand in the certificate."""

    def __init__(self, owner: Connecting, context: ssl.SSLContext, host: str) -> None:
        self._owner = owner
        self._transport: Any = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._owner.begin_tls(transport)
        self._step()

    def data_received(self, data: bytes) -> None:
        self._incoming.write(data)
        self._step()

    def connection_lost(self, exc: Exception | None) -> None:
        self._tls = None
        self._owner.connection_lost(exc)

    def _step(self) -> None:
        """One flight of the handshake."""
        tls = self._tls
        if tls is None or self._transport.is_closing():
            return
        flight, agreed = next_flight(tls, self._outgoing)
        if flight:
            self._transport.write(flight)
        if agreed:
            self._tls = None
        if isinstance(agreed, ssl.SSLError):
            self._owner.tls_failed(agreed)
        elif agreed:
            self._transport.pause_reading()
            stream = TLSStream(self._transport, tls, self._incoming, self._outgoing, self._owner)
            self._owner.connection_made(stream)  # type: ignore[arg-type]
            stream.start()
