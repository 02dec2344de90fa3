"""The memory states of the official test cases (Part 6, 2.19): what the station has in store when a case begins; and
the states that need a broken connection, or time to come."""

from __future__ import annotations

from datetime import timedelta

from ocppflow.check.connector_states import connector_is
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_occupied,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.token_steps import known_as, refused
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure_if_there
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21


async def id_token_cached(
    trial: Trial,
    token: v21.IdTokenType | None = None,
    status: v21.AuthorizationStatusEnumType = "Accepted",
    *,
    group: str = "",
) -> None:
    """IdTokenCached: the token has been used once, with the CSMS's consent, so that a station with an authorization
    cache has it there; or it was presented once, and the CSMS has answered another ``status``."""
    await configure_if_there(trial, "AuthCacheCtrlr", "Enabled", "true")
    if status != "Accepted" or group:
        known_as(trial, token or trial.token, status, group)
    if status != "Accepted":
        await parking_bay_occupied(trial)
        await refused(trial, token or trial.token, seconds=trial.settings.quiet)
        await parking_bay_unoccupied(trial)
        return
    await authorized_local(trial, token=token)
    await ev_connected_pre_session(trial)
    await energy_transfer_started(trial)
    await stop_authorized(trial, remote=False)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)


async def id_token_in_local_list(trial: Trial, *entries: v21.AuthorizationData, version: int = 1) -> None:
    """IdTokenLocalAuthList: these entries, or the valid token alone, are the local authorization list."""
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    known = entries or (local_entry(trial.token),)
    answer = await trial.call(
        v21.SendLocalListRequest(version_number=version, update_type="Full", local_authorization_list=list(known))
    )
    answer.must("status", "Accepted", by="D01.FR.05")


def local_entry(
    token: v21.IdTokenType, status: v21.AuthorizationStatusEnumType = "Accepted", group: v21.IdTokenType | None = None
) -> v21.AuthorizationData:
    """An entry of a local list."""
    info = v21.IdTokenInfoType(status=status)
    if group is not None:
        info.group_id_token = group
    return v21.AuthorizationData(id_token=token, id_token_info=info)


async def reserved(
    trial: Trial, *, reservation: int = 1, token: v21.IdTokenType | None = None, evse: int | None = None
) -> None:
    """Reserved: an EVSE is reserved for the token."""
    number = trial.evse if evse is None else evse
    answer = await trial.call(
        v21.ReserveNowRequest(
            id=reservation,
            expiry_date_time=trial.now() + timedelta(hours=1),
            id_token=token or trial.token,
            evse_id=number,
        )
    )
    answer.must("status", "Accepted", by="H01.FR.15")
    await connector_is(trial, "Reserved", number, by="H01.FR.15")
    trial.notes.setdefault("held", {})[number, trial.connector] = "Reserved"


async def started_offline(trial: Trial, token: v21.IdTokenType | None = None) -> None:
    """StartOfflineTransaction: a transaction begins while there is no connection; afterwards there is one again."""
    visit = visit_of(trial)
    visit.token = token or trial.token
    with trial.offline():
        await trial.wait(1.0)  # the station knows
        await trial.operator.present(trial.evse, visit.token)
        await trial.operator.plug(trial.evse, trial.connector)
        visit.plugged = visit.authorized = True
        await trial.wait(trial.settings.transaction_seconds)
    await trial.connected(within=trial.settings.reboot_patience)


async def ended_offline(trial: Trial) -> None:
    """TransactionEventsInQueueEnded: a whole transaction has passed while there was no connection."""
    await configure_if_there(trial, "AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
    visit = visit_of(trial)
    visit.token = trial.token
    with trial.offline():
        await trial.wait(1.0)  # the station knows
        await trial.operator.plug(trial.evse, trial.connector)
        await trial.operator.present(trial.evse, visit.token)
        await trial.wait(trial.settings.transaction_seconds)
        await trial.operator.present(trial.evse, visit.token)
        await trial.wait(1.0)
        await trial.operator.unplug(trial.evse)
        await trial.wait(1.0)
    await trial.connected(within=trial.settings.reboot_patience)


async def charging_profile_set(trial: Trial, profile: v21.ChargingProfileType, evse: int | None = None) -> None:
    """SetChargingProfile: the station has taken it."""
    answer = await trial.call(
        v21.SetChargingProfileRequest(evse_id=trial.evse if evse is None else evse, charging_profile=profile)
    )
    answer.must("status", "Accepted", by="K01.FR.07")
