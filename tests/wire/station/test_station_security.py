"""A: passwords, certificates of the station's own, security events, security profiles."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pki import START, Authority, subject
from station_world import StationWorld

from ocppflow.errors import ConnectionRefused, RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import StationConfig

CONFIG = StationConfig(serial_number="SN-1", vendor="ocppflow")
CLIENT = "ChargingStationCertificate"


def _seldom_beating(world: StationWorld) -> None:
    """For tests that let days go by."""
    world.answers["BootNotification"] = {
        "currentTime": world.now().isoformat().replace("+00:00", "Z"),
        "interval": 50 * 86400,
        "status": "Accepted",
    }


@pytest.fixture
async def root(world: StationWorld) -> Authority:
    """The CSMS's authority, which a connected station of profile 3 trusts."""
    world.config = CONFIG
    _seldom_beating(world)
    world.station = world.complete_station()
    await world.station.connect()
    await world.clock.advance(0)
    world.station.device_model.set("SecurityCtrlr", "SecurityProfile", 3)
    authority = Authority("root")
    await world.call("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": authority.pem})
    return authority


def _events(world: StationWorld) -> list[str]:
    return [str(event["type"]) for event in world.sent("SecurityEventNotification")]


def _logged(world: StationWorld) -> list[str]:
    return [entry.kind for entry in world.station.security.log.entries()]


async def _asked(world: StationWorld, use: Any = CLIENT) -> str:
    """The station begins a renewal; the signing request that the CSMS gets."""
    world.station.security.begin_renewal(use)
    await world.clock.advance(0)
    return str(world.sent("SignCertificate")[-1]["csr"])


async def _signed(world: StationWorld, chain: str, **more: Any) -> str:
    answer = await world.call("CertificateSigned", {"certificateChain": chain, "certificateType": CLIENT, **more})
    return str(answer["status"])


# --- A01 -------------------------------------------------------------------------------------------------------------


async def test_A01FR01_a_new_password_counts_from_the_next_connection_on(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    world.station.device_model.set("SecurityCtrlr", "BasicAuthPassword", "a-very-new-password-1")
    world.station.store.commit()
    await world.clock.advance(0)
    assert world.station.password == "a-very-new-password-1"
    assert len(world.network.links) == 2  # it has connected anew
    again = world.complete_station()
    again.power_up()
    assert again.password == "a-very-new-password-1"
    again.power_down()


async def _set_password(world: StationWorld, value: str) -> str:
    data = {
        "component": {"name": "SecurityCtrlr"},
        "variable": {"name": "BasicAuthPassword"},
        "attributeValue": value,
    }
    answer = await world.call("SetVariables", {"setVariableData": [data]})
    return str(answer["setVariableResult"][0]["attributeStatus"])


@pytest.mark.parametrize(("version", "lengths"), [(Version.V201, (15, 16, 40, 41)), (Version.V21, (15, 16, 64, 65))])
async def test_A00FR205_a_password_has_a_length_that_the_version_allows(
    version: Version, lengths: tuple[int, ...]
) -> None:
    async with StationWorld(version) as world:
        await world.station.connect()
        verdicts = []
        for length in lengths:
            await world.clock.advance(0)
            verdicts.append(await _set_password(world, "p" * length))
        await world.clock.advance(0)
        assert verdicts == ["Rejected", "Accepted", "Accepted", "Rejected"]
        assert world.station.password == "p" * lengths[2]  # TC_A_10_CS: the old one stays
        assert await _set_password(world, "p" * 16 + "\n") == "Rejected"


async def test_A01_TC_A_09_CS_the_answer_is_there_before_the_connection_is_closed(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    assert await _set_password(world, "a-very-new-password-1") == "Accepted"
    await world.clock.advance(0)
    assert len(world.network.links) == 2
    assert world.station.is_connected
    assert len(world.sent("BootNotification")) == 1  # it has not booted


async def test_1_6_a_key_of_hexadecimal_digits_is_sent_as_bytes() -> None:
    async with StationWorld(Version.V16) as world:
        world.station.power_up()
        world.station.device_model.set("SecurityCtrlr", "BasicAuthPassword", "00ff" * 8)
        assert world.station.password == bytes.fromhex("00ff" * 8)
        world.station.power_down()


async def test_A01FR11_A01FR12_the_change_is_logged_and_the_password_is_not(world: StationWorld) -> None:
    await world.station.connect()
    world.station.device_model.set("SecurityCtrlr", "BasicAuthPassword", "a-very-new-password-1")
    await world.clock.advance(0)
    assert "ReconfigurationOfSecurityParameters" in _logged(world)
    assert "a-very-new-password-1" not in str(list(world.station.security.log.entries()))


# --- A02 -------------------------------------------------------------------------------------------------------------


async def test_A02FR03_the_signing_request_names_the_station(world: StationWorld, root: Authority) -> None:
    request = x509.load_pem_x509_csr((await _asked(world)).encode())
    assert request.is_signature_valid
    assert request.subject == subject("SN-1")
    assert isinstance(request.public_key(), ec.EllipticCurvePublicKey)
    assert world.sent("SignCertificate")[0]["certificateType"] == CLIENT
    assert "requestId" not in world.sent("SignCertificate")[0]  # 2.0.1 has no word for it


async def test_A02FR02_each_request_has_a_key_of_its_own(world: StationWorld, root: Authority) -> None:
    keys = {x509.load_pem_x509_csr((await _asked(world)).encode()).public_key().public_numbers() for _ in range(3)}
    assert len(keys) == 3


async def test_A00FR502_an_rsa_key_is_long_enough(world: StationWorld) -> None:
    world.config = StationConfig(key_kind="RSA")
    world.station = world.complete_station()
    await world.station.connect()
    await world.clock.advance(0)
    await world.station.security.renewal.begin("ChargingStationCertificate")
    key = x509.load_pem_x509_csr(world.sent("SignCertificate")[0]["csr"].encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size >= 2048


async def test_A02FR06_A02FR08_a_valid_certificate_is_taken_and_used_at_once(
    world: StationWorld, root: Authority
) -> None:
    chain = root.answer(await _asked(world))
    assert await _signed(world, chain) == "Accepted"
    [own] = world.station.certificates.of_use(CLIENT)
    assert own.chain == chain
    assert "PRIVATE" in own.key
    assert own.key not in repr(own)
    await world.clock.advance(0)
    assert len(world.network.links) == 2  # it has connected anew
    assert world.station.is_connected
    await world.clock.advance(3600)
    assert len(world.sent("SignCertificate")) == 1  # and does not ask again


async def test_a_chain_through_a_sub_authority_is_taken_in_any_order(world: StationWorld, root: Authority) -> None:
    sub = Authority("sub", root)
    other = Authority("sub of sub", sub)
    leaf = other.answer(await _asked(world))
    assert await _signed(world, leaf + sub.pem + root.pem + other.pem) == "Accepted"
    assert world.station.certificates.of_use(CLIENT)[0].chain == leaf + other.pem + sub.pem


_WRONG: dict[str, Any] = {
    "of another authority": lambda root, csr: Authority("root").answer(csr),
    "expired": lambda root, csr: root.answer(csr, start=START - timedelta(days=30), days=1),
    "not yet valid": lambda root, csr: root.answer(csr, start=START + timedelta(hours=1)),
    "for another key": lambda root, csr: root.issue("SN-1")[0],
    "for another station": lambda root, csr: root.answer(csr, name=subject("SN-2")),
    "of another organization": lambda root, csr: root.answer(csr, name=subject("SN-1", "someone else")),
    "of one who may not sign": lambda root, csr: _by_leaf(root, csr),
    "of an authority below one that may have none": lambda root, csr: _too_deep(root, csr),
    "nonsense": lambda root, csr: csr,
}


def _by_leaf(root: Authority, csr: str) -> str:
    leaf = Authority("sub", root)
    leaf.certificate = root.sign(leaf.name, leaf.key.public_key())
    from pki import pem

    return leaf.answer(csr) + pem(leaf.certificate)


def _too_deep(root: Authority, csr: str) -> str:
    first = Authority("first", root, path_length=0)
    second = Authority("second", first)
    return second.answer(csr) + second.pem + first.pem


@pytest.mark.parametrize("what", _WRONG)
async def test_A02FR07_a_certificate_that_is_not_valid_is_rejected_and_told_of(
    world: StationWorld, root: Authority, what: str
) -> None:
    assert await _signed(world, _WRONG[what](root, await _asked(world))) == "Rejected"
    await world.clock.advance(3600)
    assert _events(world)[-1] == "InvalidChargingStationCertificate"
    assert world.station.certificates.of_use(CLIENT) == []
    assert len(world.sent("SignCertificate")) == 1  # A02.FR.20: not before the CSMS wants it


async def test_a_certificate_that_nobody_asked_for_is_rejected(world: StationWorld, root: Authority) -> None:
    assert await _signed(world, root.issue("SN-1")[0]) == "Rejected"


async def test_A02FR16_a_chain_that_is_too_long_is_rejected(world: StationWorld, root: Authority) -> None:
    world.station.device_model.set("SecurityCtrlr", "MaxCertificateChainSize", 500)
    chain = root.answer(await _asked(world))
    assert len(chain) > 500
    assert await _signed(world, chain) == "Rejected"


async def test_A02FR17_A02FR18_A02FR19_it_asks_again_with_doubled_waits_and_then_no_more(
    world: StationWorld, root: Authority
) -> None:
    world.station.device_model.set("SecurityCtrlr", "CertSigningWaitMinimum", 30)
    world.station.device_model.set("SecurityCtrlr", "CertSigningRepeatTimes", 1)
    await _asked(world)
    times = []
    for second in range(1, 400):
        before = len(world.sent("SignCertificate"))
        await world.clock.advance(1)
        if len(world.sent("SignCertificate")) > before:
            times.append(second)
    assert times == [30, 90]  # as TC_A_23_CS has it: after the minimum, and after twice as much again
    assert len({request["csr"] for request in world.sent("SignCertificate")}) == 1
    assert await _signed(world, root.answer(world.sent("SignCertificate")[0]["csr"])) == "Accepted"  # late, but there


async def test_a_csms_that_rejects_the_request_is_not_asked_again(world: StationWorld, root: Authority) -> None:
    world.answers["SignCertificate"] = {"status": "Rejected"}
    csr = await _asked(world)
    await world.clock.advance(3600)
    assert len(world.sent("SignCertificate")) == 1
    assert await _signed(world, root.answer(csr)) == "Rejected"


async def test_the_key_of_a_request_outlives_a_power_cut(world: StationWorld, root: Authority) -> None:
    csr = await _asked(world)
    await world.station.stop()
    world.station.power_down()
    await world.station.connect()
    await world.clock.advance(0)
    assert await _signed(world, root.answer(csr)) == "Accepted"


async def test_A02FR24_A02FR26_2_1_has_a_number_for_each_request() -> None:
    async with StationWorld(Version.V21, CONFIG) as world:
        await world.station.connect()
        await world.clock.advance(0)
        authority = Authority("root")
        await world.call("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": authority.pem})
        chain = authority.answer(await _asked(world))
        number = world.sent("SignCertificate")[0]["requestId"]
        assert await _signed(world, chain, requestId=number + 1) == "Rejected"
        assert await _signed(world, chain, requestId=number) == "Accepted"


# --- A03 -------------------------------------------------------------------------------------------------------------


async def test_A03FR02_a_month_before_it_expires_a_new_certificate_is_asked_for(
    world: StationWorld, root: Authority
) -> None:
    assert await _signed(world, root.answer(await _asked(world), days=41)) == "Accepted"
    await world.clock.advance(9 * 86400)
    assert len(world.sent("SignCertificate")) == 1
    await world.clock.advance(2 * 86400)
    assert len({request["csr"] for request in world.sent("SignCertificate")}) == 2


async def test_M04FR06_the_stations_certificate_cannot_be_deleted(world: StationWorld, root: Authority) -> None:
    await _signed(world, root.answer(await _asked(world), serial=0xDEF))
    await world.clock.advance(0)
    data = json.loads(msgspec.json.encode(world.station.certificates.of_use(CLIENT)[0].hashes[0]))
    assert (await world.call("DeleteCertificate", {"certificateHashData": data}))["status"] == "Failed"
    assert world.station.certificates.of_use(CLIENT)


# --- V2G -------------------------------------------------------------------------------------------------------------


async def test_A02FR13_M03FR05_M06FR07_a_v2g_certificate_is_got_listed_and_its_status_asked_for(
    world: StationWorld, root: Authority
) -> None:
    world.answers["GetCertificateStatus"] = {"status": "Accepted", "ocspResult": "MAo="}
    v2g = Authority("v2g root")
    sub = Authority("sub", v2g, ocsp="http://ocsp.example/sub")
    await world.call("InstallCertificate", {"certificateType": "V2GRootCertificate", "certificate": v2g.pem})
    world.station.device_model.set("ISO15118Ctrlr", "SeccId", "SECC-7")
    csr = await _asked(world, "V2GCertificate")
    request = x509.load_pem_x509_csr(csr.encode())
    assert request.subject.rfc4514_string() == "DC=CPO,CN=SECC-7,O=ocppflow,C=NL"
    chain = sub.answer(csr, ocsp="http://ocsp.example/leaf") + sub.pem
    answer = await world.call("CertificateSigned", {"certificateChain": chain, "certificateType": "V2GCertificate"})
    assert answer["status"] == "Accepted"
    await world.clock.advance(0)
    listed = await world.call("GetInstalledCertificateIds", {"certificateType": ["V2GCertificateChain"]})
    [entry] = listed["certificateHashDataChain"]
    assert len(entry["childCertificateHashData"]) == 1
    asked = world.sent("GetCertificateStatus")
    assert [each["ocspRequestData"]["responderURL"] for each in asked] == [
        "http://ocsp.example/leaf",
        "http://ocsp.example/sub",
    ]
    assert asked[1]["ocspRequestData"]["serialNumber"] == entry["childCertificateHashData"][0]["serialNumber"]
    await world.clock.advance(7 * 86400)
    assert len(world.sent("GetCertificateStatus")) == 4  # M06.FR.10
    keeper = world.station.certificates
    assert keeper.ocsp.result(keeper.of_use("V2GCertificate")[0].hashes[1]) == "MAo="
    data = entry["childCertificateHashData"][0]
    if len(data["serialNumber"]) <= 40:
        assert (await world.call("DeleteCertificate", {"certificateHashData": data}))["status"] == "Accepted"
        assert keeper.of_use("V2GCertificate") == []  # M04.FR.08


# --- A04 -------------------------------------------------------------------------------------------------------------


async def test_A04FR01_a_critical_event_is_told_and_any_event_is_logged(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    world.station.security.event("TamperDetectionActivated", "the door")
    world.station.security.event("InvalidMessages", "nonsense")
    await world.clock.advance(0)
    assert _events(world) == ["StartupOfTheDevice", "TamperDetectionActivated"]
    assert world.sent("SecurityEventNotification")[-1]["techInfo"] == "the door"
    assert _logged(world) == ["StartupOfTheDevice", "TamperDetectionActivated", "InvalidMessages"]


async def test_A04_a_boot_for_another_reason_is_a_reset(world: StationWorld) -> None:
    world.station.power_up("RemoteReset")
    await world.station.connect()
    await world.clock.advance(0)
    assert _events(world) == ["ResetOrReboot"]


async def test_A04_the_time_is_set_by_more_than_the_threshold(world: StationWorld) -> None:
    world.station = world.complete_station(start_time=START - timedelta(seconds=21))
    await world.station.connect()
    await world.clock.advance(0)
    [event] = [each for each in world.sent("SecurityEventNotification") if each["type"] == "SettingSystemTime"]
    assert event["techInfo"] == "by 21 s"
    assert event["timestamp"].startswith("2026-01-01T00:00:00")


async def test_A04FR04_the_log_rolls_and_can_be_cleared(world: StationWorld) -> None:
    await world.station.connect()
    for number in range(600):
        world.station.security.event("InvalidMessages", str(number))
    entries = list(world.station.security.log.entries())
    assert len(entries) == 500
    assert [entries[0].info, entries[-1].info] == ["100", "599"]
    world.station.security.clear_log()
    assert _logged(world) == ["SecurityLogWasCleared"]
    await world.clock.advance(0)
    assert _events(world)[-1] == "SecurityLogWasCleared"


@pytest.mark.parametrize(
    ("fault", "event"),
    [
        ("certificate", "InvalidCsmsCertificate"),
        ("version", "InvalidTLSVersion"),
        ("ciphers", "InvalidTLSCipherSuite"),
    ],
)
async def test_A00FR310_A00FR316_A00FR323_what_was_wrong_with_the_csms_is_told_once_there_is_a_connection(
    world: StationWorld, fault: str, event: str
) -> None:
    world.network.refusals = [ConnectionRefused("no", tls=True, tls_fault=fault) for _ in range(3)]
    world.station.start()
    await world.clock.advance(600)
    assert world.station.is_connected
    assert _logged(world).count(event) == 1  # A00.FR.316: once for repeated attempts


async def test_A04_a_password_that_the_csms_does_not_accept_is_logged(world: StationWorld) -> None:
    world.network.refusals = [ConnectionRefused("no", status=401)]
    world.station.start()
    await world.clock.advance(60)
    assert "FailedToAuthenticateAtCsms" in _logged(world)


# --- A05 -------------------------------------------------------------------------------------------------------------


async def test_A05FR02_A05FR03_a_higher_profile_needs_its_certificates(world: StationWorld) -> None:
    world.config = CONFIG
    _seldom_beating(world)
    world.station = world.complete_station()
    await world.station.connect()
    await world.clock.advance(0)
    security = world.station.security
    world.station.device_model.set("SecurityCtrlr", "SecurityProfile", 1)
    assert "CSMSRootCertificate" in security.obstacle(2)
    assert "CSMSRootCertificate" in security.obstacle(3)
    authority = Authority("root")
    await world.call("InstallCertificate", {"certificateType": "CSMSRootCertificate", "certificate": authority.pem})
    assert security.obstacle(2) == ""
    assert "ChargingStationCertificate" in security.obstacle(3)
    await _signed(world, authority.answer(await _asked(world)))
    assert security.obstacle(3) == ""
    world.station.time.set(START + timedelta(days=400))
    assert "CSMSRootCertificate" in security.obstacle(3)  # they have expired


async def test_A05FR08_A05FR09_A05FR10_a_lower_profile_is_taken_from_3_to_2_only_and_only_if_allowed(
    world: StationWorld,
) -> None:
    world.station.power_up()
    model, security = world.station.device_model, world.station.security
    model.set("SecurityCtrlr", "SecurityProfile", 3)
    assert [security.is_downgrade(profile) for profile in (1, 2, 3)] == [True, True, False]
    assert security.obstacle(2)
    model.set("SecurityCtrlr", "AllowSecurityProfileDowngrade", True)
    assert [security.is_downgrade(profile) for profile in (1, 2, 3)] == [True, False, False]
    model.set("SecurityCtrlr", "SecurityProfile", 2)
    assert security.is_downgrade(1)


async def test_A04_what_is_not_a_valid_message_is_logged_once_a_minute(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    before = len(_logged(world))
    for _ in range(10):
        with pytest.raises(RemoteCallError):
            await world.csms["CS1"].call_raw("Reset", {"type": "Nonsense"}, validate=False)
    assert _logged(world)[before:] == ["InvalidMessages"]
    await world.clock.advance(61)
    with pytest.raises(RemoteCallError):
        await world.csms["CS1"].call_raw("Reset", {}, validate=False)
    assert _logged(world)[before:] == ["InvalidMessages"] * 2
    assert "InvalidMessages" not in _events(world)
