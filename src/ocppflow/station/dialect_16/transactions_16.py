"""TransactionEvents in 1.6: StartTransaction, MeterValues, StopTransaction.

In 1.6 a transaction begins when the cable is in and somebody is authorized, whatever the TxStartPoint of the station
says: the first event that has both goes out as StartTransaction. What was before it, is not told. Where the CSMS has
never taken that one, it hears of the rest all the same, under the number -1 (4.8, errata 3.18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, UnsetType

from ocppflow.messages import v16, v21
from ocppflow.station.dialect_16.dialect_block import Known16
from ocppflow.station.dialect_16.words import STOP_REASONS, meter_values_16, token_21, token_info_21

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

UNDELIVERED: Final = -1
"""The transactionId of a transaction whose start was given up (TransactionMessageAttempts)."""


async def say_transaction_event(
    station: CompleteStation, event: v21.TransactionEventRequest, timeout: float | None
) -> v21.TransactionEventResponse:
    """Send what an event means in 1.6, if anything, and answer as a 2.1 CSMS would."""
    transaction_id = event.transaction_info.transaction_id
    known = station.dialect_16.known(transaction_id)
    answer = v21.TransactionEventResponse()
    if known.number is None and known.start_seq_no == event.seq_no:
        await _start(station, event, known, timeout)
        known = station.dialect_16.known(transaction_id)
    if known.verdict is not None and known.start_seq_no == event.seq_no:
        answer = _answer(station, event, known.id_tag, known.verdict)
    number = known.number
    if number is None and known.start_seq_no is not None and event.seq_no > known.start_seq_no:
        number = UNDELIVERED
    if number is not None and event.event_type == "Ended":
        answer = await _stop(station, event, known, number, timeout)
    elif number is not None and (event.event_type != "Started" or station.config.has("signed_meter_values")):
        # values of the start itself are of the application note on signed meter values (StartTxnSampledData)
        await _values(station, event, known, number, timeout)
    if event.event_type == "Ended":
        station.dialect_16.forget(transaction_id)
    return answer


async def _start(
    station: CompleteStation, event: v21.TransactionEventRequest, known: Known16, timeout: float | None
) -> None:
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
    station.dialect_16.started(event.transaction_info.transaction_id, answer.transaction_id, answer.id_tag_info)


def _answer(
    station: CompleteStation, event: v21.TransactionEventRequest, tag: str, given: v16.IdTagInfo
) -> v21.TransactionEventResponse:
    """What the CSMS says of an idTag, which goes into the cache here if the event itself does not name it."""
    info = token_info_21(given)
    if isinstance(event.id_token, UnsetType):
        station.authorization.learn(token_21(tag), info)
    station.dialect_16.told_of(tag, given)
    return v21.TransactionEventResponse(id_token_info=info)


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
    if isinstance(answer.id_tag_info, UnsetType) or not known.stop_tag:
        return v21.TransactionEventResponse()
    return _answer(station, event, known.stop_tag, answer.id_tag_info)


def _reason(event: v21.TransactionEventRequest, known: Known16) -> v16.Reason:
    if event.trigger_reason == "UnlockCommand":
        return "UnlockCommand"
    stopped = event.transaction_info.stopped_reason
    if stopped == "ImmediateReset" and known.soft:
        return "SoftReset"
    return "Local" if isinstance(stopped, UnsetType) else STOP_REASONS.get(stopped, "Other")
