"""WebSocket frames by hand, for peers that keep to no rule, and the quick reading of what comes back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import socket
import struct
import time
import zlib
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, TypeVar

PATIENCE = 5.0  # seconds after which a peer that waits gives up
_LOOK = 0.25  # seconds between two looks at a clock that is not ours
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DEFLATE = b"permessage-deflate"
COMPRESSED = 4  # the reserved bit of permessage-deflate
_ZERO_MASK = b"\0\0\0\0"  # lets a client send its payload as it is

T = TypeVar("T")


class Patience:
    """How long a peer waits for another process: ``seconds`` by ``clock``.

    A process that gets little of the processor answers late and does nothing wrong. So the clock is to be the time that
    this process lived through, not that of the wall.
    """

    def __init__(self, seconds: float = PATIENCE, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock

    async def wait(self, what: Coroutine[Any, Any, T]) -> T:
        """The outcome of ``what``. Raises TimeoutError when patience is at its end."""
        until = self._clock() + self._seconds
        task = asyncio.ensure_future(what)
        try:
            while not task.done():
                if self._clock() > until:
                    raise TimeoutError
                await asyncio.wait({task}, timeout=_LOOK)
            return task.result()
        finally:
            task.cancel()


class Frame(NamedTuple):
    """A frame as it came."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0

    @property
    def code(self) -> int:
        """The code of a close frame."""
        return int.from_bytes(self.payload[:2]) if self.opcode == CLOSE else 0


def frame(opcode: int, payload: bytes, *, masked: bool = True, fin: bool = True, rsv: int = 0) -> bytes:
    """Any frame, right or wrong. ``rsv`` are the three reserved bits, 4 being the one of compression."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    size, mask = len(payload), 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mask | size)
    elif size < 65536:
        head = struct.pack("!BBH", first, mask | 126, size)
    else:
        head = struct.pack("!BBQ", first, mask | 127, size)
    return head + (_ZERO_MASK if masked else b"") + payload


def deflated(data: bytes) -> bytes:
    """The payload of a compressed message (RFC 7692 7.2.1)."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -12)
    return (packer.compress(data) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def text(payload: bytes, *, masked: bool = True) -> bytes:
    """A whole text message."""
    return frame(TEXT, payload, masked=masked)


class FrameReader:
    """Bytes in, whole frames out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Frame]:
        buffer = self._buffer + data if self._buffer else data
        frames: list[Frame] = []
        position, end = 0, len(buffer)
        while end - position >= 2:
            second = buffer[position + 1]
            size, body = second & 0x7F, position + 2
            if size > 125:
                width = 2 if size == 126 else 8
                if end - body < width:
                    break
                size = int.from_bytes(buffer[body : body + width])
                body += width
            mask = b""
            if second & 0x80:
                mask = buffer[body : body + 4]
                body += 4
            if end < body + size:
                break
            payload = buffer[body : body + size]
            if mask and mask != _ZERO_MASK:
                payload = _unmask(payload, mask)
            first = buffer[position]
            frames.append(Frame(first & 0x0F, payload, first > 0x7F, first >> 4 & 7))
            position = body + size
        self._buffer = buffer[position:]
        return frames


def _unmask(payload: bytes, mask: bytes) -> bytes:
    size = len(payload)
    key = int.from_bytes((mask * (size // 4 + 1))[:size])
    return (int.from_bytes(payload) ^ key).to_bytes(size)


def request(path: str = "/ocpp/EVIL", subprotocol: str | None = "ocpp2.0.1", **headers: str | None) -> bytes:
    """An opening handshake; a header given as None is left out, underscores stand for hyphens."""
    fields: dict[str, str | None] = {
        "Host": "localhost",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": subprotocol,
    }
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def response(request_head: bytes, subprotocol: str | None, *, deflate: bool = False) -> bytes:
    """The right answer of a server to an opening handshake; with ``deflate``, permessage-deflate is agreed to if it was
    offered."""
    key = request_head.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", usedforsecurity=False).digest()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}",
        *([f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []),
        *(["Sec-WebSocket-Extensions: permessage-deflate"] if deflate and DEFLATE in request_head else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Peer:
    """One end of a TCP connection that sends whatever it is told to."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        masked: bool = True,
        patience: Patience | None = None,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.masked = masked
        self.patience = patience or Patience()
        self._frames = FrameReader()
        self._inflater = zlib.decompressobj(-15)
        self._read: list[Frame] = []

    @classmethod
    async def dial(cls, port: int, patience: Patience | None = None, **how: Any) -> Peer:
        """A peer without an opening handshake; ``how`` is of asyncio's ``create_connection``."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24, **how), patience=patience)

    @classmethod
    async def connected(
        cls,
        port: int,
        subprotocol: str,
        identity: str = "EVIL",
        patience: Patience | None = None,
        **headers: str | None,
    ) -> Peer:
        """A peer with its opening handshake done."""
        peer = await cls.dial(port, patience)
        peer.send(request(f"/ocpp/{identity}", subprotocol, **headers))
        status, head = await peer.answer()
        if status != 101:
            raise ConnectionError(head)
        return peer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, payload: bytes) -> None:
        self.send(text(payload, masked=self.masked))

    async def answer(self) -> tuple[int, str]:
        """Status and head of an HTTP answer. Raises ConnectionError if the stream ends instead."""
        try:
            head = await self.patience.wait(self.reader.readuntil(b"\r\n\r\n"))
        except asyncio.IncompleteReadError as error:
            raise ConnectionError(f"closed after {len(error.partial)} bytes of an answer") from None
        return int(head.split()[1]), head.decode("latin-1")

    async def frames(self) -> list[Frame]:
        """The next frames, at least one; none at the end of the stream."""
        while True:
            data = await self.patience.wait(self.reader.read(2**18))
            if not data:
                return []
            if found := self._frames.feed(data):
                return [self._inflated(each) if each.rsv == COMPRESSED else each for each in found]

    def _inflated(self, packed: Frame) -> Frame:
        return packed._replace(payload=self._inflater.decompress(packed.payload + b"\0\0\xff\xff"), rsv=0)

    async def next(self) -> Frame | None:
        """The next frame; None at the end of the stream."""
        if not self._read:
            self._read = (await self.frames())[::-1]
        return self._read.pop() if self._read else None

    async def until_end(self) -> list[Frame]:
        """All that comes before the stream ends."""
        found: list[Frame] = self._read[::-1]
        self._read = []
        with contextlib.suppress(ConnectionError):
            while more := await self.frames():
                found += more
        return found

    def reset(self) -> None:
        """End the connection with an RST."""
        sock = self.writer.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):  # it may be closed already, or be gone
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(ConnectionError, TimeoutError):
            await asyncio.wait_for(self.writer.wait_closed(), PATIENCE)
