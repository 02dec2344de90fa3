"""What stations say in 1.6, put into 2.1 for the blocks, and their answers put back."""

from __future__ import annotations

from msgspec import UNSET

from ocppflow.csms.blocks.csms_block import CSMSBlock
from ocppflow.csms.station import Station
from ocppflow.messages import v16, v21
from ocppflow.messages.words_16 import token_status_16


def tag_info(info: v21.IdTokenInfoType) -> v16.IdTagInfo:
    """What a token may, in 1.6's words: no languages, messages, priorities or EVSEs. A group of more than 20 characters
    cannot be said there: then who may stop whose transaction is asked of the CSMS, by Authorize."""
    group = info.group_id_token
    return v16.IdTagInfo(
        status=token_status_16(info.status),
        expiry_date=info.cache_expiry_date_time,
        parent_id_tag=UNSET if group is UNSET or len(group.id_token) > 20 else group.id_token,
    )


class HearingCore16(CSMSBlock):
    """The core profile, as a CSMS hears it."""

    title = "dialect_16"

    def hear(self) -> None:
        self.on(v16.AuthorizeRequest)(self.authorize)
        self.on(v16.BootNotificationRequest)(self.boot)
        self.on(v16.HeartbeatRequest)(self.heartbeat)

    async def authorize(self, station: Station, request: v16.AuthorizeRequest) -> v16.AuthorizeResponse:
        """1.6 4.1. A tag has no type."""
        token = v21.IdTokenType(id_token=request.id_tag, type="")
        answer = await self.csms.answer(station, v21.AuthorizeRequest(id_token=token))
        return v16.AuthorizeResponse(id_tag_info=tag_info(answer.id_token_info))

    async def boot(self, station: Station, request: v16.BootNotificationRequest) -> v16.BootNotificationResponse:
        """1.6 4.2. It knows no reason for a boot. The serial number is the station's own, else that of its box."""
        serial = request.charge_point_serial_number or request.charge_box_serial_number
        told = v21.ChargingStationType(
            vendor_name=request.charge_point_vendor,
            model=request.charge_point_model,
            firmware_version=request.firmware_version,
            serial_number=serial,
        )
        asked = v21.BootNotificationRequest(reason="Unknown", charging_station=told)
        answer = await self.csms.answer(station, asked)
        return v16.BootNotificationResponse(
            current_time=answer.current_time, interval=answer.interval, status=answer.status
        )

    async def heartbeat(self, station: Station, _: v16.HeartbeatRequest) -> v16.HeartbeatResponse:
        """1.6 4.6."""
        answer = await self.csms.answer(station, v21.HeartbeatRequest())
        return v16.HeartbeatResponse(current_time=answer.current_time)
