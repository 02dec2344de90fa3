"""B09 in 2.1: network profiles as components of the device model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ocppflow.check.authorities import CSMS_ROOT
from ocppflow.check.cases import station_case
from ocppflow.check.certificate_states import listed
from ocppflow.check.firmware_course import root_installed
from ocppflow.check.heard import ABSENT, Answer
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import Reported, base_report, configure_if_there, get_variable
from ocppflow.messages import Version, v21

_PRIORITY: Final = ("OCPPCommCtrlr", "NetworkConfigurationPriority")
_IN_21 = (Version.V21,)
_PASSWORD = "Password-of-16-characters"  # noqa: S105 - of a CSMS that does not exist
_OPTIONAL = ("VpnEnabled", "ApnEnabled")
_ITEMS = (
    "OcppCsmsUrl",
    "OcppInterface",
    "OcppTransport",
    "OcppVersion",
    "MessageTimeout",
    "SecurityProfile",
    "BasicAuthPassword",
    "VpnEnabled",
    "ApnEnabled",
)


async def _slots(trial: Trial) -> list[str]:
    value = await get_variable(trial, *_PRIORITY)
    return [item.strip() for item in (value or "").split(",") if item.strip()]


async def _set(trial: Trial, component: v21.ComponentType, variable: str, value: str) -> Answer[Any]:
    data = v21.SetVariableDataType(component=component, variable=v21.VariableType(name=variable), attribute_value=value)
    return await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))


async def _set_slot(trial: Trial, slot: str, values: Mapping[str, str]) -> dict[str, Answer[Any]]:
    """The answers for each variable of a slot, which are set one by one."""
    component = v21.ComponentType(name="NetworkConfiguration", instance=slot)
    return {name: await _set(trial, component, name, value) for name, value in values.items()}


async def _set_priority(trial: Trial, slots: list[str]) -> Answer[Any]:
    trial.changed.setdefault((*_PRIORITY, "", 0), ",".join(await _slots(trial)))
    return await _set(trial, v21.ComponentType(name=_PRIORITY[0]), _PRIORITY[1], ",".join(slots))


def _values(trial: Trial, profile: int) -> dict[str, str]:
    return {
        "OcppCsmsUrl": trial.settings.second_url or "wss://csms.example.com:443/ocpp",
        "OcppInterface": "Any",
        "OcppTransport": "JSON",
        "OcppVersion": "OCPP21",
        "MessageTimeout": str(trial.settings.message_timeout),
        "SecurityProfile": str(profile),
        "BasicAuthPassword": _PASSWORD,
        "VpnEnabled": "false",
        "ApnEnabled": "false",
    }


def _all_set(answers: Mapping[str, Answer[Any]]) -> None:
    for name, answer in answers.items():
        allowed = ("Accepted", "Rejected") if name in _OPTIONAL else ("Accepted",)
        answer.must("setVariableResult[0].attributeStatus", *allowed, by="B09.FR.10")


@station_case("B09.FR.01", "B09.FR.08", "B09.FR.09", "B09.FR.11", "B09.FR.12", versions=_IN_21)
async def TC_B_100_CS(trial: Trial) -> None:
    """A network profile with identity and password is seen in the device model."""
    slot = str(trial.settings.second_slot)
    data = v21.NetworkConnectionProfileType(
        ocpp_interface="Any",
        ocpp_transport="JSON",
        ocpp_version="OCPP21",
        ocpp_csms_url=_values(trial, 2)["OcppCsmsUrl"],
        message_timeout=trial.settings.message_timeout,
        security_profile=2,
        identity=trial.bench.identity,
        basic_auth_password=_PASSWORD,
    )
    answer = await trial.call(v21.SetNetworkProfileRequest(configuration_slot=int(slot), connection_data=data))
    answer.must("status", "Accepted", by="B09.FR.01")
    table: dict[tuple[str, str], Reported] = {}
    supported: set[str] = set()
    for item in await base_report(trial):
        if item.component == "NetworkConfiguration":
            table[item.component_instance, item.variable] = item
        elif (item.component, item.variable) == _PRIORITY:
            values = str(item.data.get("variableCharacteristics", {}).get("valuesList", ""))
            supported = {value.strip() for value in values.split(",") if value.strip()}
    trial.check(slot in supported, f"slot {slot} is not in the valuesList of {_PRIORITY[1]}", by="B09.FR.11")
    for each in sorted(supported):
        missing = [name for name in _ITEMS if (each, name) not in table]
        trial.check(not missing, f"NetworkConfiguration[{each}] lacks {', '.join(missing)}", by="B09.FR.11")
    for name, value in _values(trial, 2).items():
        told = table[slot, name]
        if name == "BasicAuthPassword":
            hidden = told.mutability == "WriteOnly" and told.value in (None, "")
            trial.check(hidden, "BasicAuthPassword must be WriteOnly and not reported", by="B09.FR.12")
        else:
            trial.check(told.value == value, f"{name} is {told.value}, not {value}", by="B09.FR.08")


@station_case("B09.FR.10", "B09.FR.23", versions=_IN_21)
async def TC_B_105_CS(trial: Trial) -> None:
    """A network profile is made by variables."""
    slot = str(trial.settings.second_slot)
    values = {**_values(trial, trial.settings.security_profile), "Identity": trial.bench.identity}
    _all_set(await _set_slot(trial, slot, values))


async def _root_for_tls(trial: Trial) -> None:
    """Without a CSMS root the station does not let itself be told to connect by TLS (A05.FR.02): where it has none,
    one is installed."""
    if trial.settings.security_profile < 2 and not await listed(trial, "CSMSRootCertificate"):
        await root_installed(trial, "CSMSRootCertificate", trial.bench.workshop.authorities[CSMS_ROOT])


@station_case("B09.FR.20", "B09.FR.33", "B09.FR.34", versions=_IN_21)
async def TC_B_107_CS(trial: Trial) -> None:
    """A slot is added to the priorities, if its values make sense, and removed."""
    await _root_for_tls(trial)
    slot = str(trial.settings.second_slot)
    used = await _slots(trial)
    path = "setVariableResult[0].attributeStatus"
    if slot in used:
        used.remove(slot)
        (await _set_priority(trial, used)).must(path, "Accepted", by="B09.FR.20")
    _all_set(await _set_slot(trial, slot, {**_values(trial, 2), "OcppCsmsUrl": "ws://invalidurl.example.com/"}))
    refused = await _set_priority(trial, [*used, slot])
    refused.must(path, "Rejected", by="B09.FR.33")
    refused.must("setVariableResult[0].attributeStatusInfo.reasonCode", "InvalidNetworkConf", by="B09.FR.33")
    _all_set(await _set_slot(trial, slot, {"OcppCsmsUrl": "wss://validurl.example.com:443/"}))
    (await _set_priority(trial, [*used, slot])).must(path, "Accepted", by="B09.FR.34")
    (await _set_priority(trial, (await _slots(trial))[:-1])).must(path, "Accepted", by="B09.FR.20")


@station_case("B09.FR.22", versions=_IN_21)
async def TC_B_108_CS(trial: Trial) -> None:
    """A slot in the list of priorities cannot be overwritten."""
    slots = await _slots(trial)
    trial.check(slots, "NetworkConfigurationPriority has no value", by="B09.FR.22")
    for slot in slots:
        answer = (await _set_slot(trial, slot, {"MessageTimeout": "123"}))["MessageTimeout"]
        answer.must("setVariableResult[0].attributeStatus", "Rejected", by="B09.FR.22")
        answer.must("setVariableResult[0].attributeStatusInfo.reasonCode", "PriorityNetworkConf", by="B09.FR.22")


async def _no_downgrade(trial: Trial, allowed: str, profile: int, by: str) -> None:
    if trial.settings.security_profile <= profile:
        raise NotForThis(f"for a station that is at a security profile above {profile}")
    await configure_if_there(trial, "SecurityCtrlr", "AllowSecurityProfileDowngrade", allowed)
    answers = await _set_slot(trial, str(trial.settings.second_slot), _values(trial, profile))
    answer = answers["SecurityProfile"]
    answer.must("setVariableResult[0].attributeStatus", "Rejected", by=by)
    answer.must("setVariableResult[0].attributeStatusInfo.reasonCode", "NoSecurityDowngrade", by=by)


@station_case("B09.FR.32", versions=_IN_21)
async def TC_B_111_CS(trial: Trial) -> None:
    """No downgrade to security profile 1 by variables."""
    await _no_downgrade(trial, "true", 1, "B09.FR.32")


@station_case("B09.FR.35", versions=_IN_21)
async def TC_B_113_CS(trial: Trial) -> None:
    """No downgrade at all by variables, where none is allowed."""
    await _no_downgrade(trial, "false", 2, "B09.FR.35")


@station_case("B09.FR.16", "B09.FR.18", "B09.FR.26", "B09.FR.27", versions=_IN_21)
async def TC_B_109_CS(trial: Trial) -> None:
    """An identity set for the station clears that of the active profile."""
    active = await get_variable(trial, "OCPPCommCtrlr", "ActiveNetworkProfile")
    trial.check(active, "ActiveNetworkProfile has no value", by="B09.FR.16")
    component = v21.ComponentType(name="NetworkConfiguration", instance=active or "")
    variable = v21.GetVariableDataType(component=component, variable=v21.VariableType(name="Identity"))
    before = await trial.call(v21.GetVariablesRequest(get_variable_data=[variable]))
    if before.at("getVariableResult[0].attributeValue") in (ABSENT, ""):
        raise NotForThis("NetworkConfiguration.Identity is not set")
    controller = v21.ComponentType(name="SecurityCtrlr")
    answer = await _set(trial, controller, "Identity", trial.bench.identity)
    answer.must("setVariableResult[0].attributeStatus", "Accepted", by="B09.FR.26")
    after = await trial.call(v21.GetVariablesRequest(get_variable_data=[variable]))
    after.must("getVariableResult[0].attributeStatus", "Accepted")
    after.must("getVariableResult[0].attributeValue", "", ABSENT, by="B09.FR.26")
    trial.omit("the way back: the password of the profile is not known to this tool")
