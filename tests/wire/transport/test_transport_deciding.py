"""While it is decided on a handshake: the peer may go, or not wait; and what it may learn of who is known here."""

from __future__ import annotations

import asyncio
import base64

import pytest
from transport_peers import PATIENCE, RawPeer, Site

from ocppflow.csms import CSMS
from ocppflow.endpoint import HashedPasswords, PlainPasswords, hash_password
from ocppflow.transport.clock import settle
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.tls import ServerTLS, client_context


class _Slow:
    """An acceptor that decides when it is told to."""

    def __init__(self) -> None:
        self.asked, self.may, self.cancelled = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __call__(self, handshake: Handshake) -> Accept | Refuse:
        self.asked.set()
        try:
            await self.may.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Accept()


async def _asking(site, authority, secure: bool) -> tuple[Site, _Slow, RawPeer]:
    """A peer on which is decided, and goes on being so."""
    slow = _Slow()
    tls = ServerTLS(authority.server("ecdsa", tag="-slow")) if secure else None
    here = await site(acceptor=slow, tls=tls)
    peer = await here.raw(client_context(ca=authority.root) if secure else None)
    peer.ask()
    await asyncio.wait_for(slow.asked.wait(), PATIENCE)
    return here, slow, peer


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_who_goes_while_it_is_decided_on_ends_the_decision(site, authority, secure: bool) -> None:
    here, slow, peer = await _asking(site, authority, secure)
    peer.writer.close()
    await asyncio.wait_for(slow.cancelled.wait(), PATIENCE)
    assert "before the handshake was complete" in (await here.refused()).reason


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
async def test_what_comes_while_it_is_decided_on_is_not_lost(site, authority, secure: bool) -> None:
    _, slow, peer = await _asking(site, authority, secure)
    messages = [b"%d " % number + b"x" * 3000 for number in range(20)]  # more than is read before the answer
    for message in messages:
        peer.frame(1, message)
    await settle()
    slow.may.set()
    assert (await peer.answer())[0] == 101
    for message in messages:
        assert bytes((await peer.next_frame()).data) == message


def _asks(port: int, identity: str, path: str, password: bytes | None, version: str) -> bytes:
    lines = [
        f"GET {path}/{identity} HTTP/1.1",
        f"Host: localhost:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {version}",
    ]
    if password is not None:
        credentials = base64.b64encode(identity.encode() + b":" + password).decode()
        lines.append(f"Authorization: Basic {credentials}")
    return "\r\n".join([*lines, "", ""]).encode()


async def _answer(port: int, *request) -> list[bytes]:
    """All that a server says, but for the date."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    peer = RawPeer(reader, writer)
    peer.send(_asks(port, *request))
    said = await asyncio.wait_for(reader.read(), PATIENCE)
    await peer.close()
    return [line for line in said.split(b"\r\n") if not line.startswith(b"Date: ")]


@pytest.mark.parametrize("kind", ["hashed", "plain", "acceptor"])
async def test_where_identities_are_hidden_all_who_are_refused_read_the_same(kind: str) -> None:
    passwords = {"CS1": "right-password-1", "CS2": "right-password-2"}

    async def decide(handshake: Handshake) -> Accept | Refuse:
        if handshake.identity not in passwords:
            return Refuse(404, f"{handshake.identity} is not known")
        raise LookupError("the database has lost it")

    hashes = {identity: hash_password(each, log_n=2) for identity, each in passwords.items()}
    store = {"hashed": HashedPasswords(hashes), "plain": PlainPasswords(passwords)}.get(kind)
    csms = CSMS(passwords=store, acceptor=decide if kind == "acceptor" else None, hide_identities=True)
    refused = []
    csms.on_refused(lambda info: refused.append(info.reason))
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        answers = [
            await _answer(listener.port, identity, "/ocpp", password, version)
            for identity in ("CS1", "CS2", "XX1")
            for password in (b"wrong", b"", None, b"00ff" * 5)
            for version in ("ocpp1.6", "ocpp2.0.1")
        ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == b"HTTP/1.1 401 Unauthorized"
    assert not any(b"CS1" in line or b"XX1" in line for line in answers[0])
    assert any("CS1" in reason or "database" in reason or "decide" in reason for reason in refused)


async def test_without_the_switch_an_unknown_station_reads_that_it_is_unknown() -> None:
    """2.1 Part 4, 3.3 asks for 404."""
    csms = CSMS(passwords={"CS1": "right-password-1"})
    async with csms.listen("ws://127.0.0.1:0/ocpp") as listener:
        known = await _answer(listener.port, "CS1", "/ocpp", b"wrong", "ocpp2.0.1")
        unknown = await _answer(listener.port, "XX1", "/ocpp", b"wrong", "ocpp2.0.1")
    assert (known[0], unknown[0]) == (b"HTTP/1.1 401 Unauthorized", b"HTTP/1.1 404 Not Found")
