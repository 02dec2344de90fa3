"""The stations that there are: by hand, by import, or admitted."""

from __future__ import annotations

from msgspec import Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station


class StationEntry(Struct):
    """What the store says of a station."""


class StationRegistry(CSMSBlock):
    """The stations that there are: by hand, by import, or admitted."""

    title = "station_registry"

    def is_quiet(self, identity: str) -> bool | None:
        """What is set for this station; None: as the configuration says."""
        return None

    async def load(self, station: Station) -> None:
        """A station has connected: its entry is in memory as long as the connection lasts."""

    def entry(self, identity: str) -> StationEntry | None:
        """What the store says of a connected station, without asking it."""
        raise NotImplementedError
