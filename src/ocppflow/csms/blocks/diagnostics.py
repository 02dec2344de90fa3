"""N01: logs fetched from stations."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class LogService(CSMSBlock):
    """N01: logs fetched from stations."""

    title = "diagnostics"
