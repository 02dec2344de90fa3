"""The bounds of a connection and of a server, with defaults that a station never meets and an attacker does.

0 switches a bound off, where a connection can do without it; where it cannot, 0 is refused with the reason.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ocppflow.errors import ConfigurationError
from ocppflow.limit_check import check_limit

# The bounds that cannot be 0, and why.
_NEEDED = {
    "max_message_size": "it must be at least 1 byte: without a bound one message takes all memory",
    "close_timeout": "it must be above 0: without a bound a dead peer is never let go of",
    "max_header_size": "it must be at least 1 byte: without a bound one request takes all memory",
    "handshake_burst": "it must be at least 1, or nobody is let in; handshakes_per_second=0 switches the rate off",
    "backlog": "it must be at least 1, or the kernel keeps nobody waiting",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkLimits:
    """What one connection may do. Times are in seconds, sizes in bytes."""

    max_message_size: int = 2**20
    """Of a whole message, fragments together and after decompression; more closes with 1009. The largest messages of
    real stations (a MeterValues or NotifyReport after days offline) are about 100 KB."""

    max_write_buffer: int = 8 * 2**20
    """What may wait for a peer that does not read, before it is dropped: eight messages of the largest size."""

    messages_per_second: float = 2_500
    """Beyond this rate nothing more is read until its time has come, so nothing is lost; control frames and fragments
    count, and two seconds' worth is saved up. A station sends one message a second; ``ocppflow csms`` with its log and
    a trace takes 12,000 to 20,000 on one core, so that four stations which send without end leave it time."""

    share: float = 0.25
    """The part of one processor core that the peer may take in the long run, as measured; beyond it the same holds.
    Four of them at most fill a core, and a good station takes a ten-thousandth."""

    flood_timeout: float = 60.0
    """A peer that sends more than that for this many seconds without a break, and does not wait for answers, is
    closed with 1008; 0 keeps it, slowed. Long enough for 150,000 stored messages."""

    ping_interval: float = 60.0
    """The standard's WebSocketPingInterval; 0 sends no pings. Load balancers and mobile networks forget a connection
    that has been idle for a minute or more."""

    pong_timeout: float = 20.0
    """A peer from which nothing at all comes within this time of a ping is dropped; never longer than
    ``ping_interval``. 0 keeps a peer that answers no ping. Time enough for a mobile network to send again what
    it has lost."""

    close_timeout: float = 10.0
    """For the peer's part of the closing handshake; then the connection is dropped. A round trip, with room."""

    compression: bool = True
    """Offer, or accept, permessage-deflate, which a CSMS has to support (2.1 Part 4, 3.4)."""

    def __post_init__(self) -> None:
        for field in fields(self):
            check_limit(field.name, str(field.type), getattr(self, field.name), _NEEDED)
        if self.share > 1:
            raise ConfigurationError(f"share is {self.share}; it is a part of one processor core, at most 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits(LinkLimits):
    """What a server lets in, besides :class:`LinkLimits` for each connection."""

    handshake_timeout: float = 15.0
    """From the TCP connection to the answer, TLS and a slow acceptor included: some round trips of a mobile network,
    and a TLS handshake on a slow microcontroller (5 s)."""

    tls_timeout: float = 8.0
    """From the TCP connection until TLS is agreed: some round trips of a mobile network, and a TLS handshake on a slow
    microcontroller (5 s)."""

    max_tls_handshakes: int = 500
    """How many may have begun TLS and not sent their request; each takes 45 KiB, so 22 MB. The others wait. The address
    (IPv6: network) that has the most gives way: its oldest is dropped for one of another address, and after half the
    ``tls_timeout`` for any. Enough for 500 a second that take a second each."""

    max_header_size: int = 16 * 1024
    """Of the HTTP request. Browsers and proxies agree on 8 KiB; a station needs less than 1."""

    handshakes_per_second: float = 500.0
    """How many are let in, in the long run; the rest gets 503, first the addresses (IPv6: networks) that have come most
    often. With TLS and passwords one core does about 300-500."""

    handshake_burst: int = 2000
    """How many more may come at once after a quiet time: four seconds' worth, which are over before a station's own
    time-out. Addresses that have come less often than others may go a quarter beyond it, the less the farther."""

    max_handshakes: int = 5000
    """How many may be half-open at a time, and as many may wait for the decision. Of more, the address (IPv6: network)
    that has the most gives way: its oldest half-open one is dropped, or its latest waiting one gets 503. Ten seconds'
    worth."""

    password_wait: float = 10.0
    """Seconds of password checks that may wait their turn, at what a check costs here; when more wait, those who have
    the most waiting get 503. Others do not wait behind them: turns go round by address. Two thirds of
    the ``handshake_timeout``, and less than a station waits; a thousand stations that come back after a restart, at 3
    ms each on one core, are not refused. Where most passwords from an address are wrong, a second."""

    max_refusals: int = 1000
    """How many that were refused may still read why, for ``close_timeout`` at the longest; of more, the oldest of the
    address that has the most is closed. Two seconds' worth, so a round trip is left even in a flood."""

    max_connections: int = 0
    """Of the whole port; more get 503. Off: how many a machine bears, its operator knows. As many as the process may
    have descriptors (RLIMIT_NOFILE), less a reserve of a sixteenth, in any case."""

    connections_per_address: int = 0
    """More of one address (IPv6: network) get 429. Off: whole sites share an address, and a proxy has all of them
    behind one."""

    max_unfinished: int = 32 * 2**20
    """Of messages that are not complete, and of what waits for its turn, for all connections together; a connection
    with less than 4 KiB does not count. Of more, the address (IPv6: network) that holds the most gives way: one of its
    connections that hold the most, if it is above 128 KiB, else the one that began first, is closed with 1013. Enough
    for 600 messages of 100 KB that are half sent; thousands of stations that report on a slow network need more."""

    max_unsent: int = 128 * 2**20
    """What waits for peers that do not read, for all connections together; a connection counts when more than 64 KiB
    wait. Of more, one that has the most waiting, of the address (IPv6: network) that has the most, is dropped. Sixteen
    times ``max_write_buffer``, and room to send 100 KB to a thousand stations at once."""

    retry_after: float = 5.0
    """What a 503 or 429 asks a station to wait: this long up to twice as long, at random, so that those who came
    together do not come together again. 0 says nothing of it."""

    refusals_per_address: int = 20
    """Refused connections of one address (of one /64 network in IPv6) that the log, the trace and ``on_refused`` are
    told of one by one in ten seconds; the others are told of together at their end. Enough to see what is wrong. A
    proxy in front of many stations may need more."""

    refusals_per_second: float = 20.0
    """The same for all addresses together, in the long run; 200 at once after a quiet time. Each costs a line of log
    and a record of trace, 400 bytes: so strangers fill 0.7 GB a day at most."""

    backlog: int = 4096
    """TCP connections that the kernel keeps until they are accepted; Linux itself allows 4096 (somaxconn)."""
