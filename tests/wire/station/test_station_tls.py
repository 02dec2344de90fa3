"""A00, A02, M05: a station and a CSMS with TLS between them, over real sockets."""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pki import Authority, key_pem, subject

from ocppflow import CSMS, KeyPair, SecurityPolicy, ServerTLS, client_context
from ocppflow.endpoint import IncomingCall, PlainPasswords
from ocppflow.errors import ConnectionRefused
from ocppflow.station import CompleteStation, MemoryStationStore, Provisions, StationConfig
from ocppflow.station.x509_tools import CertificateRefused

NOW = datetime.now(UTC)
CONFIG = StationConfig(serial_number="CS1")
PASSWORD = "a-long-password-1"
CLIENT = "ChargingStationCertificate"
YESTERDAY = NOW - timedelta(days=1)


def authority(name: str, by: Authority | None = None) -> Authority:
    return Authority(name, by, start=YESTERDAY)


@pytest.fixture(scope="module")
def root() -> Authority:
    return authority("csms root")


class Backend:
    """A CSMS that accepts everything and keeps what it hears."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.heard: list[tuple[str, dict[str, Any]]] = []
        self.connections = 0
        self.came: asyncio.Condition = asyncio.Condition()

    def pair(self, by: Authority, **about: Any) -> KeyPair:
        """A server certificate."""
        made = {"start": YESTERDAY, "hosts": ("localhost",), **about}
        certificate, key = by.issue("localhost", **made)
        file = self.folder / f"{len(list(self.folder.iterdir()))}.pem"
        file.write_text(certificate + key)
        return KeyPair(file)

    @asynccontextmanager
    async def listen(self, pair: KeyPair, client_ca: Authority | None = None, port: int = 0) -> AsyncIterator[str]:
        ca = None
        if client_ca is not None:
            ca = self.folder / f"ca{len(list(self.folder.iterdir()))}.pem"
            ca.write_text(client_ca.pem)
        profiles = (2,) if client_ca is None else (3,)
        csms = CSMS(acceptor=SecurityPolicy(profiles=profiles, passwords=PlainPasswords({"CS1": PASSWORD})))
        csms.grace = 0.1
        csms.on_any(self._answer)
        csms.on_connect(self._connected)
        self.csms = csms
        async with csms.listen(f"wss://localhost:{port}/ocpp", tls=ServerTLS(pair, client_ca=ca)) as listener:
            yield listener.url

    async def _connected(self, station: Any) -> None:
        self.connections += 1
        async with self.came:
            self.came.notify_all()

    async def until_connected(self, times: int) -> None:
        async with asyncio.timeout(20), self.came:
            while self.connections < times:
                await self.came.wait()

    async def _answer(self, station: Any, call: IncomingCall) -> dict[str, Any]:
        self.heard.append((call.action, call.data))
        async with self.came:
            self.came.notify_all()
        if call.action == "BootNotification":
            return {"currentTime": datetime.now(UTC).isoformat(), "interval": 300, "status": "Accepted"}
        return {"status": "Accepted"} if call.action == "SignCertificate" else {}

    async def until(self, action: str, **field: str) -> dict[str, Any]:
        """The first message of this action with these fields."""

        def found() -> dict[str, Any] | None:
            said = (payload for name, payload in self.heard if name == action)
            return next((each for each in said if field.items() <= each.items()), None)

        async with asyncio.timeout(20), self.came:
            while (payload := found()) is None:
                await self.came.wait()
        return payload


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path)


@pytest.fixture
def store() -> MemoryStationStore:
    return MemoryStationStore()


@asynccontextmanager
async def made(url: str, store: MemoryStationStore, **provisions: str) -> AsyncIterator[CompleteStation]:
    """A station that has been provisioned, and is not connected yet."""
    station = CompleteStation("CS1", url, config=CONFIG, store=store, password=PASSWORD)
    station.grace = 0.1
    station.power_up()
    station.certificates.provision(Provisions(**provisions))
    await station.store.commit()
    try:
        yield station
    finally:
        await station.close()


async def test_A00FR308_profile_2_trusts_the_installed_root(
    backend: Backend, root: Authority, store: MemoryStationStore
) -> None:
    async with backend.listen(backend.pair(root)) as url, made(url, store, csms_roots=root.pem) as station:
        await station.connect()
        await backend.until("BootNotification")
        assert station.security.profile == 2


_INVALID = {
    "not signed by an installed root": {},
    "expired": {"start": NOW - timedelta(days=9), "days": 1},
    "of the future": {"start": NOW + timedelta(days=1)},
    "of another host": {"hosts": ("elsewhere",)},
}


@pytest.mark.parametrize("what", _INVALID)
async def test_A00FR310_A00FR311_an_invalid_csms_certificate_ends_the_attempt_and_is_told_of(
    backend: Backend, root: Authority, store: MemoryStationStore, what: str
) -> None:
    signer = root if _INVALID[what] else authority("csms root")
    async with made("wss://localhost:1/", store, csms_roots=root.pem) as station:
        async with backend.listen(backend.pair(signer, **_INVALID[what])) as url:
            station.url = url
            for _ in range(2):
                with pytest.raises(ConnectionRefused) as refusal:
                    await station.connect()
                assert refusal.value.tls_fault == "certificate"
        assert backend.heard == []
        async with backend.listen(backend.pair(root)) as url:
            station.url = url
            await station.connect()
            await backend.until("SecurityEventNotification", type="InvalidCsmsCertificate")
        assert sum(entry.kind == "InvalidCsmsCertificate" for entry in station.security.log.entries()) == 1


@pytest.mark.parametrize(("alert", "event"), [(70, "InvalidTLSVersion"), (40, "InvalidTLSCipherSuite")])
async def test_A00FR316_A00FR323_what_else_is_wrong_with_tls(
    root: Authority, store: MemoryStationStore, alert: int, event: str
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(bytes((0x15, 3, 1, 0, 2, 2, alert)))
        writer.close()

    server = await asyncio.start_server(refuse, "localhost", 0)
    async with server, made(f"wss://localhost:{server.sockets[0].getsockname()[1]}/", store) as station:
        with pytest.raises(ConnectionRefused):
            await station.connect()
        assert [entry.kind for entry in station.security.log.entries()][-1] == event


def _agrees(context: ssl.SSLContext, pair: KeyPair, host: str) -> bool:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pair.certificate)
    one, other = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = context.wrap_bio(one, other, server_hostname=host), server.wrap_bio(other, one, server_side=True)
    for _ in range(4):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return True


def test_a_wildcard_is_taken_only_if_that_is_allowed(backend: Backend, root: Authority) -> None:
    wild = backend.pair(root, hosts=("*.example.com",))
    plain = backend.pair(root, hosts=("csms.example.com",))
    allowed = client_context(roots=root.pem)
    strict = client_context(roots=root.pem, wildcards=False)
    verdicts = [_agrees(context, pair, "csms.example.com") for context in (allowed, strict) for pair in (wild, plain)]
    assert verdicts == [True, True, False, True]


def _own(by: Authority, **about: Any) -> dict[str, str]:
    certificate, key = by.issue("CS1", **{"start": YESTERDAY, **about})
    return {"certificate": certificate, "key": key}


async def test_A00FR401_A02FR08_A02FR10_profile_3_and_a_renewal(
    backend: Backend, root: Authority, store: MemoryStationStore
) -> None:
    own = _own(root)
    async with (
        backend.listen(backend.pair(root), client_ca=root) as url,
        made(url, store, csms_roots=root.pem, **own) as station,
    ):
        await station.connect()
        await backend.until("BootNotification")
        assert station.security.profile == 3
        again = asyncio.Event()
        station.on_connect(lambda _: again.set())
        station.security.begin_renewal()
        csr = (await backend.until("SignCertificate"))["csr"]
        chain = root.answer(csr, start=NOW)
        answer = await backend.csms["CS1"].call_raw(
            "CertificateSigned", {"certificateChain": chain, "certificateType": CLIENT}
        )
        assert b"Accepted" in answer.payload
        await backend.until_connected(2)
        await asyncio.wait_for(again.wait(), 20)
        [left] = station.certificates.of_use(CLIENT)
        assert left.chain == chain  # A02.FR.10: the one that is not in use is gone
        assert station.is_connected


async def test_A02FR28_A02FR29_a_new_certificate_that_does_not_work_gives_way_to_the_old_one(
    backend: Backend, root: Authority, store: MemoryStationStore
) -> None:
    stranger = authority("stranger")
    async with (
        backend.listen(backend.pair(root), client_ca=root) as url,
        made(url, store, csms_roots=root.pem + stranger.pem, **_own(root)) as station,
    ):
        new = _own(stranger, start=NOW - timedelta(hours=1))
        station.certificates.provision(Provisions(**new))
        assert len(station.certificates.of_use(CLIENT)) == 2
        for _ in range(3):  # NetworkProfileConnectionAttempts
            with pytest.raises(ConnectionRefused):
                await station.connect()
        await station.connect()
        assert len(station.certificates.of_use(CLIENT)) == 1
        assert station.certificates.of_use(CLIENT)[0].chain != new["certificate"]
        await backend.until("SecurityEventNotification", type="DiscardedRenewedClientCertificate")


@pytest.fixture
def replaced(root: Authority) -> tuple[Authority, Authority]:
    """The CSMS root, and a new one that it has signed."""
    return root, authority("new root", root)


async def _replace(station: CompleteStation, new: Authority) -> None:
    station.device_model.set("SecurityCtrlr", "AdditionalRootCertificateCheck", True)
    station.certificates.install("CSMSRootCertificate", new.pem)
    await station.store.commit()


async def test_M05FR13_the_old_root_goes_once_the_new_one_has_worked(
    backend: Backend, replaced: tuple[Authority, Authority], store: MemoryStationStore
) -> None:
    old, new = replaced
    async with backend.listen(backend.pair(new)) as url, made(url, store, csms_roots=old.pem) as station:
        await _replace(station, new)
        await station.connect()
        assert station.certificates.trusted("CSMSRootCertificate") == [new.certificate]
        assert station.certificates.trusted("CSMSRootCertificate", fallback=True) == []


async def test_M05FR14_the_old_root_helps_as_long_as_the_new_one_does_not(
    backend: Backend, replaced: tuple[Authority, Authority], store: MemoryStationStore
) -> None:
    old, new = replaced
    async with backend.listen(backend.pair(old)) as url, made(url, store, csms_roots=old.pem) as station:
        await _replace(station, new)
        await station.connect()
        await backend.until("BootNotification")
        assert station.certificates.trusted("CSMSRootCertificate", fallback=True) == [old.certificate]


async def test_no_private_key_is_left_in_a_file(
    backend: Backend, root: Authority, store: MemoryStationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on systems that have none
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = tmp_path / "backend"
    folder.mkdir()
    backend.folder = folder
    async with (
        backend.listen(backend.pair(root), client_ca=root) as url,
        made(url, store, csms_roots=root.pem, **_own(root)) as station,
    ):
        await station.connect()
        assert os.listdir(tmp_path) == ["backend"]


def test_what_the_tests_call_a_key_is_one(root: Authority) -> None:
    assert "PRIVATE KEY" in key_pem(root.key)
    assert subject("x") == subject("x")


async def test_A00FR801_what_a_station_was_made_with_counts_until_the_csms_replaces_it(
    backend: Backend, root: Authority, store: MemoryStationStore
) -> None:
    given = Provisions(csms_roots=root.pem, **_own(root))
    async with backend.listen(backend.pair(root), client_ca=root) as url:
        for times in (1, 2):
            station = CompleteStation("CS1", url, config=CONFIG, store=store, provisions=given)
            station.grace = 0.1
            async with station:
                await backend.until_connected(times)
                assert station.security.profile == 3
                assert len(station.certificates.own) == len(station.certificates.roots) == 1
    assert "PRIVATE" not in repr(given)


def test_provisions_that_do_not_belong_together_are_refused(root: Authority) -> None:
    one, other = _own(root), _own(root)
    Provisions(csms_roots=root.pem, **one).check(NOW)
    for wrong in (
        Provisions(**one),
        Provisions(root.pem, certificate=one["certificate"], key=other["key"]),
        Provisions(root.pem, certificate=one["certificate"], key="nonsense"),
        Provisions("nonsense"),
    ):
        with pytest.raises(CertificateRefused):
            wrong.check(NOW)
