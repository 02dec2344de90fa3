"""1.6 numbers the connectors of a whole station from 1; 2.1 numbers EVSEs, and the connectors of each."""

from __future__ import annotations

from functools import lru_cache

from ocppflow.station.station_config import StationConfig


@lru_cache(maxsize=64)
def places(config: StationConfig) -> tuple[tuple[int, int], ...]:
    """(EVSE, connector) of connector 1, 2 ... of 1.6."""
    return tuple(
        (evse, connector)
        for evse, made in enumerate(config.evses, 1)
        for connector in range(1, len(made.connectors) + 1)
    )


def place(config: StationConfig, connector_id: int) -> tuple[int, int] | None:
    """(EVSE, connector) of a connectorId; (0, 0) for connector 0, the station; None if there is no such connector."""
    if connector_id == 0:
        return 0, 0
    all_places = places(config)
    return all_places[connector_id - 1] if 0 < connector_id <= len(all_places) else None


def connector_id(config: StationConfig, evse: int, connector: int = 0) -> int:
    """The connectorId of a place. An EVSE whose connector is not known yet has that of its first."""
    return 0 if evse == 0 else places(config).index((evse, connector or 1)) + 1
