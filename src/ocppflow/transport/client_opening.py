"""The opening handshake on the station's side: the request, and what the answer means."""

from __future__ import annotations

import asyncio
import re
import ssl as ssl_module
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import WebSocketURI

from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import budgeted
from ocppflow.messages.base import Version
from ocppflow.plain_text import excerpt
from ocppflow.transport.address import shown_host, shown_url
from ocppflow.transport.full_websocket import wire_log
from ocppflow.transport.handshake import build_basic
from ocppflow.transport.link import Link, Peer
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.retry_after import retry_after
from ocppflow.transport.socket_link import SocketLink
from ocppflow.transport.tls import explain_tls_failure, tls_fault

log = budgeted("ocppflow.transport")

# Windows of 4 KiB on our side; what the CSMS does is its own affair.
_DEFLATE = ClientPerMessageDeflateFactory(client_max_window_bits=12, compress_settings={"memLevel": 5})

_MAX_HEAD = 64 * 1024  # bytes of an answer's headers; real servers stay below 8 KiB

_STATUS = re.compile(rb"HTTP/1\.1 ([2-5]\d\d|101) ")

_WHAT_TO_CHECK = {
    401: "check the password",
    403: "check the certificate and the security profile",
    404: "check the identity and the path",
    426: "the server does not expect a WebSocket here: check the path",
    429: "too many connections; try again later",
    503: "the server is busy; try again later",
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that is fixed before the first byte is sent."""

    uri: WebSocketURI
    identity: str
    versions: tuple[Version, ...]
    password: bytes | None = field(repr=False)
    ssl: ssl_module.SSLContext | None
    headers: Mapping[str, str] = field(repr=False)  # which may hold the password, too
    route: str
    assumed_version: Version | None

    @property
    def where(self) -> str:
        """Host and port, as a URL shows them."""
        return f"{shown_host(self.uri.host)}:{self.uri.port}"


class ClientOpening(asyncio.Protocol):
    """The asyncio protocol of a client until its handshake is over."""

    def __init__(self, attempt: Attempt, context: LinkContext) -> None:
        self._attempt = attempt
        self._context = context
        self._transport: Any = None
        self._head = bytearray()
        self._answered = False
        self.result: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._protocol = ClientProtocol(
            attempt.uri,
            subprotocols=[Subprotocol(version.subprotocol) for version in attempt.versions],
            extensions=[_DEFLATE] if context.limits.compression else None,
            logger=wire_log,
        )

    def fail(self, error: Exception) -> None:
        if not self.result.done():
            self.result.set_exception(error)
        if self._transport is not None:
            self._transport.abort()

    def abandon(self) -> None:
        """The caller has gone away, perhaps at the moment in which it was to get its Link."""
        if self.result.done() and not self.result.cancelled() and self.result.exception() is None:
            self.result.result().abort("the attempt was cancelled")

    def forget(self) -> None:
        """The caller has what it wanted, or has gone away; leave nothing open that has no owner."""
        if not self.result.done():
            self.result.cancel()
        failed = self.result.cancelled() or self.result.exception() is not None
        if failed and self._transport is not None:
            self._transport.abort()

    def begin_tls(self, transport: asyncio.Transport) -> None:
        """The TCP connection is there, and TLS begins."""
        self._transport = transport
        if self.result.done():
            transport.abort()

    def tls_failed(self, error: ssl_module.SSLError) -> None:
        """TLS has failed; the server is told why."""
        transport, self._transport = self._transport, None
        self.fail(self._tls_refusal(error))
        transport.close()  # and not aborted: the alert is on its way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        if self.result.done():
            self._transport.abort()
            return
        request = self._protocol.connect()
        if self._attempt.password is not None:
            request.headers["Authorization"] = build_basic(self._attempt.identity, self._attempt.password)
        for name, value in self._attempt.headers.items():
            request.headers[name] = value
        self._transport.write(request.serialize())

    def data_received(self, data: bytes) -> None:
        if self.result.done():
            return
        if self._answered:
            self._protocol.receive_data(data)
            self._look()
            return
        self._head += data
        end = self._head.find(b"\r\n\r\n")
        if end < 0:
            if len(self._head) > _MAX_HEAD or not b"HTTP/".startswith(self._head[:5]):
                self._refused("answered with something that is not HTTP: check the port")
            return
        self._answered = True
        # The frames that may follow belong to the Link, not to the handshake's protocol.
        head, rest = bytes(self._head[: end + 4]), bytes(self._head[end + 4 :])
        self._protocol.receive_data(head)
        if self._protocol.state is OPEN:
            self._open(rest)
        else:
            if rest and not self._protocol.reader.eof:
                self._protocol.receive_data(rest)
            self._look()

    def eof_received(self) -> None:
        if not self.result.done():
            self._protocol.receive_eof()
            self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.result.done():
            return
        if isinstance(exc, ssl_module.SSLError):
            self.fail(self._tls_refusal(exc))
        elif self._attempt.ssl is not None:
            self._refused("closed the connection without an answer; check the certificate")
        else:
            self._refused("closed the connection without an answer; is it wss://?")

    def _tls_refusal(self, error: ssl_module.SSLError) -> ConnectionRefused:
        text = f"{self._where()}: {explain_tls_failure(error)}"
        return ConnectionRefused(text, tls=True, tls_fault=tls_fault(error))

    def _refused(self, what: str, *, status: int | None = None) -> None:
        self.fail(ConnectionRefused(f"{self._where()} {what}", status=status))

    def _where(self) -> str:
        return self._attempt.where

    def _look(self) -> None:
        """More of an answer that is not a success has come: say what it is as soon as it is complete."""
        error = self._protocol.handshake_exc
        if error is None or self.result.done():
            return
        if isinstance(error, InvalidStatus):
            self.fail(_refusal(self._where(), error.response))
        else:
            cause = error.__cause__ or error
            status = _STATUS.match(self._head)
            if status is None or status[1] == b"101":
                self._refused(f"did not answer as a WebSocket server: {cause}")
            else:  # a refusal is one, whatever is wrong with the rest of it
                code = int(status[1])
                self._refused(f"refused: HTTP {code} ({cause})", status=code)

    def _open(self, rest: bytes) -> None:
        attempt, transport = self._attempt, self._transport
        chosen = self._protocol.subprotocol
        version = Version.parse(chosen) if chosen is not None else attempt.assumed_version
        if version is None:
            offered = ", ".join(attempt.versions)
            hint = "check the versions, or assume one (leniency)"
            self._refused(f"speaks none of the versions offered ({offered}): {hint}", status=101)
            return
        if chosen is None:
            log.info("%s selected no subprotocol; OCPP %s is assumed (leniency)", attempt.where, version)
        transport.pause_reading()
        link = SocketLink(
            transport, self._peer(version), self._context, extensions=self._protocol.extensions, rest=rest
        )
        transport.set_protocol(link)
        self._transport = None
        self.result.set_result(link)

    def _peer(self, version: Version) -> Peer:
        attempt = self._attempt
        certified = attempt.ssl is not None and attempt.password is None
        profile = (3 if certified else 2) if attempt.ssl is not None else int(attempt.password is not None)
        return Peer(attempt.identity, version, self._where(), attempt.route, profile)


def _refusal(where: str, response: Response) -> ConnectionRefused:
    status = response.status_code
    said = excerpt(" ".join(bytes(response.body).decode(errors="replace").split()), 200, quoted=False)
    check = _WHAT_TO_CHECK.get(status, "")
    if 300 <= status < 400:
        check = f"it points to {shown_url(response.headers.get('Location', 'nowhere'), quoted=False)}"
    details = "; ".join(part for part in (said, check) if part)
    phrase = excerpt(response.reason_phrase, quoted=False)
    reason = f"{where} refused: HTTP {status} {phrase}" + (f" ({details})" if details else "")
    headers = {name: response.headers[name] for name in ("Retry-After", "Date") if name in response.headers}
    return ConnectionRefused(reason, status=status, retry_after=retry_after(headers))
