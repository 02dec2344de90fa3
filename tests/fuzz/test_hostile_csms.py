"""A station of ours under a hostile CSMS: messages, frames, and answers to its opening handshake."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from ocppflow import Backoff, ChargingStation
from ocppflow.errors import CallTimeout, ConnectionRefused, RemoteCallError
from ocppflow.messages import Role, Version
from tests.fuzz import judge
from tests.fuzz.items import ITEMS, LINK_ITEMS, Item, LinkItem
from tests.fuzz.openings import OPENINGS, Opening
from tests.fuzz.targets import SENTINEL, station_to_attack
from tests.fuzz.wire import CLOSE, PATIENCE, PONG, Peer, response

VERSIONS = list(Version)


class HostileCSMS:
    """Listens; its connections are for the test to do with what it wants."""

    def __init__(self) -> None:
        self._doors: asyncio.Queue[Peer] = asyncio.Queue()
        self._peers: list[Peer] = []
        self._server: asyncio.Server | None = None
        self.stations: list[ChargingStation] = []

    async def start(self) -> None:
        async def came(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._peers.append(Peer(reader, writer, masked=False))
            self._doors.put_nowait(self._peers[-1])

        self._server = await asyncio.start_server(came, "127.0.0.1", 0, limit=2**24)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/ocpp"

    def station(self, version: Version) -> ChargingStation:
        """A station that keeps trying to connect to this."""
        station = station_to_attack("CS1", self.url, versions=[version], backoff=Backoff(0.0, 0.0, 0))
        self.stations.append(station)
        station.start()
        return station

    async def door(self) -> tuple[Peer, bytes]:
        """The next connection, and the request that came over it."""
        peer = await asyncio.wait_for(self._doors.get(), PATIENCE)
        head = await asyncio.wait_for(peer.reader.readuntil(b"\r\n\r\n"), PATIENCE)
        return peer, head

    async def let_in(self, version: Version, *, deflate: bool = False) -> Peer:
        """The next connection, with its handshake done as it should be."""
        peer, head = await self.door()
        peer.send(response(head, version.subprotocol, deflate=deflate))
        return peer

    async def stop(self) -> None:
        for station in self.stations:
            stopping = asyncio.ensure_future(station.stop())
            for peer in self._peers:
                await peer.close()
            await asyncio.wait_for(stopping, PATIENCE)
        assert self._server is not None
        self._server.close()


@pytest.fixture
async def csms(caplog: pytest.LogCaptureFixture) -> AsyncIterator[HostileCSMS]:
    caplog.set_level(logging.ERROR)
    one = HostileCSMS()
    await one.start()
    yield one
    await one.stop()
    assert not [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


async def answers_until_sentinel(peer: Peer, version: Version) -> list[judge.Answer]:
    peer.say(SENTINEL[Role.CS])
    found: list[judge.Answer] = []
    while (got := await peer.next()) is not None:
        if got.opcode == PONG:
            continue
        answer, fault = judge.parse(got.payload, version)
        assert not fault, got.payload[:300]
        if answer.message_id == "sentinel":
            return found
        found.append(answer)
    raise AssertionError(f"the connection was closed after {found}")


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
@pytest.mark.parametrize("version", VERSIONS)
async def test_each_message_of_a_csms_gets_the_standards_answer(
    csms: HostileCSMS, version: Version, item: Item
) -> None:
    station = csms.station(version)
    peer = await csms.let_in(version)
    peer.say(item.bytes_for(Role.CS))
    got = await answers_until_sentinel(peer, version)
    wanted = item.for_version(version)
    assert len(got) == (wanted is not None), got
    if wanted is not None:
        assert judge.is_as_expected(got[0], wanted, version), f"got {got[0]}, wanted {wanted}"
    assert station.is_connected


@pytest.mark.parametrize("item", LINK_ITEMS, ids=lambda item: item.name)
async def test_a_station_closes_on_each_breach_of_rfc_6455_and_comes_back(csms: HostileCSMS, item: LinkItem) -> None:
    csms.station(Version.V201)
    peer = await csms.let_in(Version.V201, deflate=item.deflate)
    peer.send(item.bytes_for(Role.CS))
    if item.close:
        closing = await peer.next()
        assert closing is not None
        assert (closing.opcode, closing.code) == (CLOSE, item.close)
        await peer.close()
        peer = await csms.let_in(Version.V201)
    assert [got.type for got in await answers_until_sentinel(peer, Version.V201)] == list(item.answers)


@pytest.mark.parametrize("opening", OPENINGS, ids=lambda opening: opening.name)
async def test_a_station_says_what_is_wrong_with_an_opening_and_comes_back(csms: HostileCSMS, opening: Opening) -> None:
    station = station_to_attack("CS1", csms.url, versions=["2.0.1"], reconnect=False)
    csms.stations.append(station)
    connecting = asyncio.ensure_future(station.connect())
    peer, head = await csms.door()
    peer.send(opening.bytes_for(head))
    if opening.ends:
        await peer.writer.drain()
        await peer.close()
    with pytest.raises(ConnectionRefused) as caught:
        await asyncio.wait_for(connecting, PATIENCE)
    assert opening.says in caught.value.reason
    assert caught.value.status == opening.status
    assert len(caught.value.reason) < 600
    assert "\n" not in caught.value.reason
    again = asyncio.ensure_future(station.connect())
    peer = await csms.let_in(Version.V201)
    await asyncio.wait_for(again, PATIENCE)
    assert await answers_until_sentinel(peer, Version.V201) == []


ANSWERS = [
    ("not JSON at all", b"}{", None),
    ("another id", b'[3,"other",{"currentTime":"2026-01-01T00:00:00Z"}]', None),
    ("a number as id", b'[3,7,{"currentTime":"2026-01-01T00:00:00Z"}]', None),
    ("an error without elements", b'[4,"@ID"]', "GenericError"),
    ("an error of the wrong types", b'[4,"@ID",7,[],"x"]', "GenericError"),
    ("an error with a code of its own", b'[4,"@ID","Whatever","",{}]', "Whatever"),
]


@pytest.mark.parametrize(("data", "code"), [each[1:] for each in ANSWERS], ids=[each[0] for each in ANSWERS])
async def test_J_4_1_1_a_call_of_a_station_ends_whatever_the_answer(
    csms: HostileCSMS, data: bytes, code: str | None
) -> None:
    station = csms.station(Version.V201)
    peer = await csms.let_in(Version.V201)
    assert await answers_until_sentinel(peer, Version.V201) == []
    calling = asyncio.ensure_future(station.call_raw("Heartbeat", message_id="h1", timeout=0.05 if not code else 5))
    asked = await peer.next()
    assert asked is not None
    assert asked.payload.startswith(b'[2,"h1"')
    peer.say(data.replace(b"@ID", b"h1"))
    if code is None:
        with pytest.raises(CallTimeout):
            await calling
    else:
        with pytest.raises(RemoteCallError) as caught:
            await calling
        assert caught.value.code == code
    assert station.is_connected
