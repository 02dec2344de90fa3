"""A05: the station goes over to a higher security profile, and to no lower one."""

from __future__ import annotations

from typing import Final

from ocppflow.check.authorities import CSMS_ROOT
from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import listed, renewed
from ocppflow.check.firmware_course import root_installed
from ocppflow.check.heard import Answer
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.variables import get_variable
from ocppflow.errors import ConfigurationError
from ocppflow.messages import Version, v21

_PRIORITY: Final = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
_STATUS: Final = "setVariableResult[0].attributeStatus"


def _profile(trial: Trial, slot: int, url: str, security_profile: int) -> v21.SetNetworkProfileRequest:
    settings = trial.settings
    data = v21.NetworkConnectionProfileType(
        ocpp_interface=settings.interface,  # type: ignore[arg-type]  # it is the tester's word
        ocpp_transport="JSON",
        ocpp_csms_url=url,
        message_timeout=settings.message_timeout,
        security_profile=security_profile,
        ocpp_version="OCPP20" if trial.version is Version.V201 else "OCPP21",
    )
    if trial.version is Version.V21:
        data.ocpp_interface = "Any"
    return v21.SetNetworkProfileRequest(configuration_slot=slot, connection_data=data)


async def _slots(trial: Trial) -> tuple[int, list[str]]:
    """A slot that is free, and those in use."""
    used = [item.strip() for item in (await get_variable(trial, *_PRIORITY) or "1").split(",") if item.strip()]
    free = trial.settings.second_slot
    return (free if str(free) not in used else int(used[0]) + 1), used


async def _preferred(trial: Trial, order: list[str]) -> Answer[v21.SetVariablesResponse]:
    data = v21.SetVariableDataType(
        component=v21.ComponentType(name=_PRIORITY[0]),
        variable=v21.VariableType(name=_PRIORITY[1]),
        attribute_value=",".join(order),
    )
    return await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))


@station_case("A05.FR.04", "A05.FR.05", "A05.FR.06", security_profiles=(1, 2))
async def TC_A_19_CS(trial: Trial) -> None:
    """The station goes over to the next security profile. There is no way back: it stays there."""
    bench, before = trial.bench, trial.bench.security_profile
    await _trusts(trial)
    if before == 2:
        await renewed(trial)
    slot, used = await _slots(trial)
    trial.afterwards.clear()  # what was installed is needed from now on
    try:
        url = await bench.upgrade(before + 1)
    except ConfigurationError as exc:
        raise NotPossible(str(exc)) from None
    answer = await trial.call(_profile(trial, slot, url, before + 1))
    answer.must("status", "Accepted", by="B09.FR.01")
    begin = trial.mark()
    (await _preferred(trial, [str(slot), *used])).must(_STATUS, "Accepted", "RebootRequired", by="A05.FR.04")
    (await trial.call(v21.ResetRequest(type="OnIdle"))).must("status", "Accepted", by="B11.FR.03")
    await booted(trial, "", since=begin)
    come = bench.security_profile
    trial.check(come == before + 1, f"the station comes by security profile {come}, not {before + 1}", by="A05.FR.05")
    told = await get_variable(trial, "SecurityCtrlr", "SecurityProfile")
    trial.check(told == str(before + 1), f"SecurityProfile is {told}, not {before + 1}", by="A05.FR.06")
    _, left = await _slots(trial)
    kept = [each for each in used if each in left]
    trial.check(not kept, f"slot {', '.join(kept)} is still in NetworkConfigurationPriority", by="A05.FR.06")


async def _trusts(trial: Trial) -> None:
    """The CSMS's root is installed."""
    if not await listed(trial, "CSMSRootCertificate"):
        await root_installed(trial, "CSMSRootCertificate", trial.bench.workshop.authorities[CSMS_ROOT])


async def _no_way_up(trial: Trial, profile: int, by: str) -> None:
    slot, used = await _slots(trial)
    host = trial.settings.host or "localhost"
    answer = await trial.call(_profile(trial, slot, f"wss://{host}:{trial.settings.second_port or 9001}/ocpp", profile))
    answer.must("status", "Accepted", by="B09.FR.01")
    (await _preferred(trial, [str(slot), *used])).must(_STATUS, "Rejected", by=by)


@station_case("A05.FR.02", security_profiles=(1,))
async def TC_A_20_CS(trial: Trial) -> None:
    """Without a CSMS root the station does not go over to TLS."""
    if await listed(trial, "CSMSRootCertificate"):
        raise NotForThis("for a station that has no CSMSRootCertificate: delete it, or wait until it has expired")
    await _no_way_up(trial, 2, "A05.FR.02")


@station_case("A05.FR.03", security_profiles=(1, 2))
async def TC_A_21_CS(trial: Trial) -> None:
    """Without a certificate of its own the station does not go over to security profile 3."""
    await _trusts(trial)
    await _no_way_up(trial, 3, "A05.FR.03")


@station_case("B09.FR.04", security_profiles=(2, 3))
async def TC_A_22_CS(trial: Trial) -> None:
    """The station takes no network profile with a lower security profile."""
    slot, _ = await _slots(trial)
    lower = trial.bench.security_profile - 1
    scheme = "ws" if lower < 2 else "wss"
    url = f"{scheme}://{trial.settings.host or 'localhost'}:{trial.settings.second_port or 9001}/ocpp"
    answer = await trial.call(_profile(trial, slot, url, lower))
    answer.must("status", "Rejected", by="B09.FR.04")
