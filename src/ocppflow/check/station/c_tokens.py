"""C01, C04, C06: tokens that the CSMS does not accept."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, Heard
from ocppflow.check.reusable_states import energy_transfer_started, ev_connected_pre_session
from ocppflow.check.start_stop_points import authorization_needed, starts_at
from ocppflow.check.token_steps import asked_for, known_as, refused
from ocppflow.check.trial import Trial
from ocppflow.messages import v21


async def _refused_by_csms(trial: Trial, text: str, status: v21.AuthorizationStatusEnumType) -> None:
    await authorization_needed(trial)
    await ev_connected_pre_session(trial)
    token = trial.settings.id_token(text)
    known_as(trial, token, status)
    await refused(trial, token)


@station_case("C01.FR.02", "C06.FR.02")
async def TC_C_02_CS(trial: Trial) -> None:
    """A token that the CSMS calls Invalid."""
    await _refused_by_csms(trial, trial.settings.invalid_token, "Invalid")


@station_case("C01.FR.02")
async def TC_C_06_CS(trial: Trial) -> None:
    """A token that the CSMS calls Blocked."""
    await _refused_by_csms(trial, trial.settings.blocked_token, "Blocked")


@station_case("C01.FR.02")
async def TC_C_07_CS(trial: Trial) -> None:
    """A token that the CSMS calls Expired."""
    await _refused_by_csms(trial, trial.settings.expired_token, "Expired")


@station_case("C01.FR.02")
async def TC_C_56_CS(trial: Trial) -> None:
    """A token that the CSMS calls Unknown."""
    await _refused_by_csms(trial, trial.settings.invalid_token, "Unknown")


@station_case("C01.FR.02", "C06.FR.02")
async def TC_C_05_CS(trial: Trial) -> None:
    """A token that the CSMS calls Invalid, at a station that opens its connectors only to valid ones."""
    await starts_at(trial, "Authorized")
    await authorization_needed(trial)
    token = trial.settings.id_token(trial.settings.invalid_token)
    known_as(trial, token, "Invalid")
    await refused(trial, token)


@station_case("C01.FR.02", "C01.FR.03")
async def TC_C_04_CS(trial: Trial) -> None:
    """Another token does not stop a transaction."""
    await authorization_needed(trial)
    await energy_transfer_started(trial)
    other = trial.settings.id_token(trial.settings.second_token)
    await trial.operator.present(trial.evse, other)
    await asked_for(trial, other)
    seconds = trial.settings.message_timeout
    await trial.nothing(v21.TransactionEventRequest, _stops_or_names, seconds=seconds, by="C01.FR.03")


def _stops_or_names(heard: Heard[v21.TransactionEventRequest]) -> bool:
    return heard.at("idToken") is not ABSENT or heard.at("eventType") == "Ended"
