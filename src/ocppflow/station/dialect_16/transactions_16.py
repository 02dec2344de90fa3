"""TransactionEvents in 1.6: StartTransaction, MeterValues, StopTransaction.

In 1.6 a transaction begins when the cable is in and somebody is authorized, whatever the TxStartPoint of the station
says: the first event that has both goes out as StartTransaction. What was before it, is not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET, UnsetType

from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.dialect_block import Known16
from ocppflow.station.dialect_16.numbering import connector_id
from ocppflow.station.dialect_16.words import (
    STOP_REASONS,
    id_tag,
    meter_values_16,
    register,
    token_info_21,
)

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation


async def say_transaction_event(
    station: CompleteStation, event: v21.TransactionEventRequest
) -> v21.TransactionEventResponse:
    """Send what an event means in 1.6, if anything, and answer as a 2.1 CSMS would."""
    transaction_id = event.transaction_info.transaction_id
    known = _widened(station, station.dialect_16.known(transaction_id), event)
    station.dialect_16.learn(transaction_id, known)
    answer = v21.TransactionEventResponse()
    if known.number is None:
        if known.connector_id and known.id_tag:
            answer = await _start(station, event, known)
    elif event.event_type == "Ended":
        answer = await _stop(station, event, known, known.number)
    elif values := meter_values_16(event.meter_value):
        await station.call(
            v16.MeterValuesRequest(connector_id=known.connector_id, transaction_id=known.number, meter_value=values)
        )
    if event.event_type == "Ended":
        station.dialect_16.forget(transaction_id)
    return answer


def _widened(station: CompleteStation, known: Known16, event: v21.TransactionEventRequest) -> Known16:
    """``known`` with what this event adds."""
    changes: dict[str, object] = {}
    if not isinstance(event.evse, UnsetType) and not isinstance(event.evse.connector_id, UnsetType):
        changes["connector_id"] = connector_id(station.config, event.evse.id, event.evse.connector_id)
    if not isinstance(event.id_token, UnsetType) and event.id_token.id_token:
        changes["stop_tag" if known.id_tag else "id_tag"] = id_tag(event.id_token)
    if not isinstance(event.reservation_id, UnsetType):
        changes["reservation_id"] = event.reservation_id
    return msgspec.structs.replace(known, **changes)


async def _start(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16
) -> v21.TransactionEventResponse:
    transaction_id = event.transaction_info.transaction_id
    answer = await station.call(
        v16.StartTransactionRequest(
            connector_id=known.connector_id,
            id_tag=known.id_tag,
            meter_start=_register(station, event, last=False),
            timestamp=event.timestamp,
            reservation_id=UNSET if known.reservation_id is None else known.reservation_id,
        )
    )
    known.number = answer.transaction_id
    station.dialect_16.learn(transaction_id, known)
    return v21.TransactionEventResponse(id_token_info=token_info_21(answer.id_tag_info))


async def _stop(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16, number: int
) -> v21.TransactionEventResponse:
    answer = await station.call(
        v16.StopTransactionRequest(
            transaction_id=number,
            id_tag=known.stop_tag or UNSET,
            meter_stop=_register(station, event, last=True),
            timestamp=event.timestamp,
            reason=_reason(event, known),
            transaction_data=meter_values_16(event.meter_value) or UNSET,
        )
    )
    info = answer.id_tag_info
    return v21.TransactionEventResponse(id_token_info=UNSET if isinstance(info, UnsetType) else token_info_21(info))


def _reason(event: v21.TransactionEventRequest, known: Known16) -> v16.Reason:
    if event.trigger_reason == "UnlockCommand":
        return "UnlockCommand"
    stopped = event.transaction_info.stopped_reason
    if stopped == "ImmediateReset" and known.soft:
        return "SoftReset"
    return "Local" if isinstance(stopped, UnsetType) else STOP_REASONS.get(stopped, "Other")


def _register(station: CompleteStation, event: v21.TransactionEventRequest, *, last: bool) -> int:
    """Wh, whole ones: what the event says."""
    value = register(event.meter_value, last=last)
    return 0 if value is None else int(value)
