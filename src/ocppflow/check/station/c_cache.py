"""C12: authorization by the cache, while there is a connection."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.memory_states import id_token_cached
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_pre_session,
    parking_bay_occupied,
)
from ocppflow.check.token_steps import cache_in_use, known_as, no_energy, refused
from ocppflow.check.trial import Trial
from ocppflow.messages import Version, v21


@station_case("C12.FR.02", "C12.FR.04")
async def TC_C_08_CS(trial: Trial) -> None:
    """A token that is Accepted in the cache."""
    await cache_in_use(trial)
    await id_token_cached(trial)
    await _cable_first(trial)
    await authorized_local(trial, asks=False)
    await energy_transfer_started(trial)


async def _cable_first(trial: Trial) -> None:
    """2.0.1 has the EV connected before the token is presented, 2.1 after."""
    if trial.version is Version.V201:
        await ev_connected_pre_session(trial)


async def _cached_and_refused(trial: Trial, text: str, status: v21.AuthorizationStatusEnumType) -> None:
    """The cache knows the token as no good, the CSMS is asked again, and says the same."""
    token = trial.settings.id_token(text)
    await cache_in_use(trial, asks_again=True)
    await id_token_cached(trial, token, status)
    await _cable_first(trial)
    await refused(trial, token, by="C12.FR.05 C10.FR.03")


@station_case("C12.FR.05", "C10.FR.03")
async def TC_C_09_CS(trial: Trial) -> None:
    """A token that is Invalid in the cache, and for the CSMS."""
    await _cached_and_refused(trial, trial.settings.invalid_token, "Invalid")


@station_case("C12.FR.05", "C10.FR.03")
async def TC_C_10_CS(trial: Trial) -> None:
    """A token that is Blocked in the cache, and for the CSMS."""
    await _cached_and_refused(trial, trial.settings.blocked_token, "Blocked")


@station_case("C12.FR.05", "C10.FR.03")
async def TC_C_11_CS(trial: Trial) -> None:
    """A token that is Expired in the cache, and for the CSMS."""
    await _cached_and_refused(trial, trial.settings.expired_token, "Expired")


@station_case("C12.FR.05", "C10.FR.03")
async def TC_C_12_CS(trial: Trial) -> None:
    """A token that is Invalid in the cache, and Accepted by the CSMS."""
    token = trial.settings.id_token(trial.settings.invalid_token)
    await cache_in_use(trial, asks_again=True)
    await id_token_cached(trial, token, "Invalid")
    await _cable_first(trial)
    known_as(trial, token, "Accepted")
    await authorized_local(trial, token=token)
    await energy_transfer_started(trial)


@station_case("C12.FR.02", "C12.FR.04")
async def TC_C_13_CS(trial: Trial) -> None:
    """A token that is Accepted in the cache, before the cable is connected."""
    await cache_in_use(trial)
    await id_token_cached(trial)
    await parking_bay_occupied(trial)
    await authorized_local(trial, asks=False)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)


@station_case("C12.FR.05", "C10.FR.03")
async def TC_C_57_CS(trial: Trial) -> None:
    """With DisablePostAuthorize the CSMS is not asked again of a token that is Invalid in the cache."""
    token = trial.settings.id_token(trial.settings.invalid_token)
    await cache_in_use(trial, asks_again=False)
    await id_token_cached(trial, token, "Invalid")
    known_as(trial, token, "Accepted")  # what would come of it if it was asked
    await _cable_first(trial)
    await refused(trial, token, asks=False, by="C12.FR.05")
    if trial.version is not Version.V201:
        await ev_connected_pre_session(trial)
        await no_energy(trial, by="C12.FR.05")
