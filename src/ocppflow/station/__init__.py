"""The Charging Station role: one that only speaks, and a complete one that behaves."""

from ocppflow.station.charging_station import ChargingStation, Dial, StationState
from ocppflow.station.complete_station import CompleteStation
from ocppflow.station.station_config import ConnectorConfig, EvseConfig, StationConfig, VariableConfig
from ocppflow.station.station_file import StationFile
from ocppflow.station.station_store import MemoryStationStore, StationStore, StoreFailed

__all__ = [
    "ChargingStation",
    "CompleteStation",
    "ConnectorConfig",
    "Dial",
    "EvseConfig",
    "MemoryStationStore",
    "StationConfig",
    "StationFile",
    "StationState",
    "StationStore",
    "StoreFailed",
    "VariableConfig",
]
