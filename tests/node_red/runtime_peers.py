"""Peers on real sockets that say whatever a test wants."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from runtime_flow import PATIENCE, SECRET
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

BEAT = {"currentTime": "2026-01-01T00:00:00Z"}


class Peer:
    """One side of a connection."""

    def __init__(self, socket: ClientConnection | ServerConnection) -> None:
        self.socket = socket

    async def says(self, frame: Any) -> None:
        """Send a frame: text or bytes as they are, else what is to be JSON."""
        await self.socket.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    async def hears(self) -> Any:
        """The next frame."""
        return json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))

    async def closed(self) -> int:
        """Wait for the end of the connection; returns its code."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    await self.socket.recv()
        except ConnectionClosed as exc:
            return exc.rcvd.code if exc.rcvd is not None else 1006

    async def close(self) -> None:
        """Hang up."""
        await self.socket.close()


def basic(user: str, password: str) -> str:
    """The value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def station(
    port: int,
    identity: str = "CS1",
    password: str = SECRET,
    *,
    version: str = "ocpp2.0.1",
    path: str = "/ocpp",
    user: str | None = None,
) -> Peer:
    """A station at a CSMS node."""
    socket = await connect(
        f"ws://127.0.0.1:{port}{path}/{identity}",
        subprotocols=[version],
        additional_headers={"Authorization": basic(user or identity, password)},
        proxy=None,
        close_timeout=2,
    )
    return Peer(socket)


async def refused(port: int, identity: str = "CS1", password: str = SECRET, **how: Any) -> int:
    """The HTTP status with which a CSMS node refuses a station."""
    try:
        peer = await station(port, identity, password, **how)
    except InvalidStatus as exc:
        return exc.response.status_code
    await peer.close()
    raise AssertionError(f"{identity} was let in")


class FakeCSMS:
    """A CSMS that a CS node connects to."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.server: Server | None = None
        self.port = 0

    async def start(self, version: str = "ocpp2.0.1", port: int = 0) -> None:
        async def entered(socket: ServerConnection) -> None:
            self.peers.put_nowait(Peer(socket))
            await socket.wait_closed()

        self.server = await serve(entered, "127.0.0.1", port, subprotocols=[version], close_timeout=2)
        self.port = next(iter(self.server.sockets)).getsockname()[1]

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/ocpp"

    async def peer(self) -> Peer:
        """The next station that comes."""
        return await asyncio.wait_for(self.peers.get(), PATIENCE)

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
            await self.server.wait_closed()
