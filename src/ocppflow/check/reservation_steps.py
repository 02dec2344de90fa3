"""Steps with reservations: making, cancelling and using them."""

from __future__ import annotations

from datetime import timedelta

from ocppflow.check.connector_states import connector_is
from ocppflow.check.heard import ABSENT
from ocppflow.check.reusable_states import authorized, energy_transfer_started
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure_if_there
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21


async def reservations_on(trial: Trial) -> None:
    """The station takes reservations."""
    await configure_if_there(trial, "ReservationCtrlr", "Enabled", "true")


async def reserve(
    trial: Trial,
    token: v21.IdTokenType,
    *,
    reservation: int = 1,
    evse: int = 0,
    connector_type: str = "",
    group: str = "",
    lasts: float = 3600.0,
    answered: str = "Accepted",
    by: str = "H01.FR.23",
) -> int:
    """ReserveNow, of any EVSE if it is 0, for so many seconds, and how it has to be ``answered``. Returns the mark from
    which on what follows counts."""
    request = v21.ReserveNowRequest(
        id=reservation, expiry_date_time=trial.now() + timedelta(seconds=lasts), id_token=token
    )
    if evse:
        request.evse_id = evse
    if connector_type:
        request.connector_type = connector_type
    if group:
        request.group_id_token = v21.IdTokenType(id_token=group, type="Central")
    begin = trial.mark()
    answer = await trial.call(request)
    answer.must("status", answered, by=by)
    return begin


async def cancel(trial: Trial, reservation: int, answered: str, *, by: str) -> int:
    """CancelReservation, and how it has to be answered. Returns the mark from which on what follows counts."""
    begin = trial.mark()
    answer = await trial.call(v21.CancelReservationRequest(reservation_id=reservation))
    answer.must("status", answered, by=by)
    return begin


async def reserved_somebody_charges(
    trial: Trial,
    token: v21.IdTokenType,
    *,
    reservation: int = 1,
    shown: bool = True,
    asked: bool = False,
) -> None:
    """Somebody comes for whom there is a reservation, is let in, and charges. ``shown``: the connector was Reserved,
    and is not any more; ``asked``: the station has to ask the CSMS for the token, to learn its group."""
    begin = trial.mark()
    await authorized(trial, token=token, reserved=not asked)
    if shown:
        await connector_is(trial, "Available", since=begin, by="H03.FR.10")
    trial.notes.get("held", {}).pop((trial.evse, trial.connector), None)
    await energy_transfer_started(trial)
    visit = visit_of(trial)
    told = [
        heard
        for heard in trial.bench.inbox[begin:]
        if heard.action == "TransactionEvent"
        and heard.at("transactionInfo.transactionId") == visit.transaction
        and heard.at("idToken") is not ABSENT
    ]
    trial.check(told, "no TransactionEvent has an idToken", by="E03.FR.01")
    told[0].must("reservationId", reservation, by="H01.FR.15")
