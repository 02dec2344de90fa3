"""E05 to E10, E15: where transactions stop, and what ends them."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is
from ocppflow.check.heard import ABSENT
from ocppflow.check.memory_states import id_token_cached, id_token_in_local_list, started_offline
from ocppflow.check.reusable_states import (
    authorized,
    energy_transfer_started,
    energy_transfer_suspended,
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.start_stop_points import authorization_needed, stops_at
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import maybe_event, start_points, stop_points, transaction_event, visit_of
from ocppflow.messages import v21

_LOST = "EVCommunicationLost"


def _must_have_ended(trial: Trial, by: str) -> None:
    trial.check(visit_of(trial).ended, "the transaction has not ended", by=by)


@station_case("E07.FR.04", "E06.FR.15", "C01.FR.03")
async def TC_E_06_CS(trial: Trial) -> None:
    """A session is stopped by its token."""
    await authorization_needed(trial)
    await energy_transfer_started(trial)
    visit = visit_of(trial)
    await stop_authorized(trial, remote=False)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    trial.check(visit.ended, "the transaction has not ended", by="E06.FR.15")


@station_case("E06.FR.06", "E06.FR.15")
async def TC_E_07_CS(trial: Trial) -> None:
    """The transaction stops at PowerPathClosed, by token."""
    await stops_at(trial, "PowerPathClosed", "Authorized")
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=False)
    await ev_connected_post_session(trial)
    _must_have_ended(trial, "E06.FR.06")


@station_case("E06.FR.06", "E06.FR.15")
async def TC_E_35_CS(trial: Trial) -> None:
    """The transaction stops at PowerPathClosed, by the CSMS."""
    await stops_at(trial, "PowerPathClosed", "Authorized")
    await energy_transfer_started(trial)
    await _stopped_remotely(trial, "E06.FR.06")


async def _stopped_remotely(trial: Trial, by: str) -> None:
    visit = visit_of(trial)
    answer = await trial.call(v21.RequestStopTransactionRequest(transaction_id=str(visit.transaction)))
    answer.must("status", "Accepted", by="F03.FR.07")
    event = await transaction_event(trial, visit, by=by)
    event.must("triggerReason", "RemoteStop", by=by)
    event.must("transactionInfo.stoppedReason", "Remote", by=by)
    event.must("eventType", "Ended", by=by)


async def _cable_pulled_at_ev(trial: Trial, *reasons: str, ends: bool, by: str) -> None:
    """The cable comes out of the EV."""
    await trial.operator.unplug_ev_side(trial.evse)
    event = await transaction_event(trial, visit_of(trial), by=by)
    event.must("triggerReason", _LOST, by=by)
    event.must("transactionInfo.chargingState", "Idle", by=by)
    if ends:
        event.must("transactionInfo.stoppedReason", *reasons, by=by)
        event.must("eventType", "Ended", by=by)


@station_case("E06.FR.06", "E06.FR.15")
async def TC_E_37_CS(trial: Trial) -> None:
    """The transaction stops at PowerPathClosed, when the EV is disconnected."""
    await stops_at(trial, "PowerPathClosed", "EnergyTransfer", "EVConnected", "DataSigned")
    await configure_if_there(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, "EVDisconnected", "StoppedByEV", ends=True, by="E06.FR.06")


@station_case("E06.FR.07", "E06.FR.15")
async def TC_E_08_CS(trial: Trial) -> None:
    """The transaction stops at EnergyTransfer, when it is authorized to."""
    await stops_at(trial, "EnergyTransfer", "Authorized", "PowerPathClosed")
    await energy_transfer_started(trial)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    _must_have_ended(trial, "E06.FR.07")


@station_case("E06.FR.07", "E06.FR.15")
async def TC_E_22_CS(trial: Trial) -> None:
    """The transaction stops at EnergyTransfer, when the EV takes no more."""
    await stops_at(trial, "EnergyTransfer")
    await energy_transfer_started(trial)
    await trial.operator.suspend_ev(trial.evse)
    event = await transaction_event(trial, visit_of(trial), by="E06.FR.07")
    event.must("triggerReason", "ChargingStateChanged", by="E06.FR.07")
    state = event.must("transactionInfo.chargingState", "EVConnected", "SuspendedEV", by="E06.FR.07")
    ended = event.must("eventType", "Ended", *(("Updated",) if state == "SuspendedEV" else ()), by="E06.FR.07")
    if ended == "Ended":
        event.must("transactionInfo.stoppedReason", "StoppedByEV", by="E06.FR.07")


@station_case("E06.FR.02", "E06.FR.15")
async def TC_E_14_CS(trial: Trial) -> None:
    """The transaction stops at EVConnected, when the cable is pulled at the station."""
    await stops_at(trial, "EVConnected", "EnergyTransfer", "PowerPathClosed", "DataSigned", "Authorized")
    await energy_transfer_started(trial)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    visit = visit_of(trial)
    await trial.operator.unplug(trial.evse)
    visit.plugged = False
    await connector_is(trial, "Available")
    event = await transaction_event(trial, visit, by="E06.FR.02")
    event.must("triggerReason", _LOST, by="E06.FR.02")
    event.must("transactionInfo.chargingState", "Idle", by="E06.FR.02")
    reasons = ("Remote",) if visit.remote else ("Local", "EVDisconnected", ABSENT)
    event.must("transactionInfo.stoppedReason", *reasons, by="E06.FR.02")
    event.must("eventType", "Ended", by="E06.FR.02")


@station_case("E06.FR.02", "E06.FR.15")
async def TC_E_20_CS(trial: Trial) -> None:
    """The transaction stops at EVConnected, when the cable is pulled at the EV (IEC 61851-1)."""
    await stops_at(trial, "EVConnected", "EnergyTransfer", "PowerPathClosed")
    await configure_if_there(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, "EVDisconnected", ends=True, by="E06.FR.02")


@station_case("E06.FR.02", "E06.FR.15")
async def TC_E_54_CS(trial: Trial) -> None:
    """The transaction stops at EVConnected, when the cable is pulled at the EV (other than IEC 61851-1)."""
    await stops_at(trial, "EVConnected", "EnergyTransfer", "PowerPathClosed")
    await configure_if_there(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, "StoppedByEV", "EVDisconnected", ends=True, by="E06.FR.02")


@station_case("E06.FR.03", "E06.FR.15")
async def TC_E_15_CS(trial: Trial) -> None:
    """The transaction stops at Authorized, by token."""
    await stops_at(trial, "Authorized", "PowerPathClosed")
    await energy_transfer_started(trial)
    await trial.wait(trial.settings.transaction_seconds)
    visit = visit_of(trial)
    await trial.operator.present(trial.evse, visit.token or trial.token)
    event = await transaction_event(trial, visit, by="E06.FR.03")
    event.must("triggerReason", "StopAuthorized", by="E06.FR.03")
    event.must("transactionInfo.stoppedReason", "Local", ABSENT, by="E06.FR.03")
    event.must("eventType", "Ended", by="E06.FR.03")


@station_case("E06.FR.03", "E06.FR.15", "F03.FR.09")
async def TC_E_21_CS(trial: Trial) -> None:
    """The transaction stops at Authorized, by the CSMS."""
    await stops_at(trial, "Authorized", "PowerPathClosed")
    await energy_transfer_started(trial)
    await _stopped_remotely(trial, "E06.FR.03")


@station_case("E06.FR.01", "E06.FR.15")
async def TC_E_19_CS(trial: Trial) -> None:
    """The transaction stops at ParkingBayOccupancy."""
    earlier = ("EnergyTransfer", "PowerPathClosed", "DataSigned", "Authorized", "EVConnected")
    await stops_at(trial, "ParkingBayOccupancy", *earlier)
    await trial.operator.park(trial.evse)
    await energy_transfer_started(trial)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    visit = visit_of(trial)
    await trial.operator.leave(trial.evse)
    event = await transaction_event(trial, visit, by="E06.FR.01")
    event.must("triggerReason", "EVDeparted", by="E06.FR.01")
    event.must("transactionInfo.stoppedReason", "Remote" if visit.remote else "Local", by="E06.FR.01")
    event.must("eventType", "Ended", by="E06.FR.01")


@station_case("E06.FR.04", "E06.FR.15", "C15.FR.04")
async def TC_E_16_CS(trial: Trial) -> None:
    """A transaction that began offline ends when the CSMS calls its token invalid."""
    await stops_at(trial, "Authorized", "EnergyTransfer", "DataSigned")
    await authorization_needed(trial)
    await configure_if_there(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await configure(trial, "TxCtrlr", "StopTxOnInvalidId", "true")
    if trial.pics.claims("C-49"):
        await id_token_cached(trial)
    if trial.pics.claims("LA-0"):
        await id_token_in_local_list(trial)
    trial.answer(
        v21.TransactionEventRequest,
        lambda heard: {"idTokenInfo": {"status": "Invalid"}} if "idToken" in heard.payload else None,
    )
    await started_offline(trial)
    visit = visit_of(trial)
    event = await transaction_event(trial, visit, by="E06.FR.04")
    event.must("offline", True, by="E12.FR.02")
    while not visit.ended:
        event = await transaction_event(trial, visit, by="C15.FR.04")
    event.must("triggerReason", "Deauthorized", by="C15.FR.04")
    event.must("transactionInfo.stoppedReason", "DeAuthorized", by="C15.FR.04")


@station_case("E06.FR.04", "E06.FR.15")
async def TC_E_17_CS(trial: Trial) -> None:
    """A transaction is deauthorized when the cable is pulled at the EV."""
    await stops_at(trial, "Authorized", "EnergyTransfer", "DataSigned", "EVConnected")
    await configure(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await configure_if_there(trial, "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await authorization_needed(trial)
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, "EVDisconnected", ends=True, by="E06.FR.04")
    await _cable_taken(trial, locked=True)


async def _cable_taken(trial: Trial, *, locked: bool) -> None:
    """The cable that is still in the station is taken out, with the token where it is locked."""
    if locked and trial.pics.claims("HFS-1"):
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(1.0)
    if trial.pics.claims("HFS-1"):
        await trial.operator.take_cable(trial.evse)
    visit_of(trial).plugged = False
    await connector_is(trial, "Available")


@station_case("E06.FR.04", "E06.FR.15")
async def TC_E_39_CS(trial: Trial) -> None:
    """A transaction is deauthorized when no EV comes."""
    await stops_at(trial, "Authorized")
    await configure(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await authorization_needed(trial)
    await authorized(trial)
    visit = visit_of(trial)
    seconds = trial.settings.connection_timeout
    starts = await start_points(trial)
    if starts & {"ParkingBayOccupancy", "Authorized"}:
        event = await transaction_event(trial, visit, within=seconds + trial.settings.patience, by="E03.FR.05")
        event.must("triggerReason", "EVConnectTimeout", by="E03.FR.05")
        ends = "Updated" if "ParkingBayOccupancy" in starts else "Ended"
        if event.must("eventType", ends, by="E06.FR.04") == "Ended":
            event.must("transactionInfo.stoppedReason", "Timeout", by="E06.FR.04")
    else:
        await trial.wait(seconds + trial.settings.tolerance)
    await trial.operator.plug(trial.evse, trial.connector)
    await trial.wait(trial.settings.quiet)
    for heard in trial.since():
        if heard.action == "TransactionEvent" and heard.at("transactionInfo.chargingState") == "Charging":
            raise heard.wrong("the authorization is over, so no energy may flow", by="E03.FR.05")


@station_case("E09.FR.01", "E09.FR.02", "E09.FR.04")
async def TC_E_24_CS(trial: Trial) -> None:
    """The cable is pulled at the EV: the session is over, and the station lets the cable go."""
    await configure(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await configure(trial, "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true")
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, ends=False, by="E09.FR.01")
    await _cable_taken(trial, locked=False)


@station_case("E09.FR.01", "E09.FR.03", "E09.FR.04")
async def TC_E_25_CS(trial: Trial) -> None:
    """The cable is pulled at the EV: the session is over, and the station keeps the cable."""
    await configure(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "true")
    await configure(trial, "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await _cable_pulled_at_ev(trial, ends=False, by="E09.FR.01")
    await _cable_taken(trial, locked=True)


async def _suspended_by_cable(trial: Trial, by: str) -> None:
    """The cable is pulled at the EV, and the transaction goes on without it."""
    later = ("EnergyTransfer", "PowerPathClosed", "DataSigned", "EVConnected")
    await stops_at(trial, "Authorized", *later)
    await configure_if_there(trial, "OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "false")
    await configure(trial, "TxCtrlr", "StopTxOnEVSideDisconnect", "false")
    await energy_transfer_suspended(trial)
    await trial.operator.unplug_ev_side(trial.evse)
    event = await transaction_event(trial, visit_of(trial), by=by)
    event.must("triggerReason", _LOST, by=by)
    event.must("transactionInfo.chargingState", "Idle", by=by)
    event.must("eventType", "Updated", by=by)
    if trial.pics.claims("HFS-2"):
        await connector_is(trial, "Available")


@station_case("E10.FR.01", "E10.FR.03")
async def TC_E_26_CS(trial: Trial) -> None:
    """The cable is pulled at the EV and put back: energy flows again."""
    await _suspended_by_cable(trial, "E10.FR.01")
    visit = visit_of(trial)
    await trial.operator.plug(trial.evse, trial.connector)
    event = await transaction_event(trial, visit, by="E10.FR.03")
    event.must("triggerReason", "CablePluggedIn", by="E10.FR.03")
    event.must("transactionInfo.chargingState", "EVConnected", by="E10.FR.03")
    event.must("eventType", "Updated", by="E10.FR.03")
    while visit.state != "Charging":
        event = await transaction_event(trial, visit, by="E10.FR.03")
        event.must("triggerReason", "ChargingStateChanged", by="E10.FR.03")
        event.must("eventType", "Updated", by="E10.FR.03")


@station_case("E10.FR.02", "E10.FR.03")
async def TC_E_27_CS(trial: Trial) -> None:
    """The fixed cable is pulled at the EV and not put back in time."""
    await configure(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await _suspended_by_cable(trial, "E10.FR.02")
    within = trial.settings.connection_timeout + trial.settings.patience
    event = await transaction_event(trial, visit_of(trial), within=within, by="E10.FR.02")
    event.must("triggerReason", "EVConnectTimeout", by="E10.FR.02")
    if "Authorized" in await stop_points(trial):
        event.must("eventType", "Ended", by="E10.FR.02")
        event.must("transactionInfo.stoppedReason", "Timeout", by="E10.FR.02")
    else:
        event.must("eventType", "Updated", by="E10.FR.02")


@station_case("E15.FR.04", "E15.FR.05")
async def TC_E_46_CS(trial: Trial) -> None:
    """The EV ends the session by ISO 15118."""
    await energy_transfer_started(trial)
    ends = bool(await stop_points(trial) & {"Authorized", "PowerPathClosed", "EnergyTransfer"})
    await trial.operator.end_session(trial.evse)
    event = await transaction_event(trial, visit_of(trial), by="E15.FR.04")
    event.must("triggerReason", "StopAuthorized", by="E15.FR.04")
    event.must("transactionInfo.chargingState", "EVConnected", by="E15.FR.04")
    event.must("eventType", "Ended" if ends else "Updated", by="E15.FR.05")
    if ends:
        event.must("transactionInfo.stoppedReason", "StoppedByEV", by="E15.FR.05")
    await maybe_event(trial, visit_of(trial))
