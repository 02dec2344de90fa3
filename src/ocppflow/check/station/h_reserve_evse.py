"""H01 to H04: an EVSE that is reserved, and what becomes of the reservation."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is, connectors_are, of_evse
from ocppflow.check.memory_states import reserved
from ocppflow.check.reservation_steps import (
    cancel,
    reservations_on,
    reserve,
    reserved_somebody_charges,
)
from ocppflow.check.reusable_states import (
    authorized,
    change_availability,
    energy_transfer_started,
    unavailable,
)
from ocppflow.check.token_steps import known_as, no_energy
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure_if_there
from ocppflow.messages import v21


@station_case("H01.FR.15", "H03.FR.01", "H03.FR.09", "H03.FR.10")
async def TC_H_01_CS(trial: Trial) -> None:
    """An EVSE is reserved, and the driver comes."""
    await reservations_on(trial)
    await reserved(trial)
    await reserved_somebody_charges(trial, trial.token)


@station_case("H03.FR.01", "F01.FR.22")
async def TC_H_02_CS(trial: Trial) -> None:
    """An EVSE is reserved, and another driver comes."""
    await reservations_on(trial)
    await reserved(trial)
    other = trial.settings.id_token(trial.settings.second_token)
    begin = trial.mark()
    await trial.operator.plug(trial.evse, trial.connector)
    await connector_is(trial, ("Occupied", "Reserved"))
    if trial.settings.remote_start:
        request = v21.RequestStartTransactionRequest(
            id_token=other, evse_id=trial.evse, remote_start_id=trial.request_id()
        )
        answer = await trial.call(request)
        answer.must("status", "Rejected", by="F01.FR.22")
    else:
        trial.notes["cached"] = True
        await trial.operator.present(trial.evse, other)
    await no_energy(trial, since=begin, by="H03.FR.01")


@station_case("H01.FR.11")
async def TC_H_03_CS(trial: Trial) -> None:
    """An EVSE that is reserved already."""
    await reservations_on(trial)
    await reserved(trial)
    other = trial.settings.id_token(trial.settings.second_token)
    await reserve(trial, other, reservation=2, evse=trial.evse, answered="Occupied", by="H01.FR.11")


@station_case("H01.FR.13")
async def TC_H_04_CS(trial: Trial) -> None:
    """An EVSE where somebody charges."""
    await reservations_on(trial)
    await energy_transfer_started(trial)
    other = trial.settings.id_token(trial.settings.second_token)
    await reserve(trial, other, evse=trial.evse, answered="Occupied", by="H01.FR.11")


@station_case("H01.FR.14")
async def TC_H_06_CS(trial: Trial) -> None:
    """An EVSE that is inoperative."""
    await reservations_on(trial)
    await unavailable(trial, trial.evse)
    other = trial.settings.id_token(trial.settings.second_token)
    await reserve(trial, other, evse=trial.evse, answered="Unavailable", by="H01.FR.14")


@station_case("H04.FR.01", "H04.FR.02", "H04.FR.03")
async def TC_H_07_CS(trial: Trial) -> None:
    """A reservation that nobody uses in time."""
    await reservations_on(trial)
    begin = await reserve(trial, trial.token, evse=trial.evse, lasts=_SHORT)
    await connectors_are(trial, of_evse(trial, trial.evse, "Reserved"), since=begin, by="H01.FR.23")
    over = trial.mark()
    wait = _SHORT + trial.settings.patience
    await connectors_are(trial, of_evse(trial, trial.evse, "Available"), since=over, within=wait, by="H04.FR.03")
    update = await trial.expect(v21.ReservationStatusUpdateRequest, since=over, by="H04.FR.01")
    update.must("reservationId", 1, by="H04.FR.01")
    update.must("reservationUpdateStatus", "Expired", by="H04.FR.01")
    await _another_charges(trial)


_SHORT = 60.0
"""Seconds that a reservation lasts that is left to expire."""


async def _another_charges(trial: Trial) -> None:
    """The second token, which has nothing to do with the reservation, charges."""
    await authorized(trial, token=trial.settings.id_token(trial.settings.second_token))
    await energy_transfer_started(trial)


@station_case("H02.FR.02")
async def TC_H_17_CS(trial: Trial) -> None:
    """A reservation is cancelled."""
    await reservations_on(trial)
    await reserved(trial)
    begin = await cancel(trial, 1, "Accepted", by="H02.FR.02")
    await connector_is(trial, "Available", since=begin, by="H02.FR.02 G01.FR.01")
    trial.notes["held"].pop((trial.evse, trial.connector), None)


@station_case("H02.FR.01")
async def TC_H_18_CS(trial: Trial) -> None:
    """A reservation that does not exist is cancelled."""
    await reservations_on(trial)
    await cancel(trial, 1, "Rejected", by="H02.FR.01")


@station_case("H01.FR.15", "H03.FR.04", "H03.FR.08")
async def TC_H_19_CS(trial: Trial) -> None:
    """An EVSE is reserved for a group, and another driver of the group comes."""
    await reservations_on(trial)
    begin = await reserve(trial, trial.token, evse=trial.evse, group=trial.settings.group)
    await connectors_are(trial, of_evse(trial, trial.evse, "Reserved"), since=begin, by="H01.FR.23")
    friend = trial.settings.id_token(trial.settings.second_token)
    known_as(trial, friend, "Accepted", trial.settings.group)
    await reserved_somebody_charges(trial, friend, asked=True)


@station_case("H01.FR.17")
async def TC_H_21_CS(trial: Trial) -> None:
    """A reservation ends when its EVSE is made inoperative."""
    await reservations_on(trial)
    await reserved(trial)
    begin = trial.mark()
    answer = await trial.call(change_availability("Inoperative", trial.evse))
    answer.must("status", "Accepted", by="G03.FR.01")
    await connectors_are(trial, of_evse(trial, trial.evse, "Unavailable"), since=begin, by="G03.FR.04")
    update = await trial.expect(v21.ReservationStatusUpdateRequest, since=begin, by="H01.FR.17")
    update.must("reservationId", 1, by="H01.FR.17")
    update.must("reservationUpdateStatus", "Removed", by="H01.FR.17")
    begin = trial.mark()
    answer = await trial.call(change_availability("Operative", trial.evse))
    answer.must("status", "Accepted", by="G03.FR.01")
    await connectors_are(trial, of_evse(trial, trial.evse, "Available"), since=begin, by="G03.FR.04")
    await _another_charges(trial)


@station_case("H01.FR.01")
async def TC_H_22_CS(trial: Trial) -> None:
    """A station that is configured to take no reservations."""
    if not await configure_if_there(trial, "ReservationCtrlr", "Enabled", "false"):
        raise NotForThis("ReservationCtrlr.Enabled cannot be false")
    await reserve(trial, trial.token, evse=trial.evse, answered="Rejected", by="H01.FR.01")


@station_case("H01.FR.02")
async def TC_H_23_CS(trial: Trial) -> None:
    """A reservation takes the place of another with the same id."""
    await reservations_on(trial)
    await reserved(trial)
    other = trial.settings.id_token(trial.settings.second_token)
    await reserve(trial, other, evse=trial.evse, by="H01.FR.02")
    await connector_is(trial, "Reserved", by="H01.FR.02")
    await reserved_somebody_charges(trial, other)
