"""What stations say in 1.6, put into 2.1 for the blocks, and their answers put back."""

from __future__ import annotations

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.messages import v16, v21


class HearingCore16(CSMSBlock):
    """The core profile, as a CSMS hears it."""

    title = "dialect_16"

    def hear(self) -> None:
        self.on(v16.HeartbeatRequest)(self.heartbeat)

    async def heartbeat(self, station: Station, _: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
        """As in 2.1."""
        answer = await self.csms.answer(station, v21.HeartbeatRequest())
        return v16.HeartbeatResponse(current_time=answer.current_time)
