"""Opening handshakes and frames of real stations at the door of a server, one test for each case by its id."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from field_cases import CASES, frames, handshakes, setup_passwords
from websockets.frames import Frame, Opcode

from ocppflow.messages.base import Version
from ocppflow.transport.clock import ManualClock
from ocppflow.transport.handshake import Accept, Handshake, Refuse, RefusedInfo
from ocppflow.transport.leniency import EXACT, Leniency
from ocppflow.transport.link import Link
from ocppflow.transport.passwords import HashedPasswords, PasswordStore, PlainPasswords, hash_password
from ocppflow.transport.route import Route
from ocppflow.transport.security_policy import SecurityPolicy
from ocppflow.transport.server import Server
from ocppflow.transport.settings import ServerLimits

PATIENCE = 5.0  # seconds after which a test that waits has failed


class Door:
    """A server with one route, /ocpp, and what came through it."""

    def __init__(self, leniency: Leniency, passwords: PasswordStore | None, **settings: Any) -> None:
        policy = SecurityPolicy((0,)) if passwords is None else SecurityPolicy((1,), passwords)

        async def decide(handshake: Handshake) -> Accept | Refuse:
            self.asked.append(handshake)
            return await policy(handshake)

        self.asked: list[Handshake] = []
        self.refused: list[RefusedInfo] = []
        self.heard: asyncio.Queue[str | tuple[int, str]] = asyncio.Queue()
        self.links: list[Link] = []
        self.visitors: list[Visitor] = []
        routes = {"/ocpp": Route(decide, self._take, leniency=leniency)}
        self.server = Server(routes, on_refused=self.refused.append, **settings)

    def _take(self, link: Link) -> None:
        self.links.append(link)
        link.attach(self)

    def received(self, data: bytes) -> None:
        self.heard.put_nowait(data.decode())

    def received_binary(self, data: bytes) -> None:
        self.heard.put_nowait("binary: " + data.decode())

    def closed(self, code: int, reason: str) -> None:
        self.heard.put_nowait((code, reason))

    async def hear(self) -> str | tuple[int, str]:
        return await asyncio.wait_for(self.heard.get(), PATIENCE)

    async def knock(self, request: bytes) -> Visitor:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request)
        head = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)).decode("latin-1")
        visitor = Visitor(reader, writer, int(head.split()[1]), head)
        self.visitors.append(visitor)
        return visitor

    async def close(self) -> None:
        for visitor in self.visitors:
            visitor.writer.transport.abort()
        await asyncio.wait_for(self.server.close(), PATIENCE)


class Visitor:
    """A station that has had its answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, status: int, head: str) -> None:
        self.reader, self.writer, self.status, self.head = reader, writer, status, head

    def says(self, data: str, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, rsv1: bool = False) -> None:
        frame = bytearray(Frame(opcode, data.encode(), fin).serialize(mask=True))
        frame[0] |= 0x40 * rsv1
        self.writer.write(bytes(frame))

    async def rest(self) -> bytes:
        """All that the server sends until it ends the stream; then this end closes too."""
        sent = await asyncio.wait_for(self.reader.read(), PATIENCE)
        self.writer.close()
        return sent

    async def body(self) -> str:
        return (await self.rest()).decode()


@pytest.fixture
async def door() -> AsyncIterator[Callable[..., Awaitable[Door]]]:
    doors: list[Door] = []

    async def make(leniency: Leniency = EXACT, passwords: PasswordStore | None = None, **settings: Any) -> Door:
        one = Door(leniency, passwords, **settings)
        doors.append(one)
        await one.server.listen("127.0.0.1")
        return one

    yield make
    for one in doors:
        await one.close()


def _passwords(name: str, *, hashed: bool = False) -> PasswordStore:
    clear = setup_passwords(name)
    if not hashed:
        return PlainPasswords(clear)
    return HashedPasswords({identity: hash_password(password, log_n=4) for identity, password in clear.items()})


@pytest.mark.parametrize("name", ["FC02", "FC06", "FC07"])
async def test_a_station_is_let_in_without_any_setting(door, name: str) -> None:
    here = await door()
    visitor = await here.knock(handshakes(name)[0])
    assert visitor.status == 101
    assert "sec-websocket-protocol: ocpp1.6\r\n" in visitor.head.lower()
    peer = here.links[0].peer
    assert (peer.path, peer.version) == ("/ocpp", Version.V16)
    assert CASES[name]["handshake"][0].split()[1].strip("/").endswith(peer.identity)
    assert here.asked[0].assumed == ()
    visitor.says(frames(name)[0])
    assert await here.hear() == frames(name)[0]


async def test_fc01_without_a_subprotocol_a_version_may_be_assumed(door) -> None:
    here = await door(Leniency(version="1.6"))
    visitor = await here.knock(handshakes("FC01")[0])
    assert visitor.status == 101
    assert "sec-websocket-protocol" not in visitor.head.lower()
    assert here.links[0].peer.version is Version.V16
    shake = here.asked[0]
    assert (shake.offered, shake.versions, shake.assumed) == ((), (Version.V16,), ("version",))
    visitor.says(frames("FC01")[0])
    assert await here.hear() == frames("FC01")[0]


async def test_fc01_without_a_setting_the_refusal_says_what_is_missing_and_which_setting_there_is(door) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC01")[0])
    assert visitor.status == 400
    assert "send Sec-WebSocket-Protocol: ocpp1.6, or have a version assumed (leniency)" in await visitor.body()
    assert here.asked == []


async def test_fc03_what_was_offered_and_what_is_spoken_reach_both_sides(door) -> None:
    here = await door(Leniency(version="2.0.1"))  # assumes nothing where something is offered
    visitor = await here.knock(handshakes("FC03")[0])
    assert visitor.status == 101
    reason = "BOX3 offered ocpp2.0.1.1; this listener speaks 1.6, 2.0.1, 2.1"
    close = await asyncio.wait_for(visitor.reader.readexactly(4 + len(reason)), PATIENCE)
    assert close[2:] == (1002).to_bytes(2) + reason.encode()
    assert [info.reason for info in here.refused] == [reason]


async def test_fc04_without_a_connection_header_the_refusal_says_what_to_tell_the_vendor(door) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC04")[0])
    assert visitor.status == 426
    body = await visitor.body()
    assert "lacks the header Connection; RFC 6455 4.1 asks for Connection: Upgrade" in body
    assert "leniency" in body


@pytest.mark.parametrize("header", [None, "Connection: keep-alive"])
async def test_fc04_a_setting_lets_it_in(door, header: str | None) -> None:
    here = await door(Leniency(any_connection_header=True))
    request = handshakes("FC04")[0]
    if header is not None:
        request = request.replace(b"Upgrade: websocket", b"Upgrade: websocket\r\n" + header.encode())
    visitor = await here.knock(request)
    assert visitor.status == 101
    assert here.asked[0].assumed == ("connection header",)
    visitor.says(frames("FC04")[0])
    assert await here.hear() == frames("FC04")[0]


@pytest.mark.parametrize("variant", range(3))
async def test_fc05_a_url_without_an_identity_is_refused_with_what_to_append(door, variant: int) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC05")[variant])
    assert visitor.status == 404
    body = await visitor.body()
    assert "names no station: append" in body
    assert here.refused[0].identity == ""
    assert here.refused[0].path == ("/ocpp" if variant < 2 else "/")


@pytest.mark.parametrize("variant", range(3))
async def test_fc05_a_setting_gives_it_a_name(door, variant: int) -> None:
    here = await door(Leniency(identity="LONER"))
    visitor = await here.knock(handshakes("FC05")[variant])
    assert visitor.status == 101
    assert here.links[0].peer.identity == "LONER"
    assert here.links[0].peer.path == "/ocpp"
    assert here.asked[0].assumed == ("identity",)


@pytest.mark.parametrize("name", ["FC09", "FC11", "FC12", "FC13"])
@pytest.mark.parametrize("hashed", [False, True])
async def test_the_password_is_right(door, name: str, hashed: bool) -> None:
    here = await door(passwords=_passwords(name, hashed=hashed))
    visitor = await here.knock(handshakes(name)[0])
    assert visitor.status == 101
    assert here.links[0].peer.security_profile == 1
    assert here.links[0].peer.identity in setup_passwords(name)


async def test_fc10_another_user_name_is_refused_with_both_names(door) -> None:
    here = await door(passwords=_passwords("FC10"))
    visitor = await here.knock(handshakes("FC10")[0])
    assert visitor.status == 401
    assert "the user 'site-7' is not the identity 'CS1'" in await visitor.body()


async def test_fc10_a_setting_lets_any_user_name_in_with_the_identitys_password(door) -> None:
    here = await door(Leniency(any_username=True), _passwords("FC10"))
    visitor = await here.knock(handshakes("FC10")[0])
    assert visitor.status == 101
    assert here.links[0].peer.identity == "CS1"
    assert (here.asked[0].username, here.asked[0].assumed) == ("site-7", ("username",))
    here = await door(Leniency(any_username=True), PlainPasswords({"CS1": "another-password-1"}))
    visitor = await here.knock(handshakes("FC10")[0])
    assert visitor.status == 401
    assert "wrong password for CS1" in await visitor.body()


async def test_fc44_fragments_are_one_message(door) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC02")[0])
    parts = frames("FC44")[0]["fragments"]
    for index, part in enumerate(parts):
        visitor.says(part, Opcode.CONT if index else Opcode.TEXT, fin=index == len(parts) - 1)
    assert await here.hear() == "".join(parts)


async def test_fc45_a_binary_message_is_handed_up_with_its_bytes(door) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC02")[0])
    visitor.says(frames("FC45")[0]["binary"], Opcode.BINARY)
    assert await here.hear() == "binary: " + frames("FC45")[0]["binary"]


async def test_fc46_compression_that_was_not_negotiated_is_named(door, caplog: pytest.LogCaptureFixture) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC02")[0])
    with caplog.at_level(logging.WARNING, "ocppflow.transport"):
        visitor.says(frames("FC46")[0]["rsv1"], rsv1=True)
        assert b"permessage-deflate was not negotiated" in await visitor.rest()
    assert await here.hear() == (1002, "RSV1 is set: a compressed frame, but permessage-deflate was not negotiated")
    assert "BOX2: closed with 1002: RSV1 is set" in caplog.text


async def test_fc47_a_message_over_the_limit_is_refused_with_numbers(door) -> None:
    here = await door()
    visitor = await here.knock(handshakes("FC02")[0])
    small, big = (frame["big"] for frame in frames("FC47"))
    visitor.says("x" * small)
    assert len(await here.hear()) == small
    visitor.says("x" * big)
    await visitor.rest()
    code, reason = await here.hear()
    assert code == 1009
    assert str(2**20) in reason


async def test_fc15_each_connection_of_a_station_is_read_in_its_own_version(door) -> None:
    here = await door()
    request = handshakes("FC02")[0]
    steps = [frame["connect"] for frame in frames("FC15") if isinstance(frame, dict) and "connect" in frame]
    for subprotocol in steps:
        visitor = await here.knock(request.replace(b"ocpp1.6, ocpp1.5", subprotocol.encode()))
        assert f"sec-websocket-protocol: {subprotocol}\r\n" in visitor.head.lower()
        visitor.writer.transport.abort()
    assert [link.peer.version for link in here.links] == [Version.V16, Version.V201]
    assert {link.peer.identity for link in here.links} == {"BOX2"}


@pytest.mark.parametrize("setting", ["ping_interval", "pong_timeout"])
async def test_fc48_a_station_that_never_pongs_stays_connected_by_a_setting(door, setting: str) -> None:
    clock = ManualClock()
    here = await door(clock=clock, limits=ServerLimits(**{setting: 0}))
    visitor = await here.knock(handshakes("FC02")[0])
    for _ in range(frames("FC48")[-1]["sleep"]):
        await clock.advance(1.0)
    assert here.links[0].is_open
    visitor.says(frames("FC48")[1])
    assert await here.hear() == frames("FC48")[1]


async def test_fc48_without_it_the_reason_says_why_it_was_dropped(door) -> None:
    clock = ManualClock()
    here = await door(clock=clock)
    await here.knock(handshakes("FC02")[0])
    await clock.advance(frames("FC48")[-1]["sleep"])
    code, reason = await here.hear()
    assert (code, reason) == (1006, "the peer is dead: no pong, nothing received for 80 s")
