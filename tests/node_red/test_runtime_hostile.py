"""Hostile frames against both nodes: Node-RED, the engine and everyone else go on."""

from __future__ import annotations

import asyncio
import contextlib

from runtime_flow import PATIENCE, SECRET, Tab
from runtime_peers import BEAT, FakeCSMS, basic, station
from tests.fuzz.doors import DOORS
from tests.fuzz.items import ITEMS, LINK_ITEMS
from tests.fuzz.targets import SENTINEL
from tests.fuzz.wire import Peer, response

from ocppflow.messages import Role, Version

ANSWERS = """
    if (!msg.payload || msg.payload.msgType !== 2) return null
    msg.payload.msgType = 3
    const beat = msg.payload.command === 'Heartbeat'
    msg.payload.data = beat ? { currentTime: '2026-01-01T00:00:00Z' } : { status: 'Accepted' }
    return msg
"""


def answering(tab: Tab, node: str) -> list[list[str]]:
    """Wires of a node whose flow answers everything."""
    tab.add(f"{node}-answers", "function", func=ANSWERS, wires=[[node]])
    return [[f"{node}-answers"], []]


async def said_until(peer: Peer, sentinel: bytes) -> int:
    """Ask something harmless; returns how many messages came before its answer."""
    peer.say(sentinel)
    count = 0
    async with asyncio.timeout(PATIENCE):
        while (frame := await peer.next()) is not None:
            if b'"sentinel"' in frame.payload[:40]:
                return count
            count += 1
    raise AssertionError(f"the connection was closed after {count} answers")


async def left(peer: Peer) -> None:
    """Go, and wait until the node knows: who comes back while it does not seems to be two with one identity."""
    with contextlib.suppress(OSError):
        peer.writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            while await peer.next() is not None:
                pass
    await peer.close()


async def test_a_csms_node_under_hostile_stations(tab: Tab):
    port = tab.csms(
        wires=answering(tab, "csms"), versions=["1.6", "2.0.1", "2.1"], passwords={"EVIL": SECRET, "GOOD": SECRET}
    )
    await tab.deploy()
    await tab.status("csms", "(0)")
    engine = tab.red.engine_pid()
    good = await station(port, "GOOD")
    headers = {"Authorization": basic("EVIL", SECRET)}
    for version in Version:
        peer = await Peer.connected(port, version.subprotocol, **headers)
        for item in ITEMS:
            peer.say(item.bytes_for(Role.CSMS))
        answers = await said_until(peer, SENTINEL[Role.CSMS])
        assert answers == sum(item.for_version(version) is not None for item in ITEMS)
        await peer.close()
    for item in LINK_ITEMS:
        peer = await Peer.connected(port, "ocpp2.0.1", **headers)
        peer.send(item.bytes_for(Role.CSMS))
        await left(peer)
    for door in DOORS:
        peer = await Peer.dial(port)
        peer.send(door.data)
        await peer.close()
    await good.says([2, "m1", "Heartbeat", {}])
    assert await good.hears() == [3, "m1", BEAT]
    await good.close()
    assert tab.red.engine_pid() == engine
    assert tab.red.is_alive


class HostileCSMS:
    """A CSMS that lets stations in, and leaves the rest to the test."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()

    async def start(self) -> asyncio.Server:
        async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            peer = Peer(reader, writer, masked=False)
            peer.send(response(head, "ocpp2.0.1"))
            self.peers.put_nowait(peer)

        return await asyncio.start_server(came, "127.0.0.1", 0, limit=2**24)

    async def peer(self) -> Peer:
        return await asyncio.wait_for(self.peers.get(), PATIENCE)


async def test_a_cs_node_under_a_hostile_csms(tab: Tab, fake_csms: FakeCSMS):
    evil = HostileCSMS()
    server = await evil.start()
    await fake_csms.start()
    tab.cs(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp", wires=answering(tab, "cs"), ws_rt_minimum="0")
    tab.cs(fake_csms.url, name="good", cbId="GOOD", wires=answering(tab, "good"))
    await tab.deploy()
    good = await fake_csms.peer()
    engine = tab.red.engine_pid()
    peer = await evil.peer()
    for item in ITEMS:
        peer.say(item.bytes_for(Role.CS))
    answers = await said_until(peer, SENTINEL[Role.CS])
    assert answers == sum(item.for_version(Version.V201) is not None for item in ITEMS)
    for item in LINK_ITEMS:  # each connection ends, and the node comes back
        peer.send(item.bytes_for(Role.CS))
        await peer.close()
        peer = await evil.peer()
    await said_until(peer, SENTINEL[Role.CS])
    await good.says([2, "m1", "ClearCache", {}])
    assert await good.hears() == [3, "m1", {"status": "Accepted"}]
    assert tab.red.engine_pid() == engine
    await tab.remove()
    await peer.close()
    server.close()
    await server.wait_closed()
