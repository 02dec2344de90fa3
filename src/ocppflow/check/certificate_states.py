"""The states of the official test cases that are about certificates (Part 6, 2.18 and 2.19): installed, listed,
renewed."""

from __future__ import annotations

import asyncio
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from ocppflow.check.authorities import CSMS_ROOT
from ocppflow.check.authority import CheckAuthority, certificate_pem, names_it
from ocppflow.check.heard import ABSENT, Answer, Heard
from ocppflow.check.trial import Trial
from ocppflow.messages import v21

_CHAIN = "certificateHashDataChain"
_RSA_BITS = 2048
_EC_BITS = 224

Kinds = list[v21.GetCertificateIdUseEnumType]


async def listed(trial: Trial, *kinds: v21.GetCertificateIdUseEnumType) -> list[dict[str, Any]]:
    """What GetInstalledCertificateIds tells of these types (all, if none is given); empty for NotFound."""
    request = v21.GetInstalledCertificateIdsRequest()
    if kinds:
        request.certificate_type = list(kinds)
    answer = await trial.call(request)
    if answer.must("status", "Accepted", "NotFound", by="M03.FR.01 M03.FR.02") == "NotFound":
        answer.must(_CHAIN, ABSENT, by="M03.FR.02")
        return []
    found: list[dict[str, Any]] = answer.at(_CHAIN)
    for place, entry in enumerate(found):
        if kinds:
            answer.must(f"{_CHAIN}[{place}].certificateType", tuple(kinds), by="M03.FR.03")
        trial.check("certificateHashData" in entry, "an entry names no certificate", at=answer, by="M03.FR.04")
    trial.notes["listed"] = answer
    return found


def holds(entries: list[dict[str, Any]], kind: str, root: CheckAuthority, issuer: CheckAuthority | None = None) -> bool:
    """Whether a root is among them."""
    signer = (issuer or root).certificate
    return any(
        entry.get("certificateType") == kind and names_it(entry.get("certificateHashData"), root.certificate, signer)
        for entry in entries
    )


def must_hold(
    trial: Trial,
    entries: list[dict[str, Any]],
    kind: str,
    root: CheckAuthority,
    issuer: CheckAuthority | None = None,
    *,
    there: bool = True,
    by: str = "M03.FR.01",
) -> None:
    """Raises CheckFailed unless a root is among what was listed, or is not, with ``there`` False."""
    told: Answer[Any] | None = trial.notes.get("listed")
    text = f"the {kind} that was installed is not listed" if there else f"a {kind} is listed that must not be there"
    trial.check(holds(entries, kind, root, issuer) is there, text, at=told, by=by)


# --- renewal ---------------------------------------------------------------------------------------------------------


async def trigger_renewal(trial: Trial, what: v21.MessageTriggerEnumType = "SignChargingStationCertificate") -> int:
    """Let the station ask for a certificate; the mark from which on it does."""
    answer = await trial.call(v21.TriggerMessageRequest(requested_message=what))
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", "Accepted", by="F06.FR.04")
    return begin


async def signing_request(
    trial: Trial, begin: int, *, within: float | None = None, by: str = "A02.FR.02 A02.FR.03"
) -> tuple[Heard[v21.SignCertificateRequest], x509.CertificateSigningRequest]:
    """The SignCertificateRequest, and what is in it: it has been checked (A00.FR.502, A00.FR.503, A02.FR.03)."""
    asked = await trial.expect(v21.SignCertificateRequest, since=begin, within=within, by=by)
    asked.must("certificateType", "ChargingStationCertificate", ABSENT, by="A02.FR.03")
    return asked, read_request(asked)


def read_request(asked: Heard[Any]) -> x509.CertificateSigningRequest:
    """The certificate signing request in a message, once its key and its signature have been checked."""
    try:
        request = x509.load_pem_x509_csr(str(asked.at("csr")).encode())
        genuine = request.is_signature_valid
    except (ValueError, InvalidSignature) as exc:
        raise asked.wrong(f"csr is not a request as of RFC 2986 in PEM: {exc}", by="A02.FR.03") from None
    if not genuine:
        raise asked.wrong("csr is not signed by its own key", by="A02.FR.03")
    if fault := weakness(request.public_key()):
        raise asked.wrong(f"csr: {fault}", by="A00.FR.502 A00.FR.503")
    return request


def weakness(key: Any) -> str:
    """What is wrong with a public key; empty if it is strong enough (A00.FR.502, A00.FR.503)."""
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < _RSA_BITS:
        return f"an RSA key of {key.key_size} bits; at least {_RSA_BITS} are needed"
    if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size < _EC_BITS:
        return f"a key of {key.key_size} bits on an elliptic curve; at least {_EC_BITS} are needed"
    return ""


async def certificate_signed(
    trial: Trial, asked: Heard[Any], certificate: x509.Certificate
) -> Answer[v21.CertificateSignedResponse]:
    """CertificateSignedRequest with this certificate, for that signing request."""
    request = v21.CertificateSignedRequest(
        certificate_chain=certificate_pem(certificate), certificate_type="ChargingStationCertificate"
    )
    number = asked.at("requestId")
    if isinstance(number, int):
        request.request_id = number
    return await trial.call(request)


async def renewed(trial: Trial, by: CheckAuthority | None = None) -> x509.Certificate:
    """RenewChargingStationCertificate: the station has a new certificate, signed by the CSMS's root. One that is in use
    is used at once (A02.FR.08): the station is connected again."""
    begin = await trigger_renewal(trial)
    asked, request = await signing_request(trial, begin)
    await _answered(trial)
    certificate = (by or trial.bench.workshop.authorities[CSMS_ROOT]).answer(request)
    arrivals = len(trial.bench.arrivals)
    answer = await certificate_signed(trial, asked, certificate)
    answer.must("status", "Accepted", by="A02.FR.06")
    if trial.bench.security_profile == 3:
        bench, patience = trial.bench, trial.settings.reboot_patience
        came = await bench.until(lambda: True if len(bench.arrivals) > arrivals and bench.station else None, patience)
        trial.check(came, "the station does not connect with the new certificate", by="A02.FR.08")
    return certificate


async def _answered(trial: Trial) -> None:
    """Let the answer to SignCertificate leave, before the certificate comes."""
    await asyncio.sleep(0)
    await trial.wait(0.1)
