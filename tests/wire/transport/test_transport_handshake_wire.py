"""The opening handshake (2.1 Part 4, 3.1 to 3.3), hostile ones included, over real sockets."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace

import pytest
from transport_peers import PATIENCE

from ocppflow.messages.base import Version
from ocppflow.transport.asker import Asker, asker
from ocppflow.transport.clock import ManualClock, settle
from ocppflow.transport.handshake import Accept, Handshake, Refuse
from ocppflow.transport.leniency import Leniency
from ocppflow.transport.passwords import HashedPasswords, PlainPasswords, hash_password
from ocppflow.transport.security_policy import SecurityPolicy
from ocppflow.transport.settings import ServerLimits


def _basic(user: str, password: bytes) -> str:
    return "Basic " + base64.b64encode(user.encode() + b":" + password).decode()


async def test_J_3_1_1_identity_is_the_last_segment_percent_decoded(site) -> None:
    here = await site()
    peer = await here.raw()
    assert (await peer.asked("/ocpp/CS%2D1%7Ca"))[0] == 101
    assert (await here.handler()).link.peer.identity == "CS-1|a"


async def test_J_3_1_1_in_1_6_an_identity_has_no_limit(site) -> None:
    here = await site()
    peer = await here.raw()
    identity = "x" * 5000
    assert (await peer.asked(f"/ocpp/{identity}", "ocpp1.6"))[0] == 101
    assert (await here.handler()).link.peer.identity == identity


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/ocpp/" + "x" * 49, 400, "49 characters"),
        ("/ocpp/" + "x" * 5000, 400, "5000 characters"),
        ("/ocpp/" + "x" * 9000, 414, "too long"),
        ("/ocpp/CS%3A1", 400, "characters other than"),
        ("/ocpp/CS%C3%A41", 400, "characters other than"),
        ("/ocpp/%ZZ", 400, "percent-encoded"),
        ("/ocpp/CS%", 400, "percent-encoded"),
        ("/ocpp/%ff", 400, "UTF-8"),
        ("/ocpp/CS%0a1", 400, "cannot be"),
        ("/ocpp/%00", 400, "cannot be"),
        ("/ocpp/..", 400, "cannot be"),
        ("/ocpp/../CS1", 404, "nothing is served"),
        ("/ocpp", 404, "ends at the route /ocpp and names no station: append the identity, as in /ocpp/CS1"),
        ("/ocpp/", 404, "append the identity"),
        ("/ocpp//", 404, "append the identity"),
        ("/", 404, "names no station: append the route and the identity"),
        ("/elsewhere/CS1", 404, "nothing is served at the path '/elsewhere'"),
        ("ftp://host/ocpp/CS1", 400, "not a path"),
        ("ocpp/CS1", 400, "not a path"),
        ("*", 400, "not a path"),
    ],
)
async def test_J_3_1_1_a_bad_path_is_refused_with_its_reason(site, path: str, status: int, says: str) -> None:
    here = await site()
    peer = await here.raw()
    got, _, body = await peer.asked(path)
    refused = await here.refused()
    assert (got, refused.status) == (status, status)
    assert says in refused.reason
    assert says in body
    assert await peer.at_end()
    assert len(refused.reason) < 300


@pytest.mark.parametrize("path", ["/", "/elsewhere/CS1"])
async def test_the_paths_of_a_port_are_for_the_log_and_not_for_strangers(site, caplog, path: str) -> None:
    here = await site()
    _, _, body = await (await here.raw()).asked(path)
    told = (await here.refused()).reason
    assert "/ocpp" not in body
    assert told == f"{body.strip()}; paths on this port: /ocpp"
    assert told in caplog.text


async def test_a_web_page_is_refused_and_the_log_says_which_setting_allows_it(site) -> None:
    here = await site()
    status, _, body = await (await here.raw()).asked(Origin="https://evil.example")
    assert status == 403
    assert "web page (Origin: https://evil.example)" in body
    refused = await here.refused()
    assert (refused.identity, refused.status) == ("CS1", 403)
    assert "--allow-origin" in refused.reason
    own = f"http://127.0.0.1:{here.server.port}"
    for origin in (own, "https://github.com/gilmaimon/TinyWebsockets"):
        assert (await (await here.raw()).asked(Host=own.removeprefix("http://"), Origin=origin))[0] == 101


async def test_an_origin_that_is_allowed_is_let_in(site) -> None:
    here = await site()
    here.server.add_route("/open", replace(here.route, leniency=Leniency(origins=["file://"])))
    assert (await (await here.raw()).asked("/open/CS1", Origin="file://"))[0] == 101
    assert (await (await here.raw()).asked("/open/CS1", Origin="null"))[0] == 403
    assert (await (await here.raw()).asked("/ocpp/CS1", Origin="file://"))[0] == 403


async def test_a_station_that_says_file_is_let_in_once_it_has_shown_its_password(site) -> None:
    """As a widespread WebSocket library for microcontrollers makes it say; a saved page says the same, but has no
    password."""
    here = await site(acceptor=SecurityPolicy(passwords=PlainPasswords({"CS1": "pw"})))
    right, wrong = _basic("CS1", b"pw"), _basic("CS1", b"wp")
    assert (await (await here.raw()).asked(Origin="file://", Authorization=right))[0] == 101
    assert (await (await here.raw()).asked(Origin="file://", Authorization=wrong))[0] == 401
    assert (await (await here.raw()).asked(Origin="file://"))[0] == 401
    for page in ("null", "https://evil.example", "file://, https://evil.example"):
        assert (await (await here.raw()).asked(Origin=page, Authorization=right))[0] == 403
    open_to_all = await site(acceptor=SecurityPolicy({0}))
    for headers in ({}, {"Authorization": right}):
        status, _, body = await (await open_to_all.raw()).asked(Origin="file://", **headers)
        assert (status, "web page" in body) == (403, True)
    assert "--allow-origin" in (await open_to_all.refused()).reason


@pytest.mark.parametrize(
    ("offered", "speaks", "chosen"),
    [
        ("ocpp2.0.1", tuple(Version), Version.V201),
        ("ocpp1.6, ocpp2.0.1", tuple(Version), Version.V16),
        ("ocpp2.1, ocpp2.0.1", (Version.V16, Version.V201), Version.V201),
        ("mqtt,ocpp1.6", tuple(Version), Version.V16),
    ],
)
async def test_J_3_1_2_the_clients_order_is_its_preference(site, offered, speaks, chosen) -> None:
    here = await site(versions=speaks)
    peer = await here.raw()
    status, headers, _ = await peer.asked(subprotocol=offered)
    assert status == 101
    assert headers["sec-websocket-protocol"] == chosen.subprotocol
    assert (await here.handler()).link.peer.version is chosen


@pytest.mark.parametrize("offered", ["ocpp1.5", "ocpp2.0", "OCPP2.0.1"])
async def test_J_3_3_no_common_subprotocol_101_without_the_header_then_close(site, offered) -> None:
    here = await site(versions=(Version.V16, Version.V201))
    peer = await here.raw()
    status, headers, _ = await peer.asked("/ocpp/CS7", offered)
    assert status == 101
    assert "sec-websocket-protocol" not in headers
    closing = await peer.next_frame()
    reason = f"CS7 offered {offered}; this listener speaks 1.6, 2.0.1"
    assert closing.data == (1002).to_bytes(2) + reason.encode()
    refused = await here.refused()
    assert (refused.identity, refused.status, refused.reason) == ("CS7", 101, reason)
    peer.frame(8, closing.data)
    assert await peer.at_end()


async def test_J_3_3_who_offers_no_subprotocol_at_all_is_refused(site) -> None:
    here = await site(versions=(Version.V16, Version.V201))
    peer = await here.raw()
    status, _, body = await peer.asked("/ocpp/CS7", None)
    refused = await here.refused()
    assert (status, refused.status) == (400, 400)
    assert refused.reason == body.strip()
    assert refused.reason.startswith("CS7 offered no subprotocol; this listener speaks 1.6, 2.0.1: send Sec-WebSocket")
    assert await peer.at_end()


async def test_J_3_3_unknown_identity_404_wrong_credentials_401(site) -> None:
    passwords = HashedPasswords({"CS1": hash_password("a-long-password-1")})
    here = await site(acceptor=SecurityPolicy(passwords=passwords))
    for user, password, status in [
        ("CS1", b"a-long-password-2", 401),
        ("CS2", b"a-long-password-1", 404),
        ("CS1", None, 401),
        ("CS1", b"a-long-password-1", 101),
        ("CS1", b"a-long-password-1", 101),
    ]:
        peer = await here.raw()
        header = _basic(user, password) if password is not None else None
        got, headers, _ = await peer.asked(f"/ocpp/{user}", Authorization=header)
        assert got == status
        assert ("www-authenticate" in headers) == (status == 401)
        if status == 401:
            assert headers["www-authenticate"].startswith("Basic realm=")


async def test_J_3_3_hidden_unknown_identities_look_like_wrong_passwords(site) -> None:
    store = HashedPasswords({"CS1": hash_password("right", log_n=4)})
    here = await site(acceptor=SecurityPolicy(passwords=store, hide_identities=True))
    answers = []
    for identity in ("CS1", "CS2"):
        peer = await here.raw()
        status, headers, body = await peer.asked(f"/ocpp/{identity}", Authorization=_basic(identity, b"wrong"))
        answers.append((status, headers["www-authenticate"], body.replace(identity, "?")))
    assert answers[0] == answers[1]
    assert answers[0][0] == 401


async def test_A00_FR_204_the_user_is_the_identity(site) -> None:
    here = await site(acceptor=SecurityPolicy(passwords=PlainPasswords({"CS1": "pw", "CS2": "pw"})))
    peer = await here.raw()
    assert (await peer.asked("/ocpp/CS1", Authorization=_basic("CS2", b"pw")))[0] == 401
    assert "'CS2' is not the identity 'CS1'" in (await here.refused()).reason


async def test_A00_FR_205_the_key_of_1_6_as_raw_bytes_and_as_digits(site) -> None:
    key = bytes.fromhex("00ff3a0d0a80ffeeddccbbaa99887766554433ff")
    for stored in (key.hex(), key.hex().upper()):
        here = await site(acceptor=SecurityPolicy(passwords=HashedPasswords({"CS:1": hash_password(stored)})))
        for sent, subprotocol, status in [
            (key, "ocpp1.6", 101),
            (stored.encode(), "ocpp1.6", 101),
            (key[:-1], "ocpp1.6", 401),
        ]:
            peer = await here.raw()
            got, _, _ = await peer.asked("/ocpp/CS%3A1", subprotocol, Authorization=_basic("CS:1", sent))
            assert got == status


async def test_A00_FR_205_in_2x_raw_bytes_are_not_hex_digits(site) -> None:
    key = bytes(range(20))
    here = await site(acceptor=SecurityPolicy(passwords=PlainPasswords({"CS1": key.hex()})))
    peer = await here.raw()
    assert (await peer.asked(Authorization=_basic("CS1", key)))[0] == 401


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("Basic !!!", "not base64"),
        ("Basic " + base64.b64encode(b"CS1").decode(), "lack the ':'"),
        ("Bearer abc", "not Basic"),
        ("Basic", "lack the ':'"),
        ("Basic \xe9\xe8", "not base64"),
    ],
)
async def test_A00_FR_203_unreadable_credentials_are_401_and_say_why(site, header: str, says: str) -> None:
    here = await site(acceptor=SecurityPolicy(passwords=PlainPasswords({"CS1": "pw"})))
    peer = await here.raw()
    assert (await peer.asked(Authorization=header))[0] == 401
    assert says in (await here.refused()).reason


async def test_the_acceptor_sees_everything_and_may_take_its_time(site) -> None:
    seen: list[Handshake] = []
    gate = asyncio.Event()

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        seen.append(handshake)
        await gate.wait()
        return Refuse(403, "blocked by the operator", {"X-Ticket": "7"})

    here = await site(acceptor=acceptor, versions=(Version.V16, Version.V21))
    peer = await here.raw()
    peer.ask(
        "/ocpp/CS1?x=1",
        "ocpp2.1, ocpp2.0.1, ocpp1.6",
        Authorization=_basic("CS1", b"p:\xff"),
        User_Agent="wallbox",
    )
    gate.set()
    status, headers, body = await peer.answer()
    assert (status, headers["x-ticket"], body) == (403, "7", "blocked by the operator\n")
    shake = seen[0]
    assert (shake.identity, shake.path, shake.username, shake.password) == ("CS1", "/ocpp", "CS1", b"p:\xff")
    assert shake.offered == ("ocpp2.1", "ocpp2.0.1", "ocpp1.6")
    assert shake.versions == (Version.V21, Version.V16)
    assert shake.headers["user-agent"] == "wallbox"
    assert shake.address.startswith("127.0.0.1:")
    assert not shake.tls


async def test_an_acceptor_that_fails_is_a_500_and_the_server_goes_on(site) -> None:
    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        if handshake.identity == "CS1":
            raise RuntimeError("database down")
        return Accept()

    here = await site(acceptor=acceptor)
    for identity, status in (("CS1", 500), ("CS2", 101)):
        peer = await here.raw()
        assert (await peer.asked(f"/ocpp/{identity}"))[0] == status


async def test_a_station_that_leaves_during_the_decision_is_forgotten(site) -> None:
    entered, gate = asyncio.Event(), asyncio.Event()

    async def acceptor(handshake: Handshake) -> Accept | Refuse:
        entered.set()
        await gate.wait()
        return Accept()

    here = await site(acceptor=acceptor)
    peer = await here.raw()
    peer.ask()
    await asyncio.wait_for(entered.wait(), PATIENCE)
    await peer.close()
    assert "before the handshake was complete" in (await here.refused()).reason
    await settle()
    assert here.handlers.empty()
    assert not here.server.context.openings


@pytest.mark.parametrize(
    ("garbage", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"\x00" * 100, 400),
        (b"hello\r\n\r\n", 400),
        (b"HELLO\r\n\r\n", 400),
        (b"GET /ocpp/CS1 HTTP/3.0\r\n\r\n", 400),
        (b"GET /ocpp/\xff HTTP/1.1\r\n\r\n", 400),
        (b"GET /ocpp/CS1 HTTP/1.1\r\nno header\r\n\r\n", 400),
        (b"GET /ocpp/CS1 HTTP/1.1\r\nA: b\r\n\r\n", 426),
        (b"POST /ocpp/CS1 HTTP/1.1\r\nA: b\r\n\r\n", 405),
        (b"GET /ocpp/CS1 HTTP/1.1\r\n" + b"A: b\r\n" * 200 + b"\r\n", 431),
        (b"GET /ocpp/CS1 HTTP/1.1\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431),
        (b"GET /ocpp/CS1 HTTP/1.1\r\n" + b"A: b\r\n" * 4000, 431),
    ],
)
async def test_hostile_requests_get_an_answer_and_harm_nobody(site, garbage: bytes, status: int) -> None:
    here = await site()
    other = await here.raw()
    assert (await other.asked())[0] == 101
    peer = await here.raw()
    peer.send(garbage)
    assert (await peer.answer())[0] == status
    assert (await here.refused()).status == status
    assert await peer.at_end()
    other.frame(1, b"still here")
    assert (await other.next_frame()).data == b"still here"
    await peer.close()


async def test_a_browser_is_told_what_this_is(site) -> None:
    here = await site()
    peer = await here.raw()
    peer.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    status, headers, body = await peer.answer()
    assert (status, headers["upgrade"]) == (426, "websocket")
    assert "OCPP endpoint" in body


@pytest.mark.parametrize(
    "broken",
    [
        {"Sec-WebSocket-Key": None},
        {"Sec-WebSocket-Key": "short"},
        {"Sec-WebSocket-Version": "8"},
        {"Sec-WebSocket-Version": None},
    ],
)
async def test_a_broken_websocket_handshake_is_refused(site, broken: dict[str, str | None]) -> None:
    here = await site()
    peer = await here.raw()
    assert (await peer.asked(**broken))[0] == 400
    assert next(iter(broken)) in (await here.refused()).reason


@pytest.mark.parametrize("sent", [b"", b"GET /ocpp/CS1 HT", b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n"])
async def test_a_half_open_handshake_ends_with_the_timeout(site, sent: bytes) -> None:
    clock = ManualClock()
    here = await site(clock=clock, limits=ServerLimits(handshake_timeout=3))
    arrived = asyncio.Event()
    peer = await here.raw()
    _tell_when_buffered(here, arrived, len(sent))
    peer.send(sent)
    await asyncio.wait_for(arrived.wait(), PATIENCE)
    await clock.advance(2.9)
    assert here.server.context.openings
    await clock.advance(0.2)
    refused = await here.refused()
    assert refused.status == (408 if sent else None)
    assert "within 3 s" in refused.reason
    assert await peer.at_end()


def _tell_when_buffered(here, arrived: asyncio.Event, count: int) -> None:
    """Set the event once the one connection at the door has got ``count`` bytes."""

    def look() -> None:
        if any(len(one._buffer) >= count for one in here.server.context.openings):
            arrived.set()
        else:
            asyncio.get_running_loop().call_soon(look)

    look()


async def test_frames_sent_together_with_the_handshake_are_not_lost(site) -> None:
    here = await site()
    peer = await here.raw()
    peer.ask()
    peer.frame(1, b"too eager")
    assert (await peer.answer())[0] == 101
    assert await (await here.handler()).next() == b"too eager"


async def test_a_handshake_byte_by_byte_is_read(site) -> None:
    here = await site()
    peer = await here.raw()
    request = (
        "GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: ocpp1.6\r\n\r\n"
    )
    for byte in request.encode():
        peer.send(bytes((byte,)))
        await peer.writer.drain()
    assert (await peer.answer())[0] == 101


async def test_paths_share_a_port_and_come_and_go(site) -> None:
    here = await site()
    second = await site()  # only for its route object
    here.server.add_route("/other/", second.route)
    peer = await here.raw()
    assert (await peer.asked("/other/CS1"))[0] == 101
    assert (await second.handler()).link.peer.path == "/other"
    first = await here.raw()
    assert (await first.asked("/ocpp/CS1"))[0] == 101
    removing = asyncio.ensure_future(here.server.remove_route("/other"))
    closing = await peer.next_frame()
    assert closing.data[:2] == (1001).to_bytes(2)
    peer.frame(8, closing.data)
    await asyncio.wait_for(removing, PATIENCE)
    late = await here.raw()
    assert (await late.asked("/other/CS1"))[0] == 404
    first.frame(1, b"unharmed")
    assert (await first.next_frame()).data == b"unharmed"


async def test_a_connection_does_not_carry_along_what_was_known_for_the_check_of_its_password(site) -> None:
    """Its timers live as long as it does, and each would hold a context."""
    seen: list[Asker] = []

    async def acceptor(_: Handshake) -> Accept:
        seen.append(asker.get())
        return Accept(0)

    here = await site(acceptor=acceptor, on_link=lambda _: seen.append(asker.get()))
    assert (await (await here.raw()).asked())[0] == 101
    assert [each.address for each in seen] == ["127.0.0.1", ""]
