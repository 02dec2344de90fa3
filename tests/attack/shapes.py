"""Messages that are hard to read, and the frames around them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

from tests.fuzz.wire import COMPRESSED, TEXT, deflated, frame

MIB = 2**20
DEFLATE = {"Sec_WebSocket_Extensions": "permessage-deflate; client_no_context_takeover"}

#: One of each kind that a pattern or a parser may look for again and again, and pairs of them.
CHARACTERS = (
    b" ",
    b"\t",
    b"\n",
    b"\r",
    b"[",
    b"]",
    b"{",
    b"}",
    b",",
    b":",
    b'"',
    b"\\",
    b"-",
    b"0",
    b"9",
    b"e",
    b".",
    b"u",
)
PAIRS = (
    b" [",
    b"[ ",
    b'\\"',
    b'" ',
    b'","',
    b"{}",
    b"[]",
    b"[],",
    b'{"',
    b"\r\n",
    b"-1",
    b"1e",
    b"\\u0",
    b"\xef\xbb\xbf",
)
#: What a long run may come after.
BEGINNINGS = (
    b"",
    b"[2",
    b'[2,"',
    b'[2,"1",',
    b'[2,"1","',
    b'[2,"1","DataTransfer",',
    b'[2,"1","DataTransfer",{"vendorId":"',
)


def packed(message: bytes) -> bytes:
    """A whole message as one compressed frame of a client."""
    return frame(TEXT, deflated(message), rsv=COMPRESSED)


def blanks() -> Iterator[bytes]:
    """Blanks alone, and around a call, from 10 kB to 1 MiB."""
    call = b'[2,"1","Heartbeat",{}]'
    for size in (10_000, 100_000, MIB):
        for blank in (b" ", b"\t", b"\r\n", b"\n "):
            run = blank * (size // len(blank))
            yield run
            yield run[: size - 100] + call
            yield call + run[: size - 100]
            yield b"[2" + run[: size - 100] + call[2:]


def runs() -> Iterator[bytes]:
    """Long runs of each character and pair, after each beginning."""
    for beginning, characters in itertools.product(BEGINNINGS, CHARACTERS + PAIRS):
        yield (beginning + characters * (MIB // len(characters)))[:MIB]


def valid_bombs() -> Iterator[bytes]:
    """Valid calls of almost 1 MiB, which compress to a thousandth."""
    head = b'[2,"%d","DataTransfer",{"vendorId":"x","data":'
    room = MIB - 100
    for number, data in enumerate((b'"' + b"y" * room + b'"', b"[" + b"0," * (room // 2 - 1) + b"0]")):
        yield head % number + data + b"}]"


def invalid_bombs() -> Iterator[bytes]:
    """Calls of up to 1 MiB with as many violations as there is room for."""
    number = itertools.count()

    def call(action: str, payload: bytes) -> bytes:
        return b'[2,"bad-%d","%s",' % (next(number), action.encode()) + payload + b"]"

    objects = b",".join([b"{}"] * 250_000)
    unknown = b",".join(b'"u%05d":0' % n for n in range(80_000))
    yield call(
        "NotifyReport",
        b'{"requestId":1,"generatedAt":"2026-01-01T00:00:00Z","seqNo":0,"reportData":[' + objects + b"]}",
    )
    yield call("Heartbeat", b"{" + unknown + b"}")
    yield call("MeterValues", b'{"evseId":1,"meterValue":[' + objects + b"]}")
    value = json.dumps({"timestamp": "x", "sampledValue": [{"value": "1"}]}, separators=(",", ":")).encode()
    yield call("MeterValues", b'{"evseId":1,"meterValue":[' + b",".join([value] * 18_000) + b"]}")
    yield call("DataTransfer", b'{"vendorId":"x","customData":{' + unknown + b"}}")
    yield call("Authorize", b'{"idToken":' + b"[" * 400_000 + b"]" * 400_000 + b"}")
    yield call("DataTransfer", b'{"vendorId":' + b'"' + b"v" * 900_000 + b'"}')


def beyond_the_limit() -> Iterator[bytes]:
    """Compressed messages of 30 to 60 MB."""
    yield b" " * 60_000_000
    yield b"[" * 30_000_000
    yield b'[2,"1","DataTransfer",{"vendorId":"x","data":"' + b"y" * 40_000_000
