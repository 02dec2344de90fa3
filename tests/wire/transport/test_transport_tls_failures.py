"""TLS that does not come about: the peer is told why by an alert, and nothing is begun for those who may not."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import pytest
from transport_peers import PATIENCE, Authority, RawPeer, Recorder, Site

from ocppflow.errors import ConnectionRefused
from ocppflow.transport.client import connect
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import KeyPair, ServerTLS, client_context


@pytest.fixture(scope="module")
def pair(authority: Authority) -> KeyPair:
    return authority.server("ecdsa", tag="-failures")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("stranger")), "Unknown Root")


def _is_at(here: Site, state: str) -> bool:
    return any(opening._state.value == state for opening in here.server.context.openings)  # type: ignore[attr-defined]


async def _until(condition) -> None:
    reached = asyncio.Event()

    def look() -> None:
        reached.set() if condition() else asyncio.get_running_loop().call_soon(look)

    look()
    await asyncio.wait_for(reached.wait(), PATIENCE)


class TLSClient:
    """A TLS client that shows every byte and every alert."""

    def __init__(self, peer: RawPeer, context: ssl.SSLContext) -> None:
        self.peer = peer
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def hello(self) -> bytes:
        with pytest.raises(ssl.SSLWantReadError):
            self.tls.do_handshake()
        return self.outgoing.read()

    async def do(self, step):
        """Run ``step`` of the TLS object to its end, or to the error that the server's alert makes of it."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                self.peer.send(self.outgoing.read())
                data = await asyncio.wait_for(self.peer.reader.read(65536), PATIENCE)
                self.incoming.write(data) if data else self.incoming.write_eof()
            finally:
                if self.outgoing.pending:
                    self.peer.send(self.outgoing.read())

    async def failure(self) -> str:
        """Why the server ends it: in TLS 1.3 it can tell only after the client is done."""
        try:
            await self.do(self.tls.do_handshake)
            await self.do(lambda: self.tls.read(100))
        except ssl.SSLError as error:
            return error.reason or str(error)
        return "it did not fail"


def _client(authority: Authority, most: ssl.TLSVersion | None = None, certificate: KeyPair | None = None):
    context = client_context(ca=authority.root, certificate=certificate)
    if most is not None:
        context.maximum_version = most
    return context


async def test_no_cipher_in_common_is_told(site, authority, pair) -> None:
    here = await site(tls=ServerTLS(pair))
    context = _client(authority, ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("ECDHE-RSA-AES128-GCM-SHA256")  # and the server has an ECDSA key
    peer = await here.raw()
    assert await TLSClient(peer, context).failure() == "SSLV3_ALERT_HANDSHAKE_FAILURE"
    assert await peer.at_end()
    refused = await here.refused()
    assert (refused.status, "no cipher suite in common" in refused.reason) == (None, True)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_an_old_version_is_told(site, authority, pair) -> None:
    here = await site(tls=ServerTLS(pair))
    context = _client(authority)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert await TLSClient(await here.raw(), context).failure() == "TLSV1_ALERT_PROTOCOL_VERSION"
    assert "older than 1.2" in (await here.refused()).reason


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    ("which", "alert", "says"),
    [
        ("strangers", "TLSV1_ALERT_UNKNOWN_CA", "unable to get local issuer certificate"),
        ("expired", "SSLV3_ALERT_CERTIFICATE_EXPIRED", "certificate has expired"),
        ("none", "TLSV13_ALERT_CERTIFICATE_REQUIRED", "showed no certificate"),
    ],
)
async def test_a_wrong_client_certificate_is_told(site, authority, stranger, pair, version, which, alert, says) -> None:
    here = await site(tls=ServerTLS(pair, client_ca=authority.root))
    now = datetime.datetime.now(datetime.UTC)
    shown = {
        "strangers": lambda: stranger.issue("CS1", tag="-alert"),
        "expired": lambda: authority.issue("CS1", tag="-expired", until=now - datetime.timedelta(hours=1)),
        "none": lambda: None,
    }[which]()
    failure = await TLSClient(await here.raw(), _client(authority, version, shown)).failure()
    if which == "none" and version is ssl.TLSVersion.TLSv1_2:
        alert = "SSLV3_ALERT_HANDSHAKE_FAILURE"  # 1.2 has no word for it (RFC 5246, 7.4.6)
    assert failure == alert
    assert says in (await here.refused()).reason


async def test_a_station_that_does_not_trust_us_tells_us(site, authority, stranger, pair) -> None:
    here = await site(tls=ServerTLS(pair))
    client = TLSClient(await here.raw(), _client(stranger))
    assert await client.failure() == "CERTIFICATE_VERIFY_FAILED"
    assert "does not know the authority that signed our certificate" in (await here.refused()).reason


async def test_plain_http_gets_a_hint_in_plain_http(site, pair) -> None:
    here = await site(tls=ServerTLS(pair))
    peer = await here.raw()
    status, headers, body = await peer.asked()
    assert (status, body) == (400, "this port speaks TLS: use wss:// (or https://)\n")
    assert headers["connection"] == "close"
    assert await peer.at_end()
    assert (await here.refused()).status == 400


@pytest.mark.parametrize(
    "garbage", [b"\0" * 40, b"\x80\x2e\x01\x00\x02", b"\x16\x03\x01\xff\xff\x01", b"\x16\x03\x01\0\0"]
)
async def test_what_is_not_tls_gets_an_alert(site, pair, garbage) -> None:
    here = await site(tls=ServerTLS(pair))
    peer = await here.raw()
    peer.send(garbage)
    said = await asyncio.wait_for(peer.reader.read(), PATIENCE)
    assert said[:6] == b"\x15\x03\x03\x00\x02\x02"
    assert "does not speak TLS" in (await here.refused()).reason


async def test_too_much_before_its_turn_is_refused(site, pair) -> None:
    here = await site(tls=ServerTLS(pair))
    peer = await here.raw()
    peer.send(b"\x16\x03\x01\x40\x00" + b"\1" * 0x3FFF)
    await _until(lambda: _is_at(here, "securing"))
    for _ in range(8):
        peer.send(b"\x16\x03\x01\x40\x00" + b"\1" * 0x4000)
    assert (await here.refused()).status is None


async def test_who_comes_too_often_is_told_before_tls_begins(site, authority, pair, monkeypatch) -> None:
    tls = ServerTLS(pair)
    begun = []
    monkeypatch.setattr(tls, "context", lambda: begun.append(1) or tls._context)
    here = await site(tls=tls, limits=ServerLimits(handshakes_per_second=0.001, handshake_burst=1))
    link = await connect(here.url.replace("127.0.0.1", "localhost"), "CS1", ssl=_client(authority))
    assert await TLSClient(await here.raw(), _client(authority)).failure() == "TLSV1_ALERT_INTERNAL_ERROR"
    refused = await here.refused()
    assert "handshakes a second" in refused.reason
    assert begun == [1]
    Recorder(link)


async def test_one_that_has_gone_begins_nothing(site, authority, pair, monkeypatch) -> None:
    tls = ServerTLS(pair)
    begun = []
    monkeypatch.setattr(tls, "context", lambda: begun.append(1) or tls._context)
    here = await site(tls=tls)
    peers = [await here.raw() for _ in range(20)]
    for peer in peers:
        peer.send(TLSClient(peer, _client(authority)).hello())
    await _until(lambda: here.server.context.openings)
    for opening in list(here.server.context.openings):
        opening.close("the server is shutting down")
    await settle()
    assert len(begun) < 20
    assert len(here.server.context.tls_room) == 0


async def test_tls_has_a_time_out_of_its_own(site, authority, pair) -> None:
    clock = ManualClock()
    here = await site(tls=ServerTLS(pair), clock=clock, limits=ServerLimits(tls_timeout=8))
    silent, begun, done = [await here.raw() for _ in range(3)]
    begun.send(TLSClient(begun, _client(authority)).hello())
    client = TLSClient(done, _client(authority))
    await client.do(client.tls.do_handshake)
    await _until(lambda: len(here.server.context.tls_room) == 2 and _is_at(here, "reading"))
    await clock.advance(8.1)
    assert [(await here.refused()).reason for _ in range(2)] == ["TLS was not agreed within 8 s"] * 2
    assert await silent.at_end()
    assert await begun.at_end()
    assert len(here.server.context.tls_room) == 1  # the one that has not sent its request
    await clock.advance(8)
    assert "within 15 s" in (await here.refused()).reason
    assert len(here.server.context.tls_room) == 0


async def test_a_flood_of_hellos_from_one_address_keeps_nobody_of_another_out(site, authority, pair) -> None:
    here = await site(tls=ServerTLS(pair), limits=ServerLimits(max_tls_handshakes=10))
    room = here.server.context.tls_room
    flood = [await here.raw() for _ in range(40)]
    for peer in flood:
        peer.send(TLSClient(peer, _client(authority)).hello())
    await _until(lambda: len(room) == 10)
    context = _client(authority)
    context.check_hostname = False
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", here.server.port, ssl=context, server_hostname="localhost", local_addr=("127.0.0.2", 0)
    )
    newcomer = RawPeer(reader, writer)
    here.peers.append(newcomer)
    assert (await newcomer.asked())[0] == 101
    assert len(room) == 10  # the flood waits for the place that is free again


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_station_reads_why_its_certificate_is_refused(site, authority, stranger, pair, version) -> None:
    here = await site(tls=ServerTLS(pair, client_ca=authority.root))
    context = _client(authority, version, stranger.issue("CS1", tag="-read"))
    with pytest.raises(ConnectionRefused, match="does not know the authority that signed our certificate") as refused:
        await connect(here.url.replace("127.0.0.1", "localhost"), "CS1", ssl=context)
    assert refused.value.tls


@pytest.mark.parametrize(
    "answer",
    [b"\0" * 100, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x16\x03\x03\xff\xff" + b"\2" * 70_000],
    ids=["zeros", "HTTP", "long"],
)
async def test_a_server_that_does_not_speak_tls_is_given_up_at_once(authority, answer: bytes) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def nonsense(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65536)
        writer.write(answer)
        try:
            heard.set_result(await reader.read())
        except ConnectionError:
            heard.set_result(b"")
        writer.close()

    server = await asyncio.start_server(nonsense, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(ConnectionRefused, match="TLS failed") as refused:
        await connect(f"wss://localhost:{port}/ocpp", "CS1", ssl=_client(authority))
    assert refused.value.tls
    assert (await asyncio.wait_for(heard, PATIENCE))[:1] in (b"\x15", b"")  # an alert, where OpenSSL has made one
    server.close()
    await server.wait_closed()


async def test_a_server_that_never_finishes_tls_is_given_up(authority) -> None:
    """The station's side: bounded by the time-out of the attempt, and nothing is left open."""
    connected = asyncio.Event()
    ended = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        ended.set()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clock = ManualClock()
    attempt = asyncio.ensure_future(
        connect(f"wss://localhost:{port}/ocpp", "CS1", ssl=_client(authority), clock=clock, timeout=15)
    )
    await asyncio.wait_for(connected.wait(), PATIENCE)
    await clock.advance(15.1)
    with pytest.raises(ConnectionRefused, match="within 15 s"):
        await attempt
    await asyncio.wait_for(ended.wait(), PATIENCE)
    server.close()
    await server.wait_closed()
