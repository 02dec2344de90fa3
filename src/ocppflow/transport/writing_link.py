"""The half of a SocketLink that writes, keeps the peer awake, and ends the connection."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from websockets.extensions import Extension

from ocppflow.log_budget import budgeted
from ocppflow.transport.after_close import AfterClose
from ocppflow.transport.clock import Timer
from ocppflow.transport.framing import FIN_PING, FIN_PONG, FIN_TEXT, check_code, encode_frame
from ocppflow.transport.full_websocket import FullWebSocket
from ocppflow.transport.half_close import end_of_stream
from ocppflow.transport.keep_alive import KeepAlive
from ocppflow.transport.link import LinkHandler, LinkState, Peer
from ocppflow.transport.link_context import LinkContext, Transport
from ocppflow.transport.waiters import Waiters

log = budgeted("ocppflow.transport")

_COMPRESS_FROM = 256  # below this many bytes compression saves nothing worth its time
_JOIN_BELOW = 64 * 1024  # answers to one slice go out together, unless one is so long that a copy costs more

OPEN, CLOSING, CLOSED = LinkState  # looked at for every message, so without a detour


class WritingLink(asyncio.Protocol):
    """All that goes out goes through :meth:`_write`, and what waits for the peer to read is bounded there."""

    __slots__ = (
        "_after_close",
        "_close_timer",
        "_context",
        "_end",
        "_full",
        "_handler",
        "_keep_alive",
        "_last_received",
        "_out",
        "_peer",
        "_ping_interval",
        "_pong",
        "_state",
        "_transport",
        "_waiters",
        "_write_paused",
    )

    def __init__(self, transport: Transport, peer: Peer, context: LinkContext, extensions: Sequence[Extension]) -> None:
        self._transport = transport
        self._peer = peer
        self._context = context
        self._handler: LinkHandler | None = None
        self._full: FullWebSocket | None = None
        if extensions:
            self._full = FullWebSocket(context.side, context.limits.max_message_size, extensions)
        self._out: list[bytes] | None = None  # what goes out together at the end of a slice
        self._pong: bytes | None = None  # what the latest unanswered ping said
        self._state = OPEN
        self._write_paused = False
        self._end: tuple[int, str] | None = None
        self._close_timer: Timer | None = None
        self._after_close: AfterClose | None = None
        self._keep_alive: KeepAlive | None = None
        self._ping_interval = context.limits.ping_interval
        self._waiters: Waiters | None = None
        self._last_received = context.now()

    # What it is.

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
    def is_reading(self) -> bool:
        """Whether what the peer sends is taken from the network now."""
        raise NotImplementedError

    # Writing.

    def send(self, data: bytes) -> None:
        if self._state is not OPEN:
            return
        full = self._full
        if full is not None and full.compresses and len(data) >= _COMPRESS_FROM:
            full.send_text(data)
            self._flush(full)
        else:
            self._write(encode_frame(FIN_TEXT, data, masked=not self._context.reads_masked))

    def send_torn(self, data: bytes) -> None:
        """Send the first half of a message's frame, as a connection does that is torn in the middle of it; nothing may
        follow but :meth:`abort`."""
        if self._state is OPEN:
            self._write_together()
            frame = encode_frame(FIN_TEXT, data, masked=not self._context.reads_masked)
            self._transport.write(frame[: len(frame) // 2])

    def _write(self, data: bytes) -> None:
        out = self._out
        if out is not None:
            out.append(data)
            if len(data) < _JOIN_BELOW:
                return
            data = b"".join(out)
            out.clear()
        self._transport.write(data)
        if self._write_paused:
            self._check_write_buffer()

    def _write_together(self) -> None:
        """The slice is over: write what has gathered."""
        out, self._out = self._out, None
        if out:
            self._write(b"".join(out))

    def _check_write_buffer(self) -> None:
        waiting, most = self._transport.get_write_buffer_size(), self._context.limits.max_write_buffer
        if most and waiting > most:
            self.abort(f"the peer does not read: {waiting} bytes wait to be sent")
        elif self._context.unsent is not None:
            self._context.unsent.count(self)

    @property
    def unsent(self) -> int:
        """Bytes that wait for a peer that does not read; 0 unless they are many."""
        return self._transport.get_write_buffer_size() if self._write_paused and self._end is None else 0

    def _count_unsent(self) -> None:
        """They are none any more."""
        if self._context.unsent is not None:
            self._context.unsent.count(self)

    def _answer_ping(self) -> None:
        """Only the latest is answered (RFC 6455 5.5.3), and not before the peer reads what it has been sent."""
        if self._pong is not None and not self._write_paused and self._state is OPEN:
            pong, self._pong = self._pong, None
            self._write(encode_frame(FIN_PONG, pong, masked=not self._context.reads_masked))

    def pause_writing(self) -> None:
        self._write_paused = True
        self._check_write_buffer()

    def resume_writing(self) -> None:
        self._write_paused = False
        self._count_unsent()
        self._answer_ping()
        if self._waiters is not None:
            self._waiters.wake(ended=False)

    async def drain(self) -> None:
        if self._write_paused and self._state is not CLOSED:
            self._waiters = self._waiters or Waiters()
            await self._waiters.to_write(self._context.loop)

    # Closing.

    def close(self, code: int = 1000, reason: str = "") -> None:
        check_code(code)
        if self._state is not OPEN:
            return
        full = self._need_full()
        full.send_close(code, reason)
        self._state = CLOSING
        self._after_close = AfterClose(masked=self._context.reads_masked)
        self._flush(full)

    def abort(self, reason: str) -> None:
        if self._end is None:
            self._end = (1006, reason)
        self._begin_to_close()
        self._transport.abort()
        if self._write_paused:
            self._count_unsent()

    async def wait_closed(self) -> None:
        if self._state is not CLOSED:
            self._waiters = self._waiters or Waiters()
            await self._waiters.for_the_end(self._context.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        self._state = CLOSED
        self._stop_pings()
        if self._close_timer is not None:
            self._close_timer.cancel()
        ended = self._end or (self._full.end() if self._full is not None else None)
        why = str(exc) if exc else "the connection was lost without a closing handshake"
        code, reason = self._end = ended or (1006, why)
        self._close_timer = self._full = self._after_close = self._pong = None
        if self._write_paused:
            self._count_unsent()
        if self._waiters is not None:
            self._waiters.wake(ended=True)
            self._waiters = None
        try:
            if self._handler is not None:
                self._handler.closed(code, reason)
        except Exception:
            log.exception("%s: the handler failed on the end of the connection", self._peer.identity)

    def _need_full(self) -> FullWebSocket:
        if self._full is None:
            context = self._context
            self._full = FullWebSocket(context.side, context.limits.max_message_size)
        return self._full

    def _begin_to_close(self) -> None:
        if self._state is OPEN:
            self._state = CLOSING

    def _flush(self, full: FullWebSocket) -> None:
        """Write what the full protocol has to say."""
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
        self._write_together()
        if finished:
            self._transport.close()
        else:
            end_of_stream(self._transport)  # after a fault the peer may still be sending

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

    def set_ping_interval(self, seconds: float) -> None:
        self._ping_interval = seconds
        if self._handler is not None and self._state is OPEN:
            self._start_pings()

    def send_ping(self) -> None:
        """Send an empty ping."""
        self._write(encode_frame(FIN_PING, b"", masked=not self._context.reads_masked))
