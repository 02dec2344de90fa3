"""The CSMS role."""

from ocppflow.csms.server import CSMS
from ocppflow.csms.station import Station

__all__ = ["CSMS", "Station"]
