"""N04, N05, N06: monitors are set, replaced and cleared."""

from __future__ import annotations

from typing import Final

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.monitor_steps import (
    STATION,
    Watched,
    ask_monitors,
    availability,
    enabled,
    events_of,
    is_listed,
    monitor_data,
    monitor_set,
    result_of,
    threshold_variable,
    try_monitors,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import base_report
from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version, v21

_SET: Final = ("N04.FR.01", "N04.FR.02", "N04.FR.08", "N04.FR.11")


@station_case(*_SET)
async def TC_N_08_CS(trial: Trial) -> None:
    """One monitor is set, and reported."""
    await enabled(trial)
    watched = availability(trial)
    monitor = await monitor_set(trial, watched)
    found = await ask_monitors(trial, watched.asked)
    there = is_listed(found, watched, id=monitor, type="Delta", severity=8)
    trial.check(there, "the monitor is not reported", by="N04.FR.08")


@station_case(*_SET)
async def TC_N_09_CS(trial: Trial) -> None:
    """Monitors of two variables are set, and reported."""
    await enabled(trial)
    both = (availability(trial), STATION)
    data = [monitor_data(watched) for watched in both]
    answer = await try_monitors(trial, *data)
    ids = [result_of(answer, each, "Accepted", by="N04.FR.08")["id"] for each in data]
    found = await ask_monitors(trial, *(watched.asked for watched in both))
    for watched, monitor in zip(both, ids, strict=True):
        there = is_listed(found, watched, id=monitor, type="Delta", severity=8)
        trial.check(there, f"the monitor of {watched.component} is not reported", by="N04.FR.08")


@station_case(*_SET)
async def TC_N_10_CS(trial: Trial) -> None:
    """Two monitors of one variable, of different severity."""
    await enabled(trial)
    data = [monitor_data(availability(trial), severity=severity) for severity in (8, 7)]
    answer = await try_monitors(trial, *data)
    ids = {result_of(answer, each, "Accepted", by="N04.FR.08")["id"] for each in data}
    trial.check(len(ids) == 2, "both monitors have the same id", at=answer, by="N04.FR.11")


@station_case("N04.FR.03")
async def TC_N_11_CS(trial: Trial) -> None:
    """Monitors of an EVSE and of a component that there are not."""
    await enabled(trial)
    evse = monitor_data(Watched("EVSE", "AvailabilityState", 99))
    other = monitor_data(Watched("NonExistent", "Power"), "UpperThreshold", 1234.0)
    answer = await try_monitors(trial, evse, other)
    result_of(answer, evse, "UnknownComponent", "Rejected", by="N04.FR.03")
    result_of(answer, other, "UnknownComponent", "UnknownVariable", by="N04.FR.03")


@station_case("N04.FR.14")
async def TC_N_12_CS(trial: Trial) -> None:
    """A Delta monitor with a negative value, of a number in 2.1."""
    await enabled(trial)
    watched = availability(trial) if trial.version is Version.V201 else threshold_variable(trial)
    data = monitor_data(watched, value=-1.0)
    result_of(await try_monitors(trial, data), data, "Rejected", by="N04.FR.14")


@station_case("N04.FR.13", "N04.FR.06")
async def TC_N_13_CS(trial: Trial) -> None:
    """A threshold beyond what the variable can be."""
    await enabled(trial)
    watched = threshold_variable(trial)
    limit = None
    for item in await base_report(trial):
        if (item.component, item.variable, item.evse) == tuple(watched):
            limit = item.data.get("variableCharacteristics", {}).get("maxLimit")
    if limit is None:
        raise NotForThis(f"{watched.component}.{watched.variable} has no maxLimit")
    data = monitor_data(watched, "UpperThreshold", float(limit) + 1000.0)
    result_of(await try_monitors(trial, data), data, "Rejected", by="N04.FR.13 N04.FR.06")


@station_case("N04.FR.10")
async def TC_N_15_CS(trial: Trial) -> None:
    """Two monitors of one variable with the same type and severity."""
    await enabled(trial)
    data = [monitor_data(availability(trial)) for _ in range(2)]
    answer = await try_monitors(trial, *data)
    result_of(answer, data[0], "Accepted", by="N04.FR.08")
    result_of(answer, data[1], "Duplicate", by="N04.FR.10")


@station_case("N05.FR.01", "N05.FR.03")
async def TC_N_16_CS(trial: Trial) -> None:
    """Events beyond the monitoring level are not told."""
    await enabled(trial)
    monitor = await monitor_set(trial, availability(trial))
    answer = await trial.call(v21.SetMonitoringLevelRequest(severity=7))
    answer.must("status", "Accepted", by="N05.FR.01")
    answer.must("statusInfo.reasonCode", ABSENT, "NoError", by="N05.FR.01")

    async def back() -> None:
        await trial.call(v21.SetMonitoringLevelRequest(severity=9))

    trial.afterwards.append(back)
    begin = trial.mark()
    await trial.operator.plug(trial.evse, trial.connector)
    await trial.wait(trial.settings.quiet)
    trial.check(not events_of(trial.since(begin), monitor), "an event of severity 8 was told", by="N05.FR.03")


@station_case("N05.FR.02")
async def TC_N_17_CS(trial: Trial) -> None:
    """A monitoring level that there is not. In 2.1 the schema forbids it, so that a CALLERROR is right as well."""
    station = await trial.connected()
    for severity in (10, -1):
        try:
            answered = await station.call_raw("SetMonitoringLevel", {"severity": severity}, validate=False)
        except RemoteCallError as exc:
            trial.check(trial.version is Version.V21, f"severity {severity}: CALLERROR {exc.error}", by="N05.FR.02")
            continue
        told = b'"Rejected"' in answered.payload
        trial.check(told, f"severity {severity} was not Rejected: {answered.payload!r}", by="N05.FR.02")


@station_case("N06.FR.01", "N06.FR.05")
async def TC_N_18_CS(trial: Trial) -> None:
    """Monitors are cleared."""
    await enabled(trial)
    both = (STATION, availability(trial))
    ids = [await monitor_set(trial, watched) for watched in both]
    answer = await trial.call(v21.ClearVariableMonitoringRequest(id=ids))
    results = {each["id"]: each["status"] for each in answer.at("clearMonitoringResult")}
    cleared = results == dict.fromkeys(ids, "Accepted")
    trial.check(cleared, f"the results are {results}", at=answer, by="N06.FR.01")
    left = await ask_monitors(trial, *(watched.asked for watched in both))
    trial.check(not left, "monitors are reported that were cleared", by="N06.FR.05")


@station_case("N06.FR.02")
async def TC_N_19_CS(trial: Trial) -> None:
    """A monitor that there is not cannot be cleared."""
    known = [int(each.monitor["id"]) for each in await ask_monitors(trial)]
    unknown = max(known, default=123455) + 1
    answer = await trial.call(v21.ClearVariableMonitoringRequest(id=[unknown]))
    answer.must("clearMonitoringResult[0].status", "NotFound", by="N06.FR.02")
    answer.must("clearMonitoringResult[0].id", unknown, by="N06.FR.02")
    answer.must("clearMonitoringResult[0].statusInfo.reasonCode", ABSENT, "NotFound", by="N06.FR.02")


@station_case("N06.FR.03")
async def TC_N_44_CS(trial: Trial) -> None:
    """A monitor that is hard-wired is not cleared."""
    found = await ask_monitors(trial)
    if not found:
        raise NotForThis("for a station that has a hard-wired monitor")
    answer = await trial.call(v21.ClearVariableMonitoringRequest(id=[int(found[0].monitor["id"])]))
    answer.must("clearMonitoringResult[0].status", "Rejected", by="N06.FR.03")


@station_case("N04.FR.04")
async def TC_N_37_CS(trial: Trial) -> None:
    """A monitor of an unknown variable."""
    await enabled(trial)
    data = monitor_data(Watched("EVSE", "unknownVariable", trial.evse))
    result_of(await try_monitors(trial, data), data, "UnknownVariable", by="N04.FR.04")


@station_case("N04.FR.16")
async def TC_N_39_CS(trial: Trial) -> None:
    """A monitor is not replaced by one of another variable."""
    await enabled(trial)
    watched = availability(trial)
    monitor = await monitor_set(trial, watched)
    other = Watched("ChargingStation", "Power") if trial.version is Version.V201 else STATION
    data = monitor_data(other, "UpperThreshold" if trial.version is Version.V201 else "Delta", 1.0, monitor_id=monitor)
    result_of(await try_monitors(trial, data), data, "Rejected", by="N04.FR.16")
    there = is_listed(await ask_monitors(trial), watched, id=monitor, type="Delta")
    trial.check(there, "the monitor of before is not reported any more", by="N04.FR.16")


@station_case("N04.FR.12")
async def TC_N_40_CS(trial: Trial) -> None:
    """A monitor is replaced."""
    await enabled(trial)
    watched = availability(trial)
    monitor = await monitor_set(trial, watched, severity=5)
    data = monitor_data(watched, severity=4, monitor_id=monitor)
    result_of(await try_monitors(trial, data), data, "Accepted", by="N04.FR.12")
    found = await ask_monitors(trial, watched.asked, criteria=("DeltaMonitoring",))
    there = is_listed(found, watched, id=monitor, severity=4)
    trial.check(there, "the new severity is not reported", by="N04.FR.12")


@station_case("N04.FR.01")
async def TC_N_43_CS(trial: Trial) -> None:
    """Of three monitors the second has a value that cannot be."""
    await enabled(trial)
    watched, settings = threshold_variable(trial), trial.settings
    data = (
        monitor_data(watched, "UpperThreshold", settings.upper_threshold),
        monitor_data(watched, "Delta", -1.0),
        monitor_data(watched, "LowerThreshold", settings.lower_threshold),
    )
    answer = await try_monitors(trial, *data)
    for each, status in zip(data, ("Accepted", "Rejected", "Accepted"), strict=True):
        result_of(answer, each, status, by="N04.FR.01")
