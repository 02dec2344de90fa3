"""The opening handshake on the server's side: TLS, the HTTP request, the decision, the answer.

A :class:`ServerOpening` lives as long as the handshake. Then it either hands the transport over to a
SocketLink and is gone, or has refused, said why to everyone who should know, and stays until the refusal is read.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from enum import Enum
from typing import Any

from websockets.extensions import Extension
from websockets.frames import CloseCode
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from ocppflow.log_budget import budgeted
from ocppflow.plain_text import SHOWN_TEXT, excerpt, one_line
from ocppflow.transport import handshake as hs
from ocppflow.transport.arrival import Arrival, arrive, describe, no_route
from ocppflow.transport.asker import Asker, on_behalf_of
from ocppflow.transport.choosing_protocol import ChoosingProtocol, refusal_response
from ocppflow.transport.clock import Timer
from ocppflow.transport.framing import cut_reason
from ocppflow.transport.full_websocket import wire_log
from ocppflow.transport.half_close import end_of_stream
from ocppflow.transport.http_request import mend_connection_header, not_websocket, parse_request
from ocppflow.transport.link import Peer, Unheard
from ocppflow.transport.network import network_of
from ocppflow.transport.origin import check_origin, may_be_a_station
from ocppflow.transport.route import Mount, Route
from ocppflow.transport.securing import Securing
from ocppflow.transport.server_context import ServerContext
from ocppflow.transport.socket_link import SocketLink
from ocppflow.transport.tls import ServerTLS
from ocppflow.transport.tls_stream import TLSStream

log = budgeted("ocppflow.transport")


_KEPT = 255
"""Characters of an identity or a path that are told of a refused connection: a stranger may have sent 16 KiB."""


class OpeningState(Enum):
    """ARRIVED -> SECURING (with TLS) -> READING -> DECIDING -> OVER; any of them ends in OVER at once when it fails."""

    ARRIVED = "arrived"
    """The TCP connection is there; its turn to be served has not come."""
    SECURING = "securing"
    """TLS is being agreed."""
    READING = "reading"
    """The HTTP request is not complete."""
    DECIDING = "deciding"
    """The request is complete: it waits for its turn, or the acceptor has the Handshake."""
    OVER = "over"
    """Handed over to a Link, or refused."""


class ServerOpening(asyncio.Protocol):
    """The asyncio protocol of a connection until its handshake is over."""

    def __init__(self, server: ServerContext, sock: socket.socket, address: object) -> None:
        self._server = server
        self._socket: socket.socket | None = sock
        self._transport: Any = None
        self._state = OpeningState.ARRIVED
        self._full = ""
        self._buffer = bytearray()
        self._task: asyncio.Task[None] | None = None
        self._timer: Timer | None = None
        self._protocol: ChoosingProtocol | None = None
        self._securing: Securing | None = None
        host, port = address[:2] if isinstance(address, tuple) and len(address) >= 2 else ("?", "")
        self.address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.network = network_of(host)
        """What the bounds per address count."""
        self._origin_fault: hs.Refuse | None = None
        self.identity = ""
        self.path = ""

    def arrive(self, *, full: str = "") -> None:
        """Take a place at the door, and the next step when it is its turn. ``full`` says why it is refused at once."""
        server, clock, timeout = self._server, self._server.clock, self._server.limits.handshake_timeout
        self._full = full
        if timeout:
            self._timer = clock.call_at(clock.now() + timeout, self._timed_out)
        server.openings.arrived(self)
        server.queue.add(self.network, self._take_over)

    def _take_over(self) -> None:
        if self._socket is not None:
            sock, self._socket = self._socket, None
            self._task = asyncio.get_running_loop().create_task(self._connect(sock))

    async def _connect(self, sock: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: self, sock)
        except OSError as error:
            sock.close()
            if self._state is not OpeningState.OVER:
                self._report(None, f"the connection was lost at once: {error}")
            self._finish()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._task, self._transport = None, transport
        server = self._server
        if self._state is OpeningState.OVER:  # it has given way meanwhile
            self._transport.abort()
        elif self._full and server.tls is None:
            self._refuse(server.admission.refuse(503, self._full))
        elif self._full:
            self._give_up(self._full)
        elif server.tls is None:
            self._state = OpeningState.READING
        else:
            self._state = OpeningState.SECURING
            self._start_tls(server.tls)

    def data_received(self, data: bytes) -> None:
        if self._state is OpeningState.OVER:
            self._linger(data)
            return
        self._buffer += data
        if self._state is OpeningState.READING:
            self._read_head()
        elif len(self._buffer) > self._server.limits.max_header_size:  # it need not wait, within limits
            self._transport.pause_reading()

    def eof_received(self) -> None:
        if self._state is not OpeningState.OVER:
            self._give_up("the connection was closed before the handshake was complete")

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is not OpeningState.OVER:
            self._report(None, "the connection was lost before the handshake was complete")
        if self._task is not None:
            self._task.cancel()
        self._finish()

    # What the server calls.

    def close(self, reason: str) -> None:
        """The server shuts down."""
        if self._state in (OpeningState.ARRIVED, OpeningState.SECURING):
            self._give_up(reason)
            return
        if self._state is not OpeningState.OVER:
            self._refuse(self._server.admission.refuse(503, reason))
        self._transport.close()

    def give_way(self, reason: str) -> None:
        """Others need its place: the end, without a word."""
        if self._state is OpeningState.OVER:  # it has had one
            self._drop()
        else:
            self._give_up(reason)

    def turn_away(self, reason: str) -> None:
        """Others have waited for longer to be let in."""
        if self._task is not None:
            self._task.cancel()
        self._refuse(self._server.admission.refuse(503, reason))

    # TLS first, so that the bounds above cost an attacker more than they cost us.

    def _start_tls(self, tls: ServerTLS) -> None:
        server, room = self._server, self._server.tls_room
        clock, timeout = server.clock, server.limits.tls_timeout
        self._securing = Securing(self._transport, self, room, self._admit, tls.context, clock=clock, timeout=timeout)

    def secured(self, stream: TLSStream) -> None:
        """TLS is agreed, and ``stream`` the transport from now on."""
        self._transport = stream
        self._state = OpeningState.READING

    def not_secured(self, reason: str, last: bytes, status: int | None = None) -> None:
        """TLS has failed; the peer reads ``last``, if anything, and then the end."""
        if self._state is OpeningState.OVER:
            return
        if not last:
            self._give_up(reason)
            return
        self._report(status, reason)
        self._transport.write(last)
        end_of_stream(self._transport)
        self._await_end()

    def _admit(self) -> hs.Refuse | None:
        return self._server.admission.check(self.network, self._server.clock.now())

    # The HTTP request.

    def _read_head(self) -> None:
        buffer, limit = self._buffer, self._server.limits.max_header_size
        if not 0x41 <= buffer[0] <= 0x5A:
            is_tls = buffer[0] == 0x16
            self._refuse(hs.Refuse(400, "TLS on a port without TLS: use ws://" if is_tls else "not an HTTP request"))
            return
        end = buffer.find(b"\r\n\r\n")
        if (len(buffer) if end < 0 else end) > limit:
            self._refuse(hs.Refuse(431, f"the request is longer than {limit} bytes"))
        elif end >= 0:
            head, rest = bytes(buffer[: end + 4]), bytes(buffer[end + 4 :])
            self._buffer.clear()
            self._state = OpeningState.DECIDING
            if self._securing is not None:
                self._securing.over()
            # It is read on, or nobody would notice that the peer has gone, and its password would be checked in vain.
            self._server.queue.add(self.network, lambda: self._begin(head, rest))
            self._server.openings.asks(self)

    def _begin(self, head: bytes, rest: bytes) -> None:
        if self._state is OpeningState.DECIDING:
            self._task = asyncio.get_running_loop().create_task(self._answer(head, rest))

    async def _answer(self, head: bytes, rest: bytes) -> None:
        try:
            decision = await self._decide(head, rest)
        except Exception:
            log.exception("%s from %s: the decision on the handshake failed", self.identity, self.address)
            decision = hs.Refuse(500, "the server failed to decide; its log says why")
        self._task = None
        if decision is not None and self._state is not OpeningState.OVER:
            self._refuse(decision)

    async def _decide(self, head: bytes, rest: bytes) -> hs.Refuse | None:
        """The whole way from request to Link; None when that is done (or the peer has gone)."""
        protocol = self._protocol = ChoosingProtocol(logger=wire_log)
        request = parse_request(protocol, head)
        if isinstance(request, hs.Refuse):
            return request
        found = self._find_mount(request)
        if isinstance(found, hs.Refuse):
            return found
        arrival, mount = found
        shake = self._handshake(request, arrival, mount.route)
        if isinstance(shake, hs.Refuse):
            return shake
        response = protocol.response_to(request, shake, compression=mount.context.limits.compression)
        if response.status_code != 101:
            why = excerpt(str(protocol.handshake_exc), 200, quoted=False)
            return hs.Refuse(response.status_code, why, {"Sec-WebSocket-Version": "13"})  # RFC 6455 4.4
        if not shake.versions:
            self._close_without_subprotocol(protocol, response, shake, mount.route)
            return None
        if mount.route.check_identity and (refusal := hs.check_identity(shake.identity, shake.version)):
            return refusal
        who = Asker(self.network, self._server.limits.password_wait)
        decision = await on_behalf_of(who, mount.route.acceptor, shake)
        if self._state is OpeningState.OVER:
            return None
        if isinstance(decision, hs.Refuse):
            return decision
        if self._origin_fault is not None and hs.security_profile(shake, decision) == 0:
            return self._origin_fault
        if self._server.mounts.get(arrival.path) is not mount:
            return self._server.admission.refuse(503, f"the path {arrival.path} was closed meanwhile")
        self._transport.write(response.serialize())
        self._let_in(shake, decision, mount, protocol.extensions, rest)
        return None

    def _find_mount(self, request: Request) -> tuple[Arrival, Mount] | hs.Refuse:
        """Where the request goes, if it is one for a WebSocket and there is room."""
        if refusal := not_websocket(request):
            return refusal
        server = self._server
        arrival = arrive(request.path, server.mounts)
        if isinstance(arrival, hs.Refuse):
            self.path = request.path.partition("?")[0][:200]
            return arrival
        self.path, self.identity = arrival.path, arrival.identity
        if server.tls is None and (refusal := self._admit()):  # with TLS it was asked before that began
            return refusal
        mount = server.mounts.get(arrival.path)
        return (arrival, mount) if mount is not None and arrival.identity else no_route(arrival, server.mounts)

    def _handshake(self, request: Request, arrival: Arrival, route: Route) -> hs.Handshake | hs.Refuse:
        tls = self._transport.get_extra_info("ssl_object")
        origin, host = (", ".join(request.headers.get_all(name)) for name in ("Origin", "Host"))
        self._origin_fault = check_origin(origin, host, tls=tls is not None, allowed=route.leniency.origins)
        if self._origin_fault is not None and not may_be_a_station(origin):
            return self._origin_fault
        mended = mend_connection_header(request, forgiven=route.leniency.any_connection_header)
        if isinstance(mended, hs.Refuse):
            return mended
        assumed = ["connection header"] if mended else []
        shake = describe(request, arrival, route, address=self.address, tls=tls, assumed=assumed)
        if not shake.versions and not shake.offered:
            return hs.Refuse(400, hs.no_common_version(shake.identity, (), route.versions))
        return shake

    # The answer.

    def _let_in(
        self, shake: hs.Handshake, accept: hs.Accept, mount: Mount, extensions: Sequence[Extension], rest: bytes
    ) -> None:
        if shake.assumed:
            log.info("%s from %s is let in by leniency: %s", shake.identity, self.address, ", ".join(shake.assumed))
        profile = hs.security_profile(shake, accept)
        peer = Peer(shake.identity, shake.version, shake.address, shake.path, profile, shake.certificate)
        self._transport.pause_reading()
        rest += self._buffer  # what has come meanwhile
        link = SocketLink(self._transport, peer, mount.context, extensions=extensions, rest=rest)
        self._transport.set_protocol(link)
        self._state = OpeningState.OVER
        self._finish()
        self._server.admission.entered(self.network)
        mount.links.add(link)
        try:
            mount.route.on_link(link)
        except Exception:
            log.exception("%s: the new connection could not be taken over", shake.identity)
            link.close(1011, "internal error")
        if not link.is_attached:
            link.attach(Unheard())
            link.close(1011, "nobody took this connection over")

    def _close_without_subprotocol(
        self, protocol: ChoosingProtocol, response: Response, shake: hs.Handshake, route: Route
    ) -> None:
        """Finish the handshake without the header, then close (2.1 Part 4, 3.3)."""
        reason = hs.no_common_version(shake.identity, shake.offered, route.versions)
        self._report(101, reason)
        protocol.send_response(response)
        protocol.send_close(CloseCode.PROTOCOL_ERROR, cut_reason(reason))
        self._send_last(protocol)

    def _refuse(self, refusal: hs.Refuse) -> None:
        self._report(refusal.status, refusal.whole_reason)
        self._transport.write(refusal_response(ServerProtocol(logger=wire_log), refusal))
        end_of_stream(self._transport)
        self._await_end()

    def _report(self, status: int | None, reason: str) -> None:
        self._state = OpeningState.OVER
        identity, path = self.identity[:_KEPT], self.path[:_KEPT]
        info = hs.RefusedInfo(identity, self.address, path, status, one_line(reason, SHOWN_TEXT))
        self._server.report(self.network, info)

    # After a refusal: wait for the peer to read it and go, else a reset could overtake it.

    def _linger(self, data: bytes) -> None:
        protocol = self._protocol
        if protocol is None or protocol.handshake_exc is not None or protocol.reader.eof:
            return
        if protocol.close_sent:
            protocol.receive_data(data)
            self._send_last(protocol)

    def _send_last(self, protocol: ServerProtocol) -> None:
        for data in protocol.data_to_send():
            if data:
                self._transport.write(data)
            else:
                end_of_stream(self._transport)
        self._await_end()

    def _await_end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport.resume_reading()
        self._server.openings.refused(self)
        clock = self._server.clock
        self._timer = clock.call_at(clock.now() + self._server.limits.close_timeout, self._transport.abort)

    def _timed_out(self) -> None:
        seconds = self._server.limits.handshake_timeout
        if self._state is OpeningState.READING and self._buffer:
            self._refuse(hs.Refuse(408, f"no complete request within {seconds:g} s"))
        else:
            self._give_up(f"the handshake was not finished within {seconds:g} s")

    def _give_up(self, reason: str) -> None:
        self._report(None, reason)
        self._drop()

    def _drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()
        elif self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._task is not None and self._transport is not None:
            self._task.cancel()
        self._finish()

    def _finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._securing is not None:
            self._securing.over()
        self._server.openings.gone(self)
