"""The states of a firmware update against a model of their own: what the CSMS hears, and when."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fake_transfer import FakeTransfer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pki import Authority, pem, subject
from station_world import StationWorld

from ocppflow.station.blocks.firmware_states import ENDS, NEXT_FIRMWARE_STATUS
from ocppflow.station.transfers import TransferFault

MAKER = Authority("maker")
KEY = ec.generate_private_key(ec.SECP256R1())
SIGNER = pem(MAKER.sign(subject("signing"), KEY.public_key()))
GOOD, BROKEN = b"an image", b"ocppflow-firmware 9 sha256=" + b"0" * 64 + b"\nrest"
SIGNATURES = {image: base64.b64encode(KEY.sign(image, ec.ECDSA(hashes.SHA256()))).decode() for image in (GOOD, BROKEN)}
DOWNLOAD, INSTALL, REBOOT = 10, 5, 5
"""Seconds that they take."""


@dataclass(frozen=True)
class Order:
    """What a CSMS asks for. Times are seconds from when it does."""

    retrieve: int
    install: int | None
    retries: int
    interval: int
    faults: int
    image: bytes = GOOD
    forged: bool = False

    @property
    def url(self) -> str:
        return "http://files.example/" + ("good-2.0" if self.image is GOOD else "broken-2.0")


ORDERS = st.builds(
    Order,
    retrieve=st.sampled_from([-100, 0, 7, 40]),
    install=st.sampled_from([None, -100, 15, 90]),
    retries=st.integers(0, 2),
    interval=st.sampled_from([1, 30]),
    faults=st.integers(0, 3),
    image=st.sampled_from([GOOD, GOOD, BROKEN]),
    forged=st.sampled_from([False, False, True]),
)


def model(order: Order) -> list[tuple[float, str]]:
    """What the station should say, and how many seconds after the order."""
    said: list[tuple[float, str]] = []
    now = 0.0

    def say(status: str) -> None:
        said.append((now, status))

    if order.retrieve > 0:
        say("DownloadScheduled")
        now = order.retrieve
    for attempt in range(order.retries + 1):
        say("Downloading")
        now += DOWNLOAD
        if attempt >= order.faults:
            say("Downloaded")
            break
        if attempt == order.retries:
            say("DownloadFailed")
            return said
        say("DownloadPaused")
        now += order.interval
    if order.forged:
        say("InvalidSignature")
        return said
    say("SignatureVerified")
    if order.install is not None and order.install > now:
        say("InstallScheduled")
        now = order.install
    say("Installing")
    if order.image is BROKEN:
        say("InstallVerificationFailed")
        return said
    now += INSTALL
    say("InstallRebooting")
    now += REBOOT
    say("Installed")
    return said


class FirmwareWorld(StationWorld):
    """``said`` has what the CSMS hears: when, of which order, and what."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[float, int, str]] = []
        self.answers["FirmwareStatusNotification"] = self._noted
        self.transfer = FakeTransfer(self.clock)
        self.transfer.seconds = DOWNLOAD
        self.transfer.files = {"http://files.example/good-2.0": GOOD, "http://files.example/broken-2.0": BROKEN}
        self.station.transfer = self.transfer

    def _noted(self, call: Any) -> dict[str, Any]:
        self.said.append((self.clock.now(), call.data["requestId"], call.data["status"]))
        return {}

    async def begin(self) -> None:
        await self.station.connect()
        await self.clock.advance(0)
        root = {"certificateType": "ManufacturerRootCertificate", "certificate": MAKER.pem}
        await self.call("InstallCertificate", root)

    async def order(self, number: int, order: Order) -> str:
        self.transfer.faults = [TransferFault.FAILED] * order.faults
        firmware = {
            "location": order.url,
            "retrieveDateTime": (self.now() + timedelta(seconds=order.retrieve)).isoformat(),
            "signingCertificate": SIGNER,
            "signature": SIGNATURES[BROKEN if order.forged is (order.image is GOOD) else GOOD],
        }
        if order.install is not None:
            firmware["installDateTime"] = (self.now() + timedelta(seconds=order.install)).isoformat()
        payload = {"requestId": number, "firmware": firmware, "retries": order.retries, "retryInterval": order.interval}
        return str((await self.call("UpdateFirmware", payload))["status"])

    def heard_of(self, number: int) -> list[str]:
        return [status for _, each, status in self.said if each == number]


def _upto(said: Iterable[tuple[float, str]], seconds: float) -> list[tuple[float, str]]:
    return [(when, status) for when, status in said if when < seconds]


_QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@_QUIET
@given(ORDERS, ORDERS, st.integers(0, 150))
def test_L01FR01_the_csms_hears_what_the_model_says_when_it_says(first: Order, second: Order, after: int) -> None:
    async def run() -> None:
        async with FirmwareWorld() as world:
            await world.begin()
            start = world.clock.now()
            assert await world.order(1, first) == "Accepted"
            pause = after + 0.5  # nothing else happens on the half second
            await world.clock.advance(pause)
            expected = [(start + when, 1, status) for when, status in _upto(model(first), pause)]
            if expected[-1][2] == "InstallRebooting":  # there is no connection
                await world.clock.advance(REBOOT)
                pause += REBOOT
                expected = [(start + when, 1, status) for when, status in model(first)]
            ended = expected[-1][2] in ENDS
            assert await world.order(2, second) == ("Accepted" if ended else "AcceptedCanceled")
            await world.clock.advance(400)
            expected += [(start + pause + when, 2, status) for when, status in model(second)]
            assert [(round(when, 6), *rest) for when, *rest in world.said] == expected
            installed = expected[-1][2] == "Installed" or (ended and model(first)[-1][1] == "Installed")
            assert world.station.firmware.version == ("2.0" if installed else "1.0.0")

    asyncio.run(run())


_PATH: dict[str, set[str]] = {
    "": {"DownloadScheduled", "Downloading"},
    "DownloadScheduled": {"Downloading"},
    "Downloading": {"Downloaded", "DownloadPaused", "DownloadFailed"},
    "DownloadPaused": {"Downloading"},
    "Downloaded": {"SignatureVerified", "InvalidSignature"},
    "SignatureVerified": {"InstallScheduled", "Installing"},
    "InstallScheduled": {"Installing"},
    "Installing": {"InstallRebooting", "InstallVerificationFailed"},
    "InstallRebooting": {"Installed"},
}
"""L01, figure "Firmware status transitions", for a signed update of a station that reboots."""


@_QUIET
@given(ORDERS, st.lists(st.tuples(st.sampled_from(["power", "line"]), st.integers(0, 60)), max_size=4))
def test_whatever_breaks_an_update_comes_to_its_end(order: Order, breaks: list[tuple[str, int]]) -> None:
    async def run() -> None:
        async with FirmwareWorld() as world:
            await world.begin()
            await world.order(1, order)
            for kind, after in breaks:
                await world.clock.advance(after)
                await _break(world, kind)
            await world.clock.advance(2000)
            heard = world.heard_of(1)
            assert heard[-1] == model(order)[-1][1]
            before = ""
            for status in heard:
                assert status in _PATH[before] or status == before, heard  # what was not acknowledged is said again
                before = status
            assert world.station.firmware.version == ("2.0" if heard[-1] == "Installed" else "1.0.0")
            assert world.station.availability.operative(1, 1)

    asyncio.run(run())


async def _break(world: FirmwareWorld, kind: str) -> None:
    if kind == "line":
        world.network.links[-1].drop()
        return
    if world.station.is_connected:
        world.network.links[-1].drop()
    world.station.power_down()
    await world.station.stop()
    await world.clock.advance(30)
    await world.station.connect()


def test_every_state_of_the_table_is_reached_and_leads_to_an_end() -> None:
    states = set(NEXT_FIRMWARE_STATUS)
    assert {each for following in NEXT_FIRMWARE_STATUS.values() for each in following} | {"Idle"} == states
    reached = set(ENDS)
    for _ in states:
        reached |= {state for state, following in NEXT_FIRMWARE_STATUS.items() if following & reached}
    assert reached == states
