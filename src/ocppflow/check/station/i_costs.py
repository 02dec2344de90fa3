"""I02, I03: the costs that the CSMS tells a driver, while charging and at the end."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import Heard
from ocppflow.check.reusable_states import (
    authorized_local,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import visit_of
from ocppflow.messages import v21

_TIMES = 3
"""How often the cost is told."""

_FIRST = 1.25
"""What it is at first."""


def _message(cost: float) -> dict[str, str]:
    return {"format": "UTF8", "content": f"{cost:.2f} EUR", "language": "en"}


async def _shown_while_charging(trial: Trial) -> None:
    """The driver has been told a cost with the authorization, charges, and the station tells of that at intervals."""
    await configure_if_there(trial, "SampledDataCtrlr", "Enabled", "true")
    await configure(trial, "SampledDataCtrlr", "TxUpdatedInterval", str(trial.settings.sampled_interval))
    info = {"status": "Accepted", "personalMessage": _message(_FIRST)}
    trial.answer(v21.AuthorizeRequest, {"idTokenInfo": info})
    await ev_connected_pre_session(trial)
    await authorized_local(trial)
    await energy_transfer_started(trial)


async def _next_event(trial: Trial) -> Heard[v21.TransactionEventRequest]:
    transaction = visit_of(trial).transaction
    within = trial.settings.sampled_interval + trial.settings.patience
    return await trial.expect(
        v21.TransactionEventRequest, {"transactionInfo.transactionId": transaction}, within=within, by="I02.FR.02"
    )


@station_case("I02.FR.02")
async def TC_I_01_CS(trial: Trial) -> None:
    """The running cost is told by CostUpdated."""
    await _shown_while_charging(trial)
    trial.answer(v21.TransactionEventRequest, _with_message)
    for number in range(1, _TIMES + 1):
        await _next_event(trial)
        request = v21.CostUpdatedRequest(total_cost=_FIRST + number, transaction_id=str(visit_of(trial).transaction))
        await trial.call(request)  # there is nothing in the response but that it comes


def _with_message(heard: Heard[Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"updatedPersonalMessage": _message(_FIRST)}
    return {**answer, "idTokenInfo": {"status": "Accepted"}} if "idToken" in heard.payload else answer


@station_case("I02.FR.02")
async def TC_I_07_CS(trial: Trial) -> None:
    """The running cost is told in answers to TransactionEvent."""
    await _shown_while_charging(trial)
    told: list[float] = []

    def with_cost(heard: Heard[Any]) -> dict[str, Any]:
        told.append(_FIRST + len(told) + 1)
        return {**_with_message(heard), "totalCost": told[-1]}

    trial.answer(v21.TransactionEventRequest, with_cost)
    for _ in range(_TIMES):
        await _next_event(trial)
    trial.check(len(told) >= _TIMES, "no cost could be told", by="I02.FR.02")


@station_case("I03.FR.01", "I03.FR.03")
async def TC_I_02_CS(trial: Trial) -> None:
    """The total cost is told in the last answer."""
    await energy_transfer_started(trial)
    told: list[Heard[Any]] = []

    def with_cost(heard: Heard[Any]) -> dict[str, Any] | None:
        if heard.at("eventType") != "Ended":
            return None
        told.append(heard)
        return {**trial.bench.usual(heard), "totalCost": 3.5}

    trial.answer(v21.TransactionEventRequest, with_cost)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    trial.check(told, "the transaction has not ended, so that no total could be told", by="I03.FR.01")
