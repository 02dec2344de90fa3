"""TransactionEvents in 1.6: StartTransaction, MeterValues, StopTransaction.

In 1.6 a transaction begins when the cable is in and somebody is authorized, whatever the TxStartPoint of the station
says: the first event that has both goes out as StartTransaction. What was before it, is not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from ocppflow.log_budget import budgeted
from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.dialect_block import Known16
from ocppflow.station.dialect_16.words import STOP_REASONS, meter_values_16, token_info_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")


async def say_transaction_event(
    station: CompleteStation, event: v21.TransactionEventRequest, timeout: float | None
) -> v21.TransactionEventResponse:
    """Send what an event means in 1.6, if anything, and answer as a 2.1 CSMS would."""
    transaction_id = event.transaction_info.transaction_id
    known = station.dialect_16.known(transaction_id)
    answer = v21.TransactionEventResponse()
    if known.number is None and known.start_seq_no == event.seq_no:
        answer = await _start(station, event, known, timeout)
        known = station.dialect_16.known(transaction_id)
    elif known.number is not None and event.event_type != "Ended":
        await _values(station, event, known, known.number, timeout)
    if event.event_type == "Ended":
        if known.number is not None:
            answer = await _stop(station, event, known, known.number, timeout)
        elif known.start_seq_no is not None:
            log.error("%s: the CSMS never took the start of transaction %s", station.identity, transaction_id)
        station.dialect_16.forget(transaction_id)
    return answer


async def _start(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16, timeout: float | None
) -> v21.TransactionEventResponse:
    answer = await station.call(
        v16.StartTransactionRequest(
            connector_id=known.connector_id,
            id_tag=known.id_tag,
            meter_start=int(known.meter_start),
            timestamp=event.timestamp,
            reservation_id=UNSET if known.reservation_id is None else known.reservation_id,
        ),
        timeout=timeout,
    )
    station.dialect_16.started(event.transaction_info.transaction_id, answer.transaction_id)
    return v21.TransactionEventResponse(id_token_info=token_info_21(answer.id_tag_info))


async def _values(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16, number: int, timeout: float | None
) -> None:
    values = meter_values_16(event.meter_value)
    if values:
        request = v16.MeterValuesRequest(connector_id=known.connector_id, transaction_id=number, meter_value=values)
        await station.call(request, timeout=timeout)


async def _stop(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16, number: int, timeout: float | None
) -> v21.TransactionEventResponse:
    answer = await station.call(
        v16.StopTransactionRequest(
            transaction_id=number,
            id_tag=known.stop_tag or UNSET,
            meter_stop=int(known.meter_stop),
            timestamp=event.timestamp,
            reason=_reason(event, known),
            transaction_data=meter_values_16(event.meter_value) or UNSET,
        ),
        timeout=timeout,
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
