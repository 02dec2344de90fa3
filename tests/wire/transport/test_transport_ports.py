"""One port for several listeners of one event loop: what they share, and what they may not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from transport_peers import PATIENCE, Recorder, let_in

from ocppflow.csms.listeners import Listener
from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.transport.address import shown_host
from ocppflow.transport.client import connect
from ocppflow.transport.clock import LoopClock
from ocppflow.transport.deadline import Deadline
from ocppflow.transport.handshake import RefusedInfo
from ocppflow.transport.leniency import Leniency
from ocppflow.transport.link import Link
from ocppflow.transport.ports import Ports
from ocppflow.transport.route import Route
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import ServerTLS


class Ear:
    """What one listener hears."""

    def __init__(self) -> None:
        self.links: list[Link] = []
        self.refused: list[RefusedInfo] = []

    def on_link(self, link: Link) -> None:
        Recorder(link)
        self.links.append(link)


@pytest.fixture
async def listener() -> AsyncIterator[Callable[..., Listener]]:
    made: list[Listener] = []

    def make(url: str, ear: Ear | None = None, **settings: Any) -> Listener:
        ear = ear or Ear()
        route = Route(let_in, ear.on_link, leniency=settings.pop("leniency", Leniency()))
        clock = LoopClock()
        usual = {"tls": None, "limits": None, "clock": clock, "deadline": lambda: Deadline(clock, None)}
        settings = usual | {"before_stop": _nothing} | settings
        made.append(Listener(url, route, ear.refused.append, **settings))
        return made[-1]

    yield make
    for each in made:
        await asyncio.wait_for(each.stop(), PATIENCE)


async def _nothing(*_: object) -> None:
    """Nobody has to be told."""


async def _is_free(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_two_listeners_share_a_port_and_the_last_to_go_frees_it(listener) -> None:
    ears = Ear(), Ear()
    first = await listener("ws://127.0.0.1:0/a", ears[0]).start()
    second = await listener(f"ws://127.0.0.1:{first.port}/b", ears[1]).start()
    for each in (first, second):
        (await connect(each.url, "CS1")).abort("done")
    assert [len(ear.links) for ear in ears] == [1, 1]
    assert ears[1].links[0].peer.path == "/b"
    await first.stop()
    with pytest.raises(ConnectionRefused, match="nothing is served at the path"):
        await connect(first.url, "CS1")
    assert ears[1].refused[-1].reason.endswith("paths on this port: /b")
    await second.stop()
    assert await _is_free(first.port)


async def test_a_refusal_reaches_the_owner_of_the_path_or_all(listener) -> None:
    ears = Ear(), Ear()
    first = await listener("ws://127.0.0.1:0/a", ears[0]).start()
    await listener(f"ws://127.0.0.1:{first.port}/b", ears[1]).start()
    port = first.port
    with pytest.raises(ConnectionRefused, match="append the identity"):
        await connect(f"ws://127.0.0.1:{port}/{{identity}}", "b")
    assert [[info.path for info in ear.refused] for ear in ears] == [[], ["/b"]]
    with pytest.raises(ConnectionRefused, match="nothing is served"):
        await connect(f"ws://127.0.0.1:{port}/elsewhere", "CS1")
    assert [[info.path for info in ear.refused] for ear in ears] == [["/elsewhere"], ["/b", "/elsewhere"]]


async def test_two_that_start_at_once_share_the_port(listener) -> None:
    free = await listener("ws://127.0.0.1:0/x").start()
    port = free.port
    await free.stop()
    both = listener(f"ws://127.0.0.1:{port}/a"), listener(f"ws://127.0.0.1:{port}/b")
    await asyncio.gather(*(each.start() for each in both))
    assert [each.is_active for each in both] == [True, True]


async def test_a_path_that_is_taken_is_refused_and_its_owner_stays(listener) -> None:
    ear = Ear()
    first = await listener("ws://127.0.0.1:0/a", ear).start()
    second = listener(f"ws://127.0.0.1:{first.port}/a/")
    with pytest.raises(ConfigurationError, match="the path /a is served already on this port"):
        await second.start()
    assert not second.is_active
    (await connect(first.url, "CS1")).abort("done")
    assert len(ear.links) == 1


async def test_limits_of_the_port_that_contradict_are_refused_by_name(listener) -> None:
    first = await listener("ws://127.0.0.1:0/a", limits=ServerLimits(max_connections=5)).start()
    other = listener(f"ws://127.0.0.1:{first.port}/b", limits=ServerLimits(max_connections=10, handshake_timeout=3))
    says = (
        r"other limits \(handshake_timeout is 15, not 3, max_connections is 5, not 10\), which hold for all its paths"
    )
    with pytest.raises(ConfigurationError, match=says):
        await other.start()
    assert not other.is_active
    for limits in (None, ServerLimits(max_connections=5)):
        same = await listener(f"ws://127.0.0.1:{first.port}/b", limits=limits).start()
        await same.stop()


async def test_limits_of_a_connection_hold_for_the_path_they_were_given_for(listener) -> None:
    ears = Ear(), Ear()
    first = await listener("ws://127.0.0.1:0/a", ears[0], limits=ServerLimits(max_message_size=100)).start()
    second = listener(f"ws://127.0.0.1:{first.port}/b", ears[1], limits=ServerLimits(max_message_size=1000))
    await second.start()
    codes = []
    for each in (first, second):
        link = await connect(each.url, "CS1")
        heard = Recorder(link)
        link.send(b"x" * 500)
        if each is second:
            link.close()
        codes.append((await heard.next())[0])
    assert codes == [1009, 1000]


async def test_other_tls_settings_on_an_open_port_are_refused_and_equal_ones_share_it(listener, authority) -> None:
    pair = authority.server()
    first = await listener("wss://127.0.0.1:0/a", tls=ServerTLS(pair)).start()
    await listener(f"wss://127.0.0.1:{first.port}/b", tls=ServerTLS(pair)).start()
    for url, tls in [
        (f"ws://127.0.0.1:{first.port}/c", None),
        (f"wss://127.0.0.1:{first.port}/c", ServerTLS(authority.server("rsa"))),
        (f"wss://127.0.0.1:{first.port}/c", ServerTLS(pair, client_ca=authority.root)),
    ]:
        with pytest.raises(ConfigurationError, match="open already, with other TLS settings"):
            await listener(url, tls=tls).start()


async def test_our_own_port_at_another_host_is_named_as_ours(listener) -> None:
    first = await listener("ws://0.0.0.0:0/a").start()
    says = rf"this process itself listens on ws://0.0.0.0:{first.port} \(/a\); name the same host to share the port"
    with pytest.raises(ConfigurationError, match=says) as caught:
        await listener(f"ws://127.0.0.1:{first.port}/b").start()
    assert isinstance(caught.value.__cause__, OSError)


async def test_a_foreign_program_on_the_port_is_named_as_such(listener) -> None:
    foreign = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = foreign.sockets[0].getsockname()[1]
    one = listener(f"ws://127.0.0.1:{port}/a")
    with pytest.raises(ConfigurationError, match="another program uses this port") as caught:
        await one.start()
    assert isinstance(caught.value.__cause__, OSError)
    foreign.close()
    await foreign.wait_closed()
    assert (await one.start()).is_active


async def test_a_route_that_cannot_be_served_leaves_no_port_open(listener) -> None:
    ports = Ports()
    one = listener("ws://127.0.0.1:0/a", ports=ports)
    one._route = Route(let_in, print, ())
    with pytest.raises(ConfigurationError, match="speaks no version"):
        await one.start()
    assert ports._open == {}


#: What this machine says it is, on some also [::1].
LOCALHOST = sorted({shown_host(found[4][0]) for found in socket.getaddrinfo("localhost", 0)})


@pytest.mark.parametrize(
    ("given", "shown", "bound"),
    [
        ("ws://127.0.0.1:0/ocpp", "ws://127.0.0.1:{}/ocpp", ["127.0.0.1"]),
        ("ws://0.0.0.0:0/ocpp/", "ws://0.0.0.0:{}/ocpp", ["0.0.0.0"]),
        ("ws://[::]:0/ocpp/", "ws://[::]:{}/ocpp", ["[::]"]),
        ("ws://[::1]:0/ocpp/", "ws://[::1]:{}/ocpp", ["[::1]"]),
        ("ws://localhost:0", "ws://localhost:{}", LOCALHOST),
        ("ws://*:0/ocpp", "ws://*:{}/ocpp", ["0.0.0.0", "[::]"]),
        ("ws://:0/ocpp", "ws://*:{}/ocpp", ["0.0.0.0", "[::]"]),
    ],
)
async def test_the_url_names_the_address_that_is_bound(
    listener, caplog: pytest.LogCaptureFixture, given: str, shown: str, bound: list[str]
) -> None:
    with caplog.at_level("INFO", "ocppflow.transport"):
        one = await listener(given).start()
    assert one.url == shown.format(one.port)
    named = [record.getMessage() for record in caplog.records if "listening on" in record.getMessage()]
    assert repr(one) == f"<Listener {one.url} listening>"
    server = one._shared.server
    assert sorted(server.bound) == bound
    named_otherwise = bound[0] not in given
    assert named == [f"listening on {one.url}" + (f" ({', '.join(server.bound)})" if named_otherwise else "")]
    assert {each.getsockname()[1] for each in server._sockets} == {one.port}
    for host in ("127.0.0.1", "[::1]"):
        reached = {host, "0.0.0.0" if host == "127.0.0.1" else "[::]"} & set(bound)
        url = f"ws://{host}:{one.port}{one.path}"
        if reached:
            (await connect(url, "CS1")).abort("done")
        else:
            with pytest.raises(ConnectionRefused, match="nothing listens on"):
                await connect(url, "CS1")


def test_each_event_loop_has_ports_of_its_own() -> None:
    async def ports() -> Ports:
        assert Ports.of_loop() is Ports.of_loop()
        return Ports.of_loop()

    assert asyncio.run(ports()) is not asyncio.run(ports())
