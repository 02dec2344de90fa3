"""Security profiles 2 and 3 over real TLS, and certificates that change while the server runs."""

from __future__ import annotations

import asyncio
import os
import shutil
import ssl
from pathlib import Path

import pytest
from transport_peers import PATIENCE, Authority, Recorder, Site
from websockets.frames import Frame, Opcode

from ocppflow.errors import ConfigurationError, ConnectionRefused
from ocppflow.transport.client import connect
from ocppflow.transport.passwords import PlainPasswords
from ocppflow.transport.security_policy import SecurityPolicy
from ocppflow.transport.settings import ServerLimits
from ocppflow.transport.tls import KeyPair, ServerTLS, client_context

PASSWORD = "a-long-password-1"


@pytest.fixture(scope="module")
def pairs(authority: Authority) -> dict[str, KeyPair]:
    return {
        "ecdsa": authority.server("ecdsa"),
        "rsa": authority.server("rsa"),
        "CS1": authority.issue("CS1"),
        "CS2": authority.issue("CS2"),
        "other-cso": authority.issue("CS1", organization="Another", tag="-other"),
    }


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(Path(tmp_path_factory.mktemp("stranger")), "Unknown Root")


def _der(pair: KeyPair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(Path(pair.certificate).read_text())


def _url(here: Site) -> str:
    return here.url.replace("127.0.0.1", "localhost")


async def _echo(link) -> None:
    handler = Recorder(link)
    link.send(b"hello" * 1000)
    assert await handler.next() == b"hello" * 1000
    link.close(1000, "bye")
    assert await handler.next() == (1000, "bye")


async def test_profile_2_tls_with_basic(site, authority, pairs) -> None:
    policy = SecurityPolicy(profiles=(2,), passwords=PlainPasswords({"CS1": PASSWORD}))
    here = await site(tls=ServerTLS(pairs["ecdsa"]), acceptor=policy)
    assert here.url.startswith("wss://")
    link = await connect(_url(here), "CS1", password=PASSWORD, ssl=client_context(ca=authority.root))
    assert link.peer.security_profile == 2
    served = await here.handler()
    assert served.link.peer.security_profile == 2
    await _echo(link)
    assert await served.next() == b"hello" * 1000
    assert await served.next() == (1000, "bye")
    with pytest.raises(ConnectionRefused, match="check the password"):
        await connect(_url(here), "CS1", password="wrong", ssl=client_context(ca=authority.root))


async def test_A00_FR_404_profile_3_the_certificate_is_the_stations_own(site, authority, pairs) -> None:
    policy = SecurityPolicy(profiles=(3,), organization="CSO")
    here = await site(tls=ServerTLS(pairs["ecdsa"], client_ca=authority.root), acceptor=policy)

    async def station(identity: str, certificate: str | None):
        pair = pairs[certificate] if certificate else None
        context = client_context(ca=authority.root, certificate=pair)
        return await connect(_url(here), identity, ssl=context)

    link = await station("CS1", "CS1")
    peer = (await here.handler()).link.peer
    assert (peer.security_profile, link.peer.security_profile) == (3, 3)
    assert peer.certificate is not None
    assert (peer.certificate.common_name, peer.certificate.organization) == ("CS1", "CSO")
    assert len(peer.certificate.fingerprint) == 64
    await _echo(link)

    with pytest.raises(ConnectionRefused) as refusal:
        await station("CS1", "CS2")
    assert refusal.value.status == 403
    assert (await here.refused()).reason == "the certificate of 'CS2' is not 'CS1''s (A00.FR.405)"

    with pytest.raises(ConnectionRefused, match=r"A00\.FR\.404"):
        await station("CS1", "other-cso")
    assert "'Another', not 'CSO'" in (await here.refused()).reason


async def test_profile_3_without_a_certificate_or_with_a_strangers(site, authority, pairs, stranger) -> None:
    here = await site(tls=ServerTLS(pairs["ecdsa"], client_ca=authority.root), acceptor=SecurityPolicy(profiles=(3,)))
    for certificate, says in [(None, "showed no certificate"), (stranger.issue("CS1"), "not valid here")]:
        context = client_context(ca=authority.root, certificate=certificate)
        with pytest.raises(ConnectionRefused):
            await connect(_url(here), "CS1", ssl=context)
        refused = await here.refused()
        assert refused.status is None
        assert says in refused.reason


async def test_profiles_2_and_3_on_one_port(site, authority, pairs) -> None:
    tls = ServerTLS(pairs["ecdsa"], client_ca=authority.root, client_certificate_required=False)
    policy = SecurityPolicy(profiles=(2, 3), passwords=PlainPasswords({"CS1": PASSWORD, "CS2": PASSWORD}))
    here = await site(tls=tls, acceptor=policy)
    with_password = await connect(_url(here), "CS1", password=PASSWORD, ssl=client_context(ca=authority.root))
    assert (await here.handler()).link.peer.security_profile == 2
    context = client_context(ca=authority.root, certificate=pairs["CS2"])
    with_certificate = await connect(_url(here), "CS2", ssl=context)
    assert (await here.handler()).link.peer.security_profile == 3
    await _echo(with_password)
    await _echo(with_certificate)


@pytest.mark.parametrize(
    "suite",
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "AES128-GCM-SHA256",  # TLS_RSA_WITH_AES_128_GCM_SHA256
        "AES256-GCM-SHA384",
    ],
)
async def test_A00_FR_318_the_four_suites_with_two_certificates(site, authority, pairs, suite) -> None:
    here = await site(tls=ServerTLS([pairs["ecdsa"], pairs["rsa"]]))
    context = client_context(ca=authority.root)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(suite)
    peer = await here.raw(context)
    assert peer.writer.get_extra_info("cipher")[0] == suite
    assert peer.writer.get_extra_info("compression") is None
    assert (await peer.asked())[0] == 101


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
async def test_A00_FR_313_tls_older_than_1_2_is_refused(site, authority, pairs) -> None:
    here = await site(tls=ServerTLS(pairs["rsa"]))
    context = client_context(ca=authority.root)
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await here.raw(context)
    assert "TLS" in (await here.refused()).reason


async def test_the_station_refuses_a_wrong_csms_certificate(site, authority, pairs, stranger) -> None:
    here = await site(tls=ServerTLS(pairs["ecdsa"]))
    with pytest.raises(ConnectionRefused, match="certificate is not valid here") as unknown:
        await connect(_url(here), "CS1", ssl=client_context(ca=stranger.root))
    assert unknown.value.tls
    assert "does not know the authority that signed our certificate" in (await here.refused()).reason
    with pytest.raises(ConnectionRefused, match=r"not valid for '127\.0\.0\.1'"):
        await connect(here.url, "CS1", ssl=client_context(ca=authority.root))


async def test_plain_and_tls_mixed_up_are_named(site, authority, pairs) -> None:
    secure = await site(tls=ServerTLS(pairs["ecdsa"]))
    plain = await site()
    with pytest.raises(ConnectionRefused):
        await connect(secure.url.replace("wss:", "ws:"), "CS1")
    assert "use wss://" in (await secure.refused()).reason
    with pytest.raises(ConnectionRefused, match="TLS failed"):
        await connect(_url(plain).replace("ws:", "wss:"), "CS1", ssl=client_context(ca=authority.root))
    assert "use ws://" in (await plain.refused()).reason


async def test_garbage_on_a_tls_port_is_refused_and_the_port_goes_on(site, authority, pairs) -> None:
    here = await site(tls=ServerTLS(pairs["ecdsa"]))
    peer = await here.raw()
    peer.send(b"\x00" * 100)
    assert (await here.refused()).status is None
    vanishing = await here.raw()
    await vanishing.close()
    assert (await here.refused()).status is None
    link = await connect(_url(here), "CS1", ssl=client_context(ca=authority.root))
    await _echo(link)


async def test_certificates_reload_without_dropping_connections(site, authority, pairs, tmp_path) -> None:
    live = KeyPair(tmp_path / "live.crt", tmp_path / "live.key")

    def install(pair: KeyPair) -> None:
        for source, target in zip(pair.files, live.files, strict=True):
            shutil.copy(source, target)
            now = target.stat().st_mtime_ns + 1_000_000_000
            os.utime(target, ns=(now, now))

    install(pairs["ecdsa"])
    here = await site(tls=ServerTLS(live))
    before = await here.raw(client_context(ca=authority.root))
    assert (await before.asked())[0] == 101
    renewed = authority.server("rsa", tag="-renewed")
    install(renewed)
    after = await here.raw(client_context(ca=authority.root))
    certificates = [peer.writer.get_extra_info("ssl_object").getpeercert(binary_form=True) for peer in (before, after)]
    assert certificates == [_der(pairs["ecdsa"]), _der(renewed)]
    before.frame(1, b"still open")
    assert bytes((await before.next_frame()).data) == b"still open"


async def test_a_bad_renewal_leaves_the_old_certificate_in_force(site, authority, pairs, tmp_path) -> None:
    live = KeyPair(tmp_path / "live.crt", tmp_path / "live.key")
    for source, target in zip(pairs["ecdsa"].files, live.files, strict=True):
        shutil.copy(source, target)
    tls = ServerTLS(live)
    here = await site(tls=tls)
    live.files[1].write_text("no key at all")
    with pytest.raises(ConfigurationError):
        tls.reload()
    live.files[1].unlink()
    link = await connect(_url(here), "CS1", ssl=client_context(ca=authority.root))
    await _echo(link)


def test_wrong_files_are_named(authority, pairs, tmp_path) -> None:
    junk = tmp_path / "junk.pem"
    junk.write_text("junk")
    ecdsa, rsa = pairs["ecdsa"], pairs["rsa"]
    for make, says in [
        (lambda: ServerTLS(KeyPair("/nowhere.crt", ecdsa.key)), "there is no file /nowhere.crt"),
        (lambda: ServerTLS(KeyPair(ecdsa.certificate, "/nowhere.key")), "there is no file /nowhere.key"),
        (lambda: ServerTLS(KeyPair(ecdsa.certificate, pairs["CS1"].key)), "does not belong"),
        (lambda: ServerTLS(KeyPair(rsa.certificate, ecdsa.key)), "belong|do not hold"),
        (lambda: ServerTLS(KeyPair(junk, ecdsa.key)), "do not hold a PEM certificate"),
        (lambda: ServerTLS(ecdsa, client_ca=junk), "holds no PEM certificates"),
        (lambda: ServerTLS([]), "needs a certificate"),
        (lambda: client_context(ca="/nowhere.pem"), "there is no file"),
        (lambda: client_context(ca=authority.root, certificate=KeyPair(junk)), "do not hold"),
    ]:
        with pytest.raises(ConfigurationError, match=says):
            make()


async def test_a_tls_handshake_that_stalls_ends_with_the_timeout(site, pairs) -> None:
    from ocppflow.transport.clock import ManualClock
    from ocppflow.transport.settings import ServerLimits

    clock = ManualClock()
    here = await site(tls=ServerTLS(pairs["ecdsa"]), clock=clock, limits=ServerLimits(handshake_timeout=4))
    peer = await here.raw()
    peer.send(b"\x16\x03\x01")
    arrived = asyncio.Event()

    def look() -> None:
        arrived.set() if here.server.context.openings else asyncio.get_running_loop().call_soon(look)

    look()
    await asyncio.wait_for(arrived.wait(), PATIENCE)
    await clock.advance(4.1)
    assert "within 4 s" in (await here.refused()).reason
    assert await peer.at_end()


async def test_a_flood_through_TLS_is_read_in_slices_and_nothing_is_lost(site, authority, pairs) -> None:
    limits = ServerLimits(messages_per_second=0, share=0)
    here = await site(tls=ServerTLS(pairs["ecdsa"]), limits=limits, echo=False)
    peer = await here.raw(tls=client_context(ca=authority.root))
    assert (await peer.asked())[0] == 101
    handler = await here.handler()
    count = 20_000
    peer.send(b"".join(Frame(Opcode.TEXT, b"%d" % number).serialize(mask=True) for number in range(count)))
    for number in range(count):
        assert await handler.next() == b"%d" % number
    peer.frame(Opcode.TEXT, b"after")
    assert await handler.next() == b"after"
