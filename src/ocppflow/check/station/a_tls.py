"""A00: TLS between station and CSMS, and what the station makes of a CSMS that is not the right one."""

from __future__ import annotations

import ssl
from typing import Any, Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import weakness
from ocppflow.check.check_door import INVALID_CERTIFICATES, CheckDoor, Fault
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.reusable_states import reported_restart
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.check.variables import configure
from ocppflow.messages import v21

_TLS: Final = (2, 3)
_SUITES: Final = (
    {"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {"AES128-GCM-SHA256", "AES256-GCM-SHA384"},
)
"""One of these pairs has to be supported (A00.FR.319, A00.FR.422)."""


def _door(trial: Trial) -> CheckDoor:
    if trial.bench.door is None:
        raise NotPossible("the check listens with certificates that are not its own: it needs --authorities")
    return trial.bench.door


async def _restarts(trial: Trial) -> tuple[int, Heard[Any]]:
    """Booting, and what follows: the mark of it, and the BootNotification."""
    begin = trial.mark()
    answer = await trial.call(v21.ResetRequest(type="Immediate"))
    answer.must("status", "Accepted", by="B11.FR.01")
    patience = trial.settings.reboot_patience
    boot = await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B01.FR.01")
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")
    return begin, boot


def _talk(trial: Trial, door: CheckDoor) -> ssl.SSLObject:
    """The newest handshake, whose version and suites have been checked."""
    talk = door.talk
    if talk is None:
        raise NotPossible("the handshake could not be watched")
    version = talk.version() or ""
    trial.check(version in ("TLSv1.2", "TLSv1.3"), f"{version or 'no TLS'} is spoken", by="A00.FR.313 A00.FR.416")
    offered = {name for name, _, _ in talk.shared_ciphers() or ()}
    supported = any(pair <= offered for pair in _SUITES)
    wanted = " or ".join(" and ".join(sorted(pair)) for pair in _SUITES)
    trial.check(supported, f"the station must offer {wanted}", by="A00.FR.319 A00.FR.422")
    return talk


@station_case(
    "A00.FR.309",
    "A00.FR.312",
    "A00.FR.313",
    "A00.FR.319",
    "A00.FR.321",
    "A00.FR.412",
    "A00.FR.422",
    security_profiles=_TLS,
)
async def TC_A_04_CS(trial: Trial) -> None:
    """The station connects by TLS, with a version and suites that are safe."""
    door = _door(trial)
    await _restarts(trial)
    _talk(trial, door)


async def _refuses(trial: Trial, door: CheckDoor, fault: Fault, by: str) -> int:
    """The station restarts, does not come in by this door, and comes by the next; the mark of the restart."""
    handshakes, asked = len(door.shown), len(trial.bench.asked)
    door.fail_once(fault)
    begin, _ = await _restarts(trial)
    trial.check(fault in door.shown[handshakes:], "the station did not come to the door", by=by)
    came_in = [shown for _, shown in trial.bench.asked[asked:] if shown]
    trial.check(not came_in, f"the station came in by a door with a fault: {fault}", by=by)
    return begin


@station_case(
    "A00.FR.309",
    "A00.FR.310",
    "A00.FR.311",
    "A00.FR.412",
    "A00.FR.413",
    "A00.FR.414",
    security_profiles=_TLS,
)
async def TC_A_05_CS(trial: Trial) -> None:
    """A CSMS whose certificate is not valid: signed by a stranger, expired, of another host."""
    door = _door(trial)
    await configure(trial, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    for fault in INVALID_CERTIFICATES:
        begin = await _refuses(trial, door, fault, "A00.FR.309 A00.FR.412")
        event = {"type": "InvalidCsmsCertificate"}
        await trial.expect(v21.SecurityEventNotificationRequest, event, since=begin, by="A00.FR.310 A00.FR.413")


@station_case("A00.FR.314", "A00.FR.316", "A00.FR.416", "A00.FR.417", "A00.FR.419", security_profiles=_TLS)
async def TC_A_06_CS(trial: Trial) -> None:
    """A CSMS that speaks a TLS older than 1.2."""
    door = _door(trial)
    await configure(trial, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    begin = await _refuses(trial, door, "old TLS", "A00.FR.314 A00.FR.417")
    await reported_restart(trial, begin)
    # The station may not be able to know why TLS failed, so that it need not tell of it (note of the text).
    await trial.maybe(v21.SecurityEventNotificationRequest, {"type": "InvalidTLSVersion"}, since=begin, within=1.0)


@station_case(
    "A00.FR.401",
    "A00.FR.402",
    "A00.FR.415",
    "A00.FR.416",
    "A00.FR.422",
    "A00.FR.502",
    "A00.FR.503",
    "A00.FR.507",
    "A00.FR.508",
    "A00.FR.511",
    security_profiles=(3,),
)
async def TC_A_07_CS(trial: Trial) -> None:
    """The station connects with its certificate, which is a good one."""
    door = _door(trial)
    _, boot = await _restarts(trial)
    talk = _talk(trial, door)
    raw = talk.getpeercert(binary_form=True)
    if raw is None:
        raise boot.wrong("the station has shown no certificate", by="A00.FR.401")
    try:
        certificate = x509.load_der_x509_certificate(raw)
        key = certificate.public_key()
    except ValueError as exc:
        raise boot.wrong(f"the station's certificate cannot be read: {exc}", by="A00.FR.507") from None
    fault = weakness(key)
    trial.check(not fault, f"the station's certificate: {fault}", by="A00.FR.502 A00.FR.503")
    trial.check(certificate.serial_number, "the certificate has no serial number", by="A00.FR.508")
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    trial.check(names, "the certificate's subject has no CN", by="A00.FR.511")
    serial = boot.at("chargingStation.serialNumber")
    if serial is ABSENT:
        trial.omit(f"the station does not tell its serial number, which the CN {names[0]!r} has to be")
    else:
        trial.check(names[0] == serial, f"the CN is {names[0]!r}, not the serial number {serial!r}", by="A00.FR.511")
