"""The Core profile of 1.6, as a station hears it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, cast

from msgspec import UNSET, UnsetType

from ocppflow.errors import NotSupported
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.configuration_keys import known_keys, read_key, to_set
from ocppflow.station.dialect_16.hearing import ask_block, ask_status, dialect_16
from ocppflow.station.dialect_16.numbering import place, places
from ocppflow.station.dialect_16.security_profile import SECURITY_PROFILE, upgrade
from ocppflow.station.dialect_16.words import profile_21, token_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

_start_ids = itertools.count(1)


@dialect_16.on(v16.ChangeConfigurationRequest)
async def change_configuration(
    station: CompleteStation, request: v16.ChangeConfigurationRequest
) -> v16.ChangeConfigurationResponse:
    """1.6, 5.3."""
    if request.key.lower() == SECURITY_PROFILE.lower():
        return v16.ChangeConfigurationResponse(status=await upgrade(station, request.value))
    wanted = to_set(station, request.key, request.value)
    if isinstance(wanted, str):
        return v16.ChangeConfigurationResponse(status=wanted)
    response = await ask_block(station, v21.SetVariablesRequest(set_variable_data=wanted))
    outcomes = {result.attribute_status for result in response.set_variable_result}
    if outcomes <= {"Accepted", "RebootRequired"}:
        return v16.ChangeConfigurationResponse(status="RebootRequired" if "RebootRequired" in outcomes else "Accepted")
    return v16.ChangeConfigurationResponse(status="Rejected" if "Rejected" in outcomes else "NotSupported")


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
    """1.6, 5.2. Connector 0 means the station and all its connectors, each of which may be set anew afterwards; 2.1 has
    levels that do not change each other (G03, G04)."""
    where = place(station.config, request.connector_id)
    if where is None:
        return v16.ChangeAvailabilityResponse(status="Rejected")
    wanted = _levels(station, where, request.type)
    answers = [await ask_status(station, _availability(each, kind), "Rejected") for each, kind in wanted]
    status = next((each for each in ("Rejected", "Scheduled") if each in answers), "Accepted")
    return v16.ChangeAvailabilityResponse(status=cast(v16.AvailabilityStatus, status))


def _levels(
    station: CompleteStation, where: tuple[int, int], kind: v16.AvailabilityType
) -> list[tuple[tuple[int, int], v16.AvailabilityType]]:
    """Which places of 2.1 have to be set to what, so that it is so where 1.6 means it."""
    every, out = places(station.config), station.availability.is_set_inoperative
    if where == (0, 0):
        opened = {(evse, 0) for evse, _ in every if kind == "Operative" and out((evse, 0))}
        return [((0, 0), kind), *((each, kind) for each in (*sorted(opened), *every))]
    above = [each for each in ((0, 0), (where[0], 0)) if kind == "Operative" and out(each)]
    kept: list[tuple[tuple[int, int], v16.AvailabilityType]] = [
        (each, "Inoperative") for each in every if each != where and not out(each) and {(0, 0), (each[0], 0)} & {*above}
    ]
    return [*kept, *((each, kind) for each in above), (where, kind)]


def _availability(where: tuple[int, int], kind: v16.AvailabilityType) -> v21.ChangeAvailabilityRequest:
    evse, connector = where
    place_21 = v21.EVSEType(id=evse, connector_id=connector or UNSET) if evse else UNSET
    return v21.ChangeAvailabilityRequest(operational_status=kind, evse=place_21)


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
    status = await ask_status(station, v21.ResetRequest(type="Immediate"), "Rejected")
    if status == "Rejected":
        return v16.ResetResponse(status="Rejected")
    if request.type == "Soft":
        station.dialect_16.mark_soft()
    return v16.ResetResponse(status="Accepted")


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
