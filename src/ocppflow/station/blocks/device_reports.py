"""B07 and B08, Get Base Report and Get Custom Report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ocppflow.endpoint import Router
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.message_limits import pages, refuse_too_much
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.variable_access import spoken
from ocppflow.station.device_model import Declaration, DeviceModel
from ocppflow.station.device_model.device_model import is_hidden
from ocppflow.station.device_model.wire_keys import report_item

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

device_reports: Router[CompleteStation] = Router(Role.CS, "device_reports")

_PLACES = ("ChargingStation", "EVSE", "Connector")
_ABNORMAL = ("Problem", "Tripped", "Overload", "Fallback")
"""Variables that are true while something is wrong with their component (B07.FR.09)."""

Selection = list[Declaration]


@device_reports.on(v21.GetBaseReportRequest)
def _base(station: CompleteStation, request: v21.GetBaseReportRequest) -> v21.GetBaseReportResponse:
    refusal = station.report_desk.refusal()
    if refusal is not None:
        return v21.GetBaseReportResponse(status="Rejected", status_info=refusal)  # B07.FR.13
    wanted = _BASES[request.report_base]
    model = station.device_model
    chosen = [each for each in known(model, spoken(station)) if wanted(model, each)]
    if not chosen:
        return v21.GetBaseReportResponse(status="EmptyResultSet", status_info=because("NotFound"))
    station.report_desk.follow(lambda: _report(station, request.request_id, chosen))
    return v21.GetBaseReportResponse(status="Accepted")


def known(model: DeviceModel, version: Version) -> Selection:
    """All variables that a CSMS of this version knows."""
    return [each for each in model.declared.values() if not is_hidden(each, version)]


def _configurable(model: DeviceModel, declaration: Declaration) -> bool:
    return declaration.mutability != "ReadOnly" or declaration.targets  # B07.FR.07


def _everything(model: DeviceModel, declaration: Declaration) -> bool:
    return True  # B07.FR.08


def _condition(model: DeviceModel, declaration: Declaration) -> bool:
    key = declaration.key  # B07.FR.09
    if key.variable == "AvailabilityState":
        return key.component in _PLACES
    return key.variable in _ABNORMAL and model.shown(declaration) == "true"


_BASES: dict[str, Callable[[DeviceModel, Declaration], bool]] = {
    "ConfigurationInventory": _configurable,
    "FullInventory": _everything,
    "SummaryInventory": _condition,
}


@device_reports.on(v21.GetReportRequest)
def _custom(station: CompleteStation, request: v21.GetReportRequest) -> v21.GetReportResponse:
    asked = request.component_variable or []
    refuse_too_much(station, "DeviceDataCtrlr", "GetReport", len(asked))
    refusal = station.report_desk.refusal()
    if refusal is not None:
        return v21.GetReportResponse(status="Rejected", status_info=refusal)  # B08.FR.16
    chosen = select(station.device_model, spoken(station), asked, request.component_criteria or [])
    if not chosen:
        return v21.GetReportResponse(status="EmptyResultSet", status_info=because("NotFound"))  # B08.FR.15
    station.report_desk.follow(lambda: _report(station, request.request_id, chosen))
    return v21.GetReportResponse(status="Accepted")


def select(
    model: DeviceModel,
    version: Version,
    asked: list[v21.ComponentVariableType],
    criteria: list[v21.ComponentCriterionEnumType],
) -> Selection:
    """The variables of ``asked`` (none: all) in components that meet at least one of the criteria (none: all)."""
    chosen: Selection = []
    for variables in model.declared.components.values():
        if criteria and not any(_meets(model, variables, criterion) for criterion in criteria):  # B08.FR.13
            continue
        for each in variables:
            if not is_hidden(each, version) and (not asked or any(matches(each, one) for one in asked)):
                chosen.append(each)
    return chosen


def _meets(model: DeviceModel, variables: Selection, criterion: v21.ComponentCriterionEnumType) -> bool:
    for each in variables:
        if each.key.variable.casefold() == criterion.casefold() and not each.key.variable_instance:
            return (model.shown(each) or "").lower() == "true"
    return criterion != "Problem"  # B08.FR.07 to B08.FR.10


def matches(declaration: Declaration, asked: v21.ComponentVariableType) -> bool:
    """Whether a variable is one of those asked for: what is left out means every one (B08.FR.20 to B08.FR.25)."""
    key, component, variable = declaration.key, asked.component, asked.variable
    if key.component.casefold() != component.name.casefold():
        return False
    if component.instance and key.component_instance.casefold() != component.instance.casefold():
        return False
    if component.evse and key.evse != component.evse.id:
        return False
    if component.evse and component.evse.connector_id and key.connector != component.evse.connector_id:
        return False
    if not variable:
        return True
    if key.variable.casefold() != variable.name.casefold():
        return False
    return not variable.instance or key.variable_instance.casefold() == variable.instance.casefold()


async def _report(station: CompleteStation, request_id: int, chosen: Selection) -> None:
    """Send it, page by page. That is allowed while Pending too (B02.FR.02): the CSMS has asked for it."""
    items = (report_item(station.device_model, each) for each in chosen)
    for number, (page, more) in enumerate(pages(items)):
        request = v21.NotifyReportRequest(
            request_id=request_id,
            generated_at=station.time.now(),
            seq_no=number,  # B07.FR.10, B08.FR.14
            report_data=page,
            tbc=more,
        )
        try:
            await station.call(request)
        except OCPPError as exc:
            log.warning("%s: the report %d ends at page %d: %s", station.identity, request_id, number, exc)
            return
