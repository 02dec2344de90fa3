"""B09, B10: to which CSMS a station connects, and how."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class NetworkProfileService(CSMSBlock):
    """B09, B10: to which CSMS a station connects, and how."""

    title = "network_profiles"
