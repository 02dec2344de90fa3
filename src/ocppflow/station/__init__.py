"""The Charging Station role: one that only speaks, and a complete one that behaves."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ocppflow.station.charging_station import ChargingStation, Dial, StationState

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation
    from ocppflow.station.provisions import Provisions
    from ocppflow.station.station_config import (
        ConnectorConfig,
        EvseConfig,
        MonitorConfig,
        StationConfig,
        VariableConfig,
    )
    from ocppflow.station.station_store import MemoryStationStore, StationStore, StoreFailed
    from ocppflow.station.store_file import StoreFile
else:  # a ChargingStation that only speaks needs none of what the complete one is made of, such as cryptography
    _LAZY = {
        "CompleteStation": "ocppflow.station.complete_station",
        "ConnectorConfig": "ocppflow.station.station_config",
        "EvseConfig": "ocppflow.station.station_config",
        "MemoryStationStore": "ocppflow.station.station_store",
        "MonitorConfig": "ocppflow.station.station_config",
        "Provisions": "ocppflow.station.provisions",
        "StationConfig": "ocppflow.station.station_config",
        "StationStore": "ocppflow.station.station_store",
        "StoreFailed": "ocppflow.station.station_store",
        "StoreFile": "ocppflow.station.store_file",
        "VariableConfig": "ocppflow.station.station_config",
    }

    def __getattr__(name: str) -> Any:
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return value


__all__ = [
    "ChargingStation",
    "CompleteStation",
    "ConnectorConfig",
    "Dial",
    "EvseConfig",
    "MemoryStationStore",
    "MonitorConfig",
    "Provisions",
    "StationConfig",
    "StationState",
    "StationStore",
    "StoreFailed",
    "StoreFile",
    "VariableConfig",
]
