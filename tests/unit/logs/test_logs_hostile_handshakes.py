"""An opening handshake is hostile, from either side: what log, trace, hooks and errors say of it can be printed."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator
from urllib.parse import quote

import pytest

from ocppflow import CSMS, ChargingStation, RefusedInfo, ServerLimits, TraceRecord
from ocppflow.errors import ConnectionRefused
from ocppflow.log_budget import BUDGET

LIMITS = ServerLimits(close_timeout=0.05)
EVIL = "\x1b]0;pwned\x07ERROR forged\u202e\u2028\x9b2J"
RAW = EVIL.encode()
KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
WEBSOCKET = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + KEY
BASIC = b"Authorization: Basic " + base64.b64encode(RAW + b":" + RAW) + b"\r\n"
SPEAKS = b"Sec-WebSocket-Protocol: ocpp2.0.1\r\n"
PATH = quote("/ocpp/" + EVIL.replace("\x1b", "").replace("\x07", "").replace("\x9b", "")).encode()


def get(path: bytes, headers: bytes) -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\n" + headers + b"\r\n"


REQUESTS = [
    get(PATH, WEBSOCKET + SPEAKS),
    get(PATH, WEBSOCKET + SPEAKS + BASIC),
    get(quote("/ocpp/" + EVIL).encode(), WEBSOCKET + SPEAKS),
    get(b"/" + RAW.replace(b" ", b"") + b"/CS1", WEBSOCKET + SPEAKS),
    get(b"/nowhere/" + PATH, WEBSOCKET),
    get(b"/ocpp/CS1", WEBSOCKET + b"Sec-WebSocket-Protocol: " + RAW + b"\r\n"),
    get(b"/ocpp/CS1", WEBSOCKET + b"Sec-WebSocket-Protocol: " + quote(EVIL).encode() + b"\r\n"),
    get(b"/ocpp/CS1", WEBSOCKET + SPEAKS + BASIC),
    get(b"/ocpp/CS1", WEBSOCKET + SPEAKS + b"Authorization: " + RAW + b"\r\n"),
    get(b"/ocpp/CS1", b"Host: x\r\nUpgrade: " + RAW + b"\r\nConnection: " + RAW + b"\r\n" + KEY + SPEAKS),
    get(b"/ocpp/CS1", WEBSOCKET + SPEAKS + b"Sec-WebSocket-Extensions: " + RAW + b"\r\n"),
    get(b"/ocpp/CS1", WEBSOCKET + SPEAKS + b"Origin: http://" + RAW + b"\r\n"),
    b"GET " + RAW + b"\r\n\r\n",
    RAW + b"\r\n\r\n",
    b"\x16\x03\x01" + RAW,
]

ANSWERS = [
    b"HTTP/1.1 403 " + RAW + b"\r\nContent-Length: 10\r\n\r\n" + RAW,
    b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n" % len(RAW) + RAW,
    b"HTTP/1.1 302 Found\r\nLocation: ws://" + RAW + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + RAW + b"\r\nConnection: " + RAW + b"\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
    + quote(EVIL).encode()
    + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + RAW + b": x\r\n\r\n",
    b"HTTP/1.1 503 Busy\r\nRetry-After: " + RAW + b"\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/9.9 " + RAW + b"\r\n\r\n",
    RAW,
]


@pytest.fixture
def texts(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """All texts for people; they are checked at the end."""
    texts: list[str] = []
    monkeypatch.setattr(BUDGET.quotas, "each", 0)
    handler = logging.Handler()
    handler.emit = lambda record: texts.append(record.getMessage())  # type: ignore[method-assign]
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield texts
    root.removeHandler(handler)
    root.setLevel(level)
    assert texts
    assert [text for text in texts if not text.isprintable()] == []


async def test_who_asks_to_be_let_in(texts: list[str]) -> None:
    infos: list[RefusedInfo] = []

    def trace(record: TraceRecord) -> None:
        texts.append(record.note)

    csms = CSMS(passwords={"CS1": "a-long-password-1"}, trace=trace)
    csms.on_refused(infos.append)
    async with csms.listen("ws://127.0.0.1:0/ocpp", limits=LIMITS) as listener:
        for request in REQUESTS:
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(request)
            assert (await reader.read()).startswith((b"HTTP/1.1 4", b"HTTP/1.1 101"))
            writer.close()
    assert len(infos) == len(REQUESTS)
    texts += [info.reason for info in infos]


@contextlib.asynccontextmanager
async def hostile(answer: bytes) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("answer", ANSWERS, ids=range(len(ANSWERS)))
async def test_who_is_asked(texts: list[str], answer: bytes) -> None:
    async with hostile(answer) as port:
        station = ChargingStation(
            "CS1", f"ws://127.0.0.1:{port}/ocpp", trace=lambda record: texts.append(record.note), reconnect=False
        )
        with pytest.raises(ConnectionRefused) as refused:
            await station.connect()
        texts += [str(refused.value), refused.value.reason]
