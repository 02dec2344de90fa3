"""SocketLink: a Link over an asyncio transport, after the opening handshake.

RFC 6455 is spoken by websockets' sans-I/O ``Protocol``, but that costs kilobytes and microseconds, and nearly
all traffic is whole, final, uncompressed text frames. Those and pings are read and written here; every other frame
(fragment, compressed, close, broken) goes to a FullWebSocket that is made when needed and dropped when idle.
An idle connection is thus this object, its KeepAlive, and little else.

A message that comes alone is handled at once. Whatever else comes is worked through in slices, see ``turns``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from websockets.extensions import Extension
from websockets.frames import Opcode

from ocppflow.log_budget import budgeted
from ocppflow.transport.framing import FIN_PING, FIN_PONG, FIN_TEXT, apply_mask, frame_at, whole_text
from ocppflow.transport.link import LinkHandler, Peer
from ocppflow.transport.link_context import LinkContext, Transport
from ocppflow.transport.throttle import AT_ONCE, LEAST, MOST_PER_FRAME, SAVED_UP, Flood, work_of
from ocppflow.transport.turns import SLICE_BYTES, SLICE_FRAMES, SLICE_SECONDS, faded
from ocppflow.transport.writing_link import CLOSED, CLOSING, OPEN, WritingLink

log = budgeted("ocppflow.transport")

_KNOWN_OPCODES = frozenset(Opcode)

UNATTACHED, ASKED, FLOOD, TURN = 1, 2, 4, 8  # why a Link does not read

SHORT: Final = 4096
"""Bytes up to which a message that comes alone is handled at once, whatever else waits: nearly all of them are shorter,
and none so short can cost much."""
_LONGEST_CONTROL: Final = 125  # RFC 6455 5.5
_HEADS: Final = 1024  # frames that are stepped over in a slice after our close frame; each takes half a microsecond


class SocketLink(WritingLink):
    """One open connection; keeps the contract of ``link.Link``.

    Made when the handshake is done, with reading paused; :meth:`attach` starts it. Text is handed up as the bytes
    that came, even if they are not UTF-8: the session above answers them instead of losing the connection.
    """

    __slots__ = (
        "__weakref__",
        "_allowed_from",
        "_at",
        "_flood",
        "_is_counted",
        "_missing",
        "_read_pauses",
        "_rest",
        "_taken",
        "_taken_at",
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
        super().__init__(transport, peer, context, extensions)
        self._rest: bytes | bytearray | None = rest or None  # what came and is still to be worked through
        self._at = 0  # from here on
        self._missing = 0  # how long _rest must be to hold another whole frame; 0 if it may hold one
        self._is_counted = False  # whether the room for what is unfinished knows of some here
        self._read_pauses = UNATTACHED
        self._allowed_from = 0.0
        self._flood: Flood | None = None
        self._taken = 0.0  # seconds of work, as they count at the moment beside it
        self._taken_at = 0.0

    @property
    def is_attached(self) -> bool:
        """Whether someone listens."""
        return self._handler is not None

    @property
    def is_reading(self) -> bool:
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
        self._unpause(UNATTACHED)

    def close(self, code: int = 1000, reason: str = "") -> None:
        super().close(code, reason)
        if self._state is not CLOSING:
            return
        if self._rest is not None and self._missing:  # what the peer has begun, nobody will hear
            data = bytes(self._rest)
            self._keep(data, self._step_over(data, 0, 0.0)[0])
        if self._out is None:  # else a slice is at work, which counts when it is over
            self._count()
        self._unpause(UNATTACHED | ASKED | FLOOD)  # the peer's answer has to be read

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest = None
        try:
            super().connection_lost(exc)
        finally:
            self._count()
            if self._context.ended is not None:
                self._context.ended(self)

    def __repr__(self) -> str:
        return f"<SocketLink {self._peer} {self._state.value}>"

    # What comes.

    def data_received(self, data: bytes) -> None:
        context, handler = self._context, self._handler
        self._last_received = now = context.now()
        if self._rest is None and len(data) <= SHORT and self._state is OPEN and handler is not None:
            full = self._full
            text = whole_text(data, masked=context.reads_masked)
            if text is not None and (full is None or full.between_messages):
                try:
                    handler.received(text)
                except Exception:
                    log.exception("%s: the handler failed on a message", self._peer.identity)
                allowed, saved = self._allowed_from, now - SAVED_UP
                self._allowed_from = allowed = (allowed if allowed > saved else saved) + context.per_message
                if allowed > now:
                    self._slow_down(now, 1, 0.0, is_long=False)
                return
        self._gather(data, now)
        if self._rest is not None or self._full is not None or self._is_counted:
            self._count()

    def _gather(self, data: bytes, now: float) -> None:
        """Anything but a short message that comes alone."""
        rest = self._rest
        if rest is not None:
            if not self._missing:  # TLS may have more to give although reading is paused
                self._rest, self._at = b"".join((memoryview(rest)[self._at :], data)), 0
                return
            assert isinstance(rest, bytearray)  # noqa: S101 - see _keep
            rest += data
            if len(rest) < self._missing and self._state is OPEN:
                self._charge(0, LEAST, now, is_long=False)
                return
            data = bytes(rest)
        self._rest, self._at, self._missing = data, 0, 0
        if not self._read_pauses and not self._context.turns.is_full:
            self._slice(now, is_first=True)
        if self._has_more and not self._read_pauses & TURN:
            self._pause(TURN)
            self._queue(now)

    @property
    def _has_more(self) -> bool:
        """Whether there is something to be worked through that has come already."""
        return self._rest is not None and not self._missing

    def take_turn(self) -> None:
        """Go on with what came: another slice."""
        if self._read_pauses != TURN or self._state is CLOSED:
            self._read_pauses &= ~TURN  # when the other reasons are over, there will be another turn
            return
        now = self._context.now()
        if self._has_more:
            self._slice(now, is_first=False)
        if self._has_more:
            self._queue(now)
        else:
            self._unpause(TURN)
        self._count()

    def _queue(self, now: float) -> None:
        self._context.turns.queue(self, faded(self._taken, now - self._taken_at))

    def _slice(self, now: float, *, is_first: bool) -> None:
        """Work through one slice of what came, and charge the peer for it."""
        context, data, at = self._context, self._rest, self._at
        assert isinstance(data, bytes)  # noqa: S101 - see _keep
        begin = context.measure()
        self._out = []
        try:
            end, frames, inflated = (self._walk if self._state is OPEN else self._step_over)(data, at, begin)
        finally:
            self._answer_ping()
            self._write_together()
        self._keep(data, end)
        size = end - at + inflated
        work = work_of(context.measure() - begin, frames, size)
        context.turns.spend(work)
        if frames > AT_ONCE or work > MOST_PER_FRAME:  # a pong now and then is not worth its memory
            self._taken, self._taken_at = faded(self._taken, now - self._taken_at) + work, now
        is_long = not is_first or frames > AT_ONCE or size > SLICE_BYTES
        self._charge(frames if self._state is OPEN else 0, work, now, is_long=is_long)

    def _keep(self, data: bytes, end: int) -> None:
        """What is left is kept: in place if it may hold whole frames, else so that the rest of a frame can be added."""
        if end >= len(data) or self._state is CLOSED:
            self._rest = None
        elif self._missing:
            self._rest, self._at = bytearray(data[end:]), 0
        else:
            self._at = end

    def _walk(self, data: bytes, at: int, begin: float) -> tuple[int, int, int]:
        """Take frames out of ``data`` from ``at`` on: up to where, how many, and how much longer they were inflated."""
        context, handler, size, inflated, frames, end = self._context, self._handler, len(data), 0, 0, at
        assert handler is not None  # noqa: S101 - reading is paused until attach
        masked, limit = context.reads_masked, context.limits.max_message_size
        while (frame := frame_at(data, end, masked=masked)) is not None:
            first, (body, after) = data[end], frame
            if (data[end + 1] > 0x7F) is not masked or after - body > limit or (first & 0x0F) not in _KNOWN_OPCODES:
                self._unusual(data[end:], handler)  # a fault: the full protocol names it and closes
                return size, frames + 1, inflated
            if after > size:
                self._missing = after - end
                return end, frames, inflated
            is_short = after - body <= _LONGEST_CONTROL
            if first == FIN_TEXT and (self._full is None or self._full.between_messages):
                try:
                    handler.received(_payload(data, body, after, masked=masked))
                except Exception:
                    log.exception("%s: the handler failed on a message", self._peer.identity)
            elif first == FIN_PING and is_short:
                self._pong = _payload(data, body, after, masked=masked)
            elif first != FIN_PONG or not is_short:
                inflated += self._unusual(data[end:after], handler)
            frames, end = frames + 1, after
            if (
                frames >= SLICE_FRAMES
                or end - at + inflated >= SLICE_BYTES
                or self._state is not OPEN
                or context.measure() - begin >= SLICE_SECONDS
            ):
                return end, frames, inflated
        self._missing = size - end + 1
        return end, frames, inflated

    def _unusual(self, data: bytes, handler: LinkHandler) -> int:
        """One frame, or a fault, for the full protocol. Returns by how many bytes it was inflated."""
        full, inflated = self._need_full(), 0
        for binary, message in full.receive(data):
            if full.compresses:
                inflated += len(message)
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
        return inflated

    def _step_over(self, data: bytes, at: int, _begin: float) -> tuple[int, int, int]:
        """After a close, only the answer to our close frame is of interest; as ``_walk``."""
        after_close, full = self._after_close, self._full
        if after_close is None or full is None:
            return len(data), 0, 0
        end, frames = after_close.read(data, at, _HEADS)
        if after_close.found is not None:
            self._after_close = None
            full.receive(after_close.found)
            self._flush(full)
            return len(data), frames, 0
        self._missing = len(data) - end + 1 if frames < _HEADS else 0
        return end, frames, 0

    def eof_received(self) -> None:
        self._begin_to_close()
        if self._missing:  # it is never going to come
            self._rest, self._missing = None, 0
        self._need_full().receive_eof()
        self._count()
        # Returning None has the transport flush and close itself.

    # What is held of messages that are not complete, and of what waits for its turn.

    @property
    def unfinished(self) -> int:
        """Bytes that have come and cannot be handed up yet; 0 if they are few."""
        rest, full = self._rest, self._full
        held = (len(rest) if rest is not None else 0) + (full.held if full is not None else 0)
        return held if held > SHORT else 0

    def _count(self) -> None:
        room = self._context.unfinished
        if room is not None and (self._is_counted or self.unfinished):
            self._is_counted = room.count(self)

    def let_go(self, reason: str) -> None:
        """All connections together hold too much, and this one gives way: it closes, and forgets what has come."""
        if self._state is OPEN:
            log.warning("%s: closed with 1013: %s", self._peer.identity, reason)
            self.close(1013, reason)
        if self._has_more:
            self._rest = self._after_close = None  # the peer's close may be in it, so it is not waited for
            self._at = 0
        self._count()

    # When to read.

    def pause_reading(self) -> None:
        if self._state is OPEN:
            self._pause(ASKED)

    def resume_reading(self) -> None:
        self._unpause(ASKED)

    def _charge(self, frames: int, work: float, now: float, *, is_long: bool) -> None:
        self._allowed_from = allowed = self._context.throttle.charge(self._allowed_from, frames, work, now)
        if allowed > now:
            self._slow_down(now, frames, work, is_long=is_long)

    def _slow_down(self, now: float, frames: int, work: float, *, is_long: bool) -> None:
        """The peer has used up what it may have: read nothing until that is made up for, and close in the end.

        ``is_long`` tells a flood from a peer that waits for its answers, and is quick.
        """
        context = self._context
        if not self._read_pauses & FLOOD:
            self._pause(FLOOD)
            context.clock.call_at(self._allowed_from, self._flood_over)
        patience = context.limits.flood_timeout
        if not is_long or not patience or self._state is not OPEN:
            self._flood = None
        elif self._flood is None:
            self._flood = Flood(now)
        elif self._flood.lasts(now) >= patience:
            reason = context.throttle.excess(frames, work)
            log.warning("%s: closed with 1008: %s", self._peer.identity, reason)
            self.close(1008, reason)

    def _flood_over(self) -> None:
        if self._context.now() >= self._allowed_from:
            self._unpause(FLOOD)
        elif self._state is not CLOSED:  # more had been buffered
            self._context.clock.call_at(self._allowed_from, self._flood_over)

    def _pause(self, why: int) -> None:
        if self._state is CLOSED:
            return
        if not self._read_pauses:
            self._transport.pause_reading()
        self._read_pauses |= why

    def _unpause(self, why: int) -> None:
        if not self._read_pauses & why:
            return
        self._read_pauses &= ~why
        if self._read_pauses or self._state is CLOSED:
            return
        if self._has_more:
            self._read_pauses = TURN
            self._queue(self._context.now())
        else:
            self._transport.resume_reading()


def _payload(data: bytes, body: int, end: int, *, masked: bool) -> bytes:
    return apply_mask(data[body:end], data[body - 4 : body]) if masked else data[body:end]
