"""B11, B12: the station and its EVSEs are reset."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector
from ocppflow.check.heard import ABSENT
from ocppflow.check.memory_states import reserved
from ocppflow.check.reusable_states import (
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    reported_restart,
    stop_authorized,
    unavailable,
)
from ocppflow.check.trial import Trial
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.messages import v21


async def _reset(trial: Trial, kind: v21.ResetEnumType, status: str, *, evse: int = 0, by: str) -> int:
    """Ask for a reset; the mark from which on its consequences count."""
    request = v21.ResetRequest(type=kind, evse_id=evse) if evse else v21.ResetRequest(type=kind)
    answer = await trial.call(request)
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", status, by=by)
    return begin


async def _boots(trial: Trial, begin: int, *reasons: str) -> None:
    patience = trial.settings.reboot_patience
    boot = await trial.expect(v21.BootNotificationRequest, since=begin, within=patience, by="B11.FR.03")
    if reasons:
        boot.must("reason", *reasons, by="B01.FR.03")


@station_case("B11.FR.01", "B11.FR.03", "B11.FR.04", "B01.FR.03")
async def TC_B_20_CS(trial: Trial) -> None:
    """Reset of the station without a transaction, OnIdle."""
    begin = await _reset(trial, "OnIdle", "Accepted", by="B11.FR.01")
    await _boots(trial, begin)
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by="B01.FR.05")


@station_case("B12.FR.01", "B12.FR.03")
async def TC_B_21_CS(trial: Trial) -> None:
    """Reset of the station with a transaction, OnIdle: it waits for the end."""
    await energy_transfer_started(trial)
    begin = await _reset(trial, "OnIdle", "Scheduled", by="B12.FR.01")
    visit = visit_of(trial)
    await stop_authorized(trial)
    stopped_at_once = visit.ended
    if not visit.ended:
        await ev_connected_post_session(trial)
    if not visit.ended:
        await ev_disconnected(trial)
    if not visit.ended:
        await parking_bay_unoccupied(trial)
    await _boots(trial, begin, "ScheduledReset")
    state = "Occupied" if visit.plugged or stopped_at_once else "Available"
    others = {(trial.evse, trial.connector): state}
    after = _boot_place(trial, begin)
    await connectors_are(trial, every_connector(trial, "Available", others), since=after, by="B01.FR.05")
    await reported_restart(trial, after)


def _boot_place(trial: Trial, begin: int) -> int:
    """Where the newest BootNotification since ``begin`` stands in the inbox."""
    places = [n for n, heard in enumerate(trial.bench.inbox) if n >= begin and heard.action == "BootNotification"]
    return places[-1]


@station_case("B12.FR.02", "B12.FR.04", "E07.FR.03", "B01.FR.03")
async def TC_B_22_CS(trial: Trial) -> None:
    """Reset of the station with a transaction, Immediate: the transaction ends."""
    await energy_transfer_started(trial)
    begin = await _reset(trial, "Immediate", "Accepted", by="B12.FR.02")
    await _ended_by_reset(trial)
    await _boots(trial, begin, "RemoteReset")
    after = _boot_place(trial, begin)
    others = {(trial.evse, trial.connector): "Occupied"}
    await connectors_are(trial, every_connector(trial, "Available", others), since=after, by="B01.FR.05")


async def _ended_by_reset(trial: Trial) -> None:
    event = await transaction_event(trial, visit_of(trial), within=trial.settings.reboot_patience, by="B12.FR.04")
    event.must("eventType", "Ended", by="B12.FR.04")
    event.must("triggerReason", "ResetCommand", by="B12.FR.04")
    event.must("transactionInfo.chargingState", "EVConnected")
    event.must("transactionInfo.stoppedReason", "ImmediateReset", by="B12.FR.04")
    event.must("idToken", ABSENT, by="E07.FR.03")


@station_case("B11.FR.01", "B11.FR.02", "B11.FR.03", "B11.FR.04", "B01.FR.03")
async def TC_B_23_CS(trial: Trial) -> None:
    """Unavailable is still so after a reset."""
    await unavailable(trial, trial.evse, trial.connector)
    begin = await _reset(trial, "OnIdle", "Accepted", by="B11.FR.01")
    await _boots(trial, begin, "RemoteReset")
    others = {(trial.evse, trial.connector): "Unavailable"}
    after = _boot_place(trial, begin)
    await connectors_are(trial, every_connector(trial, "Available", others), since=after, by="B11.FR.04")


@station_case("B11.FR.01", "B11.FR.03", "B11.FR.04", "B11.FR.05", "B01.FR.03")
async def TC_B_24_CS(trial: Trial) -> None:
    """Reserved is still so after a reset."""
    await reserved(trial)
    begin = await _reset(trial, "OnIdle", "Accepted", by="B11.FR.01")
    await _boots(trial, begin, "RemoteReset")
    others = {(trial.evse, trial.connector): "Reserved"}
    after = _boot_place(trial, begin)
    await connectors_are(trial, every_connector(trial, "Available", others), since=after, by="B11.FR.05")


async def _all_over(trial: Trial, evse: int) -> None:
    """The session of an EVSE ends in the usual way, and the EV leaves."""
    await stop_authorized(trial, evse)
    await ev_connected_post_session(trial, evse)
    await ev_disconnected(trial, evse)
    await parking_bay_unoccupied(trial, evse)


@station_case("B12.FR.01", "B12.FR.03", "E07.FR.03")
async def TC_B_41_CS(trial: Trial) -> None:
    """Reset of the station with several transactions, OnIdle: it waits for the last."""
    first, second = trial.evse, trial.settings.second_evse
    await energy_transfer_started(trial, first)
    await energy_transfer_started(trial, second)
    begin = await _reset(trial, "OnIdle", "Scheduled", by="B12.FR.01")
    await _all_over(trial, first)
    trial.check(
        not any(heard.action == "BootNotification" for heard in trial.since(begin)),
        "the station restarted while a transaction was going on",
        by="B12.FR.03",
    )
    visit = visit_of(trial, second)
    await stop_authorized(trial, second)
    if not visit.ended:
        await ev_connected_post_session(trial, second)
    if not visit.ended:
        await ev_disconnected(trial, second)
    await _boots(trial, begin, "ScheduledReset")
    others = {(second, trial.connector): "Occupied" if visit.plugged else "Available"}
    after = _boot_place(trial, begin)
    await connectors_are(trial, every_connector(trial, "Available", others), since=after, by="B01.FR.05")


@station_case("B11.FR.01", "B11.FR.08", "B11.FR.10")
async def TC_B_25_CS(trial: Trial) -> None:
    """Reset of an EVSE without a transaction."""
    await _reset(trial, "OnIdle", "Accepted", evse=trial.evse, by="B11.FR.08")
    await trial.nothing(v21.BootNotificationRequest, by="B11.FR.08")


@station_case("B12.FR.01", "B12.FR.07")
async def TC_B_26_CS(trial: Trial) -> None:
    """Reset of an EVSE with a transaction, OnIdle."""
    await energy_transfer_started(trial)
    await _reset(trial, "OnIdle", "Scheduled", evse=trial.evse, by="B12.FR.01")
    await _all_over(trial, trial.evse)


@station_case("B12.FR.02", "B12.FR.08", "E07.FR.03")
async def TC_B_27_CS(trial: Trial) -> None:
    """Reset of an EVSE with a transaction, Immediate."""
    await energy_transfer_started(trial)
    await _reset(trial, "Immediate", "Accepted", evse=trial.evse, by="B12.FR.02")
    await _ended_by_reset(trial)


@station_case("B11.FR.01", "B11.FR.09", "B12.FR.01", "B12.FR.09")
async def TC_B_28_CS(trial: Trial) -> None:
    """Reset of an EVSE by a station that cannot."""
    await _reset(trial, "OnIdle", "Rejected", evse=trial.evse, by="B11.FR.09")


@station_case("B12.FR.01", "B12.FR.09")
async def TC_B_29_CS(trial: Trial) -> None:
    """Reset of an EVSE with a transaction by a station that cannot."""
    await energy_transfer_started(trial)
    await _reset(trial, "OnIdle", "Rejected", evse=trial.evse, by="B12.FR.09")
