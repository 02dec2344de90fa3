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

from ocppflow.transport.framing import cut_reason

wire_log = logging.getLogger("ocppflow.transport.websocket")
wire_log.setLevel(logging.WARNING)  # websockets tells of every opening and closing at INFO


class FullWebSocket:
    """One connection's WebSocket state, while there is any worth keeping."""

    __slots__ = ("_fragments", "_protocol", "compresses")

    def __init__(self, side: Side, max_size: int, extensions: Sequence[Extension] = ()) -> None:
        self._protocol = Protocol(side, state=OPEN, max_size=max_size, logger=wire_log)
        self._protocol.extensions = list(extensions)
        self._fragments: bytearray | int | None = None
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

    def receive(self, data: bytes) -> list[bytes | int]:
        """Take whole frames, or a fault; the whole messages they complete: text, or the size of a binary
        one.
        """
        protocol = self._protocol
        if protocol.reader.eof:
            return []
        protocol.receive_data(data)
        messages = []
        for event in protocol.events_received():
            if isinstance(event, Frame) and (message := self._message(event)) is not None:
                messages.append(message)
        return messages

    def receive_eof(self) -> None:
        """The peer sends no more."""
        self._protocol.receive_eof()

    def send_text(self, data: bytes) -> None:
        """Queue a text message, compressed if that was negotiated."""
        self._protocol.send_text(data)

    def send_close(self, code: int, reason: str) -> None:
        """Queue a close frame."""
        self._protocol.send_close(code, cut_reason(reason))

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
        if sent is not None and sent.code not in (CloseCode.NORMAL_CLOSURE, CloseCode.GOING_AWAY):
            return int(sent.code), sent.reason
        return None

    def _message(self, frame: Frame) -> bytes | int | None:
        match frame.opcode:
            case Opcode.TEXT:
                self._fragments = bytearray(frame.data)
            case Opcode.BINARY:
                self._fragments = len(frame.data)
            case Opcode.CONT if isinstance(self._fragments, bytearray):
                self._fragments += frame.data
            case Opcode.CONT if isinstance(self._fragments, int):
                self._fragments += len(frame.data)
            case _:
                return None
        if not frame.fin:
            return None
        whole, self._fragments = self._fragments, None
        return bytes(whole) if isinstance(whole, bytearray) else whole
