"""M: roots are installed, listed and deleted; the status of V2G certificates is asked for."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from pki import START, Authority
from station_world import StationWorld

from ocppflow.messages import Version
from ocppflow.station import StationConfig, StoreFailed


async def _install(world: StationWorld, pem: str, kind: str = "CSMSRootCertificate") -> str:
    answer = await world.call("InstallCertificate", {"certificateType": kind, "certificate": pem})
    return str(answer["status"])


async def _listed(world: StationWorld, *kinds: str) -> list[dict[str, Any]]:
    answer = await world.call("GetInstalledCertificateIds", {"certificateType": list(kinds)} if kinds else {})
    assert answer["status"] == ("Accepted" if answer.get("certificateHashDataChain") else "NotFound")
    return list(answer.get("certificateHashDataChain", []))


def _hash_data(certificate: x509.Certificate, issuer: x509.Certificate) -> dict[str, str]:
    """As RFC 6960 says, by the help of cryptography's own OCSP requests."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509 import ocsp

    request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA256()).build()
    return {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": request.issuer_name_hash.hex(),
        "issuerKeyHash": request.issuer_key_hash.hex(),
        "serialNumber": f"{request.serial_number:x}",
    }


@pytest.mark.parametrize(
    "kind", ["CSMSRootCertificate", "ManufacturerRootCertificate", "V2GRootCertificate", "MORootCertificate"]
)
async def test_M05FR02_M03FR04_a_root_is_installed_and_listed(world: StationWorld, kind: str) -> None:
    root = Authority("root", serial=0xABC)
    await world.station.connect()
    assert await _install(world, root.pem, kind) == "Accepted"
    chain = {"certificateType": kind, "certificateHashData": _hash_data(root.certificate, root.certificate)}
    assert await _listed(world, kind) == [chain]
    assert await _listed(world) == [chain]
    assert world.station.device_model.integer("SecurityCtrlr", "CertificateEntries") == 1


async def test_the_hash_of_an_rsa_key_is_that_of_RFC6960(world: StationWorld) -> None:
    root = Authority("root", key=rsa.generate_private_key(65537, 2048))
    await world.station.connect()
    assert await _install(world, root.pem) == "Accepted"
    [chain] = await _listed(world)
    assert chain["certificateHashData"] == _hash_data(root.certificate, root.certificate)
    name = hashlib.sha256(root.certificate.issuer.public_bytes()).hexdigest()
    assert chain["certificateHashData"]["issuerNameHash"] == name


async def test_M03FR02_of_a_type_that_is_not_there_nothing_is_found(world: StationWorld) -> None:
    await world.station.connect()
    await _install(world, Authority("root").pem)
    assert await _listed(world, "MORootCertificate", "V2GCertificateChain") == []
    assert len(await _listed(world, "MORootCertificate", "CSMSRootCertificate")) == 1


_BROKEN = {
    "expired": lambda: Authority("root", start=START - timedelta(days=30), days=1).pem,
    "not yet valid": lambda: Authority("root", start=START + timedelta(days=1)).pem,
    "not of an authority": lambda: Authority("root").issue("leaf")[0],
    "without basic constraints": lambda: Authority("root", constraints=False).pem,
    "with a short key": lambda: Authority("root", key=rsa.generate_private_key(65537, 1024)).pem,
    "of an unknown issuer": lambda: Authority("sub", Authority("root")).pem,
    "two": lambda: Authority("one").pem + Authority("two").pem,
    "text": lambda: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "nonsense": lambda: "\N{SNOWMAN}",
}


@pytest.mark.parametrize("what", _BROKEN)
async def test_M05FR07_what_is_not_a_valid_root_is_rejected(world: StationWorld, what: str) -> None:
    await world.station.connect()
    answer = await world.call(
        "InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": _BROKEN[what]()}
    )
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidCertificate"
    assert await _listed(world) == []


async def test_M05FR17_the_same_root_again_takes_its_own_place(world: StationWorld) -> None:
    root = Authority("root")
    await world.station.connect()
    assert [await _install(world, root.pem) for _ in range(2)] == ["Accepted", "Accepted"]
    assert len(await _listed(world)) == 1


async def test_M05FR06_there_is_an_end_to_how_many_may_be_installed(world: StationWorld) -> None:
    await world.station.connect()
    roots = [Authority(f"root {number}") for number in range(101)]
    answers = [await _install(world, each.pem) for each in roots]
    assert answers == ["Accepted"] * 100 + ["Rejected"]
    assert await _install(world, roots[0].pem) == "Accepted"


async def test_M05FR03_what_cannot_be_kept_was_not_installed(world: StationWorld) -> None:
    def full() -> None:
        raise StoreFailed("the disk is full")

    await world.station.connect()
    await world.clock.advance(0)
    world.store.failing = full
    assert await _install(world, Authority("root").pem) == "Failed"
    world.store.failing = None
    assert await _listed(world) == []
    await world.station.store.commit()
    assert world.store.keys("roots") == set()


@pytest.fixture
async def checking(world: StationWorld) -> StationWorld:
    """A station with AdditionalRootCertificateCheck."""
    await world.station.connect()
    world.station.device_model.set("SecurityCtrlr", "AdditionalRootCertificateCheck", True)
    return world


async def test_M05FR11_a_csms_root_that_the_old_one_has_not_signed_is_rejected(checking: StationWorld) -> None:
    old = Authority("old")
    assert await _install(checking, old.pem) == "Accepted"
    assert await _install(checking, Authority("new").pem) == "Rejected"
    assert await _install(checking, Authority("maker").pem, "ManufacturerRootCertificate") == "Accepted"
    [chain] = await _listed(checking, "CSMSRootCertificate")
    assert chain["certificateHashData"] == _hash_data(old.certificate, old.certificate)


async def test_M05FR12_a_csms_root_that_the_old_one_has_signed_replaces_it(checking: StationWorld) -> None:
    first = Authority("first")
    second = Authority("second", first)
    third = Authority("third", second)
    for each in (first, second):
        assert await _install(checking, each.pem) == "Accepted"
    keeper = checking.station.certificates
    assert keeper.trusted("CSMSRootCertificate") == [second.certificate]
    assert keeper.trusted("CSMSRootCertificate", fallback=True) == [first.certificate]
    assert len(await _listed(checking)) == 2
    assert await _install(checking, third.pem) == "Accepted"  # M05.FR.09: one, and one to fall back to
    assert keeper.trusted("CSMSRootCertificate") == [third.certificate]
    assert keeper.trusted("CSMSRootCertificate", fallback=True) == [second.certificate]
    [*_, chain] = [each for each in await _listed(checking) if each["certificateHashData"]["serialNumber"]]
    hashes = [each["certificateHashData"] for each in await _listed(checking)]
    assert _hash_data(third.certificate, second.certificate) in hashes
    assert chain["certificateType"] == "CSMSRootCertificate"


async def test_M04FR02_a_root_is_deleted(world: StationWorld) -> None:
    await world.station.connect()
    await _install(world, Authority("root", serial=0xABC).pem)
    [chain] = await _listed(world)
    data = chain["certificateHashData"]
    shouted = {**data, "issuerKeyHash": data["issuerKeyHash"].upper(), "serialNumber": "00" + data["serialNumber"]}
    assert (await world.call("DeleteCertificate", {"certificateHashData": shouted}))["status"] == "Accepted"
    assert await _listed(world) == []
    assert (await world.call("DeleteCertificate", {"certificateHashData": data}))["status"] == "NotFound"  # M04.FR.04


async def test_roots_outlive_a_power_cut_and_nothing_else_does(world: StationWorld) -> None:
    await world.station.connect()
    await _install(world, Authority("root").pem)
    before = await _listed(world)
    await world.station.stop()
    world.station.power_down()
    await world.station.connect()
    await world.clock.advance(0)
    assert await _listed(world) == before


async def test_a_station_without_iso15118_takes_no_roots_of_it() -> None:
    async with StationWorld(config=StationConfig(features=())) as world:
        await world.station.connect()
        assert await _install(world, Authority("root").pem, "V2GRootCertificate") == "Rejected"


async def test_2_0_1_hears_nothing_of_roots_that_it_has_no_word_for() -> None:
    async with StationWorld(Version.V21) as world:
        await world.station.connect()
        assert await _install(world, Authority("oem").pem, "OEMRootCertificate") == "Accepted"
        assert len(await _listed(world)) == 1
        await world.station.stop()
        world.station.versions = (Version.V201,)
        await world.station.connect()
        await world.clock.advance(0)
        assert await _listed(world) == []
