"""Connect as a station: one attempt, and a clear reason where it fails."""

from __future__ import annotations

import asyncio
import socket
import ssl as ssl_module
from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlsplit

from websockets.exceptions import InvalidURI
from websockets.protocol import Side
from websockets.uri import parse_uri

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.messages.base import Version
from ocppflow.transport.client_opening import Attempt, ClientOpening
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.handshake import check_identity
from ocppflow.transport.link import Link
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.tls import client_context, explain_tls_failure


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
) -> Link:
    """Connect the station ``identity`` to the CSMS at ``url`` (``ws://host:port/route``, without the
    identity).

    ``versions`` are offered in this order of preference (row 2); a 2.1 station should offer 2.0.1 too
    (row 32). A ``password`` given as text is sent as UTF-8; the key of OCPP 1.6 is given as its raw bytes
    (row 5). ``ssl`` is for ``wss://``, by default the system's authorities. ``timeout`` (seconds) holds
    for the whole attempt.

    Nothing arrives before ``attach`` has been called on the Link. Raises ConnectionRefused with the HTTP
    status, if one came, and what to check; ConfigurationError for a URL, identity or version that makes
    no sense.
    """
    clock = clock or LoopClock()
    limits = limits or LinkLimits()
    attempt = _prepare(url, identity, versions, password, ssl, headers)
    loop = asyncio.get_running_loop()
    opening = ClientOpening(attempt, LinkContext(Side.CLIENT, limits, clock))
    timer = clock.call_at(clock.now() + timeout, lambda: opening.fail(ConnectionRefused(_too_slow(attempt, timeout))))
    dial = loop.create_task(_dial(attempt, opening))
    try:
        return await opening.result
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
) -> Attempt:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss"):
        raise ConfigurationError(f"the URL {url!r} must begin with ws:// or wss://")
    if parts.username or parts.password:
        raise ConfigurationError("the URL must not hold credentials; give the password separately")
    known = tuple(dict.fromkeys(Version.parse(version) for version in versions))
    if not known:
        raise ConfigurationError("no version to offer; known: " + ", ".join(Version))
    if not identity:
        raise ConfigurationError("the identity is empty")
    if all(check_identity(identity, version) for version in known) and (wrong := check_identity(identity, known[0])):
        raise ConfigurationError(wrong.reason)
    base = url.partition("?")[0].partition("#")[0].rstrip("/")
    try:
        uri = parse_uri(f"{base}/{quote(identity, safe='')}")
    except (InvalidURI, ValueError) as error:
        raise ConfigurationError(f"the URL {url!r} makes no sense: {error}") from error
    raw = password.encode() if isinstance(password, str) else password
    if uri.secure and ssl is None:
        ssl = client_context()
    elif not uri.secure and ssl is not None:
        raise ConfigurationError(f"TLS settings are given, but the URL {url!r} begins with ws://, not wss://")
    path = parts.path.rstrip("/") or "/"
    target = f"{base}/{quote(identity, safe='')}"
    return Attempt(target, uri.host, uri.port, identity, known, raw, ssl, dict(headers or {}), path)


async def _dial(attempt: Attempt, opening: ClientOpening) -> None:
    loop = asyncio.get_running_loop()
    where = f"{attempt.host}:{attempt.port}"
    try:
        await loop.create_connection(
            lambda: opening,
            attempt.host,
            attempt.port,
            ssl=attempt.ssl,
            server_hostname=attempt.host if attempt.ssl else None,
        )
    except socket.gaierror:
        opening.fail(ConnectionRefused(f"the host name {attempt.host!r} cannot be resolved: check the URL"))
    except ssl_module.SSLError as error:
        opening.fail(ConnectionRefused(f"{where}: {explain_tls_failure(error)}", tls=True))
    except ConnectionRefusedError:
        opening.fail(ConnectionRefused(f"nothing listens on {where}: check host and port, or start the CSMS"))
    except OSError as error:
        opening.fail(ConnectionRefused(f"cannot connect to {where}: {error.strerror or error or type(error).__name__}"))
    except Exception as error:
        opening.fail(error)


def _too_slow(attempt: Attempt, timeout: float) -> str:
    return f"{attempt.host}:{attempt.port} did not finish the handshake within {timeout:g} s"
