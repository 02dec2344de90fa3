"""The Charging Station role: one that only speaks, and a complete one that behaves."""

from ocppflow.station.charging_station import ChargingStation, Dial, StationState
from ocppflow.station.complete_station import CompleteStation
from ocppflow.station.provisions import Provisions
from ocppflow.station.station_config import ConnectorConfig, EvseConfig, MonitorConfig, StationConfig, VariableConfig
from ocppflow.station.station_store import MemoryStationStore, StationStore, StoreFailed
from ocppflow.station.store_file import StoreFile

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
