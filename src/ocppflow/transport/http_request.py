"""The HTTP request of an opening handshake: read, and judged before anyone asks who sent it."""

from __future__ import annotations

from collections.abc import Mapping

from websockets.exceptions import HeaderLineTooLong, RequestLineTooLong, TooManyHeaders
from websockets.http11 import Request
from websockets.server import ServerProtocol

from ocppflow.plain_text import excerpt
from ocppflow.transport.handshake import Refuse


def parse_request(protocol: ServerProtocol, head: bytes) -> Request | Refuse:
    """The request, fed as a whole; or why it cannot be read."""
    protocol.receive_data(head)
    for event in protocol.events_received():
        if isinstance(event, Request):
            return event
    protocol.data_to_send()  # ours takes the place of its own answer
    match protocol.handshake_exc:
        case RequestLineTooLong():
            return Refuse(414, "the request line is too long")
        case HeaderLineTooLong() | TooManyHeaders():
            return Refuse(431, "the headers are too many or too long")
        case error:
            cause = error.__cause__ if error is not None else None
            return Refuse(400, f"the HTTP request cannot be read: {cause or error}")


def not_websocket(request: Request) -> Refuse | None:
    """Why the request does not ask for a WebSocket at all: a browser, a health check, a form."""
    if request.method != "GET":
        return Refuse(405, f"{request.method}: only GET, with an upgrade to WebSocket", {"Allow": "GET"})
    if any("websocket" in value.lower() for value in request.headers.get_all("Upgrade")):
        return None
    text = "this is an OCPP endpoint for charging stations; it speaks WebSocket, so a browser cannot open it"
    return Refuse(426, text, {"Upgrade": "websocket"})


def mend_connection_header(request: Request, *, forgiven: bool) -> Refuse | bool:
    """See that the request has ``Connection: Upgrade`` (RFC 6455 4.2.1), adding it if its lack is ``forgiven``; whether
    that was needed."""
    values = request.headers.get_all("Connection")
    if any(token.strip().lower() == "upgrade" for value in values for token in value.split(",")):
        return False
    if not forgiven:
        has = f"has Connection: {excerpt(', '.join(values), quoted=False)}" if values else "lacks the header Connection"
        text = f"the request {has}; RFC 6455 4.1 asks for Connection: Upgrade (a vendor's fault; see leniency)"
        return Refuse(426, text, {"Upgrade": "websocket", "Connection": "Upgrade"})
    request.headers["Connection"] = "Upgrade"
    return True


def plain_headers(request: Request) -> Mapping[str, str]:
    """The headers with lower-case names; what came several times is joined with commas."""
    headers: dict[str, str] = {}
    for name, value in request.headers.raw_items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
