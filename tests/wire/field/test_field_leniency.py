"""``leniency=`` of the roles, over a real socket: what it forgives in the handshakes of the field cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from field_cases import frames, handshakes, setup_passwords
from field_peers import usual
from websockets.frames import Frame, Opcode
from websockets.utils import accept_key

from ocppflow import CSMS, Accept, ChargingStation, Handshake, Leniency, RefusedInfo, errors, v16

PATIENCE = 5.0
"""Seconds after which a test that waits has failed."""


class Knocker:
    """Opens a connection with the bytes of a case, and says its frames."""

    def __init__(self, url: str) -> None:
        self._port = int(url.split(":")[2].split("/")[0])

    async def knock(self, request: bytes) -> tuple[int, str]:
        """The status of the answer, and what follows its head."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), PATIENCE)
        status = int(head.split()[1])
        body = "" if status == 101 else (await asyncio.wait_for(self._reader.read(), PATIENCE)).decode()
        return status, body

    async def say(self, text: str) -> str:
        """Say a frame; the answer, which is a short one."""
        self._writer.write(Frame(Opcode.TEXT, text.encode()).serialize(mask=True))
        _, length = await asyncio.wait_for(self._reader.readexactly(2), PATIENCE)
        return (await asyncio.wait_for(self._reader.readexactly(length), PATIENCE)).decode()

    def close(self) -> None:
        self._writer.transport.abort()


Open = Callable[..., Any]


@pytest.fixture
async def door() -> AsyncIterator[Open]:
    """Opens a CSMS with the usual handlers; returns it and a knocker."""
    opened: list[tuple[CSMS, Knocker]] = []

    async def make(**settings: Any) -> tuple[CSMS, Knocker]:
        csms = CSMS(**settings)
        csms.include(usual)
        listener = await csms.listen("ws://127.0.0.1:0/ocpp").start()
        opened.append((csms, Knocker(listener.url)))
        return opened[-1]

    yield make
    for csms, knocker in opened:
        knocker.close()
        await csms.close()


async def test_fc01_a_station_without_a_subprotocol_speaks_the_version_that_is_assumed(door: Open) -> None:
    csms, knocker = await door(leniency=Leniency(version="1.6"))
    assert (await knocker.knock(handshakes("FC01")[0]))[0] == 101
    assert csms["BOX1"].version == "1.6"
    assert '"currentTime":"2026-03-01T12:00:00Z"' in await knocker.say(frames("FC01")[0])


async def test_fc01_by_default_it_is_refused_and_told_what_to_send(door: Open) -> None:
    csms, knocker = await door()
    told: list[RefusedInfo] = []
    csms.on_refused(told.append)
    status, body = await knocker.knock(handshakes("FC01")[0])
    assert (status, len(csms)) == (400, 0)
    assert "send Sec-WebSocket-Protocol: ocpp1.6" in body
    assert (told[0].identity, told[0].status) == ("BOX1", 400)


@pytest.mark.parametrize("variant", range(3))
async def test_fc05_a_station_without_an_identity_gets_the_one_that_is_assumed(door: Open, variant: int) -> None:
    csms, knocker = await door(leniency=Leniency(identity="LONER"))
    assert (await knocker.knock(handshakes("FC05")[variant]))[0] == 101
    assert list(csms.stations) == ["LONER"]


@pytest.mark.parametrize("variant", range(3))
async def test_fc05_by_default_it_is_told_to_append_its_identity(door: Open, variant: int) -> None:
    csms, knocker = await door()
    status, body = await knocker.knock(handshakes("FC05")[variant])
    assert (status, len(csms)) == (404, 0)
    assert "append" in body


async def test_fc10_any_user_name_will_do_if_the_password_is_the_identitys(door: Open) -> None:
    passwords = setup_passwords("FC10")
    csms, knocker = await door(passwords=passwords, leniency=Leniency(any_username=True))
    assert (await knocker.knock(handshakes("FC10")[0]))[0] == 101
    assert list(csms.stations) == ["CS1"]
    csms, knocker = await door(passwords={"CS1": "another-password-1"}, leniency=Leniency(any_username=True))
    assert await knocker.knock(handshakes("FC10")[0]) == (401, "wrong password for CS1\n")


async def test_fc10_by_default_it_is_refused_with_both_names(door: Open) -> None:
    _, knocker = await door(passwords=setup_passwords("FC10"))
    status, body = await knocker.knock(handshakes("FC10")[0])
    assert status == 401
    assert "the user 'site-7' is not the identity 'CS1'" in body


async def test_an_acceptor_is_asked_all_the_same_and_sees_what_was_assumed(door: Open) -> None:
    asked: list[tuple[str, ...]] = []

    async def acceptor(handshake: Handshake) -> Accept:
        asked.append(handshake.assumed)
        return Accept()

    lenient = Leniency(version="1.6", identity="LONER", any_username=True, any_connection_header=True)
    _, knocker = await door(acceptor=acceptor, leniency=lenient)
    for name in ("FC01", "FC04", "FC05", "FC10"):
        assert (await knocker.knock(handshakes(name)[0]))[0] == 101
        knocker.close()
    assert asked == [("version",), ("connection header",), ("identity",), ("username",)]


@pytest.fixture
async def csms_without_a_version() -> AsyncIterator[str]:
    """The URL of a CSMS that selects no subprotocol, and hangs up as soon as the station says anything."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        key = next(line.split(":", 1)[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(f"Sec-WebSocket-Accept: {accept_key(key.strip())}\r\n\r\n".encode())
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/ocpp"
    server.close()


async def test_a_csms_that_selects_no_version_speaks_the_one_that_is_assumed(csms_without_a_version: str) -> None:
    lenient = Leniency(version="1.6")
    station = ChargingStation("CS1", csms_without_a_version, versions=["1.6"], leniency=lenient, reconnect=False)
    async with asyncio.timeout(PATIENCE), station as cs:
        assert cs.version == "1.6"
        with pytest.raises(errors.ConnectionLost):
            await cs.call(v16.HeartbeatRequest())


async def test_by_default_a_csms_that_selects_no_version_is_left(csms_without_a_version: str) -> None:
    station = ChargingStation("CS1", csms_without_a_version, versions=["1.6"])
    with pytest.raises(errors.ConnectionRefused, match="assume one"):
        await asyncio.wait_for(station.connect(), PATIENCE)
