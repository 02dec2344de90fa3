"""B: boots, heartbeats, resets."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.messages import v21


class ProvisioningService(CSMSBlock):
    """B: boots, heartbeats, resets."""

    title = "provisioning"

    def hear(self) -> None:
        self.on(v21.HeartbeatRequest)(self.heartbeat)

    async def heartbeat(self, station: Station, request: v21.HeartbeatRequest) -> v21.HeartbeatResponse:
        """G02.FR.06: answered with the time of day."""
        return v21.HeartbeatResponse(current_time=self.csms.now())
