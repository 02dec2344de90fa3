"""P: data transfer, with hooks by vendor and message."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class DataTransferService(CSMSBlock):
    """P: data transfer, with hooks by vendor and message."""

    title = "data_transfer"
