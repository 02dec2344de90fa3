"""What the CSMS says to an event: whether the token is good, what it costs, how far it may go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ocppflow.messages import Request, Response, v21
from ocppflow.station.blocks.id_tokens import same_token
from ocppflow.station.blocks.transactions import transaction_limits
from ocppflow.station.blocks.transactions.energy_supply import hardware_of
from ocppflow.station.blocks.transactions.evse_session import EvseSession
from ocppflow.station.blocks.transactions.session_events import AREA
from ocppflow.station.transaction import Transaction

if TYPE_CHECKING:
    from ocppflow.station.blocks.transactions.transaction_block import Transactions


def answered(block: Transactions, request: Request[Any], response: Response) -> None:
    """Take in the answer to an event. What changes is committed together with the event's leaving the queue."""
    if not isinstance(request, v21.TransactionEventRequest) or not isinstance(response, v21.TransactionEventResponse):
        return
    station = block.station
    info = response.id_token_info
    token = request.id_token
    if isinstance(info, v21.IdTokenInfoType) and isinstance(token, v21.IdTokenType):
        station.authorization.learn(token, info)  # C10.FR.04
    transaction = block.running.get(request.transaction_info.transaction_id)
    if transaction is None:
        return
    session = block.sessions[transaction.evse]
    if isinstance(response.charging_priority, int):
        transaction.charging_priority = response.charging_priority
        station.store.put(AREA, transaction.id, transaction)
    if isinstance(response.total_cost, int | float):
        transaction_limits.told_cost(block, transaction, float(response.total_cost))
    if isinstance(response.transaction_limit, v21.TransactionLimitType) and session.transaction is transaction:
        transaction_limits.set_limit(block, transaction, response.transaction_limit, by_csms=True)
    if isinstance(info, v21.IdTokenInfoType) and _is_about_the_driver(request, session, transaction):
        _judged(block, session, transaction, info)


def _is_about_the_driver(request: v21.TransactionEventRequest, session: EvseSession, transaction: Transaction) -> bool:
    """Not about a token that has ended the authorization, or about a driver of before."""
    if not session.authorized or request.trigger_reason == "StopAuthorized":
        return False
    return not isinstance(request.id_token, v21.IdTokenType) or same_token(request.id_token, transaction.token)


def _judged(block: Transactions, session: EvseSession, transaction: Transaction, info: v21.IdTokenInfoType) -> None:
    """E05: the CSMS knows better whether the token is good."""
    model = block.station.device_model
    if info.status == "Accepted":
        if isinstance(info.group_id_token, v21.IdTokenType):
            session.group = transaction.group = info.group_id_token
            block.station.store.put(AREA, transaction.id, transaction)
        return
    if model.flag("TxCtrlr", "StopTxOnInvalidId"):  # E05.FR.09, E05.FR.10
        block.deauthorize(session, "Deauthorized", "DeAuthorized")
        return
    transaction.invalid = True
    allowed = model.integer("TxCtrlr", "MaxEnergyOnInvalidId")
    if allowed and session.ev:  # E05.FR.03
        transaction.register_limit = hardware_of(block.station, session.evse).read().energy_import + allowed
    else:
        session.pauses.add("invalid")  # E05.FR.02
    block.station.store.put(AREA, transaction.id, transaction)
    block.reoffer(session)
    transaction_limits.watch(block, session)
