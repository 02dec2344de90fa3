"""N02, N03: monitors are reported, and there is a base to go back to."""

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
    is_listed,
    monitor_data,
    monitor_set,
    result_of,
    threshold_variable,
    try_monitors,
)
from ocppflow.check.reusable_states import booted
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import component_type
from ocppflow.messages import Version, v21

_REPORT: Final = ("N02.FR.01", "N02.FR.03", "N02.FR.04", "N02.FR.05", "N02.FR.09")
_THRESHOLDS: Final = frozenset({"UpperThreshold", "LowerThreshold"})
_DELTAS: Final = frozenset({"Delta", "TargetDelta", "TargetDeltaRelative"})
_PERIODIC: Final = frozenset({"Periodic", "PeriodicClockAligned"})


@station_case(*_REPORT, "N02.FR.06", "N02.FR.12", "N02.FR.13", "N02.FR.14")
async def TC_N_01_CS(trial: Trial) -> None:
    """Monitors are reported by what kind they are."""
    await enabled(trial)
    number, other, settings = threshold_variable(trial), availability(trial), trial.settings
    await monitor_set(trial, number, "UpperThreshold", settings.upper_threshold)
    await monitor_set(trial, number, "LowerThreshold", settings.lower_threshold)
    await monitor_set(trial, other, "Delta")
    await monitor_set(trial, other, "Periodic", 600.0)
    await monitor_set(trial, other, "PeriodicClockAligned", 600.0)
    wanted: tuple[tuple[tuple[v21.MonitoringCriterionEnumType, ...], frozenset[str]], ...] = (
        (("ThresholdMonitoring",), _THRESHOLDS),
        (("ThresholdMonitoring", "DeltaMonitoring"), _THRESHOLDS | _DELTAS),
        (("DeltaMonitoring", "PeriodicMonitoring"), _DELTAS | _PERIODIC),
    )
    for criteria, kinds in wanted:
        told = {str(each.monitor.get("type")) for each in await ask_monitors(trial, criteria=criteria)}
        asked = " and ".join(criteria)
        trial.check(told, f"nothing is reported for {asked}", by="N02.FR.03")
        trial.check(told <= kinds, f"{', '.join(sorted(told - kinds))} is reported for {asked}", by="N02.FR.06")
        missing = (kinds & {"UpperThreshold", "LowerThreshold", "Delta", *_PERIODIC}) - told
        trial.check(not missing, f"{', '.join(sorted(missing))} is not reported for {asked}", by="N02.FR.06")


async def _both(trial: Trial) -> dict[Watched, int]:
    return {watched: await monitor_set(trial, watched) for watched in (STATION, availability(trial))}


@station_case(*_REPORT, "N02.FR.08")
async def TC_N_02_CS(trial: Trial) -> None:
    """Monitors of certain variables and components are reported."""
    await enabled(trial)
    monitors = await _both(trial)
    whole_evse = v21.ComponentVariableType(component=component_type("EVSE", evse=trial.evse))
    found = await ask_monitors(trial, STATION.asked, whole_evse)
    for watched, monitor in monitors.items():
        there = is_listed(found, watched, id=monitor, type="Delta")
        trial.check(there, f"the monitor of {watched.component} is not reported", by="N02.FR.08")
    names = {str(each.data.get("component", {}).get("name")) for each in found}
    others = names - {"ChargingStation", "EVSE"}
    trial.check(not others, f"{', '.join(sorted(others))} was not asked for", by="N02.FR.08")


@station_case(*_REPORT, "N02.FR.10", "N02.FR.13")
async def TC_N_03_CS(trial: Trial) -> None:
    """Monitors are reported by kind and variable."""
    await enabled(trial)
    monitors = await _both(trial)
    asked = [watched.asked for watched in monitors]
    none = await ask_monitors(trial, *asked, criteria=("ThresholdMonitoring",))
    trial.check(not none, "thresholds are reported that there are not", by="N02.FR.10")
    found = await ask_monitors(trial, *asked, criteria=("DeltaMonitoring",))
    for watched, monitor in monitors.items():
        there = is_listed(found, watched, id=monitor, type="Delta")
        trial.check(there, f"the monitor of {watched.component} is not reported", by="N02.FR.13")
    wrong = [each for each in found if each.monitor.get("type") not in _DELTAS]
    trial.check(not wrong, "monitors of other kinds are reported", by="N02.FR.13")


@station_case("N02.FR.01", "N02.FR.11")
async def TC_N_47_CS(trial: Trial) -> None:
    """All monitors are reported."""
    await enabled(trial)
    monitors = await _both(trial)
    found = await ask_monitors(trial)
    for watched, monitor in monitors.items():
        there = is_listed(found, watched, id=monitor, type="Delta")
        trial.check(there, f"the monitor of {watched.component} is not reported", by="N02.FR.11")


async def _base(trial: Trial, base: v21.MonitoringBaseEnumType, by: str) -> None:
    async def all_again() -> None:
        await trial.call(v21.SetMonitoringBaseRequest(monitoring_base="All"))

    if not trial.notes.get("base"):
        trial.notes["base"] = True
        trial.afterwards.append(all_again)
    answer = await trial.call(v21.SetMonitoringBaseRequest(monitoring_base=base))
    answer.must("status", "Accepted", by=by)
    answer.must("statusInfo.reasonCode", ABSENT, "NoError", by=by)


@station_case("N03.FR.01", "N03.FR.03", "N03.FR.04", "N03.FR.05")
async def TC_N_05_CS(trial: Trial) -> None:
    """All three monitoring bases."""
    await _base(trial, "All", "N03.FR.03")
    await _base(trial, "FactoryDefault", "N03.FR.04")
    await _base(trial, "HardWiredOnly", "N03.FR.05")


@station_case("N03.FR.01", "N03.FR.05")
async def TC_N_06_CS(trial: Trial) -> None:
    """With hard-wired monitors alone, others are gone."""
    await enabled(trial)
    monitor = await monitor_set(trial, STATION)
    found = await ask_monitors(trial, STATION.asked)
    trial.check(is_listed(found, STATION, id=monitor, type="Delta"), "the monitor is not reported", by="N02.FR.08")
    await _base(trial, "HardWiredOnly", "N03.FR.05")
    left = await ask_monitors(trial, STATION.asked)
    trial.check(not left, "a monitor is left that is not hard-wired", by="N03.FR.05")


@station_case("N03.FR.04", "N04.FR.15")
async def TC_N_41_CS(trial: Trial) -> None:
    """A preconfigured monitor that was replaced comes back with FactoryDefault."""
    await enabled(trial)
    watched = availability(trial)
    before = await ask_monitors(trial, watched.asked, criteria=("DeltaMonitoring",))
    own = next((each.monitor for each in before if watched.is_in(each.data)), None)
    if own is None:
        raise NotForThis("for a station with a preconfigured monitor of EVSE.AvailabilityState")
    monitor, severity = int(own["id"]), int(own["severity"])
    data = monitor_data(watched, severity=severity + 1, monitor_id=monitor)
    result_of(await try_monitors(trial, data), data, "Accepted", by="N04.FR.12")
    changed = await ask_monitors(trial, watched.asked, criteria=("DeltaMonitoring",))
    there = is_listed(changed, watched, id=monitor, severity=severity + 1)
    trial.check(there, "the new severity is not reported", by="N04.FR.12")
    await _base(trial, "FactoryDefault", "N03.FR.04")
    found = await ask_monitors(trial, watched.asked, criteria=("DeltaMonitoring",))
    back = is_listed(found, watched, id=monitor, severity=severity)
    trial.check(back, "the preconfigured monitor has not come back", by="N03.FR.04 N04.FR.15")


@station_case("N07.FR.13")
async def TC_N_53_CS(trial: Trial) -> None:
    """Monitors outlive a boot."""
    await enabled(trial)
    watched = threshold_variable(trial)
    monitor = await monitor_set(trial, watched, "UpperThreshold", trial.settings.upper_threshold)
    await booted(trial)
    found = await ask_monitors(trial, criteria=("ThresholdMonitoring",))
    there = is_listed(found, watched, id=monitor, type="UpperThreshold")
    trial.check(there, "the monitor is gone after a boot", by="N07.FR.13")


@station_case(*_REPORT, "N02.FR.06", "N02.FR.10", "N02.FR.22", "N02.FR.23", versions=[Version.V21])
async def TC_N_104_CS(trial: Trial) -> None:
    """A monitor of how far a value is from its target is one of the deltas (2.1)."""
    await enabled(trial)
    watched = threshold_variable(trial)
    data = monitor_data(watched, "TargetDeltaRelative", 0.1)
    answer = await try_monitors(trial, data)
    if result_of(answer, data, "Accepted", "UnsupportedMonitorType", by="N04.FR.08")["status"] != "Accepted":
        raise NotForThis(f"{watched.component}.{watched.variable} has no target")
    for each in await ask_monitors(trial, criteria=("ThresholdMonitoring",)):
        trial.check(each.monitor.get("type") in _THRESHOLDS, "a delta is reported as a threshold", by="N02.FR.06")
    found = await ask_monitors(trial, criteria=("DeltaMonitoring",))
    there = is_listed(found, watched, type="TargetDeltaRelative")
    trial.check(there, "the monitor is not reported", by="N02.FR.23")
    untold = [each for each in found if "eventNotificationType" not in each.monitor]
    trial.check(not untold, "eventNotificationType is missing", by="N02.FR.22")
