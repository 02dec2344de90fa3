"""One address must not keep another out: half-open sockets, requests that wait, refusals that linger, no descriptors.

127.0.0.2 and its like are addresses of their own on Linux, where all of 127.0.0.0/8 is this machine.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import socket
import sys
from collections.abc import AsyncIterator

import pytest
from transport_peers import RawPeer, Site, let_in

from ocppflow.transport.clock import ManualClock
from ocppflow.transport.descriptors import Descriptors
from ocppflow.transport.door_queue import PER_TURN
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.settings import ServerLimits

linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems have to be told of 127.0.0.2")
pytestmark = linux

FLOOD, GOOD = "127.0.0.66", "127.0.0.2"


class Street:
    """Peers of many addresses before one server."""

    def __init__(self) -> None:
        self.sites: list[Site] = []

    async def site(self, host: str = "127.0.0.1", **settings: object) -> Site:
        one = Site(**settings)  # type: ignore[arg-type]
        self.sites.append(one)
        await one.server.listen(host)
        return one

    async def peer(self, here: Site, source: str, host: str = "127.0.0.1") -> RawPeer:
        reader, writer = await asyncio.open_connection(host, here.server.port, local_addr=(source, 0))
        peer = RawPeer(reader, writer)
        here.peers.append(peer)
        return peer

    async def settled(self, here: Site, count: int) -> None:
        """Wait until ``count`` are at the door."""
        for _ in range(10_000):
            if len(here.server.context.openings) == count:
                return
            await asyncio.sleep(0)
        raise AssertionError(f"{len(here.server.context.openings)} at the door, not {count}")


@pytest.fixture
async def street() -> AsyncIterator[Street]:
    one = Street()
    yield one
    for each in one.sites:
        await each.close()


async def test_half_open_ones_of_one_address_give_way_to_another(street: Street) -> None:
    here = await street.site(limits=ServerLimits(max_handshakes=10))
    good = [await street.peer(here, GOOD) for _ in range(3)]
    flood = [await street.peer(here, FLOOD) for _ in range(20)]
    late = await street.peer(here, "127.0.0.3")
    await street.settled(here, 10)
    for each in (*good, late):
        each.ask()
        assert (await each.answer())[0] == 101
    assert await flood[0].at_end()
    assert (await flood[-1].asked())[0] == 101


async def test_who_dribbles_headers_gives_way_as_well(street: Street) -> None:
    here = await street.site(limits=ServerLimits(max_handshakes=5))
    slow = [await street.peer(here, FLOOD) for _ in range(5)]
    for each in slow:
        each.send(b"GET /ocpp/CS1 HTTP/1.1\r\nHost:")
    late = await street.peer(here, GOOD)
    assert (await late.asked())[0] == 101
    assert await slow[0].at_end()


async def test_a_proxy_that_keeps_thousands_silent_still_brings_in_who_speaks(street: Street) -> None:
    here = await street.site(limits=ServerLimits(max_handshakes=4))
    [await street.peer(here, FLOOD) for _ in range(12)]
    for _ in range(3):
        assert (await (await street.peer(here, FLOOD)).asked())[0] == 101


async def test_of_those_who_wait_for_us_the_latest_of_the_most_is_turned_away(street: Street) -> None:
    gate = asyncio.Event()

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        await gate.wait()
        return Accept()

    here = await street.site(acceptor=acceptor, limits=ServerLimits(max_handshakes=4))
    waiting = [await street.peer(here, FLOOD) for _ in range(4)]
    for number, each in enumerate(waiting):
        each.ask(f"/ocpp/F{number}")
    await street.settled(here, 4)
    good = await street.peer(here, GOOD)
    good.ask("/ocpp/GOOD")
    status, headers, _ = await waiting[-1].answer()
    assert status == 503
    assert headers["retry-after"]
    assert "4 stations wait to be let in already" in (await here.refused()).reason
    gate.set()
    for each in (good, *waiting[:3]):
        assert (await each.answer())[0] == 101


async def test_a_flood_of_handshakes_that_are_let_in_leaves_a_reserve_for_others(street: Street) -> None:
    limits = ServerLimits(handshakes_per_second=1, handshake_burst=8)
    here = await street.site(limits=limits, clock=ManualClock())
    statuses = [(await (await street.peer(here, FLOOD)).asked(f"/ocpp/F{n}"))[0] for n in range(10)]
    assert statuses == [101] * 8 + [503] * 2
    assert (await (await street.peer(here, GOOD)).asked())[0] == 101


@pytest.mark.parametrize("path", ["/elsewhere/CS1", "/ocpp/%ZZ", "/ocpp/CS1"])
async def test_refusals_that_linger_are_bounded_and_keep_nobody_out(street: Street, path: str) -> None:
    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        return Refuse(401, "who?") if handshake.address.startswith(FLOOD) else Accept()

    limits = ServerLimits(max_handshakes=3, max_refusals=5)
    here = await street.site(acceptor=acceptor, limits=limits)
    refused = []
    for _ in range(9):
        refused.append(await street.peer(here, FLOOD))
        assert (await refused[-1].asked(path))[0] in {400, 401, 404}
    openings = here.server.context.openings
    assert (openings.half_open, openings.lingering) == (0, 5)
    assert await refused[0].at_end()
    assert (await (await street.peer(here, GOOD)).asked("/ocpp/GOOD"))[0] == 101


async def test_a_refusal_that_nobody_reads_ends_with_the_close_timeout(street: Street) -> None:
    clock = ManualClock()
    here = await street.site(clock=clock, limits=ServerLimits(close_timeout=2))
    await (await street.peer(here, FLOOD)).asked("/elsewhere/CS1")
    assert here.server.context.openings.lingering == 1
    await clock.advance(2.1)
    assert not len(here.server.context.openings)


async def test_an_address_is_a_64_in_ipv6_and_ipv4_in_ipv6_is_ipv4(street: Street) -> None:
    here = await street.site(host="::1")
    peer = await street.peer(here, "::1", "::1")
    await street.settled(here, 1)
    assert [each.network for each in here.server.context.openings] == ["::/64"]
    assert (await peer.asked())[0] == 101
    assert here.server.context.admission._by_network == {"::/64": 1}


async def test_requests_that_come_at_once_are_answered_in_turns(street: Street) -> None:
    """Between the turns, the loop serves those who are in: what a turn does is bounded."""
    here = await street.site(limits=ServerLimits(handshakes_per_second=0))
    queue = here.server.context.queue
    begun: list[int] = []
    loop = asyncio.get_running_loop()

    def tick() -> None:
        begun.append(queue.done)
        loop.call_soon(tick)

    peers = [await street.peer(here, FLOOD) for _ in range(60)]
    await street.settled(here, 60)
    loop.call_soon(tick)
    for number, each in enumerate(peers):
        each.ask(f"/ocpp/F{number}")
    for each in peers:
        assert (await each.answer())[0] == 101
    assert queue.done == 120, "each has been taken over, and answered"
    assert max(later - earlier for earlier, later in itertools.pairwise(begun)) <= PER_TURN


# --- descriptors ---------------------------------------------------------------------------------------------------


def _limit_here(room: int) -> Descriptors:
    """A limit that leaves ``room`` descriptors beside what this process has open, and its reserve."""
    with socket.socket() as probe:
        limit = probe.fileno() + room + 16
    return Descriptors(lambda: limit)


async def test_when_descriptors_run_out_the_half_open_give_way_and_one_warning_says_what_to_do(
    street: Street, caplog: pytest.LogCaptureFixture
) -> None:
    here = await street.site()
    inside = [await street.peer(here, GOOD) for _ in range(3)]
    here.server.context.descriptors = _limit_here(22)  # 13 of them are those of the peers themselves
    for number, each in enumerate(inside):
        assert (await each.asked(f"/ocpp/IN{number}"))[0] == 101
    flood = [await street.peer(here, FLOOD) for _ in range(12)]
    late = await street.peer(here, "127.0.0.3")
    assert (await late.asked())[0] == 101
    assert await flood[0].at_end()
    inside[0].frame(1, b"still here")
    assert (await inside[0].next_frame()).data == b"still here"
    warnings = [record.getMessage() for record in caplog.records if "RLIMIT_NOFILE" in record.getMessage()]
    assert len(warnings) == 1
    assert "ulimit -n" in warnings[0]
    assert "LimitNOFILE=" in warnings[0]


async def test_where_all_descriptors_are_stations_a_newcomer_gets_503_until_one_has_gone(street: Street) -> None:
    here = await street.site()
    inside = []
    for number in range(4):
        inside.append(await street.peer(here, GOOD))
        assert (await inside[-1].asked(f"/ocpp/IN{number}"))[0] == 101
    here.server.context.descriptors = _limit_here(0)
    late = await street.peer(here, "127.0.0.3")
    status, headers, body = await late.answer()
    assert (status, "all connections that this server can have" in body) == (503, True)
    assert headers["retry-after"]
    for each in (*inside[:2], late):
        await each.close()
    for _ in range(2):
        await (await here.handler()).next()
    assert (await (await street.peer(here, "127.0.0.4")).asked())[0] == 101


async def test_accepting_pauses_without_descriptors_and_resumes(street: Street, caplog, monkeypatch) -> None:
    clock, loop, tried = ManualClock(), asyncio.get_running_loop(), [0]
    take = loop.sock_accept

    async def none_left(listening: socket.socket) -> object:
        tried[0] += 1
        if tried[0] <= 3:
            raise OSError(errno.EMFILE, "Too many open files")
        return await take(listening)

    monkeypatch.setattr(loop, "sock_accept", none_left)
    here = await street.site(clock=clock)
    for count in (1, 2, 3):
        await clock.advance(0.5 if count > 1 else 0.1)
        assert tried[0] == count, "it tries once in each half second"
    monkeypatch.undo()
    await clock.advance(0.6)
    assert (await (await street.peer(here, GOOD)).asked())[0] == 101
    assert [record.levelname for record in caplog.records if "RLIMIT_NOFILE" in record.getMessage()] == ["WARNING"]


async def test_a_fault_of_one_connection_does_not_stop_the_others(street: Street, monkeypatch) -> None:
    here = await street.site(acceptor=let_in)
    loop = asyncio.get_running_loop()
    connect, failed = loop.connect_accepted_socket, [False]

    async def once(factory, sock):
        if not failed[0]:
            failed[0] = True
            raise OSError(errno.EINVAL, "Invalid argument")
        return await connect(factory, sock)

    monkeypatch.setattr(loop, "connect_accepted_socket", once)
    lost = await street.peer(here, FLOOD)
    assert "Invalid argument" in (await here.refused()).reason
    monkeypatch.undo()
    assert await lost.at_end()
    assert (await (await street.peer(here, GOOD)).asked())[0] == 101
