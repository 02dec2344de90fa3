"""The Charging Station role."""

from ocppflow.station.charging_station import ChargingStation, Dial, StationState

__all__ = ["ChargingStation", "Dial", "StationState"]
