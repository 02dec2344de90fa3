"""C13, C14: authorization by the local list, with and without a connection."""

from __future__ import annotations

import contextlib

from ocppflow.check.cases import station_case
from ocppflow.check.heard import Heard
from ocppflow.check.memory_states import id_token_cached, id_token_in_local_list, local_entry, started_offline
from ocppflow.check.operator import OperatorCannot
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_pre_session,
    ev_removed,
    parking_bay_unoccupied,
)
from ocppflow.check.token_steps import known_as, list_in_use, no_energy, refused, returns_late, suspended_by_station
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import METERING, transaction_event, visit_of
from ocppflow.messages import Version, v21

# --- with a connection -----------------------------------------------------------------------------------------------


@station_case("C14.FR.02")
async def TC_C_27_CS(trial: Trial) -> None:
    """A token that is Accepted in the local list."""
    await list_in_use(trial)
    await id_token_in_local_list(trial)
    await authorized_local(trial, asks=False)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)


async def _listed_and_refused(trial: Trial, text: str, status: v21.AuthorizationStatusEnumType) -> None:
    """The list has the token as no good, the CSMS is asked again, and says the same."""
    token = trial.settings.id_token(text)
    await list_in_use(trial, asks_again=True)
    await id_token_in_local_list(trial, local_entry(token, status))
    known_as(trial, token, status)
    await refused(trial, token, by="C14.FR.03")


@station_case("C14.FR.03")
async def TC_C_28_CS(trial: Trial) -> None:
    """A token that is Invalid in the local list, and for the CSMS."""
    await _listed_and_refused(trial, trial.settings.invalid_token, "Invalid")


@station_case("C14.FR.03")
async def TC_C_29_CS(trial: Trial) -> None:
    """A token that is Blocked in the local list, and for the CSMS."""
    if trial.version is Version.V201:
        await ev_connected_pre_session(trial)
    await _listed_and_refused(trial, trial.settings.blocked_token, "Blocked")


@station_case("C14.FR.03")
async def TC_C_30_CS(trial: Trial) -> None:
    """A token that is Expired in the local list, and for the CSMS."""
    await _listed_and_refused(trial, trial.settings.expired_token, "Expired")


@station_case("C14.FR.03")
async def TC_C_31_CS(trial: Trial) -> None:
    """A token that is Invalid in the local list, and Accepted by the CSMS."""
    token = trial.settings.id_token(trial.settings.invalid_token)
    await list_in_use(trial, asks_again=True)
    await id_token_in_local_list(trial, local_entry(token, "Invalid"))
    known_as(trial, token, "Accepted")
    await authorized_local(trial, token=token)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)


@station_case("C14.FR.03")
async def TC_C_58_CS(trial: Trial) -> None:
    """With DisablePostAuthorize the CSMS is not asked of a token that is Invalid in the local list."""
    token = trial.settings.id_token(trial.settings.invalid_token)
    await list_in_use(trial, asks_again=False)
    await id_token_in_local_list(trial, local_entry(token, "Invalid"))
    known_as(trial, token, "Accepted")  # what would come of it if it was asked
    await refused(trial, token, asks=False, by="C14.FR.03")
    if trial.version is not Version.V201:
        await ev_connected_pre_session(trial)
        await no_energy(trial, by="C14.FR.03")


# --- without a connection --------------------------------------------------------------------------------------------


async def _offline_by_list(trial: Trial) -> None:
    await list_in_use(trial)
    await configure_if_there(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false")
    await configure(trial, "AuthCtrlr", "LocalAuthorizeOffline", "true")


@station_case("C13.FR.02")
async def TC_C_21_CS(trial: Trial) -> None:
    """Offline, a token that is Accepted in the local list."""
    await _offline_by_list(trial)
    await id_token_in_local_list(trial)
    begin = trial.mark()
    await started_offline(trial)
    visit = visit_of(trial)
    known_as(trial, trial.token, "Accepted")
    first = await trial.expect(v21.TransactionEventRequest, {"offline": True}, since=begin, by="C13.FR.02")
    visit.saw(first)
    await trial.wait(trial.settings.quiet)  # the queue is emptied
    queued = [heard for heard in trial.since(begin) if heard.action == "TransactionEvent"]
    for heard in queued:
        if heard.at("triggerReason") not in METERING:
            heard.must("offline", True, by="E12.FR.01")
            heard.taken = True
    await trial.operator.present(trial.evse, trial.token)
    await transaction_event(trial, visit, {"triggerReason": "StopAuthorized"}, by="C13.FR.02")
    await ev_removed(trial)
    await parking_bay_unoccupied(trial)


async def _offline_refused(trial: Trial, text: str, status: v21.AuthorizationStatusEnumType) -> None:
    """Offline, the list has the token as no good: nothing comes of it but that an EV has come."""
    token = trial.settings.id_token(text)
    await _offline_by_list(trial)
    await returns_late(trial)
    await id_token_in_local_list(trial, local_entry(token, status))
    begin = trial.mark()
    with trial.offline():
        await trial.wait(1.0)  # the station knows
        with contextlib.suppress(OperatorCannot):  # there may be no sensor
            await trial.operator.park(trial.evse)
        await trial.operator.present(trial.evse, token)
        await trial.wait(1.0)
    await trial.connected(within=trial.settings.reboot_patience)
    await trial.wait(trial.settings.quiet)
    for heard in trial.since(begin):
        if heard.action == "TransactionEvent" and heard.at("triggerReason") not in METERING:
            heard.must("triggerReason", "EVDetected", by="C13.FR.02")
            heard.must("offline", True, by="C13.FR.02")


@station_case("C13.FR.02")
async def TC_C_22_CS(trial: Trial) -> None:
    """Offline, a token that is Invalid in the local list."""
    await _offline_refused(trial, trial.settings.invalid_token, "Invalid")


@station_case("C13.FR.02")
async def TC_C_23_CS(trial: Trial) -> None:
    """Offline, a token that is Blocked in the local list."""
    await _offline_refused(trial, trial.settings.blocked_token, "Blocked")


@station_case("C13.FR.02")
async def TC_C_24_CS(trial: Trial) -> None:
    """Offline, a token that is Expired in the local list."""
    await _offline_refused(trial, trial.settings.expired_token, "Expired")


@station_case("C13.FR.01", "C14.FR.01")
async def TC_C_25_CS(trial: Trial) -> None:
    """Offline, a token that is Accepted in the cache and Invalid in the local list."""
    await list_in_use(trial)
    await configure(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await configure(trial, "AuthCtrlr", "LocalAuthorizeOffline", "true")
    await configure(trial, "TxCtrlr", "StopTxOnInvalidId", "false")
    await returns_late(trial)
    await id_token_cached(trial)
    await id_token_in_local_list(trial, local_entry(trial.token, "Invalid"))
    await ev_connected_pre_session(trial)
    begin = trial.mark()
    with trial.offline():
        await trial.wait(1.0)  # the station knows
        await trial.operator.present(trial.evse, trial.token)
        await trial.wait(trial.settings.transaction_seconds)
    await trial.connected(within=trial.settings.reboot_patience)
    await trial.wait(trial.settings.message_timeout)
    for heard in trial.since(begin):
        if heard.action == "TransactionEvent" and _charges(heard):
            raise heard.wrong("the local list goes before the cache, so nobody is authorized", by="C13.FR.01")


def _charges(heard: Heard[v21.TransactionEventRequest]) -> bool:
    authorized = heard.at("triggerReason") == "Authorized" or heard.at("transactionInfo.chargingState") == "Charging"
    return authorized or bool(heard.at("eventType") == "Started")


@station_case("C15.FR.02", "C15.FR.06", "C15.FR.08", "C13.FR.04")
async def TC_C_26_CS(trial: Trial) -> None:
    """Offline, a token that nobody knows may charge, until the CSMS refuses it."""
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "LocalPreAuthorize", "true")
    await configure(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    await configure(trial, "AuthCtrlr", "LocalAuthorizeOffline", "true")
    await configure_if_there(trial, "TxCtrlr", "MaxEnergyOnInvalidId", "0")
    await configure(trial, "TxCtrlr", "StopTxOnInvalidId", "false")
    known_as(trial, trial.token, "Invalid")
    begin = trial.mark()
    await started_offline(trial)
    visit = visit_of(trial)
    await trial.wait(trial.settings.quiet)
    events = [
        heard
        for heard in trial.since(begin)
        if heard.action == "TransactionEvent" and heard.at("triggerReason") not in METERING
    ]
    trial.check(events, "no TransactionEvent came", by="C15.FR.08")
    is_suspended = await suspended_by_station(trial)
    suspended = [each for each in events if is_suspended(each)]
    trial.check(suspended, "no TransactionEvent came with chargingState SuspendedEVSE", by="C15.FR.06 E05.FR.02")
    for heard in events[: events.index(suspended[-1])]:
        heard.must("offline", True, by="E12.FR.01")
    for heard in events:
        visit.saw(heard)
        heard.taken = True
    if not visit.ended:
        await trial.operator.present(trial.evse, trial.token)
        await transaction_event(trial, visit, {"triggerReason": "StopAuthorized"})
    await ev_removed(trial)
