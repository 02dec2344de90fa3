"""Connect as a station: one attempt, and a clear reason where it fails."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl as ssl_module
from collections.abc import Mapping, Sequence

from websockets.protocol import Side
from websockets.uri import parse_uri

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.messages.base import Version
from ocppflow.plain_text import excerpt
from ocppflow.transport.address import shown_url, station_address
from ocppflow.transport.client_opening import Attempt, ClientOpening
from ocppflow.transport.client_securing import ClientSecuring
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.handshake import check_identity
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.link import Link
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.tls import client_context

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 5.6.2, a token
_NOT_IN_A_HEADER = re.compile(r"[^\t\x20-\x7e\x80-\xff]")


async def connect(
    url: str,
    identity: str,
    *,
    versions: Sequence[Version | str] = (Version.V21, Version.V201),
    password: str | bytes | None = None,
    ssl: ssl_module.SSLContext | None = None,
    limits: LinkLimits | None = None,
    clock: Clock | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 15.0,
    leniency: Leniency = EXACT,
) -> Link:
    """Connect the station ``identity`` to the CSMS at ``url``.

    The URL is kept as it is. ``{identity}`` in it says where the identity goes; without it, the identity is appended
    to the path (:func:`~ocppflow.transport.address.station_address`).

    ``versions`` are offered in this order of preference (2.1 Part 4, 3.1.2); a 2.1 station should offer
    2.0.1 too (2.1 Part 4, 3.2). A ``password`` given as text is sent as UTF-8; the AuthorizationKey of OCPP 1.6 is
    given as its raw bytes. ``ssl`` is for ``wss://``, by default the system's authorities. ``headers`` are added to
    the request. ``timeout`` (seconds) holds for the whole attempt. ``leniency`` may say which version a CSMS speaks
    that selects none.

    Nothing arrives before ``attach`` has been called on the Link. Raises ConnectionRefused with the HTTP
    status, if one came, and what to check; ConfigurationError for a URL, identity or version that makes
    no sense.
    """
    clock = clock or LoopClock()
    limits = limits or LinkLimits()
    attempt = _prepare(url, identity, versions, password, ssl, headers, leniency)
    loop = asyncio.get_running_loop()
    opening = ClientOpening(attempt, LinkContext(Side.CLIENT, limits, clock))
    timer = clock.call_at(clock.now() + timeout, lambda: opening.fail(ConnectionRefused(_too_slow(attempt, timeout))))
    dial = loop.create_task(_dial(attempt, opening))
    try:
        return await opening.result
    except asyncio.CancelledError:
        opening.abandon()
        raise
    finally:
        timer.cancel()
        dial.cancel()
        opening.forget()


def _prepare(
    url: str,
    identity: str,
    versions: Sequence[Version | str],
    password: str | bytes | None,
    ssl: ssl_module.SSLContext | None,
    headers: Mapping[str, str] | None,
    leniency: Leniency,
) -> Attempt:
    address = station_address(url, identity)
    known = tuple(dict.fromkeys(Version.parse(version) for version in versions))
    if not known:
        raise ConfigurationError("no version to offer; known: " + ", ".join(Version))
    if all(check_identity(identity, version) for version in known) and (wrong := check_identity(identity, known[0])):
        raise ConfigurationError(wrong.reason)
    leniency.check(known)
    for name, value in (headers or {}).items():
        if not _HEADER_NAME.fullmatch(name) or _NOT_IN_A_HEADER.search(value):
            raise ConfigurationError(f"the header {excerpt(name)} cannot be sent: a name is one word, a value one line")
    try:
        uri = parse_uri(address.url)
    except ValueError:  # a host name that IDNA cannot write
        raise ConfigurationError(f"the URL {shown_url(url)} makes no sense: its host name cannot exist") from None
    raw = password.encode() if isinstance(password, str) else password
    if address.secure and ssl is None:
        ssl = client_context()
    elif not address.secure and ssl is not None:
        raise ConfigurationError(f"TLS settings are given, but the URL {shown_url(url)} begins with ws://, not wss://")
    return Attempt(uri, identity, known, raw, ssl, dict(headers or {}), address.route, leniency.assumed_version)


async def _dial(attempt: Attempt, opening: ClientOpening) -> None:
    loop = asyncio.get_running_loop()
    where = attempt.where
    host, tls = attempt.uri.host, attempt.ssl

    def protocol() -> asyncio.Protocol:
        return opening if tls is None else ClientSecuring(opening, tls, host)

    try:
        await loop.create_connection(protocol, host, attempt.uri.port)
    except socket.gaierror:
        opening.fail(ConnectionRefused(f"the host name {attempt.uri.host!r} cannot be resolved: check the URL"))
    except ConnectionRefusedError:
        opening.fail(ConnectionRefused(f"nothing listens on {where}: check host and port, or start the CSMS"))
    except OSError as error:
        opening.fail(ConnectionRefused(f"cannot connect to {where}: {error.strerror or error or type(error).__name__}"))
    except Exception as error:
        opening.fail(error)


def _too_slow(attempt: Attempt, timeout: float) -> str:
    return f"{attempt.where} did not finish the handshake within {timeout:g} s"
