"""B07, B08: base reports and reports by criteria."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, CheckFailed, Finding, Heard
from ocppflow.check.required_variables import RequiredVariable, profiles_with_variables, required_variables
from ocppflow.check.trial import Trial
from ocppflow.check.variables import Reported, component_type, get_variable, report_parts, reported, variable_type
from ocppflow.messages import v21

_LISTS: Final = ("OptionList", "SequenceList", "MemberList")
_STATES: Final = {"Available", "Occupied", "Reserved", "Unavailable", "Faulted"}


async def _base(trial: Trial, base: v21.ReportBaseEnumType) -> list[Reported]:
    """A base report, each part judged."""
    number = trial.request_id()
    answer = await trial.call(v21.GetBaseReportRequest(request_id=number, report_base=base))
    answer.must("status", "Accepted", by="B07.FR.01")
    answer.must("statusInfo.reasonCode", ABSENT, "NoError")
    return _judged(trial, await report_parts(trial, number))


def _judged(trial: Trial, parts: list[Heard[v21.NotifyReportRequest]]) -> list[Reported]:
    for part in parts:
        off = abs((part.message.generated_at - trial.now()).total_seconds())
        limit = trial.settings.tolerance + trial.settings.patience
        trial.check(off <= limit, f"generatedAt is {off:.0f} s off", at=part, by="B07.FR.03")
    items = reported(parts)
    for item in items:
        _well_described(parts, item)
    return items


def _well_described(parts: list[Heard[v21.NotifyReportRequest]], item: Reported) -> None:
    """Characteristics are there, lists name their values, and no value is outside of them (B07.FR.12)."""
    kind = item.data.get("variableCharacteristics", {})
    name = f"{item.component}.{item.variable}"
    if not kind:
        raise _at(parts, item).wrong(f"{name} has no variableCharacteristics", by="B07.FR.12")
    if kind.get("dataType") in _LISTS:
        allowed = {value.strip() for value in str(kind.get("valuesList", "")).split(",") if value.strip()}
        if not allowed:
            raise _at(parts, item).wrong(f"{name} is a {kind['dataType']} without a valuesList", by="B07.FR.12")
        values = {value.strip() for value in (item.value or "").split(",") if value.strip()}
        if not values <= allowed:
            said = ", ".join(sorted(values - allowed))
            raise _at(parts, item).wrong(f"{name} is {said}, which its valuesList does not have", by="B07.FR.12")


def _at(parts: list[Heard[v21.NotifyReportRequest]], item: Reported) -> Heard[Any]:
    """The part that has the item."""
    return next(part for part in parts if item.data in part.payload.get("reportData", []))


def _all_there(items: list[Reported], wanted: list[RequiredVariable], *, by: str) -> None:
    there = {(item.component, item.variable, item.instance) for item in items}
    missing = [each for each in wanted if (each.component, each.variable, each.instance) not in there]
    if missing:
        names = ", ".join(f"{m.component}.{m.variable}{f'[{m.instance}]' if m.instance else ''}" for m in missing)
        raise CheckFailed(
            Finding(text=f"required, and not reported: {names}", requirements=tuple(by.split()), action="NotifyReport")
        )


def _required(trial: Trial) -> list[RequiredVariable]:
    claimed = [name for name in profiles_with_variables() if trial.pics.claims(name)]
    return required_variables(trial.version, claimed)


@station_case("B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.07", "B07.FR.10", "B07.FR.12")
async def TC_B_12_CS(trial: Trial) -> None:
    """Base report ConfigurationInventory."""
    items = await _base(trial, "ConfigurationInventory")
    for item in items:
        if item.mutability not in ("ReadWrite", "WriteOnly"):
            raise CheckFailed(
                Finding(
                    text=f"{item.component}.{item.variable} is {item.mutability}: it is not a matter of configuration",
                    requirements=("B07.FR.07",),
                    action="NotifyReport",
                )
            )
    _all_there(items, [each for each in _required(trial) if each.writable], by="B07.FR.07")


@station_case("B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.08", "B07.FR.10", "B07.FR.12")
async def TC_B_13_CS(trial: Trial) -> None:
    """Base report FullInventory."""
    _all_there(await _base(trial, "FullInventory"), _required(trial), by="B07.FR.08")


@station_case("B07.FR.08")
async def TC_B_53_CS(trial: Trial) -> None:
    """The required variables, by FullInventory."""
    items = await _base(trial, "FullInventory")
    _all_there(items, _required(trial), by="B07.FR.08")
    for item in items:
        if item.mutability == "WriteOnly" and item.value not in (None, ""):
            raise CheckFailed(
                Finding(
                    text=f"{item.component}.{item.variable} is WriteOnly, and its value is reported",
                    requirements=("B07.FR.08",),
                    action="NotifyReport",
                )
            )


@station_case("B07.FR.01", "B07.FR.03", "B07.FR.04", "B07.FR.09", "B07.FR.10", "B07.FR.12")
async def TC_B_14_CS(trial: Trial) -> None:
    """Base report SummaryInventory."""
    items = await _base(trial, "SummaryInventory")
    states = {(item.component, item.evse): item.value for item in items if item.variable == "AvailabilityState"}
    wanted = [("ChargingStation", 0)]
    wanted += [("EVSE", evse) for evse in range(1, len(trial.settings.connectors) + 1)]
    for component, evse in wanted:
        said = states.get((component, evse))
        trial.check(
            said in _STATES, f"AvailabilityState of {component} {evse or ''} is {said}, not a state", by="B07.FR.09"
        )


@station_case("B07.FR.02")
async def TC_B_15_CS(trial: Trial) -> None:
    """A base report that the station does not support."""
    number = trial.request_id()
    answer = await trial.call(v21.GetBaseReportRequest(request_id=number, report_base="SummaryInventory"))
    answer.must("status", "NotSupported", by="B07.FR.02")
    answer.must("statusInfo.reasonCode", ABSENT, "UnsupportedParam")
    await trial.nothing(v21.NotifyReportRequest, by="B07.FR.02")


# --- B08 -------------------------------------------------------------------------------------------------------------


async def _report(trial: Trial, status: str = "Accepted", *, by: str = "B08.FR.01", **criteria: Any) -> list[Reported]:
    """A report by criteria."""
    number = trial.request_id()
    answer = await trial.call(v21.GetReportRequest(request_id=number, **criteria))
    answer.must("status", status, by=by)
    if status != "Accepted":
        return []
    answer.must("statusInfo.reasonCode", ABSENT, "NoError")
    return _judged(trial, await report_parts(trial, number))


def _wanted(component: str, variable: str, *, evse: int = 0, instance: str = "") -> list[v21.ComponentVariableType]:
    return [
        v21.ComponentVariableType(
            component=component_type(component, evse=evse), variable=variable_type(variable, instance)
        )
    ]


def _only(items: list[Reported], fits: Callable[[Reported], bool], *, by: str) -> None:
    for item in items:
        if not fits(item):
            text = f"{item.component}.{item.variable} was not asked for"
            raise CheckFailed(Finding(text=text, requirements=(by,), action="NotifyReport"))


@station_case(
    "B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.07", "B08.FR.09", "B08.FR.10", "B08.FR.12", "B08.FR.13", "B08.FR.14"
)
async def TC_B_16_CS(trial: Trial) -> None:
    """Report by a criterion: what is enabled. The text wants nothing but variables named Enabled; but B08.FR.09 also
    wants the components that have none, and since an erratum of 2025 the text itself expects others (WriteOnly ones)
    among them, so those are not judged."""
    whole = await _base(trial, "FullInventory")
    report = await _report(trial, component_criteria=["Enabled"])
    items = [item for item in report if item.variable == "Enabled" and not item.instance]
    _only(items, lambda item: item.value == "true", by="B08.FR.09")
    told = {(item.component, item.component_instance, item.evse, item.connector) for item in report}
    missing = [
        item.component
        for item in whole
        if item.variable == "Enabled"
        and item.value == "true"
        and (item.component, item.component_instance, item.evse, item.connector) not in told
    ]
    trial.check(not missing, f"enabled, and not in the report: {', '.join(missing)}", by="B08.FR.09")
    for item in items:
        value = await get_variable(trial, item.component, "Enabled", evse=item.evse)
        trial.check(value == "true", f"{item.component}.Enabled is {value}, and was reported true", by="B08.FR.14")


@station_case("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.11", "B08.FR.12", "B08.FR.14")
async def TC_B_17_CS(trial: Trial) -> None:
    """Report of a variable."""
    items = await _report(trial, component_variable=_wanted("EVSE", "AvailabilityState", evse=1))
    _availability_of_evse(trial, items)


def _availability_of_evse(trial: Trial, items: list[Reported]) -> None:
    trial.check(len(items) == 1, f"one variable was asked for, {len(items)} came", by="B08.FR.11")
    item = items[0]
    trial.check(
        (item.component, item.evse, item.connector, item.variable) == ("EVSE", 1, 0, "AvailabilityState"),
        f"{item.component} {item.evse} {item.variable} came instead of EVSE 1 AvailabilityState",
        by="B08.FR.11",
    )
    kind = item.data["variableCharacteristics"]
    trial.check(kind.get("dataType") == "OptionList", "AvailabilityState must be an OptionList", by="B08.FR.12")
    values = {value.strip() for value in kind.get("valuesList", "").split(",")}
    trial.check(values == _STATES, f"the valuesList is {', '.join(sorted(values))}", by="B08.FR.12")
    trial.check(item.mutability == "ReadOnly", f"AvailabilityState is {item.mutability}", by="B08.FR.12")
    kinds = [attribute.get("type", "Actual") for attribute in item.data["variableAttribute"]]
    trial.check(kinds == ["Actual"], f"AvailabilityState has only an Actual value, not {kinds}", by="B08.FR.12")


@station_case("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.05", "B08.FR.11", "B08.FR.12", "B08.FR.14", "B08.FR.15")
async def TC_B_18_CS(trial: Trial) -> None:
    """Report by a criterion and a variable."""
    wanted = _wanted("EVSE", "AvailabilityState", evse=1)
    items = await _report(trial, component_criteria=["Available"], component_variable=wanted)
    _availability_of_evse(trial, items)
    await _report(trial, "EmptyResultSet", by="B08.FR.05", component_criteria=["Problem"], component_variable=wanted)
    await trial.nothing(v21.NotifyReportRequest, by="B08.FR.05")


@station_case("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.11", "B08.FR.12", "B08.FR.14")
async def TC_B_54_CS(trial: Trial) -> None:
    """Report of a variable with all its instances."""
    items = await _report(trial, component_variable=_wanted("DeviceDataCtrlr", "ItemsPerMessage"))
    _only(items, lambda item: item.variable == "ItemsPerMessage", by="B08.FR.11")
    missing = {"GetReport", "GetVariables"} - {item.instance for item in items}
    trial.check(not missing, f"instances are missing: {', '.join(sorted(missing))}", by="B08.FR.11")


@station_case("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.11", "B08.FR.12", "B08.FR.14")
async def TC_B_55_CS(trial: Trial) -> None:
    """Report of one instance of a variable."""
    wanted = _wanted("DeviceDataCtrlr", "ItemsPerMessage", instance="GetReport")
    items = await _report(trial, component_variable=wanted)
    _only(items, lambda item: (item.variable, item.instance) == ("ItemsPerMessage", "GetReport"), by="B08.FR.11")
    trial.check(len(items) == 1, f"one instance was asked for, {len(items)} came", by="B08.FR.11")


@station_case("B08.FR.01", "B08.FR.03", "B08.FR.04", "B08.FR.11", "B08.FR.12", "B08.FR.14")
async def TC_B_56_CS(trial: Trial) -> None:
    """Report of a variable of all EVSEs."""
    items = await _report(trial, component_variable=_wanted("EVSE", "AvailabilityState"))
    _only(items, lambda item: (item.component, item.variable) == ("EVSE", "AvailabilityState"), by="B08.FR.11")
    count = len(trial.settings.connectors)
    trial.check(len(items) == count, f"there are {count} EVSEs, {len(items)} were reported", by="B08.FR.11")
