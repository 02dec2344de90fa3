"""L: firmware updates."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class FirmwareService(CSMSBlock):
    """L: firmware updates."""

    title = "firmware"
