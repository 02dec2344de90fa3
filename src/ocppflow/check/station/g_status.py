"""G01: connectors tell their state."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.connector_states import connector_is
from ocppflow.check.reusable_states import ev_connected_pre_session
from ocppflow.check.trial import Trial


@station_case("G01.FR.01", "N07.FR.19")
async def TC_G_01_CS(trial: Trial) -> None:
    """A connector goes from Available to Occupied."""
    await ev_connected_pre_session(trial)


@station_case("G01.FR.01", "N07.FR.19")
async def TC_G_02_CS(trial: Trial) -> None:
    """A connector goes from Occupied to Available."""
    await ev_connected_pre_session(trial)
    await trial.operator.unplug(trial.evse)
    await connector_is(trial, "Available")
