"""Hostile opening handshakes, and bytes that are not a handshake at all, with the answer that each gets."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.fuzz.wire import request

LEAVE = "leave"  # end the stream
RESET = "reset"  # end it with an RST
STAY = "stay"  # wait for the answer, and the end


class Door(NamedTuple):
    """Bytes at the door. ``status`` is the HTTP status of the answer, 0 if there is none; 101 alone is let in."""

    name: str
    data: bytes
    status: int
    then: str = STAY


def _path(name: str, path: str, status: int, subprotocol: str | None = "ocpp2.0.1") -> Door:
    return Door(name, request(path, subprotocol), status)


_HEAD = request()
_LONG_HEADERS: Final = [
    ("Connection", 426),
    ("Upgrade", 426),
    ("Sec-WebSocket-Protocol", 400),
    ("Sec-WebSocket-Extensions", 400),
]

DOORS: Final = [
    # paths (2.1 Part 4, 3.1.1)
    _path("a broken escape", "/ocpp/%ZZ", 400),
    _path("an escape cut short", "/ocpp/CS%4", 400),
    _path("an identity that is not UTF-8", "/ocpp/%ff%fe", 400),
    _path("an identity with a NUL", "/ocpp/CS%00", 400),
    _path("an identity with a line end", "/ocpp/CS%0d%0aX:1", 400),
    _path("dots", "/ocpp/../../etc/passwd", 404),
    _path("dots as identity", "/ocpp/..", 400),
    _path("dots in escapes", "/ocpp/%2e%2e", 400),
    _path("5,000 characters in 2.0.1", "/ocpp/" + "x" * 5000, 400),
    _path("5,000 characters in 2.1", "/ocpp/" + "x" * 5000, 400, "ocpp2.1"),
    _path("5,000 characters of path", "/" + "x" * 5000 + "/CS1", 404),
    _path("no identity", "/ocpp/", 404),
    _path("no path", "/", 404),
    _path("another path", "/elsewhere/CS1", 404),
    _path("a colon in 2.0.1", "/ocpp/CS:1", 400),
    _path("an absolute URI of another path", "http://evil.example/elsewhere/CS1", 404),
    _path("an asterisk", "*", 400),
    # subprotocols (2.1 Part 4, 3.1.2 and 3.3)
    _path("no subprotocol", "/ocpp/CS1", 400, None),
    _path("an empty subprotocol", "/ocpp/CS1", 400, ""),
    Door("an unknown subprotocol", request(subprotocol="ocpp9.9"), 101),
    Door("another protocol", request(subprotocol="mqtt"), 101),
    # HTTP
    Door("no key", request(Sec_WebSocket_Key=None), 400),
    Door("a malformed key", request(Sec_WebSocket_Key="x"), 400),
    Door("a key of 6,000 characters", request(Sec_WebSocket_Key="x" * 6000), 400),
    Door("no version", request(Sec_WebSocket_Version=None), 400),
    Door("version 8", request(Sec_WebSocket_Version="8"), 400),
    Door("no upgrade", request(Upgrade=None), 426),
    Door("another upgrade", request(Upgrade="h2c"), 426),
    Door("no connection header", request(Connection=None), 426),
    Door("a plain GET", b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n\r\n", 426),
    Door("a POST", _HEAD.replace(b"GET ", b"POST ", 1), 405),
    Door("HTTP/1.0", _HEAD.replace(b"HTTP/1.1", b"HTTP/1.0", 1), 505),
    Door("HTTP/9.9", _HEAD.replace(b"HTTP/1.1", b"HTTP/9.9", 1), 400),
    Door("bad extensions", request(Sec_WebSocket_Extensions="permessage-deflate; ;;=="), 400),
    Door("a header without a colon", _HEAD[:-2] + b"no colon here\r\n\r\n", 400),
    Door("bytes in a header", _HEAD[:-2] + b"X-Bytes: \x00\xff\xfe\r\n\r\n", 400),
    Door("headers of 20,000 bytes", _HEAD[:-2] + b"X-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    Door("a header line of 9,000 bytes", _HEAD[:-2] + b"X-Long: " + b"x" * 9_000 + b"\r\n\r\n", 431),
    Door("300 headers", _HEAD[:-2] + b"".join(b"X-%d: 1\r\n" % n for n in range(300)) + b"\r\n", 431),
    Door("headers without end", b"GET /ocpp/CS1 HTTP/1.1\r\n" + b"X: 1\r\n" * 4000, 431),
    # long runs, in which a parser may look for its end again and again
    Door("a request line of blanks", b"GET" + b" " * 9_000 + b"HTTP/1.1\r\n\r\n", 414),
    Door("blanks", b" " * 20_000, 400),
    Door("line ends alone", b"\r\n" * 10_000, 400),
    *(
        Door(f"{name}: 7,000 bytes of {run[:2]!r}", request(**{name.replace("-", "_"): run.decode()}), status)
        for name, status in _LONG_HEADERS
        for run in (b" " * 7_000, b"," * 7_000, b", " * 3_500, b'"' * 7_000, b'\\"' * 3_500, b";=" * 3_500)
    ),
    # not HTTP
    Door("garbage", b"\x00\x01\x02\x03garbage", 400),
    Door("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    Door("letters", b"HELLO\r\n\r\n", 400),
    Door("line ends", b"\r\n\r\n\r\n", 400),
    Door("a WebSocket frame", b"\x81\x85\0\0\0\0hello", 400),
    # those who do not finish
    Door("nothing, then the end", b"", 0, LEAVE),
    Door("half a handshake, then the end", _HEAD[:40], 0, LEAVE),
    Door("half a handshake, then an RST", _HEAD[:40], 0, RESET),
    Door("a handshake, then an RST", request("/ocpp/GONE"), 0, RESET),
]

#: Those who never finish, until the server has had enough.
LINGERING: Final = [
    Door("nothing, for as long as it is let", b"", 0),
    Door("half a handshake, for as long as it is let", _HEAD[:40], 408),
]
