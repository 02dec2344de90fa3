"""N07, N08: what monitors notice is told."""

from __future__ import annotations

import secrets
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.monitor_steps import (
    Watched,
    about,
    ask_monitors,
    availability,
    enabled,
    event_of,
    events_of,
    monitor_data,
    monitor_set,
    result_of,
    threshold_variable,
    try_monitors,
)
from ocppflow.check.reusable_states import energy_transfer_started, ev_connected_pre_session, stop_authorized
from ocppflow.check.station.a_passwords import changed_password, known_password
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21

_EVENT: Final = ("N07.FR.06", "N07.FR.07")
_QUEUED: Final = ("MonitoringCtrlr", "OfflineQueuingSeverity")


def _number(trial: Trial, heard: Heard[Any], event: dict[str, Any], by: str) -> Decimal:
    try:
        return Decimal(str(event.get("actualValue")))
    except InvalidOperation:
        raise heard.wrong(f"actualValue is {event.get('actualValue')!r}, not a number", by=by) from None


async def _all_monitors(trial: Trial) -> None:
    await enabled(trial)
    answer = await trial.call(v21.SetMonitoringBaseRequest(monitoring_base="All"))
    answer.must("status", "Accepted", by="N03.FR.03")


@station_case(*_EVENT, "N07.FR.16", "N07.FR.17")
async def TC_N_20_CS(trial: Trial) -> None:
    """A value goes beyond thresholds, and comes back."""
    await _all_monitors(trial)
    watched, settings = threshold_variable(trial), trial.settings
    upper = await monitor_set(trial, watched, "UpperThreshold", settings.upper_threshold)
    begin = trial.mark()
    await energy_transfer_started(trial)
    transaction = visit_of(trial).transaction
    found = await event_of(trial, upper, since=begin, trigger="Alerting", by="N07.FR.16")
    event = about(trial, found, watched, by="N07.FR.06")
    high = _number(trial, found[0], event, "N07.FR.16") > Decimal(str(settings.upper_threshold))
    trial.check(high, "actualValue is not above the threshold", at=found[0], by="N07.FR.16")
    trial.check(not event.get("cleared"), "the first event is one of clearing", at=found[0], by="N07.FR.16")
    told = event.get("transactionId", ABSENT)
    trial.check(told == transaction, f"transactionId is {told}, not {transaction}", at=found[0], by="N07.FR.07")
    lower = await monitor_set(trial, watched, "LowerThreshold", settings.lower_threshold)
    begin = trial.mark()
    await stop_authorized(trial)
    cleared = await event_of(trial, upper, since=begin, trigger="Alerting", cleared=True, by="N07.FR.17")
    low = _number(trial, cleared[0], about(trial, cleared, watched, by="N07.FR.06"), "N07.FR.17")
    trial.check(low <= Decimal(str(settings.upper_threshold)), "actualValue is above it", at=cleared[0], by="N07.FR.17")
    below = await event_of(trial, lower, since=begin, trigger="Alerting", by="N07.FR.16")
    value = _number(trial, below[0], about(trial, below, watched, by="N07.FR.06"), "N07.FR.16")
    beyond = value < Decimal(str(settings.lower_threshold))
    trial.check(beyond and not below[1].get("cleared"), "it is not below it", at=below[0], by="N07.FR.16")
    for heard, each in (cleared, below):
        kind = each.get("eventNotificationType")
        trial.check(kind == "CustomMonitor", f"eventNotificationType is {kind}", at=heard, by="N07.FR.07")


@station_case(*_EVENT, "N07.FR.18", "N07.FR.19")
async def TC_N_45_CS(trial: Trial) -> None:
    """A number changes by more than a delta."""
    await _all_monitors(trial)
    watched = threshold_variable(trial)
    monitor = await monitor_set(trial, watched, "Delta", trial.settings.upper_threshold)
    begin = trial.mark()
    await energy_transfer_started(trial)
    found = await event_of(trial, monitor, since=begin, trigger="Delta", by="N07.FR.18")
    about(trial, found, watched, by="N07.FR.06")


@station_case(*_EVENT, "N07.FR.18", "N07.FR.19")
async def TC_N_56_CS(trial: Trial) -> None:
    """A value that is not a number changes."""
    await _all_monitors(trial)
    watched = availability(trial)
    monitor = await monitor_set(trial, watched)
    begin = trial.mark()
    await ev_connected_pre_session(trial)
    found = await event_of(trial, monitor, since=begin, trigger="Delta", by="N07.FR.19")
    about(trial, found, watched, by="N07.FR.06")


@station_case("N07.FR.11")
async def TC_N_51_CS(trial: Trial) -> None:
    """A threshold that is replaced by one that the value is beyond already."""
    await _all_monitors(trial)
    watched = threshold_variable(trial)
    monitor = await monitor_set(trial, watched, "UpperThreshold", trial.settings.highest_threshold)
    await energy_transfer_started(trial)
    data = monitor_data(watched, "UpperThreshold", 0.0, monitor_id=monitor)
    result_of(await try_monitors(trial, data), data, "Accepted", by="N07.FR.11")
    found = await event_of(trial, monitor, trigger="Alerting", by="N07.FR.11")
    beyond = _number(trial, found[0], about(trial, found, watched, by="N07.FR.06"), "N07.FR.11") > 0
    trial.check(beyond, "actualValue is not above the new threshold", at=found[0], by="N07.FR.11")


@station_case("N07.FR.12")
async def TC_N_52_CS(trial: Trial) -> None:
    """A monitor that is cleared while its value is beyond it says nothing any more."""
    await _all_monitors(trial)
    watched = threshold_variable(trial)
    monitor = await monitor_set(trial, watched, "UpperThreshold", 0.0)
    begin = trial.mark()
    await energy_transfer_started(trial)
    await event_of(trial, monitor, since=begin, trigger="Alerting", by="N07.FR.16")
    answer = await trial.call(v21.ClearVariableMonitoringRequest(id=[monitor]))
    answer.must("clearMonitoringResult[0].status", "Accepted", by="N06.FR.01")
    answer.must("clearMonitoringResult[0].id", monitor, by="N06.FR.01")
    left = await ask_monitors(trial, watched.asked, criteria=("ThresholdMonitoring",))
    trial.check(not left, "the monitor is still reported", by="N06.FR.05")
    begin = trial.mark()
    await stop_authorized(trial)
    await trial.wait(trial.settings.quiet)
    said = events_of(trial.since(begin), monitor)
    trial.check(not said, "a monitor that was cleared has made an event", by="N07.FR.12")


@station_case("N07.FR.20", "N08.FR.01", "N08.FR.05")
async def TC_N_24_CS(trial: Trial) -> None:
    """A value is told again and again."""
    await _all_monitors(trial)
    watched, interval = availability(trial), float(trial.settings.aligned_interval)
    monitor = await monitor_set(trial, watched, "Periodic", interval)
    begin, started = trial.mark(), trial.bench.clock.now()
    for count in (1, 2, 3):
        within = interval + trial.settings.patience
        found = await event_of(trial, monitor, since=begin, within=within, trigger="Periodic", by="N08.FR.01")
        about(trial, found, watched, by="N08.FR.05")
        passed = found[0].when - started
        late = f"event {count} came after {passed:.1f} s, not {count * interval:g} s"
        trial.check(abs(passed - count * interval) <= trial.settings.tolerance, late, at=found[0], by="N08.FR.01")
        begin = trial.bench.inbox.index(found[0]) + 1


@station_case("N07.FR.04")
async def TC_N_22_CS(trial: Trial) -> None:
    """What is severe enough waits until the station is online again."""
    await _all_monitors(trial)
    watched, severity = availability(trial), 5
    await configure(trial, *_QUEUED, str(severity))
    monitor = await monitor_set(trial, watched, severity=severity)
    begin = trial.mark()
    with trial.offline():
        await trial.wait(1.0)  # until the station knows
        await trial.operator.plug(trial.evse, trial.connector)
        visit_of(trial).plugged = True
        await trial.wait(trial.settings.transaction_seconds)
    await trial.connected(within=trial.settings.reboot_patience)
    found = await event_of(trial, monitor, since=begin, trigger="Delta", actualValue="Occupied", by="N07.FR.04")
    about(trial, found, watched, by="N07.FR.04")


@station_case("N07.FR.04")
async def TC_N_23_CS(trial: Trial) -> None:
    """What is not severe enough is not told afterwards."""
    await _all_monitors(trial)
    watched, severity = availability(trial), 5
    await configure(trial, *_QUEUED, str(severity))
    monitor = await monitor_set(trial, watched, severity=severity + 1)
    await ev_connected_pre_session(trial)
    await event_of(trial, monitor, by="N07.FR.19")
    begin = trial.mark()
    with trial.offline():
        await trial.wait(1.0)  # until the station knows
        await trial.operator.unplug(trial.evse)
        await trial.wait(1.0)
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.wait(trial.settings.transaction_seconds)
    await trial.connected(within=trial.settings.reboot_patience)
    await trial.wait(trial.settings.quiet)
    said = events_of(trial.since(begin), monitor)
    trial.check(not said, "an event was told that was not severe enough to wait", by="N07.FR.04")
    told = [each for each in trial.since(begin) if each.action == "StatusNotification"]
    trial.check(not told, "StatusNotification: the connector is as it was before", by="N07.FR.04")
    await connector_is(trial, "Occupied")


@station_case("N07.FR.10")
async def TC_N_21_CS(trial: Trial) -> None:
    """A hard-wired notification, which the operator lets happen by a fault."""
    await enabled(trial)
    begin = trial.mark()
    await trial.operator.fault(trial.evse)
    patience = trial.settings.patience

    def hard_wired(heard: Heard[Any]) -> bool:
        kinds = [event.get("eventNotificationType") for event in heard.payload.get("eventData", [])]
        return "HardWiredNotification" in kinds

    event = await trial.expect(v21.NotifyEventRequest, hard_wired, since=begin, within=patience, by="N07.FR.10")
    event.must("seqNo", 0, by="N07.FR.07")


@station_case("N07.FR.10", security_profiles=(1, 2))
async def TC_N_48_CS(trial: Trial) -> None:
    """An event does not tell what can only be written, such as the password."""
    await _all_monitors(trial)
    old = known_password(trial)
    data = monitor_data(Watched("SecurityCtrlr", "BasicAuthPassword"))
    answer = await try_monitors(trial, data)
    if answer.at("setMonitoringResult[0].status") != "Accepted":
        raise NotForThis("for a station that lets its password be monitored")
    monitor = int(answer.at("setMonitoringResult[0].id"))
    begin = trial.mark()
    await changed_password(trial, secrets.token_hex(len(old))[: len(old)])

    async def back() -> None:
        await changed_password(trial, old)

    trial.afterwards.append(back)
    heard, event = await event_of(trial, monitor, since=begin, trigger="Delta", by="N07.FR.10")
    trial.check(event.get("actualValue") == "", "actualValue is not empty", at=heard, by="N07.FR.10")
