"""TLS over an asyncio transport, once the handshake is done: a transport for what is above it.

asyncio and uvloop have this too, but theirs take a buffer of 256 KiB for each connection, send no alert when a
handshake fails, and cannot be told how much to do at a time. This one keeps only what OpenSSL needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading
from typing import Any

_RECORD = 16 * 1024  # bytes of content that one TLS record can have (RFC 8446, 5.1)
_SLICE = 16 * 1024  # bytes that OpenSSL gets at a time, so that nothing takes it long
_BARREN = 64 * 1024
"""Bytes that may come without content beyond what content needs. Key updates and empty records cost us more than the
peer, and a station has no use for them; half a large record is 16 KiB."""
_BYTES_FOR_ONE = 64  # bytes on the wire for each byte of content: a record of one byte has 23


def next_flight(tls: ssl.SSLObject, outgoing: ssl.MemoryBIO) -> tuple[bytes, bool | ssl.SSLError]:
    """Take the handshake of ``tls`` on as far as what came allows: what is to be sent, and whether TLS is agreed; or
    why it has failed, and then what is to be sent is the alert that says so."""
    agreed: bool | ssl.SSLError = True
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        agreed = False
    except ssl.SSLError as error:
        agreed = error
    return outgoing.read(), agreed


class _Shared(threading.local):
    """What the loop of a thread reads into, one connection after the other: it fills it and tells in one go."""

    def __init__(self) -> None:
        self.buffer = memoryview(bytearray(64 * 1024))


_shared = _Shared()


class TLSStream(asyncio.BufferedProtocol):
    """A protocol to the transport below, and a transport to the ``protocol`` above.

    ``tls`` has done its handshake; it reads from ``incoming``, where content may wait already, and writes to
    ``outgoing``. Begins with :meth:`start`.
    """

    __slots__ = (
        "_barren",
        "_below",
        "_buffer",
        "_closing",
        "_error",
        "_incoming",
        "_outgoing",
        "_paused",
        "_protocol",
        "_tls",
    )

    def __init__(
        self, below: Any, tls: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, protocol: Any
    ) -> None:
        self._below = below
        self._tls: ssl.SSLObject | None = tls
        self._incoming = incoming
        self._outgoing = outgoing
        self._protocol = protocol
        self._paused = False
        self._closing = False
        self._barren = 0
        self._error: ssl.SSLError | None = None
        shared = _fills_at_once(asyncio.get_running_loop())
        self._buffer = _shared.buffer if shared else memoryview(bytearray(_SLICE))

    def start(self) -> None:
        """Take the place of the protocol of the transport below, which does not read now, and hand up what has come
        already."""
        self._below.set_protocol(self)
        if self._below.is_closing():
            return
        self._below.resume_reading()
        self._read()

    # What the transport below calls.

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        buffer, start = self._buffer, 0
        while start < nbytes and self._tls is not None:  # once we have sent the end, what comes is of no interest
            end = min(start + _SLICE, nbytes)
            self._take(buffer[start:end])
            start = end

    def eof_received(self) -> bool | None:
        keep: bool | None = self._protocol.eof_received()
        if self._tls is None or self._paused:
            return keep
        self._say_goodbye()
        return keep

    def connection_lost(self, exc: Exception | None) -> None:
        self._tls = None
        self._closing = True
        self._protocol.connection_lost(exc or self._error)

    def pause_writing(self) -> None:
        self._protocol.pause_writing()

    def resume_writing(self) -> None:
        self._protocol.resume_writing()

    # What the protocol above calls.

    def write(self, data: bytes) -> None:
        tls = self._tls
        if tls is None or self._closing or not data:
            return
        try:
            sent = tls.write(data)
            while sent < len(data):
                sent += tls.write(memoryview(data)[sent:])
        except ssl.SSLError as error:
            self._fail(error)
            return
        self._below.write(self._outgoing.read())

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        """Send the end of ours (RFC 8446, 6.1), and read nothing more; the connection stays until the peer ends it."""
        self._closing = True
        self._say_goodbye()
        if self._below.can_write_eof():
            self._below.write_eof()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._say_goodbye()
        self._below.close()

    def abort(self) -> None:
        self._closing = True
        self._tls = None
        self._below.abort()

    def is_closing(self) -> bool:
        return self._closing or bool(self._below.is_closing())

    def pause_reading(self) -> None:
        self._paused = True
        self._below.pause_reading()

    def resume_reading(self) -> None:
        if not self._paused:
            return
        self._paused = False
        self._below.resume_reading()
        if self._has_more():
            asyncio.get_running_loop().call_soon(self._read)

    def set_protocol(self, protocol: Any) -> None:
        self._protocol = protocol

    def get_write_buffer_size(self) -> int:
        return int(self._below.get_write_buffer_size())

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``ssl_object`` is the TLS connection, until the end of ours has been sent; the rest is that of the transport
        below."""
        return self._tls if name == "ssl_object" else self._below.get_extra_info(name, default)

    # Inside.

    def _has_more(self) -> bool:
        return self._tls is not None and bool(self._incoming.pending or self._tls.pending())

    def _take(self, data: memoryview) -> None:
        self._incoming.write(data)
        if self._paused:
            return
        self._barren += len(data)
        self._read()
        if self._barren > _BARREN and self._tls is not None:
            self._error = ssl.SSLError("the peer sends TLS records without content")
            self.abort()

    def _read(self) -> None:
        """Hand up what has come, record by record; the protocol above may pause, close or change meanwhile."""
        try:
            while not self._paused and (tls := self._tls) is not None:
                data = tls.read(_RECORD)
                if not data:  # the peer has sent its end
                    self._end()
                    return
                self._barren = max(0, self._barren - _BYTES_FOR_ONE * len(data))
                self._protocol.data_received(data)
                if not self._incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end()
            return
        except ssl.SSLError as error:
            self._fail(error)
            return
        if self._outgoing.pending:  # the answer to a key update
            self._below.write(self._outgoing.read())

    def _end(self) -> None:
        if not self._protocol.eof_received():
            self.close()

    def _fail(self, error: ssl.SSLError) -> None:
        """The peer breaks TLS: tell it by the alert that OpenSSL has made, and end."""
        self._error = self._error or error
        self._closing = True
        self._flush_last()
        self._below.close()

    def _say_goodbye(self) -> None:
        """Send close_notify. What OpenSSL keeps for the connection is given back: nothing more is read."""
        if self._tls is None:
            return
        with contextlib.suppress(ssl.SSLError):  # it would wait for the peer's
            self._tls.unwrap()
        self._flush_last()

    def _flush_last(self) -> None:
        self._tls = None
        if self._outgoing.pending:
            self._below.write(self._outgoing.read())


def _fills_at_once(loop: asyncio.AbstractEventLoop) -> bool:
    """Whether ``loop`` asks a protocol for its buffer only when data is there. Windows' proactor does not."""
    return isinstance(loop, asyncio.SelectorEventLoop) or type(loop).__module__.startswith("uvloop")
