"""A station's way in: what it offers, and what it says when it is not let in."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from transport_peers import PATIENCE, Recorder
from websockets.utils import accept_key

from ocppflow import ChargingStation
from ocppflow.errors import ConfigurationError, ConnectionRefused, NotConnected
from ocppflow.messages.base import Version
from ocppflow.transport.client import connect
from ocppflow.transport.client_opening import ClientOpening
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.leniency import Leniency
from ocppflow.transport.settings import LinkLimits

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@pytest.fixture
async def scripted() -> AsyncIterator[Callable[[bytes], object]]:
    """A server that answers the request with given bytes and closes."""
    servers: list[asyncio.Server] = []

    async def start(answer: bytes, *, hang: bool = False) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(answer)
                if hang:
                    await reader.read()
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()


@pytest.fixture
async def bare_csms() -> AsyncIterator[tuple[str, list[str]]]:
    """A CSMS that selects no subprotocol: its URL, and the request lines it has read."""
    lines: list[str] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines.append(head[0])
        key = next(line.split(": ")[1] for line in head if line.lower().startswith("sec-websocket-key"))
        answer = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept_key(key)}"
        writer.write(f"HTTP/1.1 101 Switching Protocols\r\n{answer}\r\n\r\n".encode())

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", lines
    server.close()
    for writer in writers:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/ocpp", "/ocpp/CS%201"),
        ("/ws/ocpp/{identity}/", "/ws/ocpp/CS%201/"),
        ("//a//?token=1&x=/", "//a//CS%201?token=1&x=/"),
        ("/ocpp?station={identity}", "/ocpp?station=CS%201"),
        ("", "/CS%201"),
    ],
)
async def test_a_url_goes_over_the_wire_as_it_was_given(bare_csms, path: str, target: str) -> None:
    url, lines = bare_csms
    link = await connect(url + path, "CS 1", versions=["1.6"], leniency=Leniency(version="1.6"))
    link.abort("done")
    assert lines == [f"GET {target} HTTP/1.1"]


async def test_a_csms_that_selects_no_subprotocol_is_left_unless_a_version_is_assumed(bare_csms) -> None:
    url, _ = bare_csms
    with pytest.raises(ConnectionRefused, match=r"check the versions, or assume one \(leniency\)"):
        await connect(url, "CS1", versions=["1.6", "2.0.1"])
    link = await connect(url, "CS1", versions=["2.0.1", "1.6"], leniency=Leniency(version="1.6"))
    assert link.peer.version is Version.V16
    link.abort("done")


async def test_J_3_2_a_station_offers_2_1_and_2_0_1_and_takes_what_it_gets(site) -> None:
    seen: list[Handshake] = []

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        seen.append(handshake)
        return Accept()

    here = await site(acceptor=acceptor, versions=(Version.V16, Version.V201))
    link = await connect(here.url, "CS1")
    assert seen[0].offered == ("ocpp2.1", "ocpp2.0.1")
    assert link.peer.version is Version.V201
    assert (link.peer.identity, link.peer.path) == ("CS1", "/ocpp")
    link.abort("done")


async def test_J_3_1_1_the_identity_is_percent_encoded(site) -> None:
    here = await site()
    identity = "Ladesäule 7/b:?#%"
    link = await connect(here.url + "/", identity, versions=["1.6"])
    assert (await here.handler()).link.peer.identity == identity
    link.abort("done")


async def test_A00_FR_205_text_goes_as_utf8_and_bytes_as_they_are(site) -> None:
    seen: list[bytes | None] = []

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        seen.append(handshake.password)
        return Accept()

    here = await site(acceptor=acceptor)
    for password in ("pässword:1", b"\x00\xff:\x80", None):
        (await connect(here.url, "CS1", password=password)).abort("done")
    assert seen == ["pässword:1".encode(), b"\x00\xff:\x80", None]


async def test_J_3_3_no_common_version_is_named(site) -> None:
    here = await site(versions=(Version.V16,))
    with pytest.raises(ConnectionRefused, match=r"none of the versions offered \(2.1, 2.0.1\)") as refusal:
        await connect(here.url, "CS1")
    assert refusal.value.status == 101


@pytest.mark.parametrize(
    ("refuse", "says", "wait"),
    [
        (Refuse(401, "wrong password"), "check the password", None),
        (Refuse(404, "who?"), "check the identity", None),
        (Refuse(403, "no"), "security profile", None),
        (Refuse(503, "busy", {"Retry-After": "17"}), "later", 17),
        (Refuse(429, "busy", {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}), "later", 0),
    ],
)
async def test_J_3_3_a_refusal_says_status_reason_and_what_to_check(
    site, refuse: Refuse, says: str, wait: float | None
) -> None:
    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        return refuse

    here = await site(acceptor=acceptor)
    with pytest.raises(ConnectionRefused) as refusal:
        await connect(here.url, "CS1")
    text = str(refusal.value)
    assert refusal.value.status == refuse.status
    assert str(refuse.status) in text
    assert refuse.reason in text
    assert says in text
    assert refusal.value.retry_after == wait


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"", "without an answer|no answer|did not answer"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP 200"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://x/\r\nContent-Length: 0\r\n\r\n", "points to http://x/"),
        (b"HTTP/1.1 404 Not Found\r\n\r\nuntil the end", "until the end"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "Sec-WebSocket-Accept"),
        (b"HTTP/1.1 abc\r\n\r\n", "WebSocket server"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", r"HTTP 200 \(expected no more"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000, "not HTTP"),
    ],
)
async def test_servers_that_are_no_csms(scripted, answer: bytes, says: str) -> None:
    url = await scripted(answer)
    with pytest.raises(ConnectionRefused, match=says):
        await asyncio.wait_for(connect(url, "CS1"), PATIENCE)


async def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectionRefused, match=f"nothing listens on 127.0.0.1:{port}"):
        await connect(f"ws://127.0.0.1:{port}", "CS1")


async def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(ConnectionRefused, match="cannot be resolved"):
        await connect("ws://no-such-host.invalid", "CS1")


async def test_a_server_that_says_nothing_is_given_up_after_the_timeout(scripted) -> None:
    clock = ManualClock()
    url = await scripted(b"", hang=True)
    connecting = asyncio.ensure_future(connect(url, "CS1", clock=clock, timeout=7))
    await clock.advance(6.9)
    assert not connecting.done()
    await clock.advance(0.2)
    with pytest.raises(ConnectionRefused, match="within 7 s"):
        await asyncio.wait_for(connecting, PATIENCE)


async def test_an_attempt_that_is_cancelled_as_it_succeeds_leaves_nothing_open(
    site, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = await site()
    opened = ClientOpening._open

    def then_cancelled(self: ClientOpening, rest: bytes) -> None:
        opened(self, rest)
        connecting.cancel()  # the caller has not heard of its Link yet

    monkeypatch.setattr(ClientOpening, "_open", then_cancelled)
    connecting = asyncio.create_task(connect(here.url, "CS1"))
    with pytest.raises(asyncio.CancelledError):
        await connecting
    recorder = await here.handler()
    assert isinstance(await recorder.next(), tuple)  # it has ended


async def test_a_cancelled_attempt_leaves_nothing_open(site) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        entered.set()
        await gate.wait()
        return Accept()

    here = await site(acceptor=acceptor)
    connecting = asyncio.ensure_future(connect(here.url, "CS1"))
    await asyncio.wait_for(entered.wait(), PATIENCE)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    assert "before the handshake was complete" in (await here.refused()).reason
    await settle()
    assert not here.server.context.openings


@pytest.mark.parametrize(
    ("url", "identity", "settings", "says"),
    [
        ("http://x", "CS1", {}, "ws://"),
        ("x:9000", "CS1", {}, "ws://"),
        ("ws://u:p@x", "CS1", {}, "credentials"),
        ("ws://", "CS1", {}, "makes no sense"),
        ("ws://x:99999", "CS1", {}, "makes no sense"),
        ("ws://x", "", {}, "empty"),
        ("ws://x", "CS:1", {}, "characters other than"),
        ("ws://x", "x" * 49, {}, "49 characters"),
        ("ws://x", "CS1", {"versions": ["1.5"]}, "unknown OCPP version"),
        ("ws://x", "CS1", {"versions": []}, "no version"),
        ("ws://x", "CS1", {"leniency": Leniency(version="1.6")}, "leniency assumes OCPP 1.6, but only 2.1, 2.0.1"),
        ("ws://x", "CS1", {"headers": {"X": "a\r\nY: b"}}, "header .X. cannot be sent"),
        ("ws://x", "CS1", {"headers": {"X y": "a"}}, "header 'X y'"),
    ],
)
async def test_what_makes_no_sense_is_said_before_anything_is_sent(url, identity, settings, says) -> None:
    with pytest.raises(ConfigurationError, match=says):
        await connect(url, identity, **settings)


async def test_what_the_server_sends_at_once_waits_for_attach(site) -> None:
    def greet(link) -> None:
        Recorder(link)
        link.send(b"first")
        link.send(b"second")
        link.close(1001, "and goodbye")

    here = await site(on_link=greet)
    link = await connect(here.url, "CS1")
    handler = Recorder(link)
    assert [await handler.next() for _ in range(3)] == [b"first", b"second", (1001, "and goodbye")]


@pytest.mark.parametrize("size", [10, 300, 100_000])
async def test_J_3_4_compressed_both_ways_between_our_own(site, size: int) -> None:
    here = await site()
    link = await connect(here.url, "CS1")
    handler = Recorder(link)
    message = (b'{"meterValue":[{"sampledValue":[{"value":1}]}]}' * 5000)[:size]
    for _ in range(3):
        link.send(message)
        assert await handler.next() == message
    assert link._full is not None
    assert link._full.compresses
    link.abort("done")


async def test_J_3_4_without_compression(site) -> None:
    here = await site()
    link = await connect(here.url, "CS1", limits=LinkLimits(compression=False))
    handler = Recorder(link)
    link.send(b"x" * 1000)
    assert await handler.next() == b"x" * 1000
    assert link._full is None
    link.abort("done")


async def test_J_3_4_a_zip_bomb_is_1009(site) -> None:
    here = await site()
    link = await connect(here.url, "CS1")
    handler = Recorder(link)
    link.send(b"x" * (2**20 + 1))
    code, _ = await handler.next()
    assert code == 1009


async def test_J_5_3_a_station_notices_a_dead_csms(scripted) -> None:
    clock = ManualClock()
    server_url = await _dead_csms()
    try:
        link = await connect(server_url[0], "CS1", clock=clock, limits=LinkLimits(ping_interval=30, pong_timeout=10))
        handler = Recorder(link)
        await clock.advance(41)
        code, reason = await handler.next()
        assert code == 1006
        assert "no pong" in reason
    finally:
        server_url[1].close()


async def _dead_csms() -> tuple[str, asyncio.Server]:
    """Finishes the handshake and then never says a word."""
    from websockets.utils import accept_key

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = request.partition("Sec-WebSocket-Key: ")[2].partition("\r\n")[0]
        assert base64.b64decode(key)
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: ocpp2.1\r\nSec-WebSocket-Accept: " + accept_key(key).encode() + b"\r\n\r\n"
        )
        try:
            while await reader.read(1000):
                pass
        except ConnectionError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp", server


async def test_the_role_tells_nobody_what_the_query_of_its_url_holds(site, caplog: pytest.LogCaptureFixture) -> None:
    here = await site(echo=False)
    caplog.set_level("INFO")
    for url in (f"{here.url}?token=geheim", f"{here.server.url}/elsewhere?token=geheim"):
        station = ChargingStation("CS1", url, reconnect=False)
        with contextlib.suppress(ConnectionRefused):
            await station.connect()
            (await here.handler()).link.abort("done")
        await station.stop()
        with pytest.raises(NotConnected, match=r"\?\*\*\*") as caught:
            _ = station.connection
        assert "geheim" not in str(caught.value)
    assert f"connected to {here.url}?***, OCPP 2.1" in caplog.text
    assert f"could not connect to {here.server.url}/elsewhere?***" in caplog.text
    assert "geheim" not in caplog.text
