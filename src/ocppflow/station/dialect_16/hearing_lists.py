"""The Local Authorization List and Reservation profiles of 1.6, as a station hears them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from ocppflow.errors import NotSupported
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.hearing import ask_block, ask_status, dialect_16
from ocppflow.station.dialect_16.numbering import place
from ocppflow.station.dialect_16.words import token_21, token_info_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


@dialect_16.on(v16.GetLocalListVersionRequest)
async def get_local_list_version(
    station: CompleteStation, request: v16.GetLocalListVersionRequest
) -> v16.GetLocalListVersionResponse:
    """1.6, 5.10: -1 if the station has no local list, or has switched it off; 0 if the list is empty."""
    try:
        response = await ask_block(station, v21.GetLocalListVersionRequest())
    except NotSupported:
        return v16.GetLocalListVersionResponse(list_version=-1)
    if not station.local_list.enabled:
        return v16.GetLocalListVersionResponse(list_version=-1)
    return v16.GetLocalListVersionResponse(list_version=response.version_number if len(station.local_list) else 0)


@dialect_16.on(v16.SendLocalListRequest)
async def send_local_list(station: CompleteStation, request: v16.SendLocalListRequest) -> v16.SendLocalListResponse:
    """1.6, 5.15."""
    if not station.local_list.enabled:
        return v16.SendLocalListResponse(status="NotSupported")
    given = [] if isinstance(request.local_authorization_list, UnsetType) else request.local_authorization_list
    entries = [
        v21.AuthorizationData(
            id_token=token_21(entry.id_tag),
            id_token_info=UNSET if isinstance(entry.id_tag_info, UnsetType) else token_info_21(entry.id_tag_info),
        )
        for entry in given
    ]
    asked = v21.SendLocalListRequest(
        version_number=request.list_version,
        update_type=request.update_type,
        local_authorization_list=entries or UNSET,
    )
    return v16.SendLocalListResponse(status=await ask_status(station, asked, "NotSupported"))


@dialect_16.on(v16.ReserveNowRequest)
async def reserve_now(station: CompleteStation, request: v16.ReserveNowRequest) -> v16.ReserveNowResponse:
    """1.6, 5.13."""
    where = place(station.config, request.connector_id)
    if where is None:
        return v16.ReserveNowResponse(status="Rejected")
    asked = v21.ReserveNowRequest(
        id=request.reservation_id,
        expiry_date_time=request.expiry_date,
        id_token=token_21(request.id_tag),
        evse_id=where[0] or UNSET,
        group_id_token=UNSET if isinstance(request.parent_id_tag, UnsetType) else token_21(request.parent_id_tag),
    )
    return v16.ReserveNowResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.CancelReservationRequest)
async def cancel_reservation(
    station: CompleteStation, request: v16.CancelReservationRequest
) -> v16.CancelReservationResponse:
    """1.6, 5.1."""
    asked = v21.CancelReservationRequest(reservation_id=request.reservation_id)
    return v16.CancelReservationResponse(status=await ask_status(station, asked, "Rejected"))
