"""The Charging Station role."""

from ocppflow.station.client import ChargingStation

__all__ = ["ChargingStation"]
