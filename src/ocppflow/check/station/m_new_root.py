"""M05: a new CSMS root in place of the old one, which has signed it."""

from __future__ import annotations

from typing import Final

from ocppflow.check.authorities import CSMS_ROOT, NEW_CSMS_ROOT
from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import holds, listed, must_hold, renewed
from ocppflow.check.check_door import CheckDoor
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.variables import configure_if_there, get_variable
from ocppflow.messages import v21

_TLS: Final = (2, 3)
_CSMS: Final = "CSMSRootCertificate"
_ADDITIONAL_CHECK: Final = ("SecurityCtrlr", "AdditionalRootCertificateCheck")


async def _new_root_installed(trial: Trial) -> CheckDoor:
    """The station has a new root, and the old one to fall back on."""
    door, authorities = trial.bench.door, trial.bench.workshop.authorities
    if door is None:
        raise NotPossible("the check listens with certificates that are not its own: it needs --authorities")
    await configure_if_there(trial, *_ADDITIONAL_CHECK, "true")
    if await get_variable(trial, *_ADDITIONAL_CHECK) != "true":
        raise NotForThis("for a station that wants a new CSMS root signed by the old one")
    if not holds(await listed(trial, _CSMS), _CSMS, authorities[CSMS_ROOT]):
        raise NotPossible("the CSMS root that the station trusts is not this tool's")
    pem = authorities[NEW_CSMS_ROOT].pem
    answer = await trial.call(v21.InstallCertificateRequest(certificate_type=_CSMS, certificate=pem))
    answer.must("status", "Accepted", by="M05.FR.02 M05.FR.09")
    return door


async def _restarted(trial: Trial) -> None:
    begin = trial.mark()
    answer = await trial.call(v21.ResetRequest(type="OnIdle"))
    answer.must("status", "Accepted", by="B11.FR.03")
    await booted(trial, "", since=begin)


@station_case("M05.FR.13", security_profiles=_TLS)
async def TC_M_30_CS(trial: Trial) -> None:
    """The new root works: the old one is forgotten. The station has to be given the first root anew afterwards."""
    authorities = trial.bench.workshop.authorities
    door = await _new_root_installed(trial)
    if trial.bench.security_profile == 3:
        await renewed(trial, authorities[NEW_CSMS_ROOT])
    door.sign_by(NEW_CSMS_ROOT)
    await _restarted(trial)
    must_hold(trial, await listed(trial, _CSMS), _CSMS, authorities[CSMS_ROOT], there=False, by="M05.FR.13")


@station_case("M05.FR.14", security_profiles=_TLS)
async def TC_M_31_CS(trial: Trial) -> None:
    """The new root does not fit the CSMS: the station falls back on the old one."""
    authorities = trial.bench.workshop.authorities
    await _new_root_installed(trial)
    await _restarted(trial)
    must_hold(trial, await listed(trial, _CSMS), _CSMS, authorities[CSMS_ROOT], by="M05.FR.14")
