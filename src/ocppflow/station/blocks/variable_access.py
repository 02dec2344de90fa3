"""B05 and B06, Set Variables and Get Variables."""

from __future__ import annotations

import re
import zoneinfo
from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from ocppflow.endpoint import Router
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.messages.v21 import AttributeEnumType
from ocppflow.station.blocks.message_limits import refuse_too_much
from ocppflow.station.blocks.reasons import because
from ocppflow.station.device_model import Outcome, Refusal, VariableKey, checked
from ocppflow.station.device_model.wire_keys import key_of
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

variable_access: Router[CompleteStation] = Router(Role.CS, "variable_access")

_LONGEST_INFO = 500
"""Characters of a statusInfo's text; 2.0.1 allows 512."""


@variable_access.on(v21.GetVariablesRequest)
def _get(station: CompleteStation, request: v21.GetVariablesRequest) -> v21.GetVariablesResponse:
    refuse_too_much(station, "DeviceDataCtrlr", "GetVariables", len(request.get_variable_data))
    return v21.GetVariablesResponse(get_variable_result=[_got(station, data) for data in request.get_variable_data])


def _got(station: CompleteStation, data: v21.GetVariableDataType) -> v21.GetVariableResultType:
    attribute: AttributeEnumType = data.attribute_type or "Actual"  # B06.FR.11
    outcome = station.device_model.ask(key_of(data.component, data.variable), attribute, spoken(station))
    status = outcome.status
    assert status != "RebootRequired"  # noqa: S101 (nothing that is read needs one)
    return v21.GetVariableResultType(
        attribute_status=status,
        attribute_type=attribute,
        attribute_value=outcome.value if status == "Accepted" else UNSET,
        component=data.component,
        variable=data.variable,
        attribute_status_info=_info(outcome),
    )


@variable_access.on(v21.SetVariablesRequest)
async def _set(station: CompleteStation, request: v21.SetVariablesRequest) -> v21.SetVariablesResponse:
    refuse_too_much(station, "DeviceDataCtrlr", "SetVariables", len(request.set_variable_data))
    version = spoken(station)
    outcomes = [_assign(station, data, version) for data in request.set_variable_data]
    try:
        await station.store.commit()
    except StoreFailed as exc:
        log.error("%s: SetVariables cannot be kept: %s", station.identity, exc)
        outcomes = _taken_back(station, request.set_variable_data, outcomes)
        station.store.commit()  # with the next that succeeds, what counts now is what is kept
    results = [
        v21.SetVariableResultType(
            attribute_status=outcome.status,
            attribute_type=data.attribute_type or "Actual",  # B05.FR.12
            component=data.component,
            variable=data.variable,
            attribute_status_info=_info(outcome),
        )
        for data, outcome in zip(request.set_variable_data, outcomes, strict=True)
    ]
    return v21.SetVariablesResponse(set_variable_result=results)


def _assign(station: CompleteStation, data: v21.SetVariableDataType, version: Version) -> Outcome:
    model = station.device_model
    longest = model.integer("DeviceDataCtrlr", "ConfigurationValueSize")
    if longest and len(data.attribute_value) > longest:
        return Outcome("Rejected", Refusal("TooLargeElement", f"ConfigurationValueSize is {longest}"))
    key = key_of(data.component, data.variable)
    return model.assign(key, data.attribute_type or "Actual", data.attribute_value, version)


def _taken_back(
    station: CompleteStation, wanted: list[v21.SetVariableDataType], outcomes: list[Outcome]
) -> list[Outcome]:
    """Undo what was taken, the last first, since a variable may have been set twice."""
    results = list(outcomes)
    for place in reversed(range(len(outcomes))):
        outcome = outcomes[place]
        if outcome.declaration is None or outcome.status not in ("Accepted", "RebootRequired"):
            continue
        attribute: AttributeEnumType = wanted[place].attribute_type or "Actual"
        station.device_model.take_back(outcome.declaration.key, attribute, outcome.before)
        results[place] = Outcome("Rejected", Refusal("OutOfStorage", "the value cannot be kept"))
    return results


def _info(outcome: Outcome) -> v21.StatusInfoType | UnsetType:
    if outcome.refusal is None:
        return UNSET
    return because(outcome.refusal.reason, outcome.refusal.info[:_LONGEST_INFO])


def spoken(station: CompleteStation) -> Version:
    """The version of the connection; 1.6's configuration keys are views on all there is."""
    version = station.version
    return Version.V201 if version is Version.V201 else Version.V21


# --- values that the type alone does not tell ----------------------------------------------------------------------

_OFFSET: Final = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]|", re.ASCII)


@checked("ClockCtrlr", "TimeOffset")
def _is_offset(station: CompleteStation, key: VariableKey, value: str) -> str | None:
    return None if _OFFSET.fullmatch(value) else "an offset is written as +01:00"


@checked("ClockCtrlr", "TimeSource")
def _is_some_source(station: CompleteStation, key: VariableKey, value: str) -> str | None:
    return None if value else "the time has to come from somewhere"


@checked("ClockCtrlr", "TimeZone")
def _is_time_zone(station: CompleteStation, key: VariableKey, value: str) -> str | None:
    try:
        if value:
            zoneinfo.ZoneInfo(value)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return "not a time zone of the IANA's, such as Europe/Oslo"
    return None
