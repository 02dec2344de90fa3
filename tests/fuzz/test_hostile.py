"""A CSMS and its well-behaved stations under hostile input: each item gets its answer, and everyone else goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ocppflow import CSMS, ChargingStation, ServerLimits
from ocppflow.messages import Role, Version, request_type
from tests.fuzz import doors, judge
from tests.fuzz.items import ITEMS, LINK_ITEMS, Item, LinkItem
from tests.fuzz.targets import SENTINEL, csms_to_attack
from tests.fuzz.wire import CLOSE, PING, PONG, TEXT, Frame, Peer, frame, request

VERSIONS = list(Version)


class Site:
    """A CSMS with a well-behaved station, and hostile peers that are cleared away after the test."""

    def __init__(self, csms: CSMS, port: int, good: ChargingStation, log: pytest.LogCaptureFixture) -> None:
        self.csms = csms
        self.port = port
        self.good = good
        self.peers: list[Peer] = []
        self._log = log

    async def peer(self) -> Peer:
        self.peers.append(await Peer.dial(self.port))
        return self.peers[-1]

    async def station(self, version: Version, **headers: str) -> Peer:
        self.peers.append(await Peer.connected(self.port, version.subprotocol, **headers))
        return self.peers[-1]

    async def goes_on(self) -> None:
        """The good station and the CSMS still talk in both directions, and nothing failed inside."""
        answer = await self.good.call_raw("Heartbeat", timeout=5)
        assert answer.message.current_time
        ours = await self.csms.wait_for("GOOD", 5)
        assert (await ours.call_raw("ClearCache", timeout=5)).message.status == "Accepted"
        failures = [record.getMessage() for record in self._log.records if record.levelno >= logging.ERROR]
        assert not failures


@pytest.fixture
async def site(caplog: pytest.LogCaptureFixture, request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    """Its parameter is the handshake's time-out, so long by default that no load of the machine makes it strike."""
    caplog.set_level(logging.ERROR)
    csms = csms_to_attack()
    limits = ServerLimits(handshake_timeout=getattr(request, "param", 60.0))
    async with csms.listen("ws://127.0.0.1:0/ocpp", limits=limits) as listener:
        good = ChargingStation("GOOD", listener.url, versions=["2.0.1"])

        @good.on_any
        def accept(station: ChargingStation, call: Any) -> Any:
            return {"status": "Accepted"}

        async with good:
            here = Site(csms, listener.port, good, caplog)
            yield here
            for peer in here.peers:
                await peer.close()


async def answers_until_sentinel(peer: Peer, version: Version) -> list[judge.Answer]:
    """Ask something harmless and return all that is answered before that."""
    peer.say(SENTINEL[Role.CSMS])
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
async def test_each_message_gets_the_standards_answer(site: Site, version: Version, item: Item) -> None:
    peer = await site.station(version)
    peer.say(item.bytes_for(Role.CSMS))
    got = await answers_until_sentinel(peer, version)
    wanted = item.for_version(version)
    assert len(got) == (wanted is not None), got
    if wanted is not None:
        assert judge.is_as_expected(got[0], wanted, version), f"got {got[0]}, wanted {wanted}"
    await site.goes_on()


@pytest.mark.parametrize("version", VERSIONS)
async def test_J_4_1_4_an_id_in_progress_is_refused_and_the_first_call_still_answered(
    site: Site, version: Version
) -> None:
    release = asyncio.Event()

    @site.csms.on(request_type(version, "DataTransfer"))
    async def wait(station: Any, call: Any) -> Any:
        await release.wait()
        return {"status": "Accepted"}

    peer = await site.station(version)
    peer.say(b'[2,"1","DataTransfer",{"vendorId":"slow"}]')
    peer.say(b'[2,"1","DataTransfer",{"vendorId":"other"}]')
    got = await answers_until_sentinel(peer, version)
    assert len(got) == 1
    assert judge.is_as_expected(got[0], judge.Answer(4, "1", "RpcFrameworkError"), version)
    release.set()
    last = await peer.next()
    assert last is not None
    assert judge.parse(last.payload, version)[0] == judge.Answer(3, "1")


@pytest.mark.parametrize("item", LINK_ITEMS, ids=lambda item: item.name)
async def test_each_breach_of_rfc_6455_is_closed_with_its_code_or_passed_over(site: Site, item: LinkItem) -> None:
    peer = await site.station(Version.V201, **item.headers)
    peer.send(item.bytes_for(Role.CSMS))
    if item.close:
        closing = [got for got in await peer.until_end() if got.opcode == CLOSE]
        assert [got.code for got in closing] == [item.close]
    else:
        assert [got.type for got in await answers_until_sentinel(peer, Version.V201)] == list(item.answers)
    await site.goes_on()


async def test_a_message_in_fragments_of_one_byte_with_pings_between_is_answered(site: Site) -> None:
    peer = await site.station(Version.V201)
    data = b'[2,"1","Heartbeat",{}]'
    for at in range(len(data)):
        peer.send(frame(0 if at else TEXT, data[at : at + 1], fin=at == len(data) - 1))
        peer.send(frame(PING, b"%d" % at))
    found: list[Frame] = []
    last = b"%d" % (len(data) - 1)
    while not {(PONG, last), (TEXT, b'[3,"1",')} <= {(got.opcode, got.payload[:7]) for got in found}:
        found += await peer.frames()
    # Of several pings that have not been answered, the last may be answered alone (RFC 6455 5.5.3).
    pongs = [int(got.payload) for got in found if got.opcode == PONG]
    assert pongs == sorted(set(pongs))
    assert len([got for got in found if got.opcode == TEXT]) == 1


@pytest.mark.parametrize("half", [False, True], ids=["within a frame", "after a frame"])
async def test_a_reset_leaves_nothing_behind(site: Site, half: bool) -> None:
    gone = asyncio.Event()

    @site.csms.on_disconnect
    def left(station: Any, code: int, reason: str) -> None:
        if station.identity == "EVIL":
            gone.set()

    peer = await site.station(Version.V201)
    data = frame(TEXT, b'[2,"1","Heartbeat",{}]')
    peer.send(data[:5] if half else data)
    await peer.writer.drain()
    peer.reset()
    await asyncio.wait_for(gone.wait(), 5)
    assert "EVIL" not in site.csms
    await site.goes_on()


@pytest.mark.parametrize("door", doors.DOORS, ids=lambda door: door.name)
async def test_each_handshake_gets_its_answer(site: Site, door: doors.Door) -> None:
    peer = await site.peer()
    peer.send(door.data)
    if door.then == doors.STAY:
        try:
            status, head = await peer.answer()
        except ConnectionError:
            status, head = 0, ""
        assert status == door.status
        if status == 101:  # let in without a subprotocol, to be told why
            assert "sec-websocket-protocol" not in head.lower()
            closing = await peer.next()
            assert closing is not None
            assert closing.code == 1002
        else:
            await asyncio.wait_for(peer.reader.read(), 5)
            assert peer.reader.at_eof()
    elif door.then == doors.RESET:
        await peer.writer.drain()
        peer.reset()
    await site.goes_on()


@pytest.mark.parametrize("site", [0.5], indirect=True)
@pytest.mark.parametrize("door", doors.LINGERING, ids=lambda door: door.name)
async def test_who_does_not_finish_the_handshake_is_shown_out(site: Site, door: doors.Door) -> None:
    peer = await site.peer()
    peer.send(door.data)
    try:
        status, _ = await peer.answer()
    except ConnectionError:
        status = 0
    assert status == door.status
    await site.goes_on()


async def test_J_3_1_1_in_1_6_an_identity_has_no_limit(site: Site) -> None:
    peer = await site.peer()
    peer.send(request("/ocpp/" + "x" * 5000, "ocpp1.6"))
    assert (await peer.answer())[0] == 101
    assert await answers_until_sentinel(peer, Version.V16) == []
    await site.goes_on()


async def test_two_hundred_half_open_connections_keep_nobody_out(site: Site) -> None:
    for _ in range(200):
        peer = await site.peer()
        peer.send(b"GET /ocpp/")
    await site.goes_on()
    peer = await site.station(Version.V201)
    assert await answers_until_sentinel(peer, Version.V201) == []
