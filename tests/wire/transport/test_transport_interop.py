"""Against websockets' own asyncio client and server, an independent use of RFC 6455."""

from __future__ import annotations

import asyncio

import pytest
from transport_peers import PATIENCE, Recorder
from websockets.asyncio.client import connect as other_connect
from websockets.asyncio.server import ServerConnection, basic_auth, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus

from ocppflow.messages.base import Version
from ocppflow.transport.client import connect
from ocppflow.transport.passwords import PlainPasswords
from ocppflow.transport.security_policy import SecurityPolicy

MESSAGES = ["[]", "x" * 125, "ä" * 40_000, "[2,1]" * 60_000, "", "end"]


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_their_client_our_server(site, compression) -> None:
    here = await site(acceptor=SecurityPolicy(passwords=PlainPasswords({"CS1": "secret"})))
    url = here.url.replace("ws://", "ws://CS1:secret@") + "/CS1"
    async with other_connect(url, subprotocols=["ocpp1.6", "ocpp2.0.1"], compression=compression) as client:
        assert client.subprotocol == "ocpp1.6"
        for message in MESSAGES:
            await client.send(message)
            assert await asyncio.wait_for(client.recv(), PATIENCE) == message
        await client.send(iter(["in ", "three ", "pieces"]))
        assert await client.recv() == "in three pieces"
        await asyncio.wait_for(await client.ping(), PATIENCE)
        handler = await here.handler()
        handler.link.close(1001, "going away")
        with pytest.raises(ConnectionClosed) as closed:
            await client.recv()
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1001, "going away")
    with pytest.raises(InvalidStatus):
        await other_connect(url.replace("secret", "wrong"), subprotocols=["ocpp1.6"])


@pytest.mark.parametrize("compression", [None, "deflate"])
async def test_our_client_their_server(compression) -> None:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    auth = basic_auth(credentials=("CS1", "secret"))
    settings = {"subprotocols": ["ocpp2.0.1"], "compression": compression, "process_request": auth}
    async with serve(echo, "127.0.0.1", 0, **settings) as server:
        port = server.sockets[0].getsockname()[1]
        link = await connect(f"ws://127.0.0.1:{port}/ocpp", "CS1", password="secret")
        assert link.peer.version is Version.V201
        handler = Recorder(link)
        for message in MESSAGES:
            link.send(message.encode())
            assert await handler.next() == message.encode()
        connection = next(iter(server.connections))
        await asyncio.wait_for(await connection.ping(), PATIENCE)
        await connection.send(b"binary")
        assert await handler.next() == bytearray(b"binary")
        link.close(1000, "done")
        assert (await handler.next())[0] == 1000
