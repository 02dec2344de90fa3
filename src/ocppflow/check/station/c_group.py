"""C09: whoever is of the same group may end an authorization."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.memory_states import id_token_cached, id_token_in_local_list, local_entry
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
)
from ocppflow.check.token_steps import asked_for, cache_in_use, known_as, list_in_use
from ocppflow.check.trial import Trial
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.messages import v21


def _friend(trial: Trial) -> v21.IdTokenType:
    return trial.settings.id_token(trial.settings.second_token)


async def _charging_in_group(trial: Trial, *, asks: bool) -> None:
    """A driver of a group charges."""
    known_as(trial, trial.token, "Accepted", trial.settings.group)
    await ev_connected_pre_session(trial)
    await authorized_local(trial, asks=asks)
    await energy_transfer_started(trial)
    await trial.wait(trial.settings.transaction_seconds)


async def _stopped_by(trial: Trial, token: v21.IdTokenType, *, asks: bool) -> None:
    """Another token ends the authorization, and the EV leaves."""
    visit = visit_of(trial)
    await trial.operator.present(trial.evse, token)
    if asks:
        await asked_for(trial, token, by="C09.FR.05")
    event = await transaction_event(trial, visit, by="C09.FR.03")
    event.must("triggerReason", "StopAuthorized", by="C09.FR.03")
    event.must("idToken.idToken", token.id_token, *(() if asks else (ABSENT,)), by="E07.FR.02")
    event.must("idToken.type", token.type, *(() if asks else (ABSENT,)), by="E07.FR.02")
    if visit.ended:
        event.must("transactionInfo.stoppedReason", "Local", ABSENT, by="E07.FR.04")
    if not asks:
        await trial.nothing(v21.AuthorizeRequest, seconds=0.0, by="C09.FR.07")
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)


async def _goes_on(trial: Trial, token: v21.IdTokenType) -> None:
    """A token that is not accepted is asked for, and ends nothing, of whatever group it is."""
    await trial.operator.present(trial.evse, token)
    await asked_for(trial, token, by="C09.FR.05")
    seconds = trial.settings.message_timeout
    await trial.nothing(v21.TransactionEventRequest, _ends_or_names, seconds=seconds, by="C09.FR.11")


def _ends_or_names(heard: Heard[v21.TransactionEventRequest]) -> bool:
    state = heard.at("transactionInfo.chargingState")
    return (
        heard.at("triggerReason") == "StopAuthorized"
        or heard.at("idToken") is not ABSENT
        or heard.at("eventType") == "Ended"
        or state not in (ABSENT, "Charging")
    )


@station_case("C09.FR.02", "C09.FR.03", "C09.FR.05")
async def TC_C_39_CS(trial: Trial) -> None:
    """Another token of the group stops the transaction, when the CSMS has said that it is of the group."""
    friend = _friend(trial)
    known_as(trial, friend, "Accepted", trial.settings.group)
    await _charging_in_group(trial, asks=True)
    await _stopped_by(trial, friend, asks=True)


@station_case("C09.FR.02", "C09.FR.03", "C09.FR.07")
async def TC_C_40_CS(trial: Trial) -> None:
    """Another token of the group stops the transaction; the local list knows both."""
    friend = _friend(trial)
    await list_in_use(trial)
    group = v21.IdTokenType(id_token=trial.settings.group, type="Central")
    await id_token_in_local_list(trial, local_entry(trial.token, group=group), local_entry(friend, group=group))
    known_as(trial, friend, "Accepted", trial.settings.group)
    await _charging_in_group(trial, asks=False)
    await _stopped_by(trial, friend, asks=False)


@station_case("C09.FR.02", "C09.FR.03", "C09.FR.07")
async def TC_C_41_CS(trial: Trial) -> None:
    """Another token of the group stops the transaction; the cache knows both."""
    friend = _friend(trial)
    await cache_in_use(trial)
    await id_token_cached(trial, group=trial.settings.group)
    await id_token_cached(trial, friend, group=trial.settings.group)
    await _charging_in_group(trial, asks=False)
    await _stopped_by(trial, friend, asks=False)


@station_case("C09.FR.11")
async def TC_C_42_CS(trial: Trial) -> None:
    """A token of the group that the CSMS calls Invalid stops nothing."""
    other = trial.settings.id_token(trial.settings.invalid_token)
    known_as(trial, other, "Invalid", trial.settings.group)
    await _charging_in_group(trial, asks=True)
    await _goes_on(trial, other)


@station_case("C09.FR.02", "C09.FR.03", "C09.FR.07")
async def TC_C_43_CS(trial: Trial) -> None:
    """A token of the group that is Invalid in the local list stops nothing."""
    other = trial.settings.id_token(trial.settings.invalid_token)
    await list_in_use(trial, asks_again=True)
    group = v21.IdTokenType(id_token=trial.settings.group, type="Central")
    await id_token_in_local_list(
        trial, local_entry(trial.token, group=group), local_entry(other, "Invalid", group=group)
    )
    known_as(trial, other, "Invalid", trial.settings.group)
    await _charging_in_group(trial, asks=False)
    await _goes_on(trial, other)


@station_case("C09.FR.02", "C09.FR.03", "C09.FR.07")
async def TC_C_44_CS(trial: Trial) -> None:
    """A token of the group that is Invalid in the cache stops nothing."""
    other = trial.settings.id_token(trial.settings.invalid_token)
    await cache_in_use(trial, asks_again=True)
    await id_token_cached(trial, group=trial.settings.group)
    await id_token_cached(trial, other, "Invalid", group=trial.settings.group)
    await _charging_in_group(trial, asks=False)
    await _goes_on(trial, other)
