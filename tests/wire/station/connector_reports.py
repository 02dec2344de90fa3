"""What a station has said of its connectors, whichever message it used, and makes with more than one of them."""

from __future__ import annotations

from typing import Any

from station_world import StationWorld

from ocppflow.station import StationConfig
from ocppflow.station.station_config import ConnectorConfig, EvseConfig

TWO = StationConfig(evses=(EvseConfig(), EvseConfig()))
"""Two EVSEs with a connector each."""
MIXED = StationConfig(
    evses=(
        EvseConfig(connectors=(ConnectorConfig("cType2"), ConnectorConfig("cCCS2"))),
        EvseConfig(connectors=(ConnectorConfig("cType2"),)),
    )
)
"""EVSE 1 has two connectors of different types, EVSE 2 has one."""

Report = tuple[int, int, str]


def reports(world: StationWorld, since: int = 0) -> list[Report]:
    """EVSE, connector, status, in the order in which the CSMS was told; from the ``since``-th message on."""
    said = []
    for action, payload in world.heard[since:]:
        if action == "StatusNotification":
            said.append((payload["evseId"], payload["connectorId"], payload["connectorStatus"]))
        elif action == "NotifyEvent":
            said += [_report(event) for event in payload["eventData"] if _is_availability(event)]
    return said


def _is_availability(event: dict[str, Any]) -> bool:
    of = event["component"]["name"], event["variable"]["name"], event["trigger"]
    return of == ("Connector", "AvailabilityState", "Delta")


def _report(event: dict[str, Any]) -> Report:
    where = event["component"]["evse"]
    return where["id"], where["connectorId"], event["actualValue"]


async def up(world: StationWorld) -> int:
    """Connect and boot; how many messages that took."""
    await world.station.connect()
    await world.clock.advance(1)
    return len(world.heard)
