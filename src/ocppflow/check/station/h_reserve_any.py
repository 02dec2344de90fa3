"""H01, H03: reservations of any EVSE, or of one with a type of connector."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is, connectors_are, every_connector
from ocppflow.check.memory_states import reserved
from ocppflow.check.reservation_steps import reservations_on, reserve, reserved_somebody_charges
from ocppflow.check.reusable_states import authorized, energy_transfer_started, unavailable
from ocppflow.check.token_steps import known_as
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.variables import get_variable
from ocppflow.messages import Version, v21


async def _any_evse(trial: Trial, answered: str = "Accepted", *, by: str) -> int:
    return await reserve(trial, trial.token, reservation=_OURS, answered=answered, by=by)


_OURS = 100
"""The id of a reservation beside those of single EVSEs."""


def _evses(trial: Trial) -> range:
    return range(1, len(trial.settings.connectors) + 1)


def _several(trial: Trial) -> bool:
    return len(trial.settings.connectors) > 1


def _driver(trial: Trial, number: int) -> v21.IdTokenType:
    return trial.settings.id_token(f"{trial.settings.second_token}-{number}")


@station_case("H01.FR.04", "H01.FR.07", "H01.FR.15", "H03.FR.03")
async def TC_H_08_CS(trial: Trial) -> None:
    """Any EVSE is reserved, and the driver comes."""
    await reservations_on(trial)
    begin = await _any_evse(trial, by="H01.FR.04")
    if not _several(trial):
        await connector_is(trial, "Reserved", since=begin, by="H01.FR.20")
    await reserved_somebody_charges(trial, trial.token, reservation=_OURS, shown=not _several(trial))


async def _all_reserved(trial: Trial) -> None:
    for evse in _evses(trial):
        await reserved(trial, reservation=evse, token=_driver(trial, evse), evse=evse)


@station_case("H01.FR.11")
async def TC_H_09_CS(trial: Trial) -> None:
    """Any EVSE, when all are reserved."""
    await reservations_on(trial)
    await _all_reserved(trial)
    await _any_evse(trial, "Occupied", by="H01.FR.11")


@station_case("H01.FR.13")
async def TC_H_10_CS(trial: Trial) -> None:
    """Any EVSE, when somebody charges at each."""
    await reservations_on(trial)
    for evse in _evses(trial):
        await authorized(trial, evse, token=_driver(trial, evse))
        await energy_transfer_started(trial, evse)
    await _any_evse(trial, "Occupied", by="H01.FR.11")


@station_case("H01.FR.14")
async def TC_H_12_CS(trial: Trial) -> None:
    """Any EVSE, when the station is inoperative."""
    await reservations_on(trial)
    await unavailable(trial)
    await _any_evse(trial, "Unavailable", by="H01.FR.14")


@station_case("H01.FR.19")
async def TC_H_13_CS(trial: Trial) -> None:
    """Any EVSE, at a station that reserves only particular ones."""
    await reservations_on(trial)
    if await get_variable(trial, "ReservationCtrlr", "NonEvseSpecific") == "true":
        raise NotForThis("ReservationCtrlr.NonEvseSpecific is true")
    await _any_evse(trial, "Rejected", by="H01.FR.19")


@station_case("H01.FR.20")
async def TC_H_14_CS(trial: Trial) -> None:
    """As many reservations of any EVSE as there are EVSEs."""
    await reservations_on(trial)
    begin = trial.mark()
    for number in _evses(trial):
        await reserve(trial, _driver(trial, number), reservation=number, by="H01.FR.04")
    await connectors_are(trial, every_connector(trial, "Reserved"), since=begin, by="H01.FR.20")


@station_case("H03.FR.06", versions=[Version.V21])
async def TC_H_24_CS_21(trial: Trial) -> None:
    """The last EVSE is reserved, as any one, for a group, and another driver of the group comes."""
    await reservations_on(trial)
    for evse in _evses(trial):
        if evse != trial.evse:
            await reserved(trial, reservation=evse, token=_driver(trial, evse), evse=evse)
    begin = await reserve(trial, trial.token, reservation=_OURS, group=trial.settings.group, by="H01.FR.04")
    await connector_is(trial, "Reserved", since=begin, by="H01.FR.20")
    friend = trial.settings.id_token(trial.settings.second_token)
    known_as(trial, friend, "Accepted", trial.settings.group)
    await reserved_somebody_charges(trial, friend, reservation=_OURS, asked=True)


@station_case("H03.FR.06", versions=[Version.V201])
async def TC_H_24_CS(trial: Trial) -> None:
    """Any EVSE is reserved for a group, and another driver of the group comes."""
    await reservations_on(trial)
    begin = await reserve(trial, trial.token, reservation=_OURS, group=trial.settings.group, by="H01.FR.04")
    if not _several(trial):
        await connector_is(trial, "Reserved", since=begin, by="H01.FR.20")
    friend = trial.settings.id_token(trial.settings.second_token)
    known_as(trial, friend, "Accepted", trial.settings.group)
    await reserved_somebody_charges(trial, friend, reservation=_OURS, shown=not _several(trial), asked=True)


def _type_of(trial: Trial) -> str:
    if not trial.settings.connector_type:
        raise NotPossible("the setting connector_type does not say of which type the connector is")
    return trial.settings.connector_type


@station_case("H01.FR.06", "H01.FR.09", "H01.FR.15", "H03.FR.02")
async def TC_H_15_CS(trial: Trial) -> None:
    """A connector of a type is reserved, and the driver comes."""
    await reservations_on(trial)
    kind = _type_of(trial)
    begin = await reserve(trial, trial.token, reservation=_OURS, connector_type=kind, by="H01.FR.06")
    if not _several(trial):
        await connector_is(trial, "Reserved", since=begin, by="H01.FR.24")
    await reserved_somebody_charges(trial, trial.token, reservation=_OURS, shown=not _several(trial))


@station_case("H01.FR.11")
async def TC_H_16_CS(trial: Trial) -> None:
    """A connector of a type, when all are reserved."""
    await reservations_on(trial)
    kind = _type_of(trial)
    await _all_reserved(trial)
    await reserve(trial, trial.token, reservation=_OURS, connector_type=kind, answered="Occupied", by="H01.FR.11")
