"""SocketLink: a Link over an asyncio transport, after the opening handshake.

RFC 6455 is spoken by websockets' sans-I/O ``Protocol``, but that costs kilobytes and microseconds, and nearly
all traffic is whole, final, uncompressed text frames. Those are read and written here; every other frame
(control, fragment, compressed, broken) goes to a FullWebSocket that is made when needed and dropped when idle.
An idle connection is thus this object, its KeepAlive, and little else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from websockets.extensions import Extension
from websockets.frames import Opcode

from ocppflow.log_budget import budgeted
from ocppflow.transport.clock import Timer
from ocppflow.transport.framing import FIN_PING, FIN_TEXT, apply_mask, check_code, encode_frame
from ocppflow.transport.full_websocket import FullWebSocket
from ocppflow.transport.keep_alive import KeepAlive
from ocppflow.transport.link import LinkHandler, LinkState, Peer
from ocppflow.transport.link_context import LinkContext, Transport
from ocppflow.transport.waiters import Waiters

log = budgeted("ocppflow.transport")

_KNOWN_OPCODES = frozenset(Opcode)
_COMPRESS_FROM = 256  # below this many bytes compression saves nothing worth its time

OPEN, CLOSING, CLOSED = LinkState  # looked at for every message, so without a detour

UNATTACHED, ASKED, FLOOD = 1, 2, 4  # why a Link does not read


class SocketLink(asyncio.Protocol):
    """One open connection; keeps the contract of ``link.Link``.

    Made when the handshake is done, with reading paused; :meth:`attach` starts it. Text is handed up as the bytes
    that came, even if they are not UTF-8: the session above answers them instead of losing the connection.
    """

    __slots__ = (
        "__weakref__",
        "_allowed_from",
        "_close_timer",
        "_context",
        "_end",
        "_full",
        "_handler",
        "_keep_alive",
        "_last_received",
        "_missing",
        "_out",
        "_peer",
        "_ping_interval",
        "_read_pauses",
        "_rest",
        "_state",
        "_transport",
        "_waiters",
        "_write_paused",
    )

    def __init__(
        self,
        transport: Transport,
        peer: Peer,
        context: LinkContext,
        *,
        extensions: Sequence[Extension] = (),
        rest: bytes = b"",
    ) -> None:
        self._transport = transport
        self._peer = peer
        self._context = context
        self._handler: LinkHandler | None = None
        self._full: FullWebSocket | None = None
        if extensions:
            self._full = FullWebSocket(context.side, context.limits.max_message_size, extensions)
        self._rest: bytearray | None = bytearray(rest) if rest else None
        self._missing = 0  # how long _rest must grow before it can hold a frame
        self._out: list[bytes] | None = None
        self._state = OPEN
        self._write_paused = False
        self._read_pauses = UNATTACHED
        self._allowed_from = 0.0
        self._end: tuple[int, str] | None = None
        self._close_timer: Timer | None = None
        self._keep_alive: KeepAlive | None = None
        self._ping_interval = context.limits.ping_interval
        self._waiters: Waiters | None = None
        self._last_received = context.now()

    # What the rooms above use.

    @property
    def peer(self) -> Peer:
        return self._peer

    @property
    def is_open(self) -> bool:
        return self._state is OPEN

    @property
    def last_received(self) -> float:
        return self._last_received

    @property
    def is_attached(self) -> bool:
        """Whether someone listens."""
        return self._handler is not None

    @property
    def is_reading(self) -> bool:
        """Whether what the peer sends is taken from the network now."""
        return not self._read_pauses

    def attach(self, handler: LinkHandler) -> None:
        if self._handler is not None:
            raise RuntimeError("this Link has a handler already")
        self._handler = handler
        if self._state is CLOSED:  # it ended before anyone could listen
            code, reason = self._end or (1006, "")
            self._context.loop.call_soon(handler.closed, code, reason)
            return
        self._start_pings()
        if self._rest is None:
            self._unpause(UNATTACHED)
        else:
            self._context.loop.call_soon(self._start)

    def send(self, data: bytes) -> None:
        if self._state is not OPEN:
            return
        full = self._full
        if full is not None and full.compresses and len(data) >= _COMPRESS_FROM:
            full.send_text(data)
            self._flush(full)
        else:
            frame = encode_frame(FIN_TEXT, data, masked=not self._context.reads_masked)
            if self._out is not None:
                self._out.append(frame)
            else:
                self._transport.write(frame)
        if self._write_paused:
            self._check_write_buffer()

    def close(self, code: int = 1000, reason: str = "") -> None:
        check_code(code)
        if self._state is not OPEN:
            return
        full = self._need_full()
        full.send_close(code, reason)
        self._state = CLOSING
        self._flush(full)
        self._unpause(UNATTACHED | ASKED | FLOOD)  # the peer's answer has to be read

    def abort(self, reason: str) -> None:
        if self._end is None:
            self._end = (1006, reason)
        self._begin_to_close()
        self._transport.abort()

    def pause_reading(self) -> None:
        self._pause(ASKED)

    def resume_reading(self) -> None:
        self._unpause(ASKED)

    def set_ping_interval(self, seconds: float) -> None:
        self._ping_interval = seconds
        if self._handler is not None and self._state is OPEN:
            self._start_pings()

    async def drain(self) -> None:
        if self._write_paused and self._state is not CLOSED:
            self._waiters = self._waiters or Waiters()
            await self._waiters.to_write(self._context.loop)

    async def wait_closed(self) -> None:
        if self._state is not CLOSED:
            self._waiters = self._waiters or Waiters()
            await self._waiters.for_the_end(self._context.loop)

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        handler = self._handler
        if handler is None:
            return  # cannot be: reading is paused until attach
        context = self._context
        self._last_received = now = context.now()
        rest = self._rest
        if rest is not None:
            rest += data
            if len(rest) < self._missing:
                return
            data = bytes(rest)
            self._rest = None
        out: list[bytes] = []
        self._out = out
        try:
            count = self._consume(data, handler)
        finally:
            self._out = None
        if out:
            self._transport.write(out[0] if len(out) == 1 else b"".join(out))
        throttle = context.throttle
        if throttle is not None:
            self._allowed_from = throttle.charge(self._allowed_from, count, now)
            if self._allowed_from > now:
                self._pause(FLOOD)
                context.clock.call_at(self._allowed_from, self._flood_over)

    def eof_received(self) -> None:
        self._begin_to_close()
        self._need_full().receive_eof()
        # Returning None has the transport flush and close itself.

    def pause_writing(self) -> None:
        self._write_paused = True
        self._check_write_buffer()

    def resume_writing(self) -> None:
        self._write_paused = False
        if self._waiters is not None:
            self._waiters.wake(ended=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = CLOSED
        self._stop_pings()
        if self._close_timer is not None:
            self._close_timer.cancel()
        ended = self._end or (self._full.end() if self._full is not None else None)
        why = str(exc) if exc else "the connection was lost without a closing handshake"
        code, reason = self._end = ended or (1006, why)
        self._close_timer = self._full = self._rest = None
        if self._waiters is not None:
            self._waiters.wake(ended=True)
            self._waiters = None
        try:
            if self._handler is not None:
                self._handler.closed(code, reason)
        except Exception:
            log.exception("%s: the handler failed on the end of the connection", self._peer.identity)
        finally:
            if self._context.ended is not None:
                self._context.ended(self)

    # Reading.

    def _start(self) -> None:
        """Begin with what came along with the handshake."""
        if self._state is not CLOSED:
            self.data_received(b"")
            self._unpause(UNATTACHED)

    def _consume(self, data: bytes, handler: LinkHandler) -> int:
        """Take all whole frames out of ``data``; how many. An incomplete one is kept for later."""
        masked = self._context.reads_masked
        limit = self._context.limits.max_message_size
        position, size, count = 0, len(data), 0
        while size - position >= 2:
            first, second = data[position], data[position + 1]
            length = second & 0x7F
            body = position + 2
            if length == 126:
                body += 2
            elif length == 127:
                body += 8
            if body > size:
                break
            if length > 125:
                length = int.from_bytes(data[position + 2 : body])
            if (second > 0x7F) is not masked or length > limit or (first & 0x0F) not in _KNOWN_OPCODES:
                self._unusual(data[position:], handler)  # a fault: the full protocol names it and closes
                return count + 1
            if masked:
                body += 4
            end = body + length
            if end > size:
                self._missing = end - position
                self._rest = bytearray(data[position:])
                return count
            full = self._full
            if first == FIN_TEXT and (full is None or full.between_messages):
                try:
                    handler.received(apply_mask(data[body:end], data[body - 4 : body]) if masked else data[body:end])
                except Exception:
                    log.exception("%s: the handler failed on a message", self._peer.identity)
            else:
                self._unusual(data[position:end], handler)
            count += 1
            position = end
        if position < size:
            self._missing = size - position + 1
            self._rest = bytearray(data[position:])
        return count

    def _unusual(self, data: bytes, handler: LinkHandler) -> None:
        """One frame, or a fault, for the full protocol."""
        full = self._need_full()
        for binary, message in full.receive(data):
            try:
                (handler.received_binary if binary else handler.received)(message)
            except Exception:
                log.exception("%s: the handler failed on a message", self._peer.identity)
        if not full.is_open:
            if self._state is OPEN and (fault := full.fault) is not None:
                log.warning("%s: closed with %d: %s", self._peer.identity, *fault)
            self._begin_to_close()
        self._flush(full)
        if full.is_idle:
            self._full = None

    def _need_full(self) -> FullWebSocket:
        if self._full is None:
            context = self._context
            self._full = FullWebSocket(context.side, context.limits.max_message_size)
        return self._full

    def _flood_over(self) -> None:
        if self._context.now() >= self._allowed_from:
            self._unpause(FLOOD)
        elif self._state is OPEN:  # more had been buffered
            self._context.clock.call_at(self._allowed_from, self._flood_over)

    def _pause(self, why: int) -> None:
        if self._state is not OPEN:
            return
        if not self._read_pauses:
            self._transport.pause_reading()
        self._read_pauses |= why

    def _unpause(self, why: int) -> None:
        if self._read_pauses & why:
            self._read_pauses &= ~why
            if not self._read_pauses and self._state is not CLOSED:
                self._transport.resume_reading()

    # Writing, and closing.

    def _begin_to_close(self) -> None:
        if self._state is OPEN:
            self._state = CLOSING

    def _write(self, data: bytes) -> None:
        if self._out is not None:
            self._out.append(data)
        else:
            self._transport.write(data)

    def _flush(self, full: FullWebSocket) -> None:
        for data in full.data_to_send():
            if data:
                self._write(data)
            else:
                self._end_of_stream(finished=full.got_close)
        if full.awaits_end and self._close_timer is None:
            self._stop_pings()
            clock, seconds = self._context.clock, self._context.limits.close_timeout
            why = f"the closing handshake was not finished within {seconds:g} s"
            self._close_timer = clock.call_at(clock.now() + seconds, lambda: self.abort(why))

    def _end_of_stream(self, *, finished: bool) -> None:
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()
        # After a fault the peer may still be sending; a full close would answer that with a reset, which can
        # overtake our close frame. So the stream is half-closed, where it can be (TLS cannot).
        if not finished and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def _check_write_buffer(self) -> None:
        waiting, most = self._transport.get_write_buffer_size(), self._context.limits.max_write_buffer
        if most and waiting > most:
            self.abort(f"the peer does not read: {waiting} bytes wait to be sent")

    # Keeping alive.

    def _start_pings(self) -> None:
        self._stop_pings()
        if self._ping_interval > 0:
            context = self._context
            self._keep_alive = KeepAlive(self, context.clock, self._ping_interval, context.limits.pong_timeout)

    def _stop_pings(self) -> None:
        if self._keep_alive is not None:
            self._keep_alive.stop()
            self._keep_alive = None

    def send_ping(self) -> None:
        """Send an empty ping."""
        self._write(encode_frame(FIN_PING, b"", masked=not self._context.reads_masked))

    def __repr__(self) -> str:
        return f"<SocketLink {self._peer} {self._state.value}>"
