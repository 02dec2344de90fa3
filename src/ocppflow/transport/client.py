"""Connect as a station: one attempt, and a clear reason where it fails."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl as ssl_module
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, InvalidURI
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import OPEN, Side
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.messages.base import Version
from ocppflow.transport.clock import Clock, LoopClock
from ocppflow.transport.connection import SocketLink
from ocppflow.transport.engine import wire_log
from ocppflow.transport.framing import LinkContext
from ocppflow.transport.handshake import build_basic, check_identity
from ocppflow.transport.link import Link, Peer
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.tls import client_context, explain_tls_failure

# Windows of 4 KiB on our side; what the CSMS does is its own affair.
_DEFLATE = ClientPerMessageDeflateFactory(client_max_window_bits=12, compress_settings={"memLevel": 5})

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d|101) ")

_WHAT_TO_CHECK = {
    401: "check the password",
    403: "check the certificate and the security profile",
    404: "check the identity and the path",
    426: "the server wants something else than WebSocket here: check the path",
    429: "too many connections; try again later",
    503: "the server is busy; try again later",
}


class Refused(ConnectionRefused):
    """A ConnectionRefused that knows more: ``retry_after`` in seconds if the server asked to wait, and
    ``tls`` if it was TLS that failed (A00.FR.310: the station reports an InvalidCsmsCertificate).
    """

    def __init__(
        self, reason: str, *, status: int | None = None, retry_after: float | None = None, tls: bool = False
    ) -> None:
        super().__init__(reason, status=status)
        self.retry_after = retry_after
        self.tls = tls


@dataclass(frozen=True, slots=True)
class _Attempt:
    """All that is fixed before the first byte is sent."""

    url: str
    host: str
    port: int
    identity: str
    versions: tuple[Version, ...]
    password: bytes | None
    ssl: ssl_module.SSLContext | None
    headers: Mapping[str, str]
    path: str


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
    outgoing = _Outgoing(attempt, LinkContext(Side.CLIENT, limits, clock))
    timer = clock.call_at(clock.now() + timeout, lambda: outgoing.fail(Refused(_too_slow(attempt, timeout))))
    dial = loop.create_task(_dial(attempt, outgoing))
    try:
        return await outgoing.result
    finally:
        timer.cancel()
        dial.cancel()
        outgoing.forget()


def _prepare(
    url: str,
    identity: str,
    versions: Sequence[Version | str],
    password: str | bytes | None,
    ssl: ssl_module.SSLContext | None,
    headers: Mapping[str, str] | None,
) -> _Attempt:
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
    return _Attempt(target, uri.host, uri.port, identity, known, raw, ssl, dict(headers or {}), path)


async def _dial(attempt: _Attempt, outgoing: _Outgoing) -> None:
    loop = asyncio.get_running_loop()
    where = f"{attempt.host}:{attempt.port}"
    try:
        await loop.create_connection(
            lambda: outgoing,
            attempt.host,
            attempt.port,
            ssl=attempt.ssl,
            server_hostname=attempt.host if attempt.ssl else None,
        )
    except socket.gaierror:
        outgoing.fail(Refused(f"the host name {attempt.host!r} cannot be resolved: check the URL"))
    except ssl_module.SSLError as error:
        outgoing.fail(Refused(f"{where}: {explain_tls_failure(error)}", tls=True))
    except ConnectionRefusedError:
        outgoing.fail(Refused(f"nothing listens on {where}: check host and port, or start the CSMS"))
    except OSError as error:
        outgoing.fail(Refused(f"cannot connect to {where}: {error.strerror or error or type(error).__name__}"))
    except Exception as error:
        outgoing.fail(error)


class _Outgoing(asyncio.Protocol):
    """The asyncio protocol of a client until its handshake is over."""

    def __init__(self, attempt: _Attempt, context: LinkContext) -> None:
        self._attempt = attempt
        self._context = context
        self._transport: Any = None
        self._head = bytearray()
        self._answered = False
        self.result: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._engine = ClientProtocol(
            parse_uri(attempt.url),
            subprotocols=[Subprotocol(version.subprotocol) for version in attempt.versions],
            extensions=[_DEFLATE] if context.limits.compression else None,
            logger=wire_log,
        )

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

    def forget(self) -> None:
        """The caller has what it wanted, or has gone away; leave nothing open that has no owner."""
        if not self.result.done():
            self.result.cancel()
        failed = self.result.cancelled() or self.result.exception() is not None
        if failed and self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self.result.done():
            self._transport.abort()
            return
        request = self._engine.connect()
        if self._attempt.password is not None:
            request.headers["Authorization"] = build_basic(self._attempt.identity, self._attempt.password)
        for name, value in self._attempt.headers.items():
            request.headers[name] = value
        self._transport.write(request.serialize())

    def data_received(self, data: bytes) -> None:
        if self.result.done():
            return
        if self._answered:
            self._engine.receive_data(data)
            self._look()
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > 64 * 1024 or not b"HTTP/".startswith(self._head[:5]):
                self.fail(Refused(f"{self._where()} answered with something that is not HTTP: check the port"))
            return
        self._answered = True
        # The frames that may follow belong to the Link, not to the engine of the handshake.
        head, rest = bytes(self._head[: end + 4]), bytes(self._head[end + 4 :])
        self._engine.receive_data(head)
        if self._engine.state is OPEN:
            self._open(rest)
        else:
            if rest and not self._engine.reader.eof:
                self._engine.receive_data(rest)
            self._look()

    def eof_received(self) -> None:
        if not self.result.done():
            self._engine.receive_eof()
            self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.result.done():
            return
        if isinstance(exc, ssl_module.SSLError):
            self.fail(Refused(f"{self._where()}: {explain_tls_failure(exc)}", tls=True))
        elif self._attempt.ssl is not None:
            self.fail(Refused(f"{self._where()} closed the connection without an answer; check the certificate"))
        else:
            self.fail(Refused(f"{self._where()} closed the connection without an answer; is it wss://?"))

    def _where(self) -> str:
        return f"{self._attempt.host}:{self._attempt.port}"

    def _look(self) -> None:
        """After more of an answer that is no success: say what it is as soon as it is whole."""
        error = self._engine.handshake_exc
        if error is None or self.result.done():
            return
        if isinstance(error, InvalidStatus):
            self.fail(_refusal(self._where(), error.response))
        else:
            cause = error.__cause__ or error
            status = _STATUS.match(self._head)
            if status is None or status[1] == b"101":
                self.fail(Refused(f"{self._where()} did not answer as a WebSocket server: {cause}"))
            else:  # what is wrong with the rest of a refusal makes it no less one
                code = int(status[1])
                self.fail(Refused(f"{self._where()} refused: HTTP {code} ({cause})", status=code))

    def _open(self, rest: bytes) -> None:
        attempt, transport = self._attempt, self._transport
        chosen = self._engine.subprotocol
        if chosen is None:
            offered = ", ".join(attempt.versions)
            reason = f"{self._where()} speaks none of the versions offered ({offered}): check the versions"
            self.fail(Refused(reason, status=101))
            return
        transport.pause_reading()
        link = SocketLink(
            transport, self._peer(Version.parse(chosen)), self._context, extensions=self._engine.extensions, rest=rest
        )
        transport.set_protocol(link)
        self._transport = None
        self.result.set_result(link)

    def _peer(self, version: Version) -> Peer:
        attempt = self._attempt
        certified = attempt.ssl is not None and attempt.password is None
        profile = (3 if certified else 2) if attempt.ssl is not None else int(attempt.password is not None)
        return Peer(attempt.identity, version, self._where(), attempt.path, profile)


def _refusal(where: str, response: Response) -> Refused:
    status = response.status_code
    said = " ".join(bytes(response.body).decode(errors="replace").split())[:200]
    check = _WHAT_TO_CHECK.get(status, "")
    if 300 <= status < 400:
        check = f"it points to {response.headers.get('Location', 'nowhere')}"
    details = "; ".join(part for part in (said, check) if part)
    reason = f"{where} refused: HTTP {status} {response.reason_phrase}" + (f" ({details})" if details else "")
    wait = response.headers.get("Retry-After", "")
    return Refused(reason, status=status, retry_after=float(wait) if wait.isascii() and wait.isdigit() else None)


def _too_slow(attempt: _Attempt, timeout: float) -> str:
    return f"{attempt.host}:{attempt.port} did not finish the handshake within {timeout:g} s"
