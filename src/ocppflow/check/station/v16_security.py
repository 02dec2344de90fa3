"""OCPP 1.6: the security extension (security whitepaper, edition 3: A01, A02, A05, L01, M03 to M05, N01)."""

from __future__ import annotations

import base64
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from ocppflow.check.authorities import CSMS_ROOT, MANUFACTURER_ROOT, STRANGER
from ocppflow.check.authority import CheckAuthority, certificate_pem, hash_of, subject
from ocppflow.check.cases import station_case
from ocppflow.check.heard import PRESENT
from ocppflow.check.steps_16 import V16, file_place, get_key
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.messages import v16

_CSMS: Final = "CentralSystemRootCertificate"
_MANUFACTURER: Final = "ManufacturerRootCertificate"
_FIRMWARE: Final = "/firmware-16-signed.bin"
_IMAGE: Final = b"ocppflow-firmware 9.9.9\nwhat the check has made up\n"


def _hash_data(root: CheckAuthority) -> v16.CertificateHashDataType:
    return msgspec.convert(
        msgspec.to_builtins(hash_of(root.certificate, root.certificate)), v16.CertificateHashDataType
    )


async def _install(trial: Trial, kind: v16.CertificateUseEnumType, root: CheckAuthority) -> None:
    answer = await trial.call(v16.InstallCertificateRequest(certificate_type=kind, certificate=root.pem))
    answer.must("status", "Accepted", by="M05.FR.02")

    async def delete() -> None:
        await trial.call(v16.DeleteCertificateRequest(certificate_hash_data=_hash_data(root)))

    trial.afterwards.append(delete)


async def _listed(trial: Trial, kind: v16.CertificateUseEnumType, root: CheckAuthority) -> bool:
    answer = await trial.call(v16.GetInstalledCertificateIdsRequest(certificate_type=kind))
    found = answer.at("certificateHashData")
    serial = _hash_data(root).serial_number.lower()
    return isinstance(found, list) and any(
        each["serialNumber"].lower().lstrip("0") == serial.lstrip("0") for each in found
    )


async def _installed(trial: Trial, kind: v16.CertificateUseEnumType, root: CheckAuthority) -> None:
    await _install(trial, kind, root)
    trial.check(await _listed(trial, kind, root), "it is not listed", by="M03.FR.03 M05.FR.02")


@station_case("A01.FR.02", "A00.FR.205", versions=V16)
async def TC_073_CS(trial: Trial) -> None:
    """A new AuthorizationKey is taken, is not shown, and one that is too short is refused."""
    refused = await trial.call(v16.ChangeConfigurationRequest(key="AuthorizationKey", value="0011"))
    if refused.at("status") == "NotSupported":
        raise NotForThis("the station has no AuthorizationKey")
    refused.must("status", "Rejected", by="A00.FR.205")
    shown = await get_key(trial, "AuthorizationKey")
    trial.check(not shown, "the AuthorizationKey can be read", by="A01.FR.12")


@station_case("A02.FR.02", "A02.FR.03", versions=V16)
async def TC_074_CS(trial: Trial) -> None:
    """The station asks for a certificate when it is told to."""
    asked = v16.ExtendedTriggerMessageRequest(requested_message="SignChargePointCertificate")
    answer = await trial.call(asked)
    if answer.at("status") == "NotImplemented":
        raise NotForThis("the station has no certificate of its own to renew")
    answer.must("status", "Accepted", by="A02.FR.02")
    begin = len(trial.bench.inbox) - len(trial.since())
    said = await trial.expect(v16.SignCertificateRequest, since=begin, by="A02.FR.03")
    text = said.at("csr")
    trial.check(
        text.lstrip().startswith("-----BEGIN CERTIFICATE REQUEST-----"), "it is not PEM", at=said, by="A02.FR.03"
    )
    stranger = trial.bench.workshop.authorities[STRANGER]
    trial.mark()
    wrong = await trial.call(v16.CertificateSignedRequest(certificate_chain=stranger.pem))
    wrong.must("status", "Rejected", by="A02.FR.06")
    await trial.expect(v16.SecurityEventNotificationRequest, {"type": "InvalidChargePointCertificate"}, by="A02.FR.07")


@station_case("M05.FR.01", "M05.FR.02", "M03.FR.03", versions=V16)
async def TC_075_1_CS(trial: Trial) -> None:
    """A root of the manufacturer's is installed, and listed."""
    await _installed(trial, _MANUFACTURER, trial.bench.workshop.authorities[MANUFACTURER_ROOT])


@station_case("M05.FR.01", "M05.FR.02", "M03.FR.03", versions=V16)
async def TC_075_2_CS(trial: Trial) -> None:
    """A root of the CSMS's is installed, and listed."""
    if await get_key(trial, "AdditionalRootCertificateCheck") == "true":
        raise NotForThis("for a station that takes a root whoever has signed it")
    await _installed(trial, _CSMS, trial.bench.workshop.authorities[CSMS_ROOT])


@station_case("M05.FR.06", versions=V16)
async def TC16_SECURITY_01_CS(trial: Trial) -> None:
    """What is not a certificate is not installed."""
    wrong = v16.InstallCertificateRequest(certificate_type=_MANUFACTURER, certificate="nothing")
    (await trial.call(wrong)).must("status", "Rejected", "Failed", by="M05.FR.06")


@station_case("M04.FR.01", versions=V16)
async def TC_076_CS(trial: Trial) -> None:
    """A certificate is deleted, once."""
    root = trial.bench.workshop.authorities[MANUFACTURER_ROOT]
    await _install(trial, _MANUFACTURER, root)
    request = v16.DeleteCertificateRequest(certificate_hash_data=_hash_data(root))
    (await trial.call(request)).must("status", "Accepted", by="M04.FR.01")
    (await trial.call(request)).must("status", "NotFound", by="M04.FR.04")
    trial.check(not await _listed(trial, _MANUFACTURER, root), "it is listed still", by="M04.FR.01")


@station_case("N01.FR.01", "N01.FR.09", versions=V16)
async def TC_079_CS(trial: Trial) -> None:
    """The security log is brought."""
    number, folder = trial.request_id(), "/security-log/"
    where = v16.LogParametersType(remote_location=await file_place(trial, folder))
    answer = await trial.call(v16.GetLogRequest(log=where, log_type="SecurityLog", request_id=number))
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", "Accepted", by="N01.FR.01")
    name = answer.must("filename", PRESENT, by="N01.FR.01")
    for step in ("Uploading", "Uploaded"):
        told = await trial.expect(v16.LogStatusNotificationRequest, since=begin, by="N01.FR.08 N01.FR.09")
        told.must("status", step, by="N01.FR.08 N01.FR.09")
        told.must("requestId", number, by="N01.FR.07")
    come = trial.bench.workshop.shelf.brought
    trial.check(come.get(f"{folder}{name}"), f"{name} has not come; there came {', '.join(come)}", by="N01.FR.09")


async def _signed_update(trial: Trial, *, content: bytes, by: CheckAuthority) -> tuple[str, int, int]:
    """The answer's status, the requestId, and the mark of an update whose signature is over ``content``."""
    location = await file_place(trial, _FIRMWARE)
    trial.bench.workshop.shelf.files[_FIRMWARE] = _IMAGE
    await _install(trial, _MANUFACTURER, trial.bench.workshop.authorities[MANUFACTURER_ROOT])
    key = ec.generate_private_key(ec.SECP256R1())
    signer = certificate_pem(by.sign(subject("Firmware"), key.public_key()))
    number = trial.request_id()
    firmware = v16.FirmwareType(
        location=location,
        retrieve_date_time=trial.now(),
        signing_certificate=signer,
        signature=base64.b64encode(key.sign(content, ec.ECDSA(hashes.SHA256()))).decode(),
    )
    answer = await trial.call(v16.SignedUpdateFirmwareRequest(request_id=number, firmware=firmware))
    return str(answer.at("status")), number, len(trial.bench.inbox) - len(trial.since())


async def _told(trial: Trial, number: int, begin: int, *wanted: str) -> None:
    for step in wanted:
        told = await trial.expect(
            v16.SignedFirmwareStatusNotificationRequest,
            {"status": step},
            since=begin,
            within=trial.settings.reboot_patience,
            by="L01.FR.01",
        )
        told.must("requestId", number, by="L01.FR.10")


@station_case("L01.FR.01", "L01.FR.04", versions=V16)
async def TC_080_CS(trial: Trial) -> None:
    """Signed firmware is downloaded, checked and installed."""
    root = trial.bench.workshop.authorities[MANUFACTURER_ROOT]
    status, number, begin = await _signed_update(trial, content=_IMAGE, by=root)
    trial.check(status == "Accepted", f"it was answered with {status}", by="L01.FR.01")
    await _told(trial, number, begin, "Downloading", "Downloaded", "SignatureVerified", "Installing", "Installed")


@station_case("L01.FR.03", versions=V16)
async def TC_081_CS(trial: Trial) -> None:
    """A signature that does not fit."""
    root = trial.bench.workshop.authorities[MANUFACTURER_ROOT]
    status, number, begin = await _signed_update(trial, content=b"something else", by=root)
    trial.check(status == "Accepted", f"it was answered with {status}", by="L01.FR.01")
    await _told(trial, number, begin, "InvalidSignature")
    where = {"type": "InvalidFirmwareSignature"}
    await trial.expect(v16.SecurityEventNotificationRequest, where, since=begin, by="L01.FR.03")


@station_case("L01.FR.02", "L01.FR.22", versions=V16)
async def TC16_SECURITY_02_CS(trial: Trial) -> None:
    """A signing certificate that no installed root has issued."""
    status, _, begin = await _signed_update(trial, content=_IMAGE, by=trial.bench.workshop.authorities[STRANGER])
    trial.check(status == "InvalidCertificate", f"it was answered with {status}", by="L01.FR.22")
    where = {"type": "InvalidFirmwareSigningCertificate"}
    await trial.expect(v16.SecurityEventNotificationRequest, where, since=begin, by="L01.FR.02")


@station_case("A05.FR.01", "A05.FR.02", "A05.FR.03", versions=V16)
async def TC_084_CS(trial: Trial) -> None:
    """The security profile is not lowered, and not raised to one that there is not."""
    now = await get_key(trial, "SecurityProfile")
    if now is None:
        raise NotForThis("the station has no SecurityProfile")
    for value in (str(int(now) - 1), now, "7"):
        answer = await trial.call(v16.ChangeConfigurationRequest(key="SecurityProfile", value=value))
        answer.must("status", "Rejected", by="A05.FR.01")
    trial.check(await get_key(trial, "SecurityProfile") == now, "it has changed all the same", by="A05.FR.01")
