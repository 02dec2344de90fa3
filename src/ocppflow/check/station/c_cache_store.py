"""C10, C11: what is in the authorization cache, for how long, and how it is cleared."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.memory_states import id_token_cached
from ocppflow.check.reusable_states import (
    authorized_local,
    booted,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    ev_removed,
    maybe_updates,
    parking_bay_occupied,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.token_steps import cache_in_use, known_as, refused
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21


@station_case("C10.FR.02")
async def TC_C_32_CS(trial: Trial) -> None:
    """The cache outlives a reboot."""
    await cache_in_use(trial)
    await id_token_cached(trial)
    await booted(trial)
    await authorized_local(trial, asks=False)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)


@station_case("C10.FR.04", "C12.FR.06")
async def TC_C_33_CS(trial: Trial) -> None:
    """The cache learns from the answer to Authorize."""
    await cache_in_use(trial)
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    await ev_connected_pre_session(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=False)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    await parking_bay_occupied(trial)
    await ev_connected_pre_session(trial)
    known_as(trial, trial.token, "Invalid")
    await authorized_local(trial, asks=False)


@station_case("C10.FR.05", "C12.FR.06")
async def TC_C_34_CS(trial: Trial) -> None:
    """The cache learns from the answer to a TransactionEvent."""
    await cache_in_use(trial)
    await configure_if_there(trial, "AuthCacheCtrlr", "DisablePostAuthorize", "false")
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    await id_token_cached(trial)
    await ev_connected_pre_session(trial)
    known_as(trial, trial.token, "Invalid")
    await authorized_local(trial, asks=False)
    await maybe_updates(trial, visit_of(trial))
    await ev_removed(trial)
    await parking_bay_unoccupied(trial, why="DeAuthorized")
    await parking_bay_occupied(trial)
    await ev_connected_pre_session(trial)
    await refused(trial, trial.token, by="C10.FR.05")


@station_case("C10.FR.11")
async def TC_C_36_CS(trial: Trial) -> None:
    """Without LocalPreAuthorize the CSMS is asked of a token in the cache."""
    await configure(trial, "AuthCacheCtrlr", "Enabled", "true")
    await configure(trial, "AuthCtrlr", "LocalPreAuthorize", "false")
    await id_token_cached(trial)
    known_as(trial, trial.token, "Invalid")
    await refused(trial, trial.token, by="C10.FR.11")


@station_case("C10.FR.08")
async def TC_C_46_CS(trial: Trial) -> None:
    """A token that has not been used for LifeTime is not in the cache any more."""
    await cache_in_use(trial)
    seconds = trial.settings.transaction_seconds
    await id_token_cached(trial)
    await configure(trial, "AuthCacheCtrlr", "LifeTime", str(round(seconds)))
    await ev_connected_pre_session(trial)
    await trial.wait(seconds + 1.0)
    await authorized_local(trial)


@station_case("C11.FR.01", "C11.FR.02", "C11.FR.03")
async def TC_C_37_CS(trial: Trial) -> None:
    """The cache is cleared."""
    await cache_in_use(trial)
    await id_token_cached(trial)
    answer = await trial.call(v21.ClearCacheRequest())
    answer.must("status", "Accepted", by="C11.FR.03")
    await parking_bay_occupied(trial)
    await ev_connected_pre_session(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)


@station_case("C11.FR.01", "C11.FR.02", "C11.FR.04")
async def TC_C_38_CS(trial: Trial) -> None:
    """A cache that is switched off is not cleared."""
    await id_token_cached(trial)
    await configure(trial, "AuthCacheCtrlr", "Enabled", "false")
    answer = await trial.call(v21.ClearCacheRequest())
    answer.must("status", "Rejected", by="C11.FR.04")
