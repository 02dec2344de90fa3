"""What a transaction tells: its events, each kept in one commit with the transaction as it then is."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET

from ocppflow.messages import v21
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

AREA: Final = "transactions"

REASONS: Final[dict[str, v21.ReasonEnumType]] = {
    "AbnormalCondition": "Other",
    "CostLimitReached": "LocalOutOfCredit",
    "Deauthorized": "DeAuthorized",
    "EnergyLimitReached": "EnergyLimitReached",
    "EVCommunicationLost": "EVDisconnected",
    "EVConnectTimeout": "Timeout",
    "RemoteStop": "Remote",
    "ResetCommand": "ImmediateReset",
    "SoCLimitReached": "SOCLimitReached",
    "TimeLimitReached": "TimeLimitReached",
}
"""Why a transaction has ended, if nothing else is known but the trigger of its last event (E06.FR.08)."""


def tell(
    station: CompleteStation,
    session: EvseSession,
    kind: v21.TransactionEventEnumType,
    trigger: v21.TriggerReasonEnumType,
    *,
    values: Iterable[v21.MeterValueType] = (),
    token: v21.IdTokenType | None = None,
    at: datetime | None = None,
    **info: Any,
) -> asyncio.Future[None]:
    """Queue an event of the session's transaction. The future is done when event and transaction are durable.

    ``token``: who has ended the authorization. ``at``: when it happened, now by default. ``info``: more of
    ``transaction_info``.
    """
    transaction = session.transaction
    if transaction is None:
        raise RuntimeError("there is no transaction to tell of")
    now = at or station.time.now()
    _bring_up_to_date(transaction, session, now)
    meter_value = [*_begin_values(station, session, transaction), *values]
    request = v21.TransactionEventRequest(
        event_type=kind,
        timestamp=now,
        trigger_reason=trigger,
        seq_no=transaction.next_seq_no,
        transaction_info=v21.TransactionType(
            transaction_id=transaction.id, charging_state=transaction.charging_state, **info
        ),
        meter_value=meter_value or UNSET,
    )
    if token is not None:
        request.id_token = token  # E07.FR.02
    _tell_once(request, session, transaction)
    _tell_phases(station, request, session, transaction)
    if kind == "Ended":
        request.transaction_info.time_spent_charging = round(transaction.seconds_charged)
        if transaction.stopped_reason is not None:
            request.transaction_info.stopped_reason = transaction.stopped_reason
    station.tariff.costs.complete(request, transaction)
    transaction.next_seq_no += 1
    if kind == "Ended":
        station.store.remove(AREA, transaction.id)
    else:
        station.store.put(AREA, transaction.id, transaction)
    return station.message_queue.put(request)


def _bring_up_to_date(transaction: Transaction, session: EvseSession, now: datetime) -> None:
    state = session.state
    if transaction.charging_since is not None:
        transaction.seconds_charged += max(0.0, (now - transaction.charging_since).total_seconds())
    transaction.charging_since = now if state == "Charging" else None
    transaction.charging_state = state
    transaction.authorized = session.authorized
    transaction.evse = session.evse
    transaction.connector = session.connector
    transaction.last_event_at = max(now, transaction.last_event_at)


def _begin_values(station: CompleteStation, session: EvseSession, transaction: Transaction) -> list[v21.MeterValueType]:
    """The values of the beginning, once it is known where that is (E01.FR.09, E01.FR.17)."""
    if transaction.begin_told or not session.ev:
        return []
    transaction.begin_told = True
    transaction.register_at_start = station.metering.register(session.evse)
    return station.metering.begin_values(transaction)


def _tell_once(request: v21.TransactionEventRequest, session: EvseSession, transaction: Transaction) -> None:
    if session.ev and not transaction.evse_told:  # E01.FR.16
        request.evse = v21.EVSEType(id=session.evse, connector_id=session.connector)
        transaction.evse_told = True
    if transaction.token is not None and not transaction.token_told:  # E01.FR.10, E03.FR.01
        if request.id_token is UNSET:
            request.id_token = transaction.token
        if transaction.remote_start_id is not None:  # F01.FR.25
            request.transaction_info.remote_start_id = transaction.remote_start_id
        if transaction.reservation_id is not None:  # E01.FR.13
            request.reservation_id = transaction.reservation_id
        transaction.token_told = True


def _tell_phases(
    station: CompleteStation, request: v21.TransactionEventRequest, session: EvseSession, transaction: Transaction
) -> None:
    """E02.FR.18, E02.FR.19."""
    if session.state != "Charging" or station.config.evses[session.evse - 1].current == "DC":
        return
    phases = min(session.offer.phases, station.config.evses[session.evse - 1].phases)
    if phases != transaction.phases_told:
        request.number_of_phases_used = transaction.phases_told = phases
