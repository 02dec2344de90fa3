"""B05, B06: variables are set and got."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Answer
from ocppflow.check.trial import Trial
from ocppflow.check.usual_answers import wire_time
from ocppflow.check.variables import component_type, configure, get_variable, variable_type
from ocppflow.messages import v21

_THRESHOLD = ("OCPPCommCtrlr", "OfflineThreshold")
_OFFLINE = ("AuthCtrlr", "LocalAuthorizeOffline")


def _get(component: str, variable: str, attribute: v21.AttributeEnumType | None = None) -> v21.GetVariableDataType:
    data = v21.GetVariableDataType(component=component_type(component), variable=variable_type(variable))
    if attribute is not None:
        data.attribute_type = attribute
    return data


def _set(
    component: str, variable: str, value: str, attribute: v21.AttributeEnumType | None = None, instance: str = ""
) -> v21.SetVariableDataType:
    data = v21.SetVariableDataType(
        component=component_type(component), variable=variable_type(variable, instance), attribute_value=value
    )
    if attribute is not None:
        data.attribute_type = attribute
    return data


def _result(answer: Answer[Any], member: str, component: str, variable: str) -> str:
    """The path of the result for a variable: results come in any order."""
    for number, result in enumerate(answer.at(member)):
        if result["component"]["name"] == component and result["variable"]["name"] == variable:
            return f"{member}[{number}]"
    raise answer.wrong(f"there is no result for {component}.{variable}", by="B05.FR.01 B06.FR.01")


async def _remembering(trial: Trial, *names: tuple[str, str]) -> None:
    for component, variable in names:
        trial.changed[component, variable, "", 0] = await get_variable(trial, component, variable)


@station_case("B06.FR.01", "B06.FR.02", "B06.FR.03", "B06.FR.04", "B06.FR.10", "B06.FR.11")
async def TC_B_06_CS(trial: Trial) -> None:
    """Get one variable."""
    await configure(trial, *_THRESHOLD, "300")
    answer = await trial.call(v21.GetVariablesRequest(get_variable_data=[_get(*_THRESHOLD, "Actual")]))
    trial.check(len(answer.at("getVariableResult")) == 1, "there must be one result", at=answer, by="B06.FR.01")
    _got(answer, *_THRESHOLD, "300")


@station_case("B06.FR.01", "B06.FR.02", "B06.FR.03", "B06.FR.04", "B06.FR.10")
async def TC_B_07_CS(trial: Trial) -> None:
    """Get several variables."""
    await configure(trial, *_THRESHOLD, "300")
    await configure(trial, *_OFFLINE, "true")
    data = [_get(*_THRESHOLD, "Actual"), _get(*_OFFLINE, "Actual")]
    answer = await trial.call(v21.GetVariablesRequest(get_variable_data=data))
    trial.check(len(answer.at("getVariableResult")) == 2, "there must be two results", at=answer, by="B06.FR.01")
    _got(answer, *_THRESHOLD, "300")
    _got(answer, *_OFFLINE, "true")


def _got(answer: Answer[Any], component: str, variable: str, value: str) -> None:
    result = _result(answer, "getVariableResult", component, variable)
    answer.must(f"{result}.attributeStatus", "Accepted", by="B06.FR.04")
    answer.must(f"{result}.attributeType", "Actual", ABSENT, by="B06.FR.11")
    answer.must(f"{result}.attributeValue", value, by="B06.FR.04")
    answer.must(f"{result}.attributeStatusInfo.reasonCode", ABSENT, "NoError")


async def _get_wrong(
    trial: Trial,
    component: str,
    variable: str,
    status: str,
    attribute: v21.AttributeEnumType | None = None,
    *,
    by: str,
) -> None:
    answer = await trial.call(v21.GetVariablesRequest(get_variable_data=[_get(component, variable, attribute)]))
    result = _result(answer, "getVariableResult", component, variable)
    answer.must(f"{result}.attributeStatus", status, by=by)
    if attribute is not None:
        answer.must(f"{result}.attributeType", attribute, by=by)


@station_case("B06.FR.06")
async def TC_B_32_CS(trial: Trial) -> None:
    """Get a variable of an unknown component."""
    await _get_wrong(trial, "UnknownComponent", "OfflineThreshold", "UnknownComponent", by="B06.FR.06")


@station_case("B06.FR.07")
async def TC_B_33_CS(trial: Trial) -> None:
    """Get an unknown variable."""
    await _get_wrong(trial, "OCPPCommCtrlr", "UnknownVariable", "UnknownVariable", by="B06.FR.07")


@station_case("B06.FR.08")
async def TC_B_34_CS(trial: Trial) -> None:
    """Get an attribute that the variable does not have."""
    await _get_wrong(trial, *_THRESHOLD, "NotSupportedAttributeType", "Target", by="B06.FR.08")


@station_case("B05.FR.01", "B05.FR.02", "B05.FR.03", "B05.FR.10", "B05.FR.12")
async def TC_B_09_CS(trial: Trial) -> None:
    """Set one variable."""
    await _remembering(trial, _THRESHOLD)
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[_set(*_THRESHOLD, "300", "Actual")]))
    _was_set(answer, *_THRESHOLD)


@station_case("B05.FR.01", "B05.FR.02", "B05.FR.03", "B05.FR.10", "B05.FR.12")
async def TC_B_10_CS(trial: Trial) -> None:
    """Set several variables."""
    await _remembering(trial, _THRESHOLD, _OFFLINE)
    data = [_set(*_THRESHOLD, "300", "Actual"), _set(*_OFFLINE, "true", "Actual")]
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=data))
    trial.check(len(answer.at("setVariableResult")) == 2, "there must be two results", at=answer, by="B05.FR.01")
    _was_set(answer, *_THRESHOLD)
    _was_set(answer, *_OFFLINE)


def _was_set(answer: Answer[Any], component: str, variable: str) -> None:
    result = _result(answer, "setVariableResult", component, variable)
    answer.must(f"{result}.attributeStatus", "Accepted", by="B05.FR.10")
    answer.must(f"{result}.attributeType", "Actual", ABSENT, by="B05.FR.12")
    answer.must(f"{result}.attributeStatusInfo.reasonCode", ABSENT, "NoError")


async def _set_wrong(trial: Trial, data: v21.SetVariableDataType, status: str, *, by: str) -> None:
    answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[data]))
    result = _result(answer, "setVariableResult", data.component.name, data.variable.name)
    answer.must(f"{result}.attributeStatus", status, by=by)
    if isinstance(data.attribute_type, str):
        answer.must(f"{result}.attributeType", data.attribute_type, ABSENT, by=by)
    if isinstance(data.variable.instance, str):
        answer.must(f"{result}.variable.instance", data.variable.instance, by=by)


@station_case("B05.FR.04")
async def TC_B_35_CS(trial: Trial) -> None:
    """Set a variable of an unknown component."""
    await _set_wrong(trial, _set("UnknownComponent", "OfflineThreshold", "1"), "UnknownComponent", by="B05.FR.04")


@station_case("B05.FR.05")
async def TC_B_36_CS(trial: Trial) -> None:
    """Set an unknown variable."""
    await _set_wrong(trial, _set("OCPPCommCtrlr", "UnknownVariable", "1"), "UnknownVariable", by="B05.FR.05")


@station_case("B05.FR.06")
async def TC_B_37_CS(trial: Trial) -> None:
    """Set an attribute that the variable does not have."""
    await _set_wrong(trial, _set(*_THRESHOLD, "1", "Target"), "NotSupportedAttributeType", by="B05.FR.06")


@station_case("B05.FR.09")
async def TC_B_39_CS(trial: Trial) -> None:
    """Set a variable that can only be read."""
    data = _set("OCPPCommCtrlr", "MessageTimeout", "30", instance="Default")
    await _set_wrong(trial, data, "Rejected", by="B05.FR.09")


_KINDS = (
    ("OCPPCommCtrlr", "OfflineThreshold", "integer"),
    ("SmartChargingCtrlr", "LimitChangeSignificance", "decimal"),
    ("AuthCtrlr", "AuthorizeRemoteStart", "boolean"),
    ("ClockCtrlr", "NextTimeOffsetTransitionDateTime", "dateTime"),
)


@station_case("B05.FR.07")
async def TC_B_11_CS(trial: Trial) -> None:
    """Set values that are not of the variable's type."""
    number = trial.settings.offline_threshold
    values = {
        str(number): ("integer", "decimal"),
        f"{number}.1": ("decimal",),
        "true": ("boolean",),
        wire_time(trial.now()): ("dateTime",),
        "abc": (),
    }
    for component, variable, kind in _KINDS:
        before = await get_variable(trial, component, variable)
        if before is None and kind != "integer":
            continue  # the others may be missing
        trial.changed[component, variable, "", 0] = before
        for value, kinds in values.items():
            answer = await trial.call(v21.SetVariablesRequest(set_variable_data=[_set(component, variable, value)]))
            result = _result(answer, "setVariableResult", component, variable)
            allowed = ("Accepted", "Rejected", "RebootRequired") if kind in kinds else ("Rejected",)
            answer.must(f"{result}.attributeStatus", *allowed, by="B05.FR.07")
            answer.must(f"{result}.attributeType", "Actual", ABSENT, by="B05.FR.12")
            if kind == "integer" and kind in kinds:
                answer.must(f"{result}.attributeStatus", "Accepted", by="B05.FR.10")
