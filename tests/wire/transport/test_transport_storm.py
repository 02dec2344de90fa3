"""Many at once: storms, addresses that hammer, and a port that is taken."""

from __future__ import annotations

import asyncio
import socket

import pytest
from transport_peers import Recorder, Site, let_in

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.transport.client import connect
from ocppflow.transport.clock import ManualClock
from ocppflow.transport.route import Route
from ocppflow.transport.settings import ServerLimits


async def test_a_reconnect_storm_gets_503_with_retry_after_and_all_come_in_the_end(site) -> None:
    clock = ManualClock()
    limits = ServerLimits(handshakes_per_second=20, handshake_burst=20, retry_after=5, ping_interval=0)
    here = await site(clock=clock, limits=limits)
    waiting = {f"CS{number}" for number in range(100)}
    rounds = 0
    while waiting:
        rounds += 1
        outcomes = await asyncio.gather(
            *(connect(here.url, identity) for identity in sorted(waiting)), return_exceptions=True
        )
        inside = set()
        for outcome in outcomes:
            if isinstance(outcome, ConnectionRefused):
                assert outcome.status == 503
                assert outcome.retry_after is not None
                assert 5 <= outcome.retry_after <= 10
            else:
                assert not isinstance(outcome, BaseException)
                Recorder(outcome)
                inside.add(outcome.peer.identity)
        assert len(inside) == 20
        waiting -= inside
        await clock.advance(5)
    assert rounds == 5
    assert len(here.server.links) == 100


async def test_an_address_with_too_many_connections_gets_429(site) -> None:
    here = await site(limits=ServerLimits(connections_per_address=2))
    links = [await connect(here.url, f"CS{number}") for number in range(2)]
    handlers = [Recorder(link) for link in links]
    with pytest.raises(ConnectionRefused) as refusal:
        await connect(here.url, "CS2")
    assert refusal.value.status == 429
    assert refusal.value.retry_after
    links[0].close()
    await handlers[0].next()
    await (await here.handler()).next()
    Recorder(await connect(here.url, "CS2"))


async def test_half_open_handshakes_are_bounded_and_the_oldest_goes(site) -> None:
    here = await site(limits=ServerLimits(max_handshakes=3))
    idle = [await here.raw() for _ in range(3)]
    peer = await here.raw()
    assert await idle[0].at_end()
    for one in (peer, *idle[1:]):
        one.ask()
        assert (await one.answer())[0] == 101
    refused = await here.refused()
    assert refused.status is None
    assert refused.reason == (
        "it gave way to a newcomer: 3 handshakes are unfinished, and 127.0.0.1 has the most of them, 4"
    )


async def test_a_busy_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port}: another program uses this port"):
            await Site().server.listen("127.0.0.1", port)


@pytest.mark.parametrize(
    ("host", "port", "says"),
    [
        ("127.0.0.1", 70000, "between 0 and 65535"),
        ("192.0.2.1", 0, "no interface of this machine"),
        ("no-such-host.invalid", 0, "cannot listen on no-such-host.invalid"),
    ],
)
async def test_an_address_that_cannot_be_is_named(host: str, port: int, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await Site().server.listen(host, port)


async def test_a_path_is_served_once(site) -> None:
    here = await site()
    with pytest.raises(ConfigurationError, match="/ocpp is served already"):
        here.server.add_route("ocpp/", here.route)
    with pytest.raises(ConfigurationError, match="speaks no version"):
        here.server.add_route("/x", Route(let_in, lambda link: None, versions=()))
    with pytest.raises(ConfigurationError, match="listens already"):
        await here.server.listen("127.0.0.1")


async def test_the_port_is_free_again_after_close(site) -> None:
    here = await site()
    port = here.server.port
    await here.server.close()
    await here.server.listen("127.0.0.1", port)
    Recorder(await connect(here.url, "CS1"))
