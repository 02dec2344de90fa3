"""Groups of EVSEs that share a limit."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class LoadManagement(CSMSBlock):
    """Groups of EVSEs that share a limit."""

    title = "load_management"
