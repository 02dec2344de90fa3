"""The bounds of a connection and of a server, with defaults that a station never meets and an attacker
does.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ocppflow.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """What one connection may do. Times are in seconds, sizes in bytes; 0 switches a bound or the ping off.

    ``max_message_size`` bounds a whole message, fragments together and after decompression: more closes
    with 1009. ``max_write_buffer`` is how much may wait for a peer that does not read before it is
    dropped. ``messages_per_second`` is kept by reading no further, so nothing is lost. ``ping_interval``
    is the standard's WebSocketPingInterval; a peer from which nothing at all comes within
    ``pong_timeout`` of a ping is dropped. ``compression`` offers or accepts permessage-deflate.
    """

    max_message_size: int = 2**20
    max_write_buffer: int = 8 * 2**20
    messages_per_second: float = 10_000
    ping_interval: float = 60.0
    pong_timeout: float = 20.0
    close_timeout: float = 10.0
    compression: bool = True

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 0:
                raise ConfigurationError(f"{field.name} is {value}; it must not be negative")
        if not self.max_message_size:
            raise ConfigurationError("max_message_size is 0; it must be at least 1 byte")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits(LinkLimits):
    """What a server lets in, besides :class:`LinkLimits` for each connection; 0 switches a bound off.

    ``handshake_timeout`` runs from the TCP connection to the answer, TLS and a slow acceptor included.
    ``handshakes_per_second`` is a token bucket with room for ``handshake_burst``; beyond it, and beyond
    ``max_connections`` or ``max_handshakes`` (connections that have not finished theirs), a station gets
    503 and a ``Retry-After`` between ``retry_after`` and twice that, spread at random. Beyond
    ``connections_per_address`` it gets 429; that bound is off because whole sites share an address.
    """

    handshake_timeout: float = 15.0
    max_header_size: int = 16 * 1024
    handshakes_per_second: float = 500.0
    handshake_burst: int = 2000
    max_handshakes: int = 5000
    max_connections: int = 0
    connections_per_address: int = 0
    retry_after: float = 5.0
    backlog: int = 4096
