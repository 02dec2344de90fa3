"""A firmware update as the station tells of it (L01), from the request until it runs the new firmware."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ocppflow.check.authorities import MANUFACTURER_ROOT, STRANGER
from ocppflow.check.authority import CheckAuthority, certificate_pem, hash_of, subject
from ocppflow.check.connector_states import connector_reports, connectors_are
from ocppflow.check.heard import Answer
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.check.variables import get_variable
from ocppflow.messages import v21

_PAST = timedelta(hours=2)
_IMAGE = b"ocppflow-firmware 9.9.9\nwhat the check has made up\n"
_BROKEN = b"ocppflow-firmware 9.9.10 sha256=" + sha256(b"another").hexdigest().encode() + b"\nnot that\n"
"""Says of itself what is not so: the simulated installer finds that out, as a real one would by its checksum."""


class FirmwareOffer(NamedTuple):
    """What an UpdateFirmwareRequest offers."""

    location: str
    certificate: str
    signature: str


async def firmware_offered(trial: Trial, *, broken: bool = False, path: str = "") -> FirmwareOffer:
    """An image on the file server, signed by what the station trusts: the tester's own (settings), or a made-up one,
    whose manufacturer's root is installed for the case."""
    protocols = await get_variable(trial, "OCPPCommCtrlr", "FileTransferProtocols")
    if protocols is not None and "HTTP" not in protocols.upper().split(","):
        raise NotPossible(f"the station transfers files over {protocols}, and this tool has HTTP alone")
    settings = trial.settings
    where = path or f"/firmware-{'broken' if broken else '9.9.9'}.bin"
    location = await trial.file_url(where)
    if settings.firmware:
        image = settings.broken_firmware if broken else settings.firmware
        if not image or not settings.firmware_signature or not settings.signing_certificate:
            raise NotPossible("the settings name a firmware, but not all that belongs to it")
        signature = f"{image}.sig" if broken else settings.firmware_signature
        trial.bench.workshop.shelf.files[where] = _read(image)
        return FirmwareOffer(location, _read(settings.signing_certificate).decode(), _read(signature).decode().strip())
    content = _BROKEN if broken else _IMAGE
    trial.bench.workshop.shelf.files[where] = content
    root = trial.bench.workshop.authorities[MANUFACTURER_ROOT]
    await root_installed(trial, "ManufacturerRootCertificate", root)
    return _signed(location, content, root)


def _read(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as exc:
        raise NotPossible(f"{file}: {exc.strerror or exc}") from None


def _signed(location: str, content: bytes, by: CheckAuthority) -> FirmwareOffer:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = by.sign(subject("Firmware"), key.public_key())
    signature = base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode()
    return FirmwareOffer(location, certificate_pem(certificate), signature)


def untrusted(trial: Trial, offer: FirmwareOffer) -> FirmwareOffer:
    """The same with a signing certificate that no installed root has issued."""
    stranger = _signed(offer.location, _IMAGE, trial.bench.workshop.authorities[STRANGER])
    return offer._replace(certificate=stranger.certificate)


def wrongly_signed(trial: Trial, offer: FirmwareOffer) -> FirmwareOffer:
    """The same with a real signature, which is not one over the image."""
    other = _signed(offer.location, b"something else", trial.bench.workshop.authorities[STRANGER])
    return offer._replace(signature=other.signature)


async def root_installed(
    trial: Trial, kind: v21.InstallCertificateUseEnumType, root: CheckAuthority, issuer: CheckAuthority | None = None
) -> None:
    """CertificateInstalled: the station takes a root; when the case is over it is deleted."""
    answer = await trial.call(v21.InstallCertificateRequest(certificate_type=kind, certificate=root.pem))
    answer.must("status", "Accepted", by="M05.FR.01 M05.FR.02")
    data = hash_of(root.certificate, (issuer or root).certificate)

    async def delete() -> None:
        await trial.call(v21.DeleteCertificateRequest(certificate_hash_data=data))

    trial.afterwards.append(delete)


class FirmwareCourse:
    """One update. ``begin``: the mark of its request."""

    def __init__(self, trial: Trial, offer: FirmwareOffer) -> None:
        self.trial = trial
        self.offer = offer
        self.request_id = trial.request_id()
        self.begin = 0
        self._arrivals = len(trial.bench.arrivals)

    async def request(
        self, *, retrieve_at: datetime | None = None, install_at: datetime | None = None
    ) -> Answer[v21.UpdateFirmwareResponse]:
        """UpdateFirmwareRequest; without a time, at once."""
        past = self.trial.now() - _PAST
        firmware = v21.FirmwareType(
            location=self.offer.location,
            retrieve_date_time=retrieve_at or past,
            install_date_time=install_at or past,
        )
        if self.offer.certificate:
            firmware.signing_certificate, firmware.signature = self.offer.certificate, self.offer.signature
        answer = await self.trial.call(v21.UpdateFirmwareRequest(request_id=self.request_id, firmware=firmware))
        self.begin = len(self.trial.bench.inbox) - len(self.trial.since())
        return answer

    async def status(self, *wanted: str, within: float | None = None, by: str = "L01.FR.01") -> str:
        """The next status that the station tells, which must be one of these."""
        request = v21.FirmwareStatusNotificationRequest
        patience = self.trial.settings.reboot_patience if within is None else within
        told = await self.trial.expect(request, since=self.begin, within=patience, by=by)
        told.must("status", *wanted, by=by)
        told.must("requestId", self.request_id, by="L01.FR.10 L01.FR.20")
        return str(told.at("status"))

    async def event(self, kind: str, by: str) -> None:
        """A security event since the request."""
        request = v21.SecurityEventNotificationRequest
        patience = self.trial.settings.reboot_patience
        await self.trial.expect(request, {"type": kind}, since=self.begin, within=patience, by=by)

    async def downloaded(self) -> None:
        """Downloading, Downloaded, SignatureVerified."""
        await self.status("Downloading")
        await self.status("Downloaded")
        await self.status("SignatureVerified", by="L01.FR.04")

    async def installed(self, reached: str = "") -> None:
        """Installing, and all that follows, whether it reboots before or after it, or not at all. ``reached``:
        Installing, if that was told already."""
        status = reached or await self.status("Installing", "InstallRebooting", by="L01.FR.12")
        rebooted = False
        while status != "Installed":
            rebooted = rebooted or status == "InstallRebooting"
            follows = ("Installing", "Installed") if status == "InstallRebooting" else ("InstallRebooting", "Installed")
            status = await self.status(*follows, by="L01.FR.28 L01.FR.32")
        await self._came_back(rebooted)
        await self.event("FirmwareUpdated", "L01.FR.31")
        await self.available_again()

    async def _came_back(self, rebooted: bool) -> None:
        """It has connected anew, since another firmware may speak another version; a boot says why it was."""
        trial, patience = self.trial, self.trial.settings.reboot_patience
        if rebooted:
            await trial.expect(v21.BootNotificationRequest, since=self.begin, within=patience, by="B01.FR.01")
        for heard in trial.since(self.begin):
            if heard.action == "BootNotification":
                heard.must("reason", "FirmwareUpdate", by="B01.FR.03")
        came = await trial.bench.until(
            lambda: True if len(trial.bench.arrivals) > self._arrivals else None, trial.settings.patience
        )
        trial.check(came, "the station has not connected anew", by="L01.FR.28")

    def told_unavailable(self) -> dict[tuple[int, int], str | tuple[str, ...]]:
        """The connectors that were said to be Unavailable since the request."""
        reports = connector_reports(self.trial.since(self.begin))
        return {(each.evse, each.connector): "Available" for each in reports if each.status == "Unavailable"}

    async def available_again(self) -> None:
        """What was made Unavailable for the update is told to be Available."""
        await connectors_are(self.trial, self.told_unavailable(), since=self.begin, by="L01.FR.07 G01.FR.01")
