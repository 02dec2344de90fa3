"""L01: firmware is downloaded, verified, installed and booted."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from charging_world import ChargingWorld
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from fake_transfer import FakeTransfer
from file_servers import HTTPFiles
from pki import START, Authority, pem, subject
from station_world import StationWorld

from ocppflow.endpoint import settle
from ocppflow.messages import Version
from ocppflow.station import EvseConfig, StationConfig, StoreFailed
from ocppflow.station.transfers import TransferFault

URL = "http://files.example/fw/station-2.5.1.bin"
IMAGE = b"what runs a station" * 100
MAKER = Authority("maker")
SIGNER = ec.generate_private_key(ec.SECP256R1())
CERTIFICATE = pem(MAKER.sign(subject("firmware signing"), SIGNER.public_key()))


def _signature(image: bytes, key: Any = SIGNER) -> str:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        raw = key.sign(image, ec.ECDSA(hashes.SHA256()))
    else:
        raw = key.sign(image, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())
    return base64.b64encode(raw).decode()


@pytest.fixture(params=[Version.V201, Version.V21])
async def world(request: pytest.FixtureRequest) -> Any:
    """A connected station that trusts its maker, and fetches ``IMAGE`` from ``URL``."""
    async with StationWorld(request.param) as one:
        await _prepare(one)
        yield one


async def _prepare(world: Any) -> FakeTransfer:
    transfer = FakeTransfer(world.clock)
    transfer.files[URL] = IMAGE
    world.station.transfer = transfer
    if not world.station.is_connected:
        await world.station.connect()
    await world.clock.advance(0)
    root = {"certificateType": "ManufacturerRootCertificate", "certificate": MAKER.pem}
    assert (await world.call("InstallCertificate", root))["status"] == "Accepted"
    return transfer


async def _update(world: Any, number: int = 1, **more: Any) -> dict[str, Any]:
    firmware = {
        "location": URL,
        "retrieveDateTime": (world.now() - timedelta(hours=2)).isoformat(),
        "signingCertificate": CERTIFICATE,
        "signature": _signature(IMAGE),
        **more.pop("firmware", {}),
    }
    kept = {name: value for name, value in firmware.items() if value is not None}
    return await world.call("UpdateFirmware", {"requestId": number, "firmware": kept, **more})


def _told(world: Any, number: int = 1) -> list[str]:
    sent = world.sent("FirmwareStatusNotification")
    return [str(each["status"]) for each in sent if each["requestId"] == number]


def _events(world: Any) -> list[str]:
    return [str(each["type"]) for each in world.sent("SecurityEventNotification")]


INSTALLED = ["Downloading", "Downloaded", "SignatureVerified", "Installing", "InstallRebooting", "Installed"]


async def test_L01FR01_L01FR28_L01FR31_a_signed_image_is_installed_and_runs(world: StationWorld) -> None:
    assert (await _update(world))["status"] == "Accepted"
    await world.clock.advance(60)
    assert _told(world) == INSTALLED
    assert _events(world)[-2:] == ["ResetOrReboot", "FirmwareUpdated"]
    boot = world.sent("BootNotification")[-1]
    assert boot["reason"] == "FirmwareUpdate"
    assert boot["chargingStation"]["firmwareVersion"] == "2.5.1"
    assert world.station.device_model.text("ChargingStation", "FirmwareVersion") == "2.5.1"
    actions = [action for action, _ in world.heard]
    assert actions.index("FirmwareStatusNotification") < len(actions) - 1


async def test_the_version_that_runs_outlives_power_cuts(world: StationWorld) -> None:
    await _update(world)
    await world.clock.advance(60)
    await world.station.stop()
    world.station.power_down()
    await world.station.connect()
    await world.clock.advance(0)
    assert world.sent("BootNotification")[-1]["chargingStation"]["firmwareVersion"] == "2.5.1"
    assert _told(world) == INSTALLED  # and nothing is told again


async def test_L01FR01_an_image_comes_over_a_real_network() -> None:
    async with StationWorld() as world:
        await world.station.connect()
        await world.clock.advance(0)
        root = {"certificateType": "ManufacturerRootCertificate", "certificate": MAKER.pem}
        await world.call("InstallCertificate", root)
        with HTTPFiles() as server:
            server.files["/fw/image-3.0.bin"] = IMAGE
            await _update(world, firmware={"location": server.url("/fw/image-3.0.bin")})
            for _ in range(2000):
                await settle()
                if "SignatureVerified" in _told(world):
                    break
        await world.clock.advance(60)
        assert _told(world) == INSTALLED
        assert world.sent("BootNotification")[-1]["chargingStation"]["firmwareVersion"] == "3.0"


# --- what is asked for -----------------------------------------------------------------------------------------------

_SHORT = rsa.generate_private_key(65537, 1024)
_BAD_SIGNERS = {
    "of another maker": Authority("maker").issue("firmware signing")[0],
    "expired": pem(MAKER.sign(subject("x"), SIGNER.public_key(), start=START - timedelta(days=9), days=1)),
    "with a short key": pem(MAKER.sign(subject("x"), _SHORT.public_key())),
    "nonsense": "nonsense",
}


@pytest.mark.parametrize("what", _BAD_SIGNERS)
async def test_L01FR21_L01FR22_L01FR02_an_invalid_certificate_is_refused(world: StationWorld, what: str) -> None:
    answer = await _update(world, firmware={"signingCertificate": _BAD_SIGNERS[what]})
    assert answer["status"] == "InvalidCertificate"
    await world.clock.advance(60)
    assert _events(world)[-1] == "InvalidFirmwareSigningCertificate"
    assert _told(world) == []


@pytest.mark.parametrize("missing", ["signingCertificate", "signature"])
async def test_TC_L_18_without_certificate_or_signature_it_is_rejected(world: StationWorld, missing: str) -> None:
    answer = await _update(world, firmware={missing: None})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "MissingParam")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "sftp://host/image", "nonsense"])
async def test_a_place_that_cannot_be_is_rejected(world: StationWorld, url: str) -> None:
    answer = await _update(world, firmware={"location": url})
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "InvalidURL")


async def test_what_cannot_be_kept_is_rejected(world: StationWorld) -> None:
    def full() -> None:
        raise StoreFailed("the disk is full")

    world.store.failing = full
    answer = await _update(world)
    world.store.failing = None
    assert (answer["status"], answer["statusInfo"]["reasonCode"]) == ("Rejected", "OutOfStorage")
    await world.clock.advance(60)
    assert _told(world) == []


@pytest.mark.parametrize("action", ["PublishFirmware", "UnpublishFirmware"])
async def test_L03_L04_are_for_local_controllers(world: StationWorld, action: str) -> None:
    payload = {"checksum": "0" * 32}
    if action == "PublishFirmware":
        payload |= {"location": URL, "requestId": 1}  # type: ignore[dict-item]
    with pytest.raises(Exception, match="NotSupported"):
        await world.call(action, payload)


# --- signatures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ECDSA", "RSA-PSS", "RSA"])
async def test_L01FR04_signatures_of_each_kind_are_verified(world: StationWorld, kind: str) -> None:
    key: Any = SIGNER if kind == "ECDSA" else rsa.generate_private_key(65537, 2048)
    signature = _signature(IMAGE, key)
    if kind == "RSA":
        signature = base64.b64encode(key.sign(IMAGE, padding.PKCS1v15(), hashes.SHA256())).decode()
    certificate = pem(MAKER.sign(subject("signing"), key.public_key()))
    await _update(world, firmware={"signature": signature, "signingCertificate": certificate})
    await world.clock.advance(60)
    assert _told(world) == INSTALLED


@pytest.mark.parametrize(
    "signature", [_signature(b"another image"), "AAAA", "not base64!"], ids=["another", "short", "none"]
)
async def test_L01FR03_an_invalid_signature_is_told_and_nothing_installed(world: StationWorld, signature: str) -> None:
    await _update(world, firmware={"signature": signature})
    await world.clock.advance(60)
    assert _told(world) == ["Downloading", "Downloaded", "InvalidSignature"]
    assert _events(world)[-1] == "InvalidFirmwareSignature"
    assert len(world.sent("BootNotification")) == 1


# --- times -----------------------------------------------------------------------------------------------------------


async def test_L01FR13_it_is_downloaded_when_its_time_has_come(world: StationWorld) -> None:
    await _update(world, firmware={"retrieveDateTime": (world.now() + timedelta(hours=1)).isoformat()})
    await world.clock.advance(3599)
    assert _told(world) == ["DownloadScheduled"]
    await world.clock.advance(60)
    assert _told(world) == ["DownloadScheduled", *INSTALLED]


async def test_L01FR16_it_is_installed_when_its_time_has_come(world: StationWorld) -> None:
    await _update(world, firmware={"installDateTime": (world.now() + timedelta(hours=1)).isoformat()})
    await world.clock.advance(3599)
    assert _told(world) == [*INSTALLED[:3], "InstallScheduled"]
    await world.clock.advance(60)
    assert _told(world) == [*INSTALLED[:3], "InstallScheduled", *INSTALLED[3:]]


async def test_a_clock_that_is_set_forward_brings_the_time_near(world: StationWorld) -> None:
    await _update(world, firmware={"installDateTime": (world.now() + timedelta(hours=10)).isoformat()})
    await world.clock.advance(10)
    world.station.security.set_time(world.now() + timedelta(hours=10))
    await world.clock.advance(60)
    assert _told(world)[-1] == "Installed"


# --- failures --------------------------------------------------------------------------------------------------------


async def test_L01FR30_L01FR14_attempts_to_download_are_repeated_and_come_to_an_end(world: StationWorld) -> None:
    await _update(world, retries=2, retryInterval=30, firmware={"location": URL + "_does_not_exist"})
    await world.clock.advance(59)
    assert _told(world) == ["Downloading", "DownloadPaused", "Downloading", "DownloadPaused"]
    await world.clock.advance(1)
    assert _told(world)[-2:] == ["Downloading", "DownloadFailed"]
    assert len(world.station.transfer.downloads) == 3  # type: ignore[attr-defined]


async def test_an_attempt_in_vain_is_forgotten_when_another_succeeds(world: StationWorld) -> None:
    world.station.transfer.faults = [TransferFault.FAILED]  # type: ignore[attr-defined]
    await _update(world, retries=1, retryInterval=30)
    await world.clock.advance(90)
    assert _told(world)[-1] == "Installed"


@pytest.mark.parametrize(
    ("image", "end"),
    [
        (b"", "InstallVerificationFailed"),
        (b"ocppflow-firmware 9.9 sha256=" + b"0" * 64 + b"\nrest", "InstallVerificationFailed"),
    ],
)
async def test_L01FR29_an_image_that_is_broken_is_told_and_the_old_one_goes_on(
    world: StationWorld, image: bytes, end: str
) -> None:
    world.station.transfer.files[URL] = image  # type: ignore[attr-defined]
    await _update(world, firmware={"signature": _signature(image)})
    await world.clock.advance(60)
    assert _told(world) == [*INSTALLED[:4], end]
    assert world.station.firmware.version == "1.0.0"
    assert world.station.availability.status(1, 1) == "Available"


async def test_an_image_says_its_version_itself(world: StationWorld) -> None:
    rest = b"the rest"
    image = f"ocppflow-firmware 7.0-beta sha256={hashlib.sha256(rest).hexdigest()}\n".encode() + rest
    world.station.transfer.files[URL] = image  # type: ignore[attr-defined]
    await _update(world, firmware={"signature": _signature(image)})
    await world.clock.advance(60)
    assert world.station.firmware.version == "7.0-beta"


# --- calling off -----------------------------------------------------------------------------------------------------


async def test_L01FR24_a_new_request_calls_off_the_one_before(world: StationWorld) -> None:
    world.station.transfer.seconds = 60  # type: ignore[attr-defined]
    await _update(world, 1)
    await world.clock.advance(10)
    assert (await _update(world, 2))["status"] == "AcceptedCanceled"
    await world.clock.advance(200)
    assert _told(world, 1) == ["Downloading"]
    assert _told(world, 2) == INSTALLED
    assert world.station.transfer.cancelled == 1  # type: ignore[attr-defined]


async def test_L01FR24_an_installation_is_called_off_as_well(world: StationWorld) -> None:
    await _update(world, 1)
    await world.clock.advance(2)
    assert _told(world, 1)[-1] == "Installing"
    assert world.station.availability.status(1, 1) == "Unavailable"
    later = (world.now() + timedelta(hours=1)).isoformat()
    assert (await _update(world, 2, firmware={"retrieveDateTime": later}))["status"] == "AcceptedCanceled"
    await world.clock.advance(60)
    assert _told(world, 2) == ["DownloadScheduled"]
    assert world.station.availability.status(1, 1) == "Available"
    assert len(world.sent("BootNotification")) == 1


async def test_L01FR27_what_is_about_to_boot_is_not_called_off(world: StationWorld) -> None:
    world.answers["FirmwareStatusNotification"] = lambda call: {}
    await _update(world, 1)
    await world.clock.advance(4.9)
    world.station.firmware.update.status = "InstallRebooting"  # type: ignore[union-attr]
    assert (await _update(world, 2))["status"] == "Rejected"
    world.station.firmware.update.status = "Installing"  # type: ignore[union-attr]
    await world.clock.advance(60)
    assert _told(world, 1)[-1] == "Installed"


# --- power and connection --------------------------------------------------------------------------------------------


def _spoil(world: Any) -> None:
    Path(world.station.firmware.update.image).write_bytes(b"something else")


async def _power_cut(world: Any) -> None:
    """As the runtime does it: the line is dead, and nothing is said any more."""
    world.network.links[-1].drop()
    world.station.power_down()
    await world.station.stop()
    await world.clock.advance(100)
    await world.station.connect()


@pytest.mark.parametrize("after", [0, 5, 10.5, 12, 14.9])
async def test_a_power_cut_at_any_time_only_delays_it(world: StationWorld, after: float) -> None:
    world.station.transfer.seconds = 10  # type: ignore[attr-defined]
    await _update(world)
    await world.clock.advance(after)
    await _power_cut(world)
    await world.clock.advance(100)
    told = _told(world)
    assert told[-1] == "Installed"
    assert world.station.firmware.version == "2.5.1"
    seen = [status for number, status in enumerate(told) if status not in told[:number]]
    assert seen == INSTALLED[: len(seen)] or set(seen) <= set(INSTALLED)


async def test_an_image_that_is_lost_in_a_power_cut_is_downloaded_again(world: StationWorld) -> None:
    await _update(world, firmware={"installDateTime": (world.now() + timedelta(minutes=5)).isoformat()})
    await world.clock.advance(10)
    _spoil(world)
    await _power_cut(world)
    await world.clock.advance(10)
    assert len(world.station.transfer.downloads) == 2  # type: ignore[attr-defined]
    await world.clock.advance(300)
    assert _told(world)[-1] == "Installed"


async def test_L01FR01_what_happens_offline_is_told_later_in_its_order(world: StationWorld) -> None:
    world.station.transfer.seconds = 60  # type: ignore[attr-defined]
    await _update(world)
    await world.clock.advance(1)
    world.network.refusals = [ConnectionError("no")] * 3
    world.network.links[-1].drop()
    await world.clock.advance(600)
    assert world.station.is_connected
    assert _told(world) == INSTALLED


async def test_L01FR25_L01FR26_what_a_trigger_gets(world: StationWorld) -> None:
    firmware = world.station.firmware
    assert firmware.report().status == "Idle"
    world.station.transfer.seconds = 60  # type: ignore[attr-defined]
    await _update(world, 9)
    await world.clock.advance(1)
    assert (firmware.report().status, firmware.report().request_id) == ("Downloading", 9)
    await world.clock.advance(120)
    assert world.station.firmware.report().status == "Idle"


# --- transactions ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=[Version.V201, Version.V21])
async def charging(request: pytest.FixtureRequest) -> Any:
    """A station of two EVSEs, at the first of which an EV charges."""
    async with ChargingWorld(version=request.param, evses=(EvseConfig(), EvseConfig())) as one:
        await _prepare(one)
        one.hardware.plug(1)
        one.hardware.swipe("TOKEN", 1)
        await one.clock.advance(5)
        assert len(one.station.transactions.running) == 1
        yield one


@pytest.mark.parametrize("new_sessions", [True, False])
async def test_L01FR06_L01FR07_it_waits_for_transactions_to_end(charging: ChargingWorld, new_sessions: bool) -> None:
    model = charging.station.device_model
    model.set("ChargingStation", "AllowNewSessionsPendingFirmwareUpdate", new_sessions)
    await _update(charging)
    await charging.clock.advance(60)
    assert _told(charging) == [*INSTALLED[:3], "InstallScheduled"]  # L01.FR.34
    availability = charging.station.availability
    assert availability.status(1, 1) == "Occupied"
    assert availability.status(2, 1) == ("Available" if new_sessions else "Unavailable")
    assert availability.operative(2) is new_sessions
    charging.hardware.unplug(1)
    await charging.clock.advance(1)
    assert _told(charging)[-1] == "Installing"
    assert {availability.status(1, 1), availability.status(2, 1)} == {"Unavailable"}
    await charging.clock.advance(60)
    assert _told(charging)[-1] == "Installed"
    assert {charging.station.availability.status(evse, 1) for evse in (1, 2)} == {"Available"}


def test_the_certificate_of_the_tests_is_what_they_think() -> None:
    certificate = x509.load_pem_x509_certificate(CERTIFICATE.encode())
    assert certificate.public_key() == SIGNER.public_key()
    assert StationConfig().firmware_version == "1.0.0"
