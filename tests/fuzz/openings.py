"""What a hostile or broken server may answer to a station's opening handshake."""

from __future__ import annotations

from typing import Final, NamedTuple

from tests.fuzz.wire import response


class Opening(NamedTuple):
    """``answer`` goes out as it is, ``replace`` is done to the right answer instead. ``says`` is in the reason that the
    station gives, ``status`` the HTTP status that it reports. ``ends``: the server ends the stream after it."""

    name: str
    says: str
    status: int | None
    answer: bytes = b""
    replace: tuple[bytes, bytes] = (b"", b"")
    ends: bool = False
    subprotocol: str | None = "ocpp2.0.1"

    def bytes_for(self, head: bytes) -> bytes:
        """The answer to the request ``head``."""
        if self.replace == (b"", b"") and self.subprotocol == "ocpp2.0.1":
            return self.answer
        return response(head, self.subprotocol).replace(*self.replace)


def _http(status: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    fields = [*headers, f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([f"HTTP/1.1 {status}", *fields, "", ""]).encode() + body


_NO_WS: Final = "did not answer as a WebSocket server"

OPENINGS: Final = [
    Opening("101 without a subprotocol", "none of the versions", 101, subprotocol=None),
    Opening("a subprotocol that was not offered", _NO_WS, None, subprotocol="ocpp1.6"),
    Opening("a wrong accept key", _NO_WS, None, replace=(b"Accept: ", b"Accept: x")),
    Opening("no accept key", _NO_WS, None, replace=(b"Sec-WebSocket-Accept", b"X-Accept")),
    Opening("no upgrade", _NO_WS, None, replace=(b"Upgrade: websocket", b"X-Upgrade: websocket")),
    Opening(
        "an extension that was not offered",
        _NO_WS,
        None,
        replace=(b"Upgrade: websocket", b"Upgrade: websocket\r\nSec-WebSocket-Extensions: x-evil"),
    ),
    Opening("a redirect", "points to ws://evil.example/", 301, _http("301 Moved", "Location: ws://evil.example/ocpp")),
    Opening("a redirect to nowhere", "points to nowhere", 302, _http("302 Found")),
    Opening("a page", "HTTP 200", 200, _http("200 OK", body=b"<html>\n<b>hello</b>\n</html>")),
    Opening("401", "check the password", 401, _http("401 Unauthorized", 'WWW-Authenticate: Basic realm="x"')),
    Opening("404", "check the identity", 404, _http("404 Not Found")),
    Opening("503 with a wait", "try again later", 503, _http("503 Service Unavailable", "Retry-After: 0")),
    Opening("503 with an unreadable wait", "later", 503, _http("503 Service Unavailable", "Retry-After: soon")),
    Opening("a status of five digits", _NO_WS, None, _http("20000 Odd")),
    Opening("a status that is not a number", _NO_WS, None, _http("OK Fine")),
    Opening("another protocol", _NO_WS, None, b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    Opening("garbage", "not HTTP", None, b"\x00\xff\x16\x03\x01" * 10),
    Opening("nothing, then the end", "closed", None, ends=True),
    Opening("half an answer, then the end", "", None, b"HTTP/1.1 101 Swi", ends=True),
    Opening("headers without end", "", None, b"HTTP/1.1 101 X\r\n" + b"X-More: 1\r\n" * 8000),
    Opening("a header of 100,000 bytes", "", None, b"HTTP/1.1 101 X\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"),
    Opening("a body that is cut short", "HTTP 403", 403, _http("403 Forbidden", body=b"no", length=1000), ends=True),
    Opening("a page of 10 MB", "HTTP 404", 404, _http("404 Not Found", body=b"x" * 10_000_000)),
    Opening("a page of bytes", "HTTP 500", 500, _http("500 Oops", body=bytes(range(256)))),
]
