"""A02: the station gets itself a new certificate when the CSMS wants it to."""

from __future__ import annotations

from ocppflow.check.authorities import CSMS_ROOT, STRANGER
from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import (
    certificate_signed,
    holds,
    listed,
    read_request,
    renewed,
    signing_request,
    trigger_renewal,
)
from ocppflow.check.firmware_course import root_installed
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure
from ocppflow.messages import v21

_BY_CERTIFICATE = (3,)


@station_case(
    "A02.FR.02",
    "A02.FR.03",
    "A02.FR.06",
    "A02.FR.08",
    "A02.FR.09",
    "F06.FR.04",
    "F06.FR.05",
    "F06.FR.10",
    security_profiles=_BY_CERTIFICATE,
)
async def TC_A_11_CS(trial: Trial) -> None:
    """The station's certificate is renewed."""
    await renewed(trial)


@station_case("A02.FR.07", "A03.FR.07", security_profiles=_BY_CERTIFICATE)
async def TC_A_14_CS(trial: Trial) -> None:
    """A certificate that no installed root has issued is discarded."""
    begin = await trigger_renewal(trial)
    asked, request = await signing_request(trial, begin)
    certificate = trial.bench.workshop.authorities[STRANGER].answer(request)
    answer = await certificate_signed(trial, asked, certificate)
    answer.must("status", "Rejected", by="A02.FR.07")
    event = {"type": "InvalidChargingStationCertificate"}
    await trial.expect(v21.SecurityEventNotificationRequest, event, by="A02.FR.07 A03.FR.07")


@station_case("A02.FR.02", security_profiles=_BY_CERTIFICATE)
async def TC_A_15_CS(trial: Trial) -> None:
    """The CSMS does not have the certificate signed."""
    trial.answer(v21.SignCertificateRequest, v21.SignCertificateResponse(status="Rejected"))
    begin = await trigger_renewal(trial)
    await trial.expect(v21.SignCertificateRequest, since=begin, by="A02.FR.02")


@station_case("A02.FR.17", "A02.FR.18")
async def TC_A_23_CS(trial: Trial) -> None:
    """The station asks again when no certificate comes, after twice the time, and then takes one."""
    root = trial.bench.workshop.authorities[CSMS_ROOT]
    if not holds(await listed(trial, "CSMSRootCertificate"), "CSMSRootCertificate", root):
        await root_installed(trial, "CSMSRootCertificate", root)
    wait = trial.settings.signing_wait
    await configure(trial, "SecurityCtrlr", "CertSigningWaitMinimum", str(wait))
    await configure(trial, "SecurityCtrlr", "CertSigningRepeatTimes", "1")
    begin = await trigger_renewal(trial)
    asked, _ = await signing_request(trial, begin)
    for due in (wait, 2 * wait):
        again = await trial.expect(
            v21.SignCertificateRequest, since=begin, within=due + trial.settings.patience, by="A02.FR.17"
        )
        passed = again.when - asked.when
        early = f"it was sent again after {passed:.1f} s, which is before {due} s"
        trial.check(passed >= due - trial.settings.tolerance, early, at=again, by="A02.FR.17 A02.FR.18")
        read_request(again)
        asked = again
    answer = await certificate_signed(trial, asked, root.answer(read_request(asked)))
    answer.must("status", "Accepted", by="A02.FR.06")
