"""N: monitors and events."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class MonitoringService(CSMSBlock):
    """N: monitors and events."""

    title = "monitoring"
