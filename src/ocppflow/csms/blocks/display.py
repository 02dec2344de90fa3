"""O: messages on displays."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class DisplayService(CSMSBlock):
    """O: messages on displays."""

    title = "display"
