"""The Smart Charging profile of 1.6, as a station hears it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from ocppflow.errors import NotSupported, PropertyConstraintViolation
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.hearing import ask_block, ask_status, dialect_16
from ocppflow.station.dialect_16.numbering import place
from ocppflow.station.dialect_16.words import PURPOSES_21, profile_21, schedule_16

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


@dialect_16.on(v16.SetChargingProfileRequest)
async def set_charging_profile(
    station: CompleteStation, request: v16.SetChargingProfileRequest
) -> v16.SetChargingProfileResponse:
    """1.6, 5.16. A TxProfile without a transactionId is for the transaction that runs there (5.16.2 and errata). What
    is refused by a CALLERROR is in errata 3.39."""
    profile = request.cs_charging_profiles
    where = place(station.config, request.connector_id)
    if where is None:
        raise PropertyConstraintViolation(f"$.connectorId: there is no connector {request.connector_id}")
    transaction_id: str | UnsetType = UNSET
    if profile.charging_profile_purpose == "TxProfile":
        known = _transaction(station, where[0], profile.transaction_id)
        if known is None:
            return v16.SetChargingProfileResponse(status="Rejected")
        transaction_id = known
    asked = v21.SetChargingProfileRequest(evse_id=where[0], charging_profile=profile_21(profile, transaction_id))
    return v16.SetChargingProfileResponse(status=(await ask_block(station, asked)).status)


def _transaction(station: CompleteStation, evse: int, transaction_id: int | UnsetType) -> str | None:
    running = station.transactions.on_evse(evse) if evse else None
    if running is None:
        return None
    if isinstance(transaction_id, UnsetType):
        return running.id
    return running.id if station.dialect_16.known_by(transaction_id) == running.id else None


@dialect_16.on(v16.ClearChargingProfileRequest)
async def clear_charging_profile(
    station: CompleteStation, request: v16.ClearChargingProfileRequest
) -> v16.ClearChargingProfileResponse:
    """1.6, 5.5. With an id the other criteria do not count; without any, all profiles go."""
    if not isinstance(request.id, UnsetType):
        asked = v21.ClearChargingProfileRequest(charging_profile_id=request.id)
        return v16.ClearChargingProfileResponse(status=await ask_status(station, asked, "Unknown"))
    evse: int | UnsetType = UNSET
    if not isinstance(request.connector_id, UnsetType):
        where = place(station.config, request.connector_id)
        if where is None:
            return v16.ClearChargingProfileResponse(status="Unknown")
        evse = where[0]
    purpose = request.charging_profile_purpose
    status = "Unknown"
    for each in PURPOSES_21.values() if isinstance(purpose, UnsetType) else (PURPOSES_21[purpose],):
        criteria = v21.ClearChargingProfileType(
            evse_id=evse, charging_profile_purpose=each, stack_level=request.stack_level
        )
        asked = v21.ClearChargingProfileRequest(charging_profile_criteria=criteria)
        if await ask_status(station, asked, "Unknown") == "Accepted":
            status = "Accepted"
    return v16.ClearChargingProfileResponse(status="Accepted" if status == "Accepted" else "Unknown")


@dialect_16.on(v16.GetCompositeScheduleRequest)
async def get_composite_schedule(
    station: CompleteStation, request: v16.GetCompositeScheduleRequest
) -> v16.GetCompositeScheduleResponse:
    """1.6, 5.7."""
    where = place(station.config, request.connector_id)
    if where is None:
        return v16.GetCompositeScheduleResponse(status="Rejected")
    asked = v21.GetCompositeScheduleRequest(
        duration=request.duration, evse_id=where[0], charging_rate_unit=request.charging_rate_unit
    )
    try:
        response = await ask_block(station, asked)
    except NotSupported:
        return v16.GetCompositeScheduleResponse(status="Rejected")
    if response.status != "Accepted" or isinstance(response.schedule, UnsetType):
        return v16.GetCompositeScheduleResponse(status="Rejected")
    return v16.GetCompositeScheduleResponse(
        status="Accepted",
        connector_id=request.connector_id,
        schedule_start=response.schedule.schedule_start,
        charging_schedule=schedule_16(response.schedule),
    )
