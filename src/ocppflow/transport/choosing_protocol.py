"""The WebSocket part of the answer to a handshake: what websockets' protocol is told to select."""

from __future__ import annotations

from collections.abc import Sequence

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from ocppflow.messages.base import Version
from ocppflow.transport.handshake import Handshake, Refuse

# Small windows and no memory between messages on our side: about 20 KiB instead of 300 per connection.
_DEFLATE = ServerPerMessageDeflateFactory(
    server_no_context_takeover=True,
    client_no_context_takeover=True,
    server_max_window_bits=12,
    client_max_window_bits=12,
    compress_settings={"memLevel": 5},
)


class ChoosingProtocol(ServerProtocol):
    """websockets' server handshake, told which subprotocol to select."""

    chosen: Version | None = None

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        return Subprotocol(self.chosen.subprotocol) if self.chosen else None

    def response_to(self, request: Request, shake: Handshake, *, compression: bool) -> Response:
        """The answer, made before the acceptor is asked: it need not look at what cannot be a WebSocket."""
        # RFC 6455 4.2.2: who has offered no subprotocol is sent none.
        self.chosen = shake.version if shake.versions and shake.offered else None
        if compression:
            self.available_extensions = [_DEFLATE]
        return self.accept(request)


def refusal_response(protocol: ServerProtocol, refusal: Refuse) -> bytes:
    """The HTTP answer that refuses, as it is sent."""
    response = protocol.reject(refusal.status, refusal.reason + "\n")
    for name, value in refusal.headers.items():
        response.headers[name] = value
    return response.serialize()
