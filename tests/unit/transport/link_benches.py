"""A SocketLink on a bench: a transport without a network, frames as a peer writes them, and a handler that listens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Side

from ocppflow.messages.base import Version
from ocppflow.transport.clock import Clock
from ocppflow.transport.link import Peer
from ocppflow.transport.link_context import LinkContext
from ocppflow.transport.settings import LinkLimits
from ocppflow.transport.socket_link import SocketLink

TEXT, BINARY, CONT, CLOSE, PING, PONG = Opcode.TEXT, Opcode.BINARY, Opcode.CONT, Opcode.CLOSE, Opcode.PING, Opcode.PONG


class Wire:
    """A transport that keeps what is written. ``unread`` is what the peer has not read, beyond what was written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.unread = 0
        self.is_reading = True
        self.ended = ""

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def pause_reading(self) -> None:
        assert self.is_reading, "paused twice"
        self.is_reading = False

    def resume_reading(self) -> None:
        assert not self.is_reading, "resumed twice"
        self.is_reading = True

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = "half-closed"

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


class Bench:
    """A Link of either role, what its handler has heard, and how its peer writes."""

    def __init__(
        self,
        side: Side = Side.SERVER,
        *,
        clock: Clock,
        limits: LinkLimits | None = None,
        deflate: bool = False,
        echo: bool = False,
        context: LinkContext | None = None,
        address: str = "here",
    ) -> None:
        self.side = side
        self.clock = clock
        self.wire = Wire()
        self.context = context or LinkContext(side, limits or LinkLimits(ping_interval=0), clock)
        self._peers = [PerMessageDeflate(False, False, 12, 12)] if deflate else []
        ours = [PerMessageDeflate(False, False, 12, 12)] if deflate else []
        self.link = SocketLink(self.wire, Peer("CS1", Version.V201, address), self.context, extensions=ours)
        self.heard: list[bytes | bytearray] = []
        self.ended: tuple[int, str] | None = None
        self.echo = echo
        self.on_message: Callable[[], None] = lambda: None
        self.wire.pause_reading()
        self.link.attach(self)

    def received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.heard.append(data)
        if self.echo:
            self.link.send(data)
        self.on_message()

    def received_binary(self, data: bytes) -> None:
        self.heard.append(bytearray(data))
        self.on_message()

    def closed(self, code: int, reason: str) -> None:
        self.ended = code, reason

    def frame(self, opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
        """A frame as the peer writes it."""
        return Frame(opcode, data, fin).serialize(mask=self.side is Side.SERVER, extensions=self._peers)

    def arrives(self, data: bytes) -> None:
        """The event loop hands over what has been read."""
        assert self.wire.is_reading, "nobody reads"
        self.link.data_received(data)

    def said(self) -> list[tuple[int, bytes]]:
        """The frames that were written and not asked for yet, as (first byte, payload)."""
        data, found = b"".join(self.wire.written), []
        self.wire.written.clear()
        while data:
            length, body = data[1] & 0x7F, 2
            if length > 125:
                body += 2 if length == 126 else 8
                length = int.from_bytes(data[2:body])
            payload = data[body : body + length]
            if data[1] > 0x7F:
                key, payload = data[body : body + 4], data[body + 4 : body + 4 + length]
                payload = bytes(byte ^ key[at & 3] for at, byte in enumerate(payload))
                body += 4
            found.append((data[0], payload))
            data = data[body + length :]
        return found


async def turn() -> None:
    """Let the event loop take one turn."""
    await asyncio.sleep(0)
