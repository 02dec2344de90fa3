"""Steps of the cases about monitors of variables (N02 to N08)."""

from __future__ import annotations

from typing import Any, NamedTuple

from ocppflow.check.heard import ABSENT, Answer, CheckFailed, Finding, Heard
from ocppflow.check.trial import Trial
from ocppflow.check.variables import component_type, configure_if_there, variable_type
from ocppflow.messages import v21

_RESULT = "setMonitoringResult"


class Watched(NamedTuple):
    """A variable that can be monitored."""

    component: str
    variable: str
    evse: int = 0

    def is_in(self, data: dict[str, Any]) -> bool:
        """Whether an element of a message (with ``component`` and ``variable``) is about it."""
        component, variable = data.get("component", {}), data.get("variable", {})
        evse = component.get("evse", {}).get("id", 0)
        return (component.get("name"), variable.get("name"), evse) == tuple(self)

    @property
    def asked(self) -> v21.ComponentVariableType:
        """As a report is asked for it."""
        component = component_type(self.component, evse=self.evse)
        return v21.ComponentVariableType(component=component, variable=variable_type(self.variable))


class Listed(NamedTuple):
    """One monitor in a report. ``data``: its component and variable; ``monitor``: the VariableMonitoring."""

    data: dict[str, Any]
    monitor: dict[str, Any]


def availability(trial: Trial) -> Watched:
    """AvailabilityState of the EVSE of the case: every station has it."""
    return Watched("EVSE", "AvailabilityState", trial.evse)


STATION = Watched("ChargingStation", "AvailabilityState")


def threshold_variable(trial: Trial) -> Watched:
    """The number that the tester has named, Power of the EVSE by default."""
    settings = trial.settings
    return Watched(settings.monitored_component, settings.monitored_variable, trial.evse)


def monitor_data(
    watched: Watched,
    kind: v21.MonitorEnumType = "Delta",
    value: float = 1.0,
    severity: int = 8,
    *,
    monitor_id: int | None = None,
) -> v21.SetMonitoringDataType:
    """For SetVariableMonitoring."""
    data = v21.SetMonitoringDataType(
        value=value,
        type=kind,
        severity=severity,
        component=component_type(watched.component, evse=watched.evse),
        variable=variable_type(watched.variable),
    )
    if monitor_id is not None:
        data.id = monitor_id
    return data


async def enabled(trial: Trial) -> None:
    """Monitoring is on, and reports every severity."""
    await configure_if_there(trial, "MonitoringCtrlr", "Enabled", "true")
    await trial.call(v21.SetMonitoringLevelRequest(severity=9))


async def try_monitors(trial: Trial, *data: v21.SetMonitoringDataType) -> Answer[v21.SetVariableMonitoringResponse]:
    """SetVariableMonitoring; there must be a result for each, in any order."""
    answer = await trial.call(v21.SetVariableMonitoringRequest(set_monitoring_data=list(data)))
    count = len(answer.at(_RESULT))
    trial.check(count == len(data), f"{count} results for {len(data)} monitors", at=answer, by="N04.FR.02")
    return answer


def result_of(answer: Answer[Any], data: v21.SetMonitoringDataType, *statuses: str, by: str) -> dict[str, Any]:
    """The result for one of the monitors, with one of these statuses."""
    evse = data.component.evse
    watched = Watched(data.component.name, data.variable.name, evse.id if isinstance(evse, v21.EVSEType) else 0)
    for place, each in enumerate(answer.at(_RESULT)):
        alike = (each.get("type"), each.get("severity")) == (data.type, data.severity)
        if watched.is_in(each) and alike and each.get("status") in statuses:
            path = f"{_RESULT}[{place}]"
            if each["status"] == "Accepted":
                answer.must(f"{path}.statusInfo.reasonCode", ABSENT, "NoError", by=by)
            else:
                answer.must(f"{path}.id", ABSENT, data.id if isinstance(data.id, int) else ABSENT, by=by)
            found: dict[str, Any] = each
            return found
    what = f"{data.type} on {'.'.join(map(str, watched))} of severity {data.severity}"
    raise answer.wrong(f"there is no result that is {' or '.join(statuses)} for {what}", by=by)


async def monitor_set(
    trial: Trial, watched: Watched, kind: v21.MonitorEnumType = "Delta", value: float = 1.0, severity: int = 8
) -> int:
    """The id of a monitor that the station has taken."""
    data = monitor_data(watched, kind, value, severity)
    answer = await try_monitors(trial, data)
    result = result_of(answer, data, "Accepted", by="N04.FR.08 N04.FR.11")
    trial.check(isinstance(result.get("id"), int), "the new monitor has no id", at=answer, by="N04.FR.11")
    return int(result["id"])


async def ask_monitors(
    trial: Trial, *watched: v21.ComponentVariableType, criteria: tuple[v21.MonitoringCriterionEnumType, ...] = ()
) -> list[Listed]:
    """All monitors of a GetMonitoringReport, whose numbering was checked; none for EmptyResultSet."""
    request = v21.GetMonitoringReportRequest(request_id=trial.request_id())
    if watched:
        request.component_variable = list(watched)
    if criteria:
        request.monitoring_criteria = list(criteria)
    answer = await trial.call(request)
    if answer.must("status", "Accepted", "EmptyResultSet", by="N02.FR.01") == "EmptyResultSet":
        answer.must("statusInfo.reasonCode", ABSENT, "NotFound", by="N02.FR.10")
        return []
    answer.must("statusInfo.reasonCode", ABSENT, "NoError", by="N02.FR.01")
    found: list[Listed] = []
    number, more = 0, True
    while more:
        report = v21.NotifyMonitoringReportRequest
        part = await trial.expect(report, {"requestId": request.request_id}, by="N02.FR.03")
        part.must("seqNo", number, by="N02.FR.04 N02.FR.05")
        number, more = number + 1, part.at("tbc") is True
        for data in part.payload.get("monitor", []):
            found += [Listed(data, monitor) for monitor in data.get("variableMonitoring", [])]
    return found


def is_listed(found: list[Listed], watched: Watched, **fields: Any) -> bool:
    """Whether a monitor of this variable, with these fields of VariableMonitoring, is among them."""
    return any(watched.is_in(each.data) and fields.items() <= each.monitor.items() for each in found)


async def event_of(
    trial: Trial,
    monitor_id: int,
    *,
    since: int | None = None,
    within: float | None = None,
    by: str,
    **fields: Any,
) -> tuple[Heard[v21.NotifyEventRequest], dict[str, Any]]:
    """The first event of a monitor with these fields of EventData, and its message."""
    seconds = trial.settings.patience if within is None else within
    begin = len(trial.bench.inbox) - len(trial.since()) if since is None else since

    def look() -> tuple[Heard[v21.NotifyEventRequest], dict[str, Any]] | None:
        for heard in trial.bench.inbox[begin:]:
            for event in heard.payload.get("eventData", []) if heard.action == "NotifyEvent" else ():
                if event.get("variableMonitoringId") == monitor_id and fields.items() <= event.items():
                    return heard, event
        return None

    found = await trial.bench.until(look, seconds)
    if found is None:
        wanted = "".join(f", {name} {value}" for name, value in fields.items())
        text = f"no event of monitor {monitor_id}{wanted} within {seconds:g} s"
        raise CheckFailed(Finding(text=text, requirements=tuple(by.split()), action="NotifyEvent"))
    return found


def about(trial: Trial, found: tuple[Heard[Any], dict[str, Any]], watched: Watched, *, by: str) -> dict[str, Any]:
    """The event, which must be about that variable."""
    heard, event = found
    trial.check(watched.is_in(event), "the event is about another variable than its monitor", at=heard, by=by)
    return event


def events_of(heard: list[Heard[Any]], monitor_id: int) -> list[dict[str, Any]]:
    """The events of a monitor among what was heard."""
    said = (event for each in heard if each.action == "NotifyEvent" for event in each.payload.get("eventData", []))
    return [event for event in said if event.get("variableMonitoringId") == monitor_id]
