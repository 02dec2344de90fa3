"""F: starts, stops, unlocking and triggers."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock


class RemoteControlService(CSMSBlock):
    """F: starts, stops, unlocking and triggers."""

    title = "remote_control"

    async def start(self) -> None:
        """Begin."""
