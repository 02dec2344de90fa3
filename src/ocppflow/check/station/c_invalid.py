"""C12 with E05: a token that the station has taken offline turns out to be Invalid."""

from __future__ import annotations

import math
from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.memory_states import id_token_cached, id_token_in_local_list
from ocppflow.check.reusable_states import ev_connected_pre_session, ev_removed, parking_bay_unoccupied
from ocppflow.check.token_steps import cache_in_use, known_as, returns_late, suspended_by_station
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import maybe_event, transaction_event, visit_of
from ocppflow.messages import v21

_OFFERED = 10_000
"""MaxEnergyOnInvalidId of the case in which charging goes on, in Wh."""

_METER_ERROR = 100
"""Wh by which more may be delivered: a meter is read now and then."""


async def _taken_offline(trial: Trial, *, stop: bool, energy: int) -> None:
    """The station knows the token as good, starts offline with it, and the CSMS calls it Invalid afterwards."""
    await cache_in_use(trial)
    await configure_if_there(trial, "AuthCtrlr", "LocalAuthorizeOffline", "true")
    await configure_if_there(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await configure(trial, "TxCtrlr", "StopTxOnInvalidId", "true" if stop else "false")
    put = configure if energy else configure_if_there
    await put(trial, "TxCtrlr", "MaxEnergyOnInvalidId", str(energy))
    await returns_late(trial)
    await id_token_cached(trial)
    if trial.pics.claims("LA-0"):
        await id_token_in_local_list(trial)
    await ev_connected_pre_session(trial)
    visit = visit_of(trial)
    known_as(trial, trial.token, "Invalid")
    begin = trial.mark()
    with trial.offline():
        await trial.wait(1.0)  # the station knows
        visit.token = trial.token
        await trial.operator.present(trial.evse, trial.token)
        visit.authorized = True
        await trial.wait(max(trial.settings.transaction_seconds, trial.settings.retry_wait_minimum))
    await trial.connected(within=trial.settings.reboot_patience)
    await _queued(trial, begin)


async def _queued(trial: Trial, begin: int) -> None:
    """The events from while there was no connection, by which energy has begun to flow."""
    events: list[Heard[Any]] = []
    while True:
        event = await trial.maybe(
            v21.TransactionEventRequest,
            lambda heard: heard.at("offline") is True,
            since=begin,
            within=trial.settings.patience if not events else 2.0,
        )
        if event is None:
            break
        visit_of(trial).saw(event)
        events.append(event)
    for event in events:
        if event.at("triggerReason") == "Authorized":
            event.must("idToken.idToken", trial.token.id_token, by="C12.FR.02")
            event.must("idToken.type", trial.token.type, by="C12.FR.02")
    flows = any(event.at("transactionInfo.chargingState") == "Charging" for event in events)
    trial.check(flows, "no TransactionEvent came with offline true and chargingState Charging", by="C12.FR.04")
    changed = any(event.at("triggerReason") == "ChargingStateChanged" for event in events)
    trial.check(changed, "no TransactionEvent came with offline true and ChargingStateChanged", by="C12.FR.04")


@station_case("C12.FR.02", "C12.FR.04", "E05.FR.03")
async def TC_C_15_CS(trial: Trial) -> None:
    """It may go on for some energy: StopTxOnInvalidId is false, MaxEnergyOnInvalidId 10,000."""
    suspended = await suspended_by_station(trial)
    await _taken_offline(trial, stop=False, energy=_OFFERED)
    await trial.nothing(v21.TransactionEventRequest, _stopped, seconds=trial.settings.message_timeout, by="E05.FR.03")
    if not trial.settings.energy_patience:
        trial.omit(f"whether energy flows until there were {_OFFERED / 1000:g} kWh, and no longer: set energy_patience")
        return
    visit = visit_of(trial)
    by = "E05.FR.03 E05.FR.02"
    await transaction_event(trial, visit, suspended, within=trial.settings.energy_patience, by=by)
    if not visit.ended:
        await trial.operator.present(trial.evse, trial.token)
        await transaction_event(trial, visit, {"triggerReason": "StopAuthorized"}, by="E07.FR.01")
    if not visit.ended:
        await ev_removed(trial)
        await parking_bay_unoccupied(trial)
    whole = [heard for heard in trial.bench.inbox if heard.at("transactionInfo.transactionId") == visit.transaction]
    delivered = _register(whole, "Transaction.End") - _register(whole, "Transaction.Begin")
    if delivered < _OFFERED or delivered > _OFFERED + _METER_ERROR + _before_invalid(trial):
        raise whole[-1].wrong(f"{delivered:g} Wh were delivered, {_OFFERED} may be", by="E05.FR.03")


def _before_invalid(trial: Trial) -> float:
    """Wh that may have flowed before the station was told, at 350 kW at most."""
    return 350_000 / 3600 * (trial.settings.retry_wait_minimum + trial.settings.transaction_seconds)


def _register(events: list[Heard[Any]], context: str) -> float:
    """The meter's register at the beginning or the end of a transaction, in Wh: the last that its events tell. Raises
    CheckFailed if none does."""
    found = [
        sample
        for event in events
        for meter_value in event.payload.get("meterValue", [])
        for sample in meter_value.get("sampledValue", [])
        if sample.get("context") == context and "phase" not in sample and _is_register(sample)
    ]
    if not found:
        text = f"there is no Energy.Active.Import.Register with context {context}"
        raise events[-1].wrong(text, by="E06.FR.11 E02.FR.09")
    unit = found[-1].get("unitOfMeasure", {})
    watt_hours = 1000.0 if unit.get("unit", "Wh") == "kWh" else 1.0
    return float(found[-1]["value"]) * watt_hours * math.pow(10.0, unit.get("multiplier", 0))


def _is_register(sample: dict[str, Any]) -> bool:
    register = "Energy.Active.Import.Register"
    return str(sample.get("measurand", register)) == register


def _stopped(heard: Heard[Any]) -> bool:
    suspended = heard.at("transactionInfo.chargingState") == "SuspendedEVSE"
    return suspended or bool(heard.at("triggerReason") == "Deauthorized")


async def _deauthorized(trial: Trial, *, by: str) -> None:
    """The station ends the authorization, and no energy flows any more."""
    visit = visit_of(trial)
    event = await transaction_event(trial, visit, {"triggerReason": "Deauthorized"}, by=by)
    event.must("offline", False, ABSENT, by=by)
    if event.at("eventType") == "Ended":
        event.must("transactionInfo.stoppedReason", "DeAuthorized", by="E05.FR.10")
    while not visit.ended and visit.state == "Charging":
        await transaction_event(trial, visit, by="E05.FR.09")
    await _flows_no_more(trial, by=by)


async def _flows_no_more(trial: Trial, *, by: str) -> None:
    visit = visit_of(trial)
    end = trial.bench.clock.now() + trial.settings.quiet
    while (left := end - trial.bench.clock.now()) > 0:
        event = await maybe_event(trial, visit, within=left)
        if event is not None and event.at("transactionInfo.chargingState") == "Charging":
            raise event.wrong("the token is Invalid, so no energy may flow", by=by)


@station_case("C12.FR.02", "C12.FR.04", "E05.FR.10")
async def TC_C_16_CS(trial: Trial) -> None:
    """It stops: StopTxOnInvalidId is true."""
    await _taken_offline(trial, stop=True, energy=0)
    await _deauthorized(trial, by="E05.FR.09 E05.FR.10")


@station_case("C12.FR.02", "C12.FR.04", "E05.FR.02")
async def TC_C_17_CS(trial: Trial) -> None:
    """The station suspends: StopTxOnInvalidId is false, and no energy is allowed."""
    suspended = await suspended_by_station(trial)
    await _taken_offline(trial, stop=False, energy=0)
    event = await transaction_event(trial, visit_of(trial), suspended, by="E05.FR.02")
    event.must("triggerReason", "ChargingStateChanged", by="E05.FR.02")
    await _flows_no_more(trial, by="E05.FR.02")


@station_case("C12.FR.02", "C12.FR.04", "E05.FR.10")
async def TC_C_18_CS(trial: Trial) -> None:
    """It stops, whatever MaxEnergyOnInvalidId says: StopTxOnInvalidId is true."""
    await _taken_offline(trial, stop=True, energy=500)
    await _deauthorized(trial, by="E05.FR.09 E05.FR.10")
