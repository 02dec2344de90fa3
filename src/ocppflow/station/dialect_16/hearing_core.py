"""The Core, Remote Trigger, Local Authorization List and Reservation profiles of 1.6, as a station hears them."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from ocppflow.errors import NotSupported
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.configuration_keys import known_keys, read_key, to_set
from ocppflow.station.dialect_16.hearing import ask_block, ask_status, dialect_16
from ocppflow.station.dialect_16.numbering import place
from ocppflow.station.dialect_16.words import profile_21, token_21, token_info_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_start_ids = itertools.count(1)


@dialect_16.on(v16.ChangeConfigurationRequest)
async def change_configuration(
    station: CompleteStation, request: v16.ChangeConfigurationRequest
) -> v16.ChangeConfigurationResponse:
    """1.6, 5.3."""
    wanted = to_set(station, request.key, request.value)
    if isinstance(wanted, str):
        return v16.ChangeConfigurationResponse(status=wanted)
    response = await ask_block(station, v21.SetVariablesRequest(set_variable_data=[wanted]))
    match response.set_variable_result[0].attribute_status:
        case "Accepted" | "RebootRequired" | "Rejected" as status:
            return v16.ChangeConfigurationResponse(status=status)
    return v16.ChangeConfigurationResponse(status="NotSupported")


@dialect_16.on(v16.GetConfigurationRequest)
async def get_configuration(
    station: CompleteStation, request: v16.GetConfigurationRequest
) -> v16.GetConfigurationResponse:
    """1.6, 5.8. Without keys, or with an empty list of them, all are meant."""
    asked = request.key if not isinstance(request.key, UnsetType) and request.key else known_keys(station)
    found = [(key, read_key(station, key)) for key in asked]
    unknown = [key for key, value in found if value is None]
    return v16.GetConfigurationResponse(
        configuration_key=[value for _, value in found if value is not None],
        unknown_key=unknown or UNSET,
    )


@dialect_16.on(v16.ChangeAvailabilityRequest)
async def change_availability(
    station: CompleteStation, request: v16.ChangeAvailabilityRequest
) -> v16.ChangeAvailabilityResponse:
    """1.6, 5.2."""
    where = place(station.config, request.connector_id)
    if where is None:
        return v16.ChangeAvailabilityResponse(status="Rejected")
    evse, connector = where
    asked = v21.ChangeAvailabilityRequest(
        operational_status=request.type,
        evse=v21.EVSEType(id=evse, connector_id=connector) if evse else UNSET,
    )
    return v16.ChangeAvailabilityResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.ClearCacheRequest)
async def clear_cache(station: CompleteStation, request: v16.ClearCacheRequest) -> v16.ClearCacheResponse:
    """1.6, 5.4."""
    return v16.ClearCacheResponse(status=await ask_status(station, v21.ClearCacheRequest(), "Rejected"))


@dialect_16.on(v16.DataTransferRequest)
async def data_transfer(station: CompleteStation, request: v16.DataTransferRequest) -> v16.DataTransferResponse:
    """1.6, 5.6."""
    asked = v21.DataTransferRequest(vendor_id=request.vendor_id, message_id=request.message_id, data=request.data)
    response = await ask_block(station, asked)
    data = response.data
    if not isinstance(data, (str, UnsetType)):
        raise NotSupported(f"the data for {request.vendor_id} are not text, and 1.6 carries nothing else")
    return v16.DataTransferResponse(status=response.status, data=data)


@dialect_16.on(v16.RemoteStartTransactionRequest)
async def remote_start(
    station: CompleteStation, request: v16.RemoteStartTransactionRequest
) -> v16.RemoteStartTransactionResponse:
    """1.6, 5.11. A charging profile has to be a TxProfile without a transactionId (5.16.2)."""
    connector = 0 if isinstance(request.connector_id, UnsetType) else request.connector_id
    where = place(station.config, connector)
    if where is None or (connector == 0 and not isinstance(request.connector_id, UnsetType)):
        return v16.RemoteStartTransactionResponse(status="Rejected")
    profile: v21.ChargingProfileType | UnsetType = UNSET
    if not isinstance(request.charging_profile, UnsetType):
        if request.charging_profile.charging_profile_purpose != "TxProfile":
            return v16.RemoteStartTransactionResponse(status="Rejected")
        profile = profile_21(request.charging_profile, UNSET)
    asked = v21.RequestStartTransactionRequest(
        id_token=token_21(request.id_tag),
        remote_start_id=next(_start_ids),
        evse_id=where[0] or UNSET,
        charging_profile=profile,
    )
    return v16.RemoteStartTransactionResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.RemoteStopTransactionRequest)
async def remote_stop(
    station: CompleteStation, request: v16.RemoteStopTransactionRequest
) -> v16.RemoteStopTransactionResponse:
    """1.6, 5.12."""
    known = station.dialect_16.known_by(request.transaction_id)
    if known is None:
        return v16.RemoteStopTransactionResponse(status="Rejected")
    asked = v21.RequestStopTransactionRequest(transaction_id=known)
    return v16.RemoteStopTransactionResponse(status=await ask_status(station, asked, "Rejected"))


@dialect_16.on(v16.ResetRequest)
async def reset(station: CompleteStation, request: v16.ResetRequest) -> v16.ResetResponse:
    """1.6, 5.14. Either kind ends running transactions at once; what differs is how the programs end."""
    if request.type == "Soft":
        station.dialect_16.mark_soft()
    status = await ask_status(station, v21.ResetRequest(type="Immediate"), "Rejected")
    return v16.ResetResponse(status="Rejected" if status == "Rejected" else "Accepted")


@dialect_16.on(v16.UnlockConnectorRequest)
async def unlock_connector(
    station: CompleteStation, request: v16.UnlockConnectorRequest
) -> v16.UnlockConnectorResponse:
    """1.6, 5.18. A running transaction ends first; a cable that is fixed to the station cannot be let go."""
    where = place(station.config, request.connector_id)
    if where is None or where == (0, 0):
        return v16.UnlockConnectorResponse(status="NotSupported")
    evse, connector = where
    if station.config.evses[evse - 1].connectors[connector - 1].type.startswith("c"):
        return v16.UnlockConnectorResponse(status="NotSupported")
    transaction = station.transactions.on_evse(evse)
    if transaction is not None:
        await station.transactions.stop(transaction, "Other", "UnlockCommand")
    status = await ask_status(station, v21.UnlockConnectorRequest(evse_id=evse, connector_id=connector), "NotSupported")
    return v16.UnlockConnectorResponse(status="Unlocked" if status == "Unlocked" else "UnlockFailed")


# --- Remote Trigger ----------------------------------------------------------------------------------------------


@dialect_16.on(v16.TriggerMessageRequest)
async def trigger_message(station: CompleteStation, request: v16.TriggerMessageRequest) -> v16.TriggerMessageResponse:
    """1.6, 5.17."""
    wanted: v21.MessageTriggerEnumType = (
        "LogStatusNotification"
        if request.requested_message == "DiagnosticsStatusNotification"
        else request.requested_message
    )
    station.dialect_16.extended = False
    return v16.TriggerMessageResponse(status=await _triggered(station, wanted, request.connector_id))


@dialect_16.on(v16.ExtendedTriggerMessageRequest)
async def extended_trigger_message(
    station: CompleteStation, request: v16.ExtendedTriggerMessageRequest
) -> v16.ExtendedTriggerMessageResponse:
    """Security extension, 5.3."""
    wanted: v21.MessageTriggerEnumType = (
        "SignChargingStationCertificate"
        if request.requested_message == "SignChargePointCertificate"
        else request.requested_message
    )
    station.dialect_16.extended = True  # which of the two kinds of status notifications is meant
    return v16.ExtendedTriggerMessageResponse(status=await _triggered(station, wanted, request.connector_id))


async def _triggered(
    station: CompleteStation, wanted: v21.MessageTriggerEnumType, connector_id: int | UnsetType
) -> v16.TriggerMessageStatus:
    evse: v21.EVSEType | UnsetType = UNSET
    if not isinstance(connector_id, UnsetType):
        where = place(station.config, connector_id)
        if where is None:
            return "Rejected"
        if where != (0, 0):
            evse = v21.EVSEType(id=where[0], connector_id=where[1])
    if wanted == "StatusNotification":  # without a connector 1.6 means all of them, connector 0 as well
        station.respond_then(lambda: _tell_statuses(station, evse))
        return "Accepted"
    status: v16.TriggerMessageStatus = await ask_status(
        station, v21.TriggerMessageRequest(requested_message=wanted, evse=evse), "NotImplemented"
    )
    return status


async def _tell_statuses(station: CompleteStation, evse: v21.EVSEType | UnsetType) -> None:
    if isinstance(evse, UnsetType):
        station.dialect_16.tell_all()
    else:
        station.dialect_16.tell(evse.id, 1 if isinstance(evse.connector_id, UnsetType) else evse.connector_id)


# --- Local Auth List Management, Reservation -----------------------------------------------------------------------


@dialect_16.on(v16.GetLocalListVersionRequest)
async def get_local_list_version(
    station: CompleteStation, request: v16.GetLocalListVersionRequest
) -> v16.GetLocalListVersionResponse:
    """1.6, 5.10: -1 if the station has no local list."""
    try:
        response = await ask_block(station, v21.GetLocalListVersionRequest())
    except NotSupported:
        return v16.GetLocalListVersionResponse(list_version=-1)
    return v16.GetLocalListVersionResponse(list_version=response.version_number)


@dialect_16.on(v16.SendLocalListRequest)
async def send_local_list(station: CompleteStation, request: v16.SendLocalListRequest) -> v16.SendLocalListResponse:
    """1.6, 5.15."""
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
