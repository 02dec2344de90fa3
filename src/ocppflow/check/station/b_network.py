"""B09, B10: the station is told of another CSMS, moves there, and comes back if it cannot."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, configure_if_there, get_variable
from ocppflow.messages import Version, v21

_PRIORITY = ("OCPPCommCtrlr", "NetworkConfigurationPriority")


def _profile(
    trial: Trial, slot: int, url: str = "", security_profile: int | None = None
) -> v21.SetNetworkProfileRequest:
    """A connection profile that leads to this tool."""
    settings = trial.settings
    data = v21.NetworkConnectionProfileType(
        ocpp_interface=settings.interface,  # type: ignore[arg-type]  # it is the tester's word
        ocpp_transport="JSON",
        ocpp_csms_url=url or settings.second_url or "ws://localhost:9000/ocpp",
        message_timeout=settings.message_timeout,
        security_profile=settings.security_profile if security_profile is None else security_profile,
    )
    if trial.version is Version.V201:
        data.ocpp_version = "OCPP20"
    else:
        data.ocpp_version, data.ocpp_interface = "OCPP21", "Any"
    return v21.SetNetworkProfileRequest(configuration_slot=slot, connection_data=data)


async def _free_slot(trial: Trial) -> tuple[int, str]:
    """A slot that is not in use, and the list of those that are."""
    used = await get_variable(trial, *_PRIORITY) or "1"
    slots = [int(item) for item in used.split(",") if item.strip().isdigit()]
    free = trial.settings.second_slot
    return (free if free not in slots[:1] else slots[0] + 1), used


@station_case("B09.FR.02")
async def TC_B_43_CS(trial: Trial) -> None:
    """A network profile with invalid data is rejected."""
    answer = await trial.call(_profile(trial, 999))
    answer.must("status", "Rejected", by="B09.FR.02")


async def _prefer_new_profile(trial: Trial) -> int:
    """The station has a second profile, prefers it, and is restarted; the mark of that."""
    slot, used = await _free_slot(trial)
    answer = await trial.call(_profile(trial, slot))
    answer.must("status", "Accepted", by="B09.FR.01")
    trial.changed[(*_PRIORITY, "", 0)] = used
    order = ",".join([str(slot), *(item for item in used.split(",") if item.strip() != str(slot))])
    data = v21.SetVariableDataType(
        component=v21.ComponentType(name=_PRIORITY[0]),
        variable=v21.VariableType(name=_PRIORITY[1]),
        attribute_value=order,
    )
    answer_set = await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))
    answer_set.must("setVariableResult[0].attributeStatus", "Accepted", "RebootRequired", by="B10.FR.01")
    begin = trial.mark()
    reset = await trial.call(v21.ResetRequest(type="OnIdle"))
    reset.must("status", "Accepted", by="B10.FR.04")
    return begin


async def _boots_anew(trial: Trial, begin: int, by: str) -> None:
    patience = trial.settings.reboot_patience
    await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by=by)
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")


@station_case("B09.FR.01", "B10.FR.01", "B10.FR.04", "B10.FR.06")
async def TC_B_45_CS(trial: Trial) -> None:
    """The station moves to another profile."""
    await _boots_anew(trial, await _prefer_new_profile(trial), "B10.FR.01")


async def _refused_then_back(trial: Trial, attempts: int) -> None:
    """So many attempts by the new profile fail; then the station comes by the old one."""
    bench = trial.bench
    begin = await _prefer_new_profile(trial)
    before = len(bench.attempts)
    bench.admits = False
    seconds = trial.settings.reboot_patience
    came = await bench.until(lambda: True if len(bench.attempts) >= before + attempts else None, seconds)
    bench.admits = True
    trial.check(came, f"the station does not try to connect {attempts} times within {seconds:g} s", by="B10.FR.03")
    await _boots_anew(trial, begin, "B10.FR.03")


@station_case("B10.FR.03", "B10.FR.04")
async def TC_B_46_CS(trial: Trial) -> None:
    """The station falls back on the old profile when the new one does not work."""
    await configure(trial, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    await _refused_then_back(trial, 2)


@station_case("B10.FR.07")
async def TC_B_49_CS(trial: Trial) -> None:
    """The station falls back on the old profile when all attempts of the list have failed."""
    await configure(trial, "OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    await configure_if_there(trial, "OCPPCommCtrlr", "RetryBackOffRepeatTimes", "0")
    await configure_if_there(trial, "OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await configure_if_there(trial, "OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(trial.settings.retry_wait_minimum))
    await _refused_then_back(trial, 1)


async def _downgrade(trial: Trial, allowed: str, profile: int, by: str) -> None:
    if trial.settings.security_profile <= profile:
        raise NotForThis(f"for a station that is at a security profile above {profile}")
    await configure_if_there(trial, "SecurityCtrlr", "AllowSecurityProfileDowngrade", allowed)
    slot, _ = await _free_slot(trial)
    answer = await trial.call(_profile(trial, slot, security_profile=profile))
    answer.must("status", "Rejected", by=by)
    answer.must("statusInfo.reasonCode", "NoSecurityDowngrade", by=by)


@station_case("B09.FR.31", versions=[Version.V21])
async def TC_B_110_CS(trial: Trial) -> None:
    """No downgrade to security profile 1 by a network profile."""
    await _downgrade(trial, "true", 1, "B09.FR.31")


@station_case("B09.FR.04", versions=[Version.V21])
async def TC_B_112_CS(trial: Trial) -> None:
    """No downgrade at all by a network profile, where none is allowed."""
    await _downgrade(trial, "false", 2, "B09.FR.04")
