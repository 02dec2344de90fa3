"""I, Tariff and cost: what is shown to drivers, and costs that the station calculates by tariffs of the CSMS (2.1).

Not supported: prices for the time of a reservation, and tariffs of drivers in the authorization cache (I08.FR.05).
"""

from ocppflow.station.blocks.tariff.tariff_block import Tariff
from ocppflow.station.blocks.tariff.tariff_handlers import tariff

__all__ = ["Tariff", "tariff"]
