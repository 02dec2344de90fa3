"""N09 and N10, Get and Clear Customer Information: what the station holds of a customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from ocppflow.endpoint import Router
from ocppflow.errors import OCPPError
from ocppflow.log_budget import budgeted
from ocppflow.messages import Role, v21
from ocppflow.station.blocks.id_tokens import same_token
from ocppflow.station.blocks.reasons import because
from ocppflow.station.device_model.standard.access_variables import TOKEN_TYPES
from ocppflow.station.station_store import StoreFailed

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

log = budgeted("ocppflow.station")

customer_information: Router[CompleteStation] = Router(Role.CS, "customer_information")

_LONGEST: Final = 512
"""Characters of ``data`` in one NotifyCustomerInformation."""

CLEARED: Final = "cleared"
"""What is said when nothing but clearing was asked for (N10.FR.06)."""


@customer_information.on(v21.CustomerInformationRequest)
async def _customer_information(
    station: CompleteStation, request: v21.CustomerInformationRequest
) -> v21.CustomerInformationResponse:
    named = (request.id_token, request.customer_certificate, request.customer_identifier)
    if sum(each is not UNSET for each in named) != 1:  # N09.FR.09
        info = because("InvalidValue", "one of idToken, customerCertificate and customerIdentifier names the customer")
        return v21.CustomerInformationResponse(status="Invalid", status_info=info)
    if not (request.report or request.clear):  # N09.FR.07, N10.FR.07
        info = because("InvalidValue", "neither a report nor clearing is asked for")
        return v21.CustomerInformationResponse(status="Rejected", status_info=info)
    refusal = station.report_desk.refusal()
    if refusal is not None:  # N09.FR.03, N10.FR.05
        return v21.CustomerInformationResponse(status="Rejected", status_info=refusal)
    tokens = list(_tokens(request))
    text = "\n".join(line for token in tokens for line in _held(station, token)) if request.report else CLEARED
    if request.clear:
        for token in tokens:
            station.authorization.cache.forget(token)
        try:
            await station.store.commit()
        except StoreFailed as exc:
            log.error("%s: customer information cannot be cleared: %s", station.identity, exc)
            return v21.CustomerInformationResponse(status="Rejected", status_info=because("OutOfStorage"))
    station.report_desk.follow(lambda: _notify(station, request.request_id, text))
    return v21.CustomerInformationResponse(status="Accepted")


def _tokens(request: v21.CustomerInformationRequest) -> Iterator[v21.IdTokenType]:
    """The tokens that may be the customer's. An identifier may be that of a token of any type; of certificates of
    customers the station keeps none."""
    if request.id_token is not UNSET:
        yield request.id_token
    elif request.customer_identifier is not UNSET:
        for kind in TOKEN_TYPES:
            yield v21.IdTokenType(id_token=request.customer_identifier, type=kind)


def _held(station: CompleteStation, token: v21.IdTokenType) -> Iterator[str]:
    """A line for each place that knows the token. Transactions, reservations and messages that wait are reported, but
    not cleared: they end by themselves, and the local list is the CSMS's to change (N10.FR.03)."""
    entry = station.authorization.cache.held(token)
    if entry is not None:
        yield _line("authorization cache", token, entry.info)
    listed = station.local_list.find(token)
    if listed is not None:
        yield _line("local authorization list", token, listed)
    for reservation in station.reservations.made_for(token):
        yield _line("reservation", token, {"id": reservation.id, "expiryDateTime": reservation.expires_at})
    for transaction in station.transactions.running.values():
        if same_token(transaction.token, token):
            facts = {"transactionId": transaction.id, "evseId": transaction.evse, "start": transaction.started_at}
            yield _line("transaction", token, facts)
    for message in station.message_queue.waiting():
        told = msgspec.json.decode(message.payload, type=_WithToken).id_token
        if told is not UNSET and same_token(told, token):
            facts = {"action": message.action, "transactionId": message.transaction, "eventType": message.event}
            yield _line("message that waits", token, facts)


class _WithToken(msgspec.Struct, rename="camel"):
    """What of a queued message says whose it is."""

    id_token: v21.IdTokenType | msgspec.UnsetType = UNSET


def _line(where: str, token: v21.IdTokenType, facts: Any) -> str:
    return f"{where}: {token.type} {token.id_token} {msgspec.json.encode(facts).decode()}"


async def _notify(station: CompleteStation, request_id: int, text: str) -> None:
    """Send it in as many parts as it needs. Nothing found is an empty text (N09.FR.06, N10.FR.04)."""
    parts = [text[start : start + _LONGEST] for start in range(0, len(text), _LONGEST)] or [""]
    for number, part in enumerate(parts):
        request = v21.NotifyCustomerInformationRequest(
            request_id=request_id,
            seq_no=number,
            generated_at=station.time.now(),
            data=part,
            tbc=number + 1 < len(parts),
        )
        try:
            await station.call(request)
        except OCPPError as exc:
            log.warning("%s: the customer information %d ends: %s", station.identity, request_id, exc)
            return
