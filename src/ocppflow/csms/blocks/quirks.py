"""What makes and models need beyond the standard: profiles as data, matched at boot."""

from __future__ import annotations

from msgspec import Struct

from ocppflow.csms.blocks.csms_block import CSMSBlock


class Quirks(Struct):
    """What holds for one station."""


class QuirkService(CSMSBlock):
    """What makes and models need beyond the standard: profiles as data, matched at boot."""

    title = "quirks"

    def of(self, identity: str) -> Quirks:
        """What holds for a station now."""
        raise NotImplementedError
