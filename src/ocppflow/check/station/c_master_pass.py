"""C16: a master pass stops transactions, and starts none."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_removed,
    parking_bay_unoccupied,
)
from ocppflow.check.start_stop_points import starts_at
from ocppflow.check.token_steps import asked_for, known_as, no_energy
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure
from ocppflow.check.visit import start_points, transaction_event, visit_of
from ocppflow.messages import v21


async def _master_pass(trial: Trial) -> v21.IdTokenType:
    """The token of somebody whose group is the station's MasterPassGroupId, as the CSMS says."""
    group = trial.settings.master_pass_group
    await configure(trial, "AuthCtrlr", "MasterPassGroupId", group)
    token = trial.settings.id_token(trial.settings.master_pass_token)
    known_as(trial, token, "Accepted", group)
    return token


@station_case("C16.FR.03")
async def TC_C_45_CS(trial: Trial) -> None:
    """A master pass starts no transaction."""
    if not await start_points(trial) & {"Authorized", "PowerPathClosed"} or await start_points(trial) & {
        "ParkingBayOccupancy",
        "EVConnected",
    }:
        await starts_at(trial, "Authorized", "ParkingBayOccupancy", "EVConnected")
    token = await _master_pass(trial)
    await trial.operator.present(trial.evse, token)
    await asked_for(trial, token)
    await trial.nothing(v21.TransactionEventRequest, by="C16.FR.03")
    await ev_connected_pre_session(trial)
    await no_energy(trial, by="C16.FR.03")


@station_case("C16.FR.02")
async def TC_C_49_CS(trial: Trial) -> None:
    """A master pass stops all transactions of a station that has no buttons to choose one."""
    if trial.pics.claims("C-07"):
        raise NotForThis("it has a user interface")
    token = await _master_pass(trial)
    evses = [evse for evse in (trial.evse, trial.settings.second_evse) if evse <= len(trial.settings.connectors)]
    drivers = (trial.token, trial.settings.id_token(trial.settings.second_token))
    for evse, driver in zip(evses, drivers, strict=False):
        await ev_connected_pre_session(trial, evse)
        await authorized_local(trial, evse, token=driver)
        await energy_transfer_started(trial, evse)
    await trial.operator.present(trial.evse, token)
    await asked_for(trial, token, by="C16.FR.02")
    for evse in evses:
        visit = visit_of(trial, evse)
        event = await transaction_event(trial, visit, by="C16.FR.02")
        event.must("idToken.idToken", token.id_token, ABSENT)
        event.must("idToken.type", token.type, ABSENT)
        while not visit.ended:
            event = await transaction_event(trial, visit, by="C16.FR.02")
        event.must("transactionInfo.stoppedReason", "MasterPass", by="C16.FR.02")
    for evse in evses:
        await ev_connected_post_session(trial, evse)
        await ev_removed(trial, evse)
        await parking_bay_unoccupied(trial, evse)
