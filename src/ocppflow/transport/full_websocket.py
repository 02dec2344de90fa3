"""The full WebSocket protocol, for what is not a whole, plain text frame: control frames, fragments, compression,
faults.

A thin layer over websockets' sans-I/O ``Protocol``, which does the work.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from websockets.extensions import Extension
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from ocppflow.log_budget import budgeted
from ocppflow.transport.framing import cut_reason

# RFC 6455 5.2 and RFC 7692 6: the bit of the first byte that marks a compressed message.
_RSV1 = 0x40
_NOT_NEGOTIATED = "RSV1 is set: a compressed frame, but permessage-deflate was not negotiated"

_log = budgeted("ocppflow.transport.websocket")
_log.setLevel(logging.WARNING)  # websockets tells of every opening and closing at INFO


class WireLog(logging.LoggerAdapter[logging.Logger]):
    """For websockets, which at DEBUG tells of every frame and header, passwords and all: it never is at DEBUG."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is logging's
        """See logging.Logger."""
        return level > logging.DEBUG and super().isEnabledFor(level)


wire_log = WireLog(_log, {})


class FullWebSocket:
    """One connection's WebSocket state, while there is any worth keeping."""

    __slots__ = ("_binary", "_fragments", "_protocol", "compresses")

    def __init__(self, side: Side, max_size: int, extensions: Sequence[Extension] = ()) -> None:
        self._protocol = Protocol(side, state=OPEN, max_size=max_size, logger=wire_log)
        self._protocol.extensions = list(extensions)
        self._fragments = bytearray()
        self._binary = False
        self.compresses = bool(extensions)

    @property
    def is_open(self) -> bool:
        """No close frame has gone either way."""
        return self._protocol.state is OPEN

    @property
    def between_messages(self) -> bool:
        """Open, and not inside a fragmented message: a whole text frame may come now."""
        return self._protocol.state is OPEN and self._protocol.current_size is None

    @property
    def is_idle(self) -> bool:
        """Nothing to remember: this object may be dropped."""
        return self.between_messages and not self.compresses

    @property
    def awaits_end(self) -> bool:
        """The peer has to end the connection soon."""
        return self._protocol.close_expected()

    @property
    def got_close(self) -> bool:
        """The peer has sent its close frame, so nothing of interest follows."""
        return self._protocol.close_rcvd is not None

    @property
    def fault(self) -> tuple[int, str] | None:
        """Code and reason with which this side has failed the connection because of what the peer sent."""
        sent = self._protocol.close_sent
        if sent is None or self.got_close or sent.code in (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY):
            return None
        return int(sent.code), sent.reason

    @property
    def held(self) -> int:
        """Bytes of a message that is not complete."""
        return len(self._fragments)

    def receive(self, data: bytes) -> list[tuple[bool, bytes]]:
        """Take whole frames, or a fault; the whole messages they complete, each with whether it is binary."""
        protocol = self._protocol
        if protocol.reader.eof:
            return []
        if data and data[0] & _RSV1 and not self.compresses and protocol.state is OPEN:
            protocol.fail(CloseCode.PROTOCOL_ERROR, _NOT_NEGOTIATED)
            return []
        protocol.receive_data(data)
        messages = []
        for event in protocol.events_received():
            if isinstance(event, Frame):
                if (message := self._message(event)) is not None:
                    messages.append(message)
                event.data = b""  # the Protocol remembers its last frame until the next one comes
        if protocol.state is not OPEN:
            self._fragments = bytearray()
        return messages

    def receive_eof(self) -> None:
        """The peer sends no more."""
        self._protocol.receive_eof()
        self._fragments = bytearray()

    def send_text(self, data: bytes) -> None:
        """Queue a text message, compressed if that was negotiated."""
        self._protocol.send_text(data)

    def send_close(self, code: int, reason: str) -> None:
        """Queue a close frame."""
        self._protocol.send_close(code, cut_reason(reason))
        self._fragments = bytearray()  # nobody will hear the rest

    def data_to_send(self) -> list[bytes]:
        """What is queued; an empty item means the end of the stream."""
        return self._protocol.data_to_send()

    def end(self) -> tuple[int, str] | None:
        """Close code and reason: the peer's, or ours if it was a fault that made us close; None if
        neither.
        """
        received, sent = self._protocol.close_rcvd, self._protocol.close_sent
        if received is not None:
            return int(received.code), received.reason or (sent.reason if sent else "")
        return self.fault

    def _message(self, frame: Frame) -> tuple[bool, bytes] | None:
        """The message that ``frame`` completes. The Protocol bounds its size and the order of its fragments."""
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return None
        if frame.opcode is not Opcode.CONT:
            self._binary = frame.opcode is Opcode.BINARY
        if frame.fin and not self._fragments:
            return self._binary, bytes(frame.data)
        self._fragments += frame.data
        if not frame.fin:
            return None
        whole, self._fragments = bytes(self._fragments), bytearray()
        return self._binary, whole
