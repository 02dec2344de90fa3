"""A Link: one WebSocket connection as the rooms above see it, and what it reports to.

A Link carries whole text messages as bytes. It knows its :class:`Peer`, sends, closes, and calls its
:class:`LinkHandler`. It knows nothing of OCPP messages. ``server.py`` and ``client.py`` make Links over TCP
and TLS, ``memory.py`` joins two of them without a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from ocppflow.messages.base import Version
from ocppflow.plain_text import SHOWN_IDENTITY, one_line


class LinkState(Enum):
    """OPEN -> CLOSING -> CLOSED, or at once OPEN -> CLOSED when the connection is lost; never back."""

    OPEN = "open"
    CLOSING = "closing"
    """A close has begun on either side: nothing more is sent."""
    CLOSED = "closed"
    """The connection is over, and ``LinkHandler.closed`` has been called."""


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """The verified TLS certificate of a peer: its subject's CN and O, and its SHA-256 fingerprint in hex."""

    common_name: str
    organization: str
    fingerprint: str
    subject: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, fixed when the handshake ended.

    ``identity`` is the station's, on both sides. ``security_profile`` is 0 (no authentication), 1 (Basic),
    2 (TLS and Basic) or 3 (TLS with a client certificate), OCPP 2.0.1 Part 2, A00.
    """

    identity: str
    version: Version
    address: str
    path: str = "/"
    security_profile: int = 0
    certificate: ClientCertificate | None = None

    def __str__(self) -> str:
        """The identity, fit for a text for people."""
        return one_line(self.identity, SHOWN_IDENTITY)


class LinkHandler(Protocol):
    """What a Link reports to: on the event loop's thread, in order, and never again after ``closed``."""

    def received(self, data: bytes) -> None:
        """A whole text message, as UTF-8 bytes that the Link has not looked at. Must not raise."""

    def received_binary(self, data: bytes) -> None:
        """A whole binary message, which OCPP-J never sends (2.1 Part 4, 4.1.2); within ``max_message_size``. Must
        not raise."""

    def closed(self, code: int, reason: str) -> None:
        """The connection is over: the close code of RFC 6455 7.4 (1006 without a close frame) and why."""


class Unheard:
    """Hears the end of a connection that nobody took over."""

    def received(self, data: bytes) -> None: ...
    def received_binary(self, data: bytes) -> None: ...
    def closed(self, code: int, reason: str) -> None: ...


class Link(Protocol):
    """One open connection."""

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""

    @property
    def is_open(self) -> bool:
        """False as soon as a close has begun on either side."""

    @property
    def last_received(self) -> float:
        """Clock time when the peer last sent anything, a pong included."""

    def attach(self, handler: LinkHandler) -> None:
        """Say who hears of messages; to be called once, before anything can arrive."""

    def send(self, data: bytes) -> None:
        """Queue a text message. Silently nothing once the Link is closing: ``closed`` tells that."""

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Begin the closing handshake; ``closed`` follows, at the latest after the close time-out."""

    def abort(self, reason: str) -> None:
        """Drop the connection at once, without a closing handshake; ``closed`` follows."""

    def pause_reading(self) -> None:
        """Take nothing more from the network for now; the peer feels it as backpressure."""

    def resume_reading(self) -> None:
        """Go on after :meth:`pause_reading`."""

    def set_ping_interval(self, seconds: float) -> None:
        """Ping every ``seconds`` from now on, 0 for never (WebSocketPingInterval)."""

    async def drain(self) -> None:
        """Return when the send buffer is below its high-water mark."""

    async def wait_closed(self) -> None:
        """Return when ``closed`` has been called."""
