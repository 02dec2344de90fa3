"""The CSMS role."""

from ocppflow.csms.csms import CSMS
from ocppflow.csms.known_stations import KnownStation, StationFile, StationMemory, StationRecord
from ocppflow.csms.listeners import Listener
from ocppflow.csms.station import Station

__all__ = ["CSMS", "KnownStation", "Listener", "Station", "StationFile", "StationMemory", "StationRecord"]
