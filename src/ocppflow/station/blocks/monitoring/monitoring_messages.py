"""What a CSMS may ask of monitoring: N02 to N06."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import NotSupported, OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, Version, v21
from ocppflow.station.blocks.device_reports import matches
from ocppflow.station.blocks.message_limits import pages, refuse_too_much
from ocppflow.station.blocks.monitoring.monitor import PERIODIC, TARGET, Monitor, MonitorEvent
from ocppflow.station.blocks.monitoring.monitor_table import MOST_CUSTOM, supports
from ocppflow.station.blocks.reasons import because
from ocppflow.station.blocks.variable_access import spoken
from ocppflow.station.device_model import Declaration
from ocppflow.station.device_model.wire_keys import component_of, key_of, variable_of
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

monitoring: Router[CompleteStation] = Router(Role.CS, "monitoring")

_LEAST_SEVERE: Final = 9
_SHORTEST: Final = 1
"""Seconds of a periodic monitor: below it a CSMS would be flooded."""

_CRITERIA: Final[dict[str, frozenset[str]]] = {
    "ThresholdMonitoring": frozenset(("UpperThreshold", "LowerThreshold")),
    "DeltaMonitoring": frozenset(("Delta",)) | TARGET,  # TC_N_104: N02.FR.23 names a criterion that no schema has
    "PeriodicMonitoring": PERIODIC,
}

Status = v21.SetMonitoringStatusEnumType
_Verdict = tuple[Status, v21.StatusInfoType | None]


def _must_be_available(station: CompleteStation) -> None:
    if not station.device_model.flag("MonitoringCtrlr", "Available"):
        raise NotSupported("this station has no monitoring")


# --- N04, N06: monitors --------------------------------------------------------------------------------------------


@monitoring.on(v21.SetVariableMonitoringRequest)
async def _set(
    station: CompleteStation, request: v21.SetVariableMonitoringRequest
) -> v21.SetVariableMonitoringResponse:
    _must_be_available(station)
    data = request.set_monitoring_data
    refuse_too_much(station, "MonitoringCtrlr", "SetVariableMonitoring", len(data))
    table = station.monitoring.table
    before = dict(table.active)
    taken: list[tuple[Monitor, bool]] = []
    results = [_set_one(station, each, taken) for each in data]
    if taken and not await _kept(station):
        table.back_to(before)
        results = [_without_room(each) if each.status == "Accepted" else each for each in results]
        taken = []
    if taken:
        station.monitoring.arm()
        station.respond_then(lambda: _first_look(station, taken))
    return v21.SetVariableMonitoringResponse(set_monitoring_result=results)


def _set_one(
    station: CompleteStation, data: v21.SetMonitoringDataType, taken: list[tuple[Monitor, bool]]
) -> v21.SetMonitoringResultType:
    table = station.monitoring.table
    key = key_of(data.component, data.variable)
    found = station.device_model.look_up(key, "Actual", spoken(station))
    number: int | None = None
    info: v21.StatusInfoType | None = None
    if found.declaration is None:
        status: Status = "UnknownVariable" if found.status == "UnknownVariable" else "UnknownComponent"
    else:
        replaced = table.active.get(data.id) if data.id is not UNSET else None
        status, info = _verdict(station, data, found.declaration, replaced)
        if status == "Accepted":
            monitor = _made(data, found.declaration, replaced.id if replaced is not None else table.new_id())
            if table.twin(monitor):
                status, info = "Duplicate", because("InvalidValue", "there is one of this type and severity")
            else:
                table.keep(monitor)
                taken.append((monitor, replaced is not None and replaced.alarmed))
                number = monitor.id
    return v21.SetMonitoringResultType(
        id=UNSET if number is None else number,
        status=status,
        type=data.type,
        severity=data.severity,
        component=data.component,
        variable=data.variable,
        status_info=info or UNSET,
    )


def _made(data: v21.SetMonitoringDataType, declaration: Declaration, number: int) -> Monitor:
    return Monitor(
        id=number,
        key=declaration.key,
        type=data.type,
        value=data.value,
        severity=data.severity,
        transaction=data.transaction is True,
    )


def _verdict(
    station: CompleteStation, data: v21.SetMonitoringDataType, declaration: Declaration, replaced: Monitor | None
) -> _Verdict:
    """Whether the monitor can be set, apart from a twin that it may have."""
    if data.id is not UNSET:
        if replaced is None:
            return "Rejected", because("NotFound", "no monitor has this id")  # N04.FR.13
        if replaced.kind == "HardWiredMonitor":
            return "Rejected", because("InvalidValue", "the monitor is hard-wired")  # N04.FR.18
        if replaced.key != declaration.key:
            return "Rejected", because("InvalidValue", "the monitor is one of another variable")  # N04.FR.16
    elif station.monitoring.table.custom >= MOST_CUSTOM:
        return "Rejected", because("TooManyElements", f"{MOST_CUSTOM} monitors are set")
    if not supports(declaration, data.type):
        return "UnsupportedMonitorType", None
    if data.periodic_event_stream is not UNSET:
        return "Rejected", because("UnsupportedParam", "there are no periodic event streams here")
    if not 0 <= data.severity <= _LEAST_SEVERE:
        return "Rejected", because("ValueOutOfRange", "the severity is 0 to 9")
    if data.value < 0 and (data.type == "Delta" or data.type in TARGET):
        return "Rejected", None  # N04.FR.14; the official cases want no reason here (TC_N_43)
    refusal = _wrong_value(data, declaration)
    return ("Rejected", refusal) if refusal is not None else ("Accepted", None)


def _wrong_value(data: v21.SetMonitoringDataType, declaration: Declaration) -> v21.StatusInfoType | None:
    if data.type in PERIODIC:
        short = data.value < _SHORTEST
        return because("ValueTooLow", f"at least {_SHORTEST} second") if short else None
    if data.type not in ("UpperThreshold", "LowerThreshold"):
        return None
    low, high = declaration.min_limit, declaration.max_limit  # N04.FR.06
    if (low is not None and data.value < low) or (high is not None and data.value > high):
        return because("ValueOutOfRange")
    return None


async def _first_look(station: CompleteStation, taken: list[tuple[Monitor, bool]]) -> None:
    """N07.FR.11 of 2.1: what is beyond the new threshold is told, and what is no longer."""
    if not station.is_up:
        return
    for monitor, was_alarmed in taken:
        station.monitoring.look_at(monitor)
        if was_alarmed and not monitor.alarmed and not monitor.is_periodic and monitor.type != "Delta":
            station.monitoring.report(monitor, MonitorEvent("Alerting", cleared=True))


def _without_room(result: v21.SetMonitoringResultType) -> v21.SetMonitoringResultType:
    result.status, result.id, result.status_info = "Rejected", UNSET, because("OutOfStorage")
    return result


async def _kept(station: CompleteStation) -> bool:
    try:
        await station.store.commit()
    except StoreFailed as exc:
        log.error("%s: monitors cannot be kept: %s", station.identity, exc)
        return False
    return True


@monitoring.on(v21.ClearVariableMonitoringRequest)
async def _clear(
    station: CompleteStation, request: v21.ClearVariableMonitoringRequest
) -> v21.ClearVariableMonitoringResponse:
    _must_be_available(station)
    refuse_too_much(station, "MonitoringCtrlr", "ClearVariableMonitoring", len(request.id))
    table = station.monitoring.table
    before = dict(table.active)
    results = [_clear_one(station, number) for number in request.id]
    if table.active.keys() != before.keys():
        if not await _kept(station):
            table.back_to(before)
            for result in results:
                if result.status == "Accepted":
                    result.status, result.status_info = "Rejected", because("OutOfStorage")
        station.monitoring.arm()
    return v21.ClearVariableMonitoringResponse(clear_monitoring_result=results)


def _clear_one(station: CompleteStation, number: int) -> v21.ClearMonitoringResultType:
    monitor = station.monitoring.table.active.get(number)
    if monitor is None:
        return v21.ClearMonitoringResultType(id=number, status="NotFound", status_info=because("NotFound"))
    if monitor.kind == "HardWiredMonitor":
        info = because("InvalidValue", "the monitor is hard-wired")
        return v21.ClearMonitoringResultType(id=number, status="Rejected", status_info=info)
    station.monitoring.table.remove(monitor)  # without an event (2.1, N07.FR.12)
    return v21.ClearMonitoringResultType(id=number, status="Accepted")


# --- N03, N05: base and level --------------------------------------------------------------------------------------


@monitoring.on(v21.SetMonitoringBaseRequest)
async def _set_base(station: CompleteStation, request: v21.SetMonitoringBaseRequest) -> v21.SetMonitoringBaseResponse:
    _must_be_available(station)
    table = station.monitoring.table
    before = dict(table.active)
    old = station.device_model.text("MonitoringCtrlr", "ActiveMonitoringBase")
    table.set_base(request.monitoring_base)
    station.device_model.set("MonitoringCtrlr", "ActiveMonitoringBase", request.monitoring_base)
    kept = await _kept(station)
    if not kept:
        table.back_to(before)
        station.device_model.set("MonitoringCtrlr", "ActiveMonitoringBase", old)
    station.monitoring.arm()
    if not kept:
        return v21.SetMonitoringBaseResponse(status="Rejected", status_info=because("OutOfStorage"))
    return v21.SetMonitoringBaseResponse(status="Accepted")


@monitoring.on(v21.SetMonitoringLevelRequest)
async def _set_level(
    station: CompleteStation, request: v21.SetMonitoringLevelRequest
) -> v21.SetMonitoringLevelResponse:
    _must_be_available(station)
    if not 0 <= request.severity <= _LEAST_SEVERE:  # N05.FR.02
        return v21.SetMonitoringLevelResponse(status="Rejected", status_info=because("ValueOutOfRange"))
    old = station.monitoring.level
    station.device_model.set("MonitoringCtrlr", "ActiveMonitoringLevel", request.severity)
    if not await _kept(station):
        station.device_model.set("MonitoringCtrlr", "ActiveMonitoringLevel", old)
        return v21.SetMonitoringLevelResponse(status="Rejected", status_info=because("OutOfStorage"))
    return v21.SetMonitoringLevelResponse(status="Accepted")


# --- N02: reports --------------------------------------------------------------------------------------------------


@monitoring.on(v21.GetMonitoringReportRequest)
def _report(station: CompleteStation, request: v21.GetMonitoringReportRequest) -> v21.GetMonitoringReportResponse:
    _must_be_available(station)
    asked = request.component_variable or []
    refuse_too_much(station, "DeviceDataCtrlr", "GetReport", len(asked))
    refusal = station.report_desk.refusal()
    if refusal is not None:
        return v21.GetMonitoringReportResponse(status="Rejected", status_info=refusal)
    wanted = _wanted(request.monitoring_criteria or [], spoken(station))
    chosen = [
        monitor
        for monitor in station.monitoring.table.active.values()
        if wanted(monitor)
        and (not asked or any(matches(station.device_model.declared[monitor.key], one) for one in asked))
    ]
    if not chosen:
        return v21.GetMonitoringReportResponse(status="EmptyResultSet", status_info=because("NotFound"))  # N02.FR.10
    station.report_desk.follow(_sending(station, request.request_id, chosen))
    return v21.GetMonitoringReportResponse(status="Accepted")


def _wanted(criteria: list[v21.MonitoringCriterionEnumType], version: Version) -> Callable[[Monitor], bool]:
    types = frozenset(kind for criterion in criteria for kind in _CRITERIA[criterion])
    unknown = TARGET if version is Version.V201 else frozenset[str]()
    return lambda monitor: (not criteria or monitor.type in types) and monitor.type not in unknown


def _sending(station: CompleteStation, request_id: int, chosen: list[Monitor]) -> Callable[[], Awaitable[None]]:
    async def send() -> None:
        for number, (page, more) in enumerate(pages(_grouped(chosen))):
            request = v21.NotifyMonitoringReportRequest(
                request_id=request_id, seq_no=number, generated_at=station.time.now(), monitor=page, tbc=more
            )
            try:
                await station.call(request)
            except OCPPError as exc:
                log.warning("%s: the monitoring report %d ends: %s", station.identity, request_id, exc)
                return

    return send


def _grouped(chosen: list[Monitor]) -> Iterator[v21.MonitoringDataType]:
    """The monitors of each variable together."""
    for key in dict.fromkeys(monitor.key for monitor in chosen):
        yield v21.MonitoringDataType(
            component=component_of(key),
            variable=variable_of(key),
            variable_monitoring=[
                v21.VariableMonitoringType(
                    id=monitor.id,
                    transaction=monitor.transaction,
                    value=monitor.value,
                    type=monitor.type,
                    severity=monitor.severity,
                    event_notification_type=monitor.kind,  # N02.FR.22 of 2.1
                )
                for monitor in chosen
                if monitor.key == key
            ],
        )
