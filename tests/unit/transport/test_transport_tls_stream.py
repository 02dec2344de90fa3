"""TLS over a transport, record by record: nothing is lost or changed, and no peer can make it work for nothing."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.self_signed import self_signed

from ocppflow.transport.tls_stream import TLSStream


class Below:
    """The transport below: keeps what is written."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.reading = True
        self.ended = self.closed = self.aborted = False

    def set_protocol(self, protocol: Any) -> None:
        self.protocol = protocol

    def write(self, data: bytes) -> None:
        self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.closed or self.aborted

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_write_buffer_size(self) -> int:
        return len(self.written)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 5)}.get(name, default)


class Above(asyncio.Protocol):
    """The protocol above: keeps what comes."""

    def __init__(self) -> None:
        self.received = bytearray()
        self.ended = False
        self.lost: list[Exception | None] = []
        self.on_data: Callable[[], object] = lambda: None

    def data_received(self, data: bytes) -> None:
        self.received += data
        self.on_data()

    def eof_received(self) -> bool | None:
        self.ended = True
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.append(exc)


class Pair:
    """A client's TLS object, and a TLSStream at the server's end; no network."""

    def __init__(self, contexts: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
        server, client = contexts
        self.to_client, self.from_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = client.wrap_bio(self.to_client, self.from_client, server_hostname="localhost")
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = server.wrap_bio(incoming, outgoing, server_side=True)
        done = 0
        while done < 2:
            done = 0
            for side, source, target in ((self.client, self.from_client, incoming), (tls, outgoing, self.to_client)):
                try:
                    side.do_handshake()
                    done += 1
                except ssl.SSLWantReadError:
                    pass
                target.write(source.read())
        self.below, self.above = Below(), Above()
        self.stream = TLSStream(self.below, tls, incoming, outgoing, self.above)
        self.stream.start()

    def send(self, data: bytes, size: int = 1 << 20) -> None:
        """Bytes come from the network, ``size`` at a time."""
        for start in range(0, len(data), size):
            part = data[start : start + size]
            while part:
                buffer = self.stream.get_buffer(-1)
                count = min(len(buffer), len(part))
                buffer[:count] = part[:count]
                self.stream.buffer_updated(count)
                part = part[count:]

    def said(self, data: bytes) -> bytes:
        """What the client's TLS makes of ``data``."""
        self.client.write(data)
        return self.from_client.read()

    def heard(self) -> bytes:
        """What the client reads of what was written."""
        self.to_client.write(bytes(self.below.written))
        self.below.written.clear()
        heard = bytearray()
        try:
            while data := self.client.read(1 << 16):
                heard += data
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            heard += b"<end>"
        return bytes(heard)


@pytest.fixture(scope="module", params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["1.2", "1.3"])
def contexts(request, tmp_path_factory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    from ocppflow.transport.tls import KeyPair, ServerTLS, client_context

    file = self_signed(Path(tmp_path_factory.mktemp("stream")))
    server, client = ServerTLS(KeyPair(file)).context(), client_context(ca=file)
    client.maximum_version = request.param
    return server, client


@given(
    st.lists(st.binary(min_size=1, max_size=200) | st.integers(1, 40_000).map(lambda size: b"x" * size), max_size=8),
    st.sampled_from([1, 7, 100, 1460, 1 << 20]),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
@settings(deadline=None, max_examples=40)
def test_what_is_sent_arrives_whole_and_in_order(contexts, messages, size, pauses) -> None:
    async def run() -> None:
        pair = Pair(contexts)
        for message, pause in zip(messages, pauses, strict=False):
            if pause:
                pair.stream.pause_reading()
            pair.send(pair.said(message), size if len(message) < 500 or size > 50 else 100)
            if pause:
                pair.stream.resume_reading()
                await asyncio.sleep(0)
            pair.stream.write(message)
        assert bytes(pair.above.received) == b"".join(messages)
        assert pair.heard() == b"".join(messages)

    with asyncio.Runner() as runner:
        runner.run(run())


async def test_a_pause_in_the_middle_holds_the_rest_back(contexts) -> None:
    pair = Pair(contexts)
    wire = pair.said(b"one") + pair.said(b"two") + pair.said(b"three")
    pair.above.on_data = pair.stream.pause_reading
    pair.send(wire)
    assert (bytes(pair.above.received), pair.below.reading) == (b"one", False)
    pair.stream.resume_reading()
    assert bytes(pair.above.received) == b"one"  # not within the call
    await asyncio.sleep(0)
    assert bytes(pair.above.received) == b"onetwo"
    pair.above.on_data = lambda: None
    pair.stream.resume_reading()
    await asyncio.sleep(0)
    assert (bytes(pair.above.received), pair.below.reading) == (b"onetwothree", True)


async def test_closing_says_goodbye_once_and_reads_nothing_more(contexts) -> None:
    pair = Pair(contexts)
    pair.stream.write(b"last")
    pair.stream.close()
    pair.stream.close()
    pair.stream.write(b"too late")
    assert pair.below.closed
    assert pair.heard() in (b"last", b"last<end>")
    pair.send(pair.said(b"after the end"))
    assert not pair.above.received
    assert pair.stream.get_extra_info("ssl_object") is None  # what OpenSSL kept is given back
    assert pair.stream.get_extra_info("peername") == ("192.0.2.1", 5)


async def test_the_end_of_ours_can_come_first(contexts) -> None:
    pair = Pair(contexts)
    pair.stream.write(b"a refusal")
    assert pair.stream.can_write_eof()
    pair.stream.write_eof()
    assert (pair.below.ended, pair.below.closed) == (True, False)
    assert pair.heard().startswith(b"a refusal")
    pair.send(pair.said(b"x" * 1000))
    assert not pair.above.received


async def test_the_peers_end_is_told_and_answered(contexts) -> None:
    pair = Pair(contexts)
    with pytest.raises(ssl.SSLWantReadError):
        pair.client.unwrap()
    pair.send(pair.from_client.read())
    assert pair.above.ended
    assert pair.below.closed
    assert pair.below.written  # our own close_notify


async def test_a_connection_that_ends_without_goodbye_is_told(contexts) -> None:
    pair = Pair(contexts)
    assert pair.stream.eof_received() is None
    assert pair.above.ended
    error = ConnectionResetError()
    pair.stream.connection_lost(error)
    assert pair.above.lost == [error]


async def test_a_record_that_was_tampered_with_ends_it_with_an_alert(contexts) -> None:
    pair = Pair(contexts)
    wire = bytearray(pair.said(b"secret"))
    wire[-1] ^= 1
    pair.send(bytes(wire))
    assert pair.below.closed
    pair.to_client.write(bytes(pair.below.written))
    with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
        pair.client.read(10)
    pair.stream.connection_lost(None)
    assert isinstance(pair.above.lost[0], ssl.SSLError)
    assert not pair.above.received


class _Nothing:
    """A TLS object that takes everything and gives nothing: key updates, records without content."""

    def __init__(self, incoming: ssl.MemoryBIO) -> None:
        self._incoming = incoming
        self.largest = 0

    def read(self, size: int) -> bytes:
        self.largest = max(self.largest, len(self._incoming.read()))
        raise ssl.SSLWantReadError

    def pending(self) -> int:
        return 0


async def test_records_without_content_end_it() -> None:
    incoming, below, above = ssl.MemoryBIO(), Below(), Above()
    tls = _Nothing(incoming)
    stream = TLSStream(below, tls, incoming, ssl.MemoryBIO(), above)  # type: ignore[arg-type]
    stream.start()
    taken = 0
    while not below.aborted and taken < 1 << 20:
        taken += len(stream.get_buffer(-1))
        stream.buffer_updated(len(stream.get_buffer(-1)))
    assert taken <= 128 * 1024
    assert tls.largest <= 16 * 1024  # so much at a time
    stream.connection_lost(None)
    assert "without content" in str(above.lost[0])


async def test_small_records_are_nothing_of_that_kind(contexts) -> None:
    pair = Pair(contexts)
    for _ in range(5000):
        pair.send(pair.said(b"x"))
    assert len(pair.above.received) == 5000
    assert not pair.below.aborted


async def test_a_write_after_the_end_is_dropped(contexts) -> None:
    pair = Pair(contexts)
    pair.stream.abort()
    pair.stream.write(b"x")
    pair.stream.connection_lost(None)
    pair.stream.write(b"x")
    assert not pair.below.written
    assert pair.above.lost == [None]
