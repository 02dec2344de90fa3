"""G03, G04: the CSMS changes the availability of connectors, EVSEs and the station."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connectors_are, every_connector, of_evse
from ocppflow.check.reusable_states import (
    booted,
    change_availability,
    energy_transfer_started,
    ev_connected_post_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
    unavailable,
)
from ocppflow.check.trial import Trial
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21

_EVSE_TOLD = "G03.FR.04"
_STATION_TOLD = "G04.FR.05"


async def _change(
    trial: Trial,
    status: v21.OperationalStatusEnumType,
    evse: int = 0,
    connector: int = 0,
    *,
    answered: str = "Accepted",
) -> int:
    """Ask for it; the mark from which on what follows counts."""
    answer = await trial.call(change_availability(status, evse, connector))
    begin = len(trial.bench.inbox) - len(trial.since())
    answer.must("status", answered, by="G03.FR.01 G04.FR.01")
    return begin


def _one(trial: Trial, status: str) -> dict[tuple[int, int], str | tuple[str, ...]]:
    return {(trial.evse, trial.connector): status}


# --- an EVSE ---------------------------------------------------------------------------------------------------------


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.06")
async def TC_G_03_CS(trial: Trial) -> None:
    """An EVSE goes from operative to inoperative."""
    await unavailable(trial, trial.evse)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.07")
async def TC_G_04_CS(trial: Trial) -> None:
    """An EVSE goes from inoperative to operative."""
    await unavailable(trial, trial.evse)
    begin = await _change(trial, "Operative", trial.evse)
    await connectors_are(trial, of_evse(trial, trial.evse, "Available"), since=begin, by=_EVSE_TOLD)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.03", "G03.FR.04")
async def TC_G_09_CS(trial: Trial) -> None:
    """An EVSE that is operative is made operative."""
    await _change(trial, "Operative", trial.evse)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.03", "G03.FR.04")
async def TC_G_10_CS(trial: Trial) -> None:
    """An EVSE that is inoperative is made inoperative."""
    await unavailable(trial, trial.evse)
    await _change(trial, "Inoperative", trial.evse)
    await connectors_are(trial, of_evse(trial, trial.evse, "Unavailable"), by=_EVSE_TOLD)


async def _scheduled(trial: Trial, evse: int, connector: int, others: bool = False) -> None:
    """Inoperative during a transaction: it takes effect when the transaction has ended."""
    await energy_transfer_started(trial)
    begin = await _change(trial, "Inoperative", evse, connector, answered="Scheduled")
    if others:
        free = {place: "Unavailable" for place in trial.settings.all_connectors if place[0] != trial.evse}
        await connectors_are(trial, dict(free), since=begin, by="G04.FR.06")
    visit = visit_of(trial)
    steps: tuple[Callable[[Trial], Awaitable[None]], ...] = (
        stop_authorized,
        ev_connected_post_session,
        ev_disconnected,
        parking_bay_unoccupied,
    )
    for step in steps:
        if not visit.ended:
            await step(trial) if step is not ev_disconnected else await _disconnected(trial)
    wanted = _one(trial, "Unavailable") if connector else of_evse(trial, trial.evse, "Unavailable")
    if evse == 0:
        wanted = every_connector(trial, "Unavailable")
    await connectors_are(trial, wanted, since=begin, by="G03.FR.05 G04.FR.06")


async def _disconnected(trial: Trial) -> None:
    """EVDisconnected, where the connector is not Available afterwards but Unavailable."""
    await trial.operator.unplug(trial.evse)
    visit_of(trial).plugged = False
    await ev_connected_post_session(trial)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.05")
async def TC_G_11_CS(trial: Trial) -> None:
    """An EVSE with a transaction is made inoperative."""
    await _scheduled(trial, trial.evse, 0)


@station_case("G03.FR.08", "G01.FR.01")
async def TC_G_18_CS(trial: Trial) -> None:
    """An inoperative EVSE is so after a reboot."""
    await unavailable(trial, trial.evse)
    await booted(trial)


# --- the station -----------------------------------------------------------------------------------------------------


@station_case("G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.07")
async def TC_G_05_CS(trial: Trial) -> None:
    """The station goes from operative to inoperative."""
    await unavailable(trial)


@station_case("G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.08")
async def TC_G_06_CS(trial: Trial) -> None:
    """The station goes from inoperative to operative."""
    await unavailable(trial)
    begin = await _change(trial, "Operative")
    await connectors_are(trial, every_connector(trial, "Available"), since=begin, by=_STATION_TOLD)


@station_case("G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.04", "G04.FR.05")
async def TC_G_12_CS(trial: Trial) -> None:
    """The station, operative, is made operative."""
    await _change(trial, "Operative")
    await connectors_are(trial, every_connector(trial, "Available"), by=_STATION_TOLD)


@station_case("G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.04", "G04.FR.05")
async def TC_G_13_CS(trial: Trial) -> None:
    """The station, inoperative, is made inoperative."""
    await unavailable(trial)
    await _change(trial, "Inoperative")
    await connectors_are(trial, every_connector(trial, "Unavailable"), by=_STATION_TOLD)


@station_case("G04.FR.01", "G04.FR.02", "G04.FR.03", "G04.FR.05", "G04.FR.06")
async def TC_G_14_CS(trial: Trial) -> None:
    """The station is made inoperative while there is a transaction."""
    await _scheduled(trial, 0, 0, others=True)


@station_case("G04.FR.09", "G01.FR.01")
async def TC_G_21_CS(trial: Trial) -> None:
    """An inoperative station is so after a reboot."""
    await unavailable(trial)
    await booted(trial)


# --- a connector -----------------------------------------------------------------------------------------------------


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.06")
async def TC_G_07_CS(trial: Trial) -> None:
    """A connector goes from operative to inoperative."""
    await unavailable(trial, trial.evse, trial.connector)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.07")
async def TC_G_08_CS(trial: Trial) -> None:
    """A connector goes from inoperative to operative."""
    await unavailable(trial, trial.evse, trial.connector)
    begin = await _change(trial, "Operative", trial.evse, trial.connector)
    await connectors_are(trial, _one(trial, "Available"), since=begin, by=_EVSE_TOLD)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.03", "G03.FR.04")
async def TC_G_15_CS(trial: Trial) -> None:
    """A connector that is operative is made operative."""
    await _change(trial, "Operative", trial.evse, trial.connector)
    await connectors_are(trial, _one(trial, "Available"), by=_EVSE_TOLD)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.03", "G03.FR.04")
async def TC_G_16_CS(trial: Trial) -> None:
    """A connector that is inoperative is made inoperative."""
    await unavailable(trial, trial.evse, trial.connector)
    await _change(trial, "Inoperative", trial.evse, trial.connector)
    await connectors_are(trial, _one(trial, "Unavailable"), by=_EVSE_TOLD)


@station_case("G03.FR.01", "G03.FR.02", "G03.FR.04", "G03.FR.05")
async def TC_G_17_CS(trial: Trial) -> None:
    """A connector with a transaction is made inoperative."""
    await _scheduled(trial, trial.evse, trial.connector)


@station_case("G03.FR.08")
async def TC_G_19_CS(trial: Trial) -> None:
    """An inoperative connector is so after a reboot."""
    await unavailable(trial, trial.evse, trial.connector)
    await booted(trial)
