"""The floor: our transport, ``orjson.loads`` and a constant answer; no session, no types, no validation. What a message
costs beyond this is what OCPP costs."""

from __future__ import annotations

import orjson

from benchmarks.servers import common
from ocppflow.transport.handshake import Accept, Handshake
from ocppflow.transport.link import Link
from ocppflow.transport.route import Route
from ocppflow.transport.server import Server
from ocppflow.transport.settings import ServerLimits

PAYLOADS = {"Heartbeat": b'{"currentTime":"2026-03-01T10:15:00.123456Z"}'}


class Constant:
    """Answers each call by its id alone."""

    def __init__(self, link: Link) -> None:
        self.link = link
        link.attach(self)

    def received(self, data: bytes) -> None:
        _, message_id, action, _ = orjson.loads(data)
        self.link.send(b'[3,"%s",%s]' % (message_id.encode(), PAYLOADS.get(action, b"{}")))

    def received_binary(self, size: int) -> None: ...

    def closed(self, code: int, reason: str) -> None: ...


async def accept(handshake: Handshake) -> Accept:
    return Accept()


async def main() -> None:
    server = Server({"/": Route(accept, Constant)}, limits=ServerLimits(handshakes_per_second=0))
    await server.listen("127.0.0.1", 0)
    await common.serve(server.port)
    await server.close()


if __name__ == "__main__":
    common.run(main(), uvloop=True)
