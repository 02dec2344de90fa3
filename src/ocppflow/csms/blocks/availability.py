"""G: statuses of connectors, and making them (in)operative."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class AvailabilityService(CSMSBlock):
    """G: statuses of connectors, and making them (in)operative."""

    title = "availability"
