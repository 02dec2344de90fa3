"""E01, E02, E03: where transactions start, and how they are started at the station."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is
from ocppflow.check.heard import PRESENT
from ocppflow.check.reusable_states import (
    authorized,
    authorized_local,
    authorized_remote,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
)
from ocppflow.check.start_stop_points import authorization_needed, starts_at
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import maybe_event, start_points, stop_points, transaction_event, visit_of
from ocppflow.messages import v21

_COMMON = ("E01.FR.07", "E01.FR.10", "E01.FR.15", "E01.FR.16")


@station_case("E01.FR.05", *_COMMON)
async def TC_E_01_CS(trial: Trial) -> None:
    """The transaction starts at PowerPathClosed."""
    await starts_at(trial, "PowerPathClosed", "ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned")
    await authorized(trial)
    await ev_connected_pre_session(trial)


@station_case("E01.FR.06", *_COMMON)
async def TC_E_02_CS(trial: Trial) -> None:
    """The transaction starts at EnergyTransfer."""
    earlier = ("ParkingBayOccupancy", "EVConnected", "Authorized", "DataSigned", "PowerPathClosed")
    await starts_at(trial, "EnergyTransfer", *earlier)
    await authorized(trial)
    visit = visit_of(trial)
    await trial.operator.plug(trial.evse, trial.connector)
    visit.plugged = True
    await connector_is(trial, "Occupied")
    event = await transaction_event(trial, visit, by="E01.FR.06")
    event.must("eventType", "Started", by="E01.FR.06")
    reasons = ("RemoteStart",) if visit.remote else ("ChargingStateChanged", "Authorized")
    event.must("triggerReason", *reasons)
    event.must("idToken.idToken", trial.token.id_token, by="E01.FR.10")
    event.must("idToken.type", trial.token.type)
    event.must("evse.id", trial.evse, by="E01.FR.16")
    event.must("evse.connectorId", trial.connector, by="E01.FR.16")
    event.must("transactionInfo.chargingState", "Charging", by="E01.FR.06")


@station_case("E01.FR.02", *_COMMON)
async def TC_E_09_CS(trial: Trial) -> None:
    """The transaction starts at EVConnected."""
    await starts_at(trial, "EVConnected", "ParkingBayOccupancy")
    await parking_bay_occupied(trial)
    visit = visit_of(trial)
    await trial.operator.plug(trial.evse, trial.connector)
    visit.plugged = True
    await connector_is(trial, "Occupied")
    event = await transaction_event(trial, visit, by="E01.FR.02")
    event.must("eventType", "Started", by="E01.FR.02")
    event.must("triggerReason", "CablePluggedIn", "ChargingStateChanged", by="E01.FR.02")
    event.must("evse.id", trial.evse, by="E01.FR.16")
    event.must("evse.connectorId", trial.connector, by="E01.FR.16")
    event.must("transactionInfo.chargingState", "EVConnected")


@station_case("E01.FR.03", *_COMMON, "C01.FR.02", "C02.FR.01", "C06.FR.02")
async def TC_E_10_CS(trial: Trial) -> None:
    """The transaction starts at Authorized, by a token."""
    await starts_at(trial, "Authorized")
    await authorization_needed(trial)
    await trial.operator.present(trial.evse, trial.token)
    if not trial.settings.start_button:
        request = await trial.expect(v21.AuthorizeRequest, by="C01.FR.02")
        request.must("idToken.idToken", trial.token.id_token)
        request.must("idToken.type", trial.token.type)
        trial.notes["cached"] = True
    event = await transaction_event(trial, visit_of(trial), by="E01.FR.03")
    event.must("eventType", "Started", by="E01.FR.03")
    event.must("triggerReason", "Authorized", by="E01.FR.03")
    event.must("idToken.idToken", trial.token.id_token, by="E01.FR.10")
    event.must("idToken.type", trial.token.type)


@station_case("E01.FR.03", "F01.FR.03", "F01.FR.04", "F01.FR.06", "F01.FR.19", "F02.FR.01")
async def TC_E_13_CS(trial: Trial) -> None:
    """The transaction starts at Authorized, by the CSMS."""
    await starts_at(trial, "Authorized")
    await authorization_needed(trial)
    await authorized_remote(trial)
    trial.check(visit_of(trial).transaction, "no transaction has started", by="E01.FR.03")


@station_case("E01.FR.04", *_COMMON)
async def TC_E_11_CS(trial: Trial) -> None:
    """The transaction starts at DataSigned."""
    await starts_at(trial, "DataSigned", "ParkingBayOccupancy", "EVConnected", "Authorized")
    await configure(trial, "SampledDataCtrlr", "SignReadings", "true")
    await authorized(trial)
    visit = visit_of(trial)
    await trial.operator.plug(trial.evse, trial.connector)
    visit.plugged = True
    await connector_is(trial, "Occupied")
    event = await transaction_event(trial, visit, by="E01.FR.04")
    event.must("eventType", "Started", by="E01.FR.04")
    event.must("triggerReason", "SignedDataReceived", *(("RemoteStart",) if visit.remote else ()))
    event.must("idToken.idToken", trial.token.id_token)
    event.must("evse.id", trial.evse, by="E01.FR.16")
    event.must("evse.connectorId", trial.connector, by="E01.FR.16")
    value = "meterValue[0].sampledValue[0]"
    event.must(f"{value}.context", "Transaction.Begin")
    for member in ("encodingMethod", "publicKey", "signedMeterData", "signingMethod"):
        event.must(f"{value}.signedMeterValue.{member}", PRESENT)
    charging = await transaction_event(trial, visit)
    charging.must("eventType", "Updated")
    charging.must("triggerReason", "ChargingStateChanged")
    charging.must("transactionInfo.chargingState", "Charging")


@station_case("E01.FR.01", *_COMMON)
async def TC_E_12_CS(trial: Trial) -> None:
    """The transaction starts at ParkingBayOccupancy."""
    await starts_at(trial, "ParkingBayOccupancy")
    await configure_if_there(trial, "TxCtrlr", "TxStopPoint", "ParkingBayOccupancy")  # or it would never end
    await trial.operator.park(trial.evse)
    event = await transaction_event(trial, visit_of(trial), by="E01.FR.01")
    event.must("eventType", "Started", by="E01.FR.01")
    event.must("triggerReason", "EVDetected", by="E01.FR.01")


@station_case(
    *("E02.FR.01", "E02.FR.05", "E02.FR.06", "E02.FR.07", "E02.FR.13", "E02.FR.15", "E02.FR.16", "E02.FR.17"),
    *("E01.FR.16", "C01.FR.02", "C02.FR.01", "C06.FR.02"),
)
async def TC_E_03_CS(trial: Trial) -> None:
    """A session by token, cable first."""
    await authorization_needed(trial)
    await ev_connected_pre_session(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)


@station_case("E03.FR.01", "E03.FR.06", "E03.FR.12", "E01.FR.16", "C01.FR.02", "C02.FR.01", "C06.FR.02")
async def TC_E_04_CS(trial: Trial) -> None:
    """A session by token, token first."""
    await authorization_needed(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)


@station_case("E03.FR.01", "E03.FR.05", "E03.FR.06", "E03.FR.12", "C01.FR.02", "C02.FR.01", "C06.FR.02")
async def TC_E_05_CS(trial: Trial) -> None:
    """A session by token, token first, and the cable comes too late."""
    await configure(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await authorization_needed(trial)
    await configure_if_there(trial, "AuthCacheCtrlr", "Enabled", "false")
    await configure(trial, "AuthCtrlr", "LocalPreAuthorize", "false")
    await authorized_local(trial)
    await connection_timed_out(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)


async def connection_timed_out(trial: Trial) -> None:
    """No EV comes within EVConnectionTimeOut, and the authorization is over; the visit is, too."""
    visit = visit_of(trial)
    seconds = trial.settings.connection_timeout
    if visit.started or await start_points(trial) & {"ParkingBayOccupancy", "Authorized"}:
        stops = "Authorized" in await stop_points(trial)
        within = seconds + trial.settings.patience
        event = await transaction_event(trial, visit, within=within, by="E03.FR.05")
        event.must("triggerReason", "EVConnectTimeout", by="E03.FR.05")
        event.must("eventType", "Ended" if stops else "Updated", by="E03.FR.05")
        if stops:
            event.must("transactionInfo.stoppedReason", "Timeout", by="E03.FR.05")
    else:
        await trial.wait(seconds + trial.settings.tolerance)
    trial.notes["visits"].pop(visit.evse, None)


@station_case()
async def TC_E_38_CS(trial: Trial) -> None:
    """The EV is connected and not ready for energy."""
    await authorized(trial)
    await trial.operator.suspend_ev_before(trial.evse)
    await ev_connected_pre_session(trial)
    visit = visit_of(trial)
    while visit.state != "SuspendedEV":
        event = await transaction_event(trial, visit)
        if event.at("transactionInfo.chargingState") == "Charging":
            raise event.wrong("the EV is not ready, so no energy can flow")
    trial.check(visit.state == "SuspendedEV", f"chargingState is {visit.state}, not SuspendedEV")


@station_case("C01.FR.02", "C01.FR.05")
async def TC_E_52_CS(trial: Trial) -> None:
    """With DisableRemoteAuthorization the CSMS is not asked for a token."""
    await configure_if_there(trial, "AuthCtrlr", "Enabled", "true")
    await configure(trial, "AuthCtrlr", "DisableRemoteAuthorization", "true")
    await trial.operator.present(trial.evse, trial.token)
    await trial.nothing(v21.AuthorizeRequest, by="C01.FR.02")
    event = await maybe_event(trial, visit_of(trial))
    if event is not None:
        raise event.wrong("nobody was authorized, so no transaction may start")
