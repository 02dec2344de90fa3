"""E08, E11 to E14: what a station keeps for a CSMS that does not hear it, and what it says of that."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from ocppflow.check.bench import SILENCE
from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, PRESENT, Heard
from ocppflow.check.memory_states import ended_offline, id_token_cached, id_token_in_local_list, local_entry
from ocppflow.check.reusable_states import (
    authorized,
    energy_transfer_started,
    ev_connected_post_session,
    ev_connected_pre_session,
    ev_disconnected,
    parking_bay_unoccupied,
    stop_authorized,
)
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there, get_variable
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.errors import InternalError
from ocppflow.messages import v21


async def _status(trial: Trial, transaction: str | None, ongoing: object, queued: bool, *, by: str) -> None:
    """GetTransactionStatus, and what must be answered."""
    request = v21.GetTransactionStatusRequest()
    if transaction is not None:
        request.transaction_id = transaction
    answer = await trial.call(request)
    answer.must("ongoingIndicator", ongoing, by=by)
    answer.must("messagesInQueue", queued, by=by)


@station_case("E14.FR.01")
async def TC_E_28_CS(trial: Trial) -> None:
    """The status of a transaction that is not known."""
    await _status(trial, "00000000-0000-4000-8000-000000000000", False, False, by="E14.FR.01")


@station_case("E14.FR.02", "E14.FR.05")
async def TC_E_30_CS(trial: Trial) -> None:
    """The status of a transaction that goes on, nothing queued."""
    await energy_transfer_started(trial)
    await trial.wait(1.0)
    await _status(trial, visit_of(trial).transaction, True, False, by="E14.FR.02 E14.FR.05")


@station_case("E14.FR.03", "E14.FR.05")
async def TC_E_32_CS(trial: Trial) -> None:
    """The status of a transaction that has ended, nothing queued."""
    await energy_transfer_started(trial)
    visit = visit_of(trial)
    await stop_authorized(trial)
    await ev_connected_post_session(trial)
    await ev_disconnected(trial)
    await parking_bay_unoccupied(trial)
    await trial.wait(1.0)
    await _status(trial, visit.transaction, False, False, by="E14.FR.03 E14.FR.05")


@station_case("E14.FR.06", "E14.FR.08")
async def TC_E_34_CS(trial: Trial) -> None:
    """The status of the queue, which is empty."""
    await _status(trial, None, ABSENT, False, by="E14.FR.06 E14.FR.08")


async def _sampling(trial: Trial) -> None:
    """Meter values are sampled often, and the station comes back when enough of them wait."""
    await configure(trial, "SampledDataCtrlr", "TxUpdatedInterval", str(trial.settings.sampled_interval))
    await configure_if_there(trial, "SampledDataCtrlr", "Enabled", "true")
    await _slow_return(trial)


async def _slow_return(trial: Trial) -> None:
    wait = _away(trial)
    await configure(trial, "OCPPCommCtrlr", "OfflineThreshold", str(wait + 60))
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(wait))


def _away(trial: Trial) -> int:
    """Seconds offline."""
    return max(trial.settings.retry_wait_minimum, 2 * trial.settings.sampled_interval + 1)


async def _offline_for_a_while(trial: Trial) -> float:
    """Meter values are sampled while there is no connection; when it is back, by the clock."""
    with trial.offline():
        await trial.wait(_away(trial))
    await trial.connected(within=trial.settings.reboot_patience)
    return trial.bench.clock.now()


async def _queued_events(trial: Trial, *, by: str) -> list[Heard[Any]]:
    """The TransactionEvents that were queued: all that come until one says that it was not offline, or no more do."""
    events: list[Heard[Any]] = []
    within = trial.settings.patience
    while True:
        event = await trial.maybe(v21.TransactionEventRequest, within=within)
        if event is None or event.at("offline") is not True:
            break
        visit_of(trial).saw(event)
        events.append(event)
        within = 2.0
    trial.check(events, "no TransactionEvent came with offline true", by=by)
    return events


def _sampled(events: list[Heard[Any]]) -> None:
    for event in events:
        event.must("eventType", "Updated", by="E11.FR.02")
        event.must("meterValue", PRESENT, by="E11.FR.02")
        event.must("offline", True, by="E11.FR.06")


@station_case("E14.FR.02", "E14.FR.04")
async def TC_E_29_CS(trial: Trial) -> None:
    """The status of a transaction that goes on, messages queued."""
    await _sampling(trial)
    await energy_transfer_started(trial)
    with trial.held(v21.TransactionEventRequest):
        await _offline_for_a_while(trial)
        begin = trial.mark()
        await _status(trial, visit_of(trial).transaction, True, True, by="E14.FR.02 E14.FR.04")
    _sampled(await _queued_since(trial, begin, by="E11.FR.02"))


async def _queued_since(trial: Trial, begin: int, *, by: str) -> list[Heard[Any]]:
    first = await trial.expect(v21.TransactionEventRequest, {"offline": True}, since=begin, by=by)
    return [first, *await _more_queued(trial, begin)]


async def _more_queued(trial: Trial, begin: int) -> list[Heard[Any]]:
    events: list[Heard[Any]] = []
    while True:
        event = await trial.maybe(v21.TransactionEventRequest, {"offline": True}, since=begin, within=2.0)
        if event is None:
            return events
        events.append(event)


@station_case("E14.FR.06", "E14.FR.07")
async def TC_E_33_CS(trial: Trial) -> None:
    """The status of the queue, which is not empty."""
    await _sampling(trial)
    await energy_transfer_started(trial)
    with trial.held(v21.TransactionEventRequest):
        await _offline_for_a_while(trial)
        begin = trial.mark()
        await _status(trial, None, ABSENT, True, by="E14.FR.06 E14.FR.07")
    _sampled(await _queued_since(trial, begin, by="E11.FR.02"))


async def _ended_while_offline(trial: Trial, token: v21.IdTokenType | None = None) -> None:
    """The session ends, and the EV leaves, without a connection."""
    with trial.offline():
        await trial.operator.present(trial.evse, token or trial.token)
        await trial.wait(1.0)
        await trial.operator.unplug(trial.evse)
        await trial.wait(trial.settings.transaction_seconds)
    visit_of(trial).plugged = False
    await trial.connected(within=trial.settings.reboot_patience)


@station_case("E14.FR.03", "E14.FR.04")
async def TC_E_31_CS(trial: Trial) -> None:
    """The status of a transaction that has ended, messages queued."""
    await _sampling(trial)
    await energy_transfer_started(trial)
    visit = visit_of(trial)
    with trial.held(v21.TransactionEventRequest):
        await _ended_while_offline(trial)
        begin = trial.mark()
        await _status(trial, visit.transaction, False, True, by="E14.FR.03 E14.FR.04")
    events = await _queued_since(trial, begin, by="E08.FR.05")
    trial.check(any(event.at("eventType") == "Ended" for event in events), "no Ended came", by="E08.FR.05")


@station_case("E11.FR.01", "E11.FR.02", "E11.FR.06")
async def TC_E_40_CS(trial: Trial) -> None:
    """The connection is lost in a transaction: meter values are queued."""
    await _sampling(trial)
    await energy_transfer_started(trial)
    await _offline_for_a_while(trial)
    _sampled(await _queued_events(trial, by="E11.FR.02"))


@station_case("E12.FR.01", "E12.FR.02", "E12.FR.06")
async def TC_E_43_CS(trial: Trial) -> None:
    """A whole transaction without a connection is told of afterwards."""
    if trial.pics.claims("C-49"):
        await id_token_cached(trial)
    if trial.pics.claims("LA-0"):
        await id_token_in_local_list(trial)
    await ended_offline(trial)
    kinds = {event.at("eventType") for event in await _queued_events(trial, by="E12.FR.02")}
    trial.check("Started" in kinds, "no Started came", by="E12.FR.02")
    trial.check("Ended" in kinds, "no Ended came", by="E12.FR.02")


@station_case("E08.FR.01", "E08.FR.04", "E08.FR.05", "E08.FR.06", "E08.FR.07", "E08.FR.08")
async def TC_E_44_CS(trial: Trial) -> None:
    """A transaction that ends without a connection is told of afterwards."""
    await _slow_return(trial)
    await energy_transfer_started(trial)
    await _ended_while_offline(trial)
    events = await _queued_events(trial, by="E08.FR.05")
    trial.check(any(event.at("eventType") == "Ended" for event in events), "no Ended came", by="E08.FR.05")


@station_case("E08.FR.02", "E08.FR.04", "E08.FR.05", "E08.FR.06", "E08.FR.07", "E08.FR.08")
async def TC_E_45_CS(trial: Trial) -> None:
    """A transaction is ended without a connection by a token of the same group."""
    await _slow_return(trial)
    second = trial.settings.id_token(trial.settings.second_token)
    group = v21.IdTokenType(id_token=trial.settings.group, type="Central")
    info = v21.IdTokenInfoType(status="Accepted", group_id_token=group)
    trial.answer(v21.AuthorizeRequest, v21.AuthorizeResponse(id_token_info=info))
    trial.answer(
        v21.TransactionEventRequest,
        lambda heard: v21.TransactionEventResponse(id_token_info=info) if "idToken" in heard.payload else None,
    )
    if trial.pics.claims("C-49"):
        await id_token_cached(trial, second)
    if trial.pics.claims("LA-0"):
        await id_token_in_local_list(trial, local_entry(second, group=group))
    await authorized(trial)
    await energy_transfer_started(trial)
    await _ended_while_offline(trial, second)
    events = await _queued_events(trial, by="E08.FR.05")
    trial.check(any(event.at("eventType") == "Ended" for event in events), "no Ended came", by="E08.FR.02")


# --- E13: retries ----------------------------------------------------------------------------------------------------


class _Sending(NamedTuple):
    """One time that a message was sent."""

    seq_no: int
    when: float


def _sendings(trial: Trial, since: int) -> list[_Sending]:
    """Each time that a TransactionEvent with chargingState Charging came, repetitions with the same id included."""
    found: list[_Sending] = []
    for record in trial.bench.records[since:]:
        if record.event != "in" or b'"TransactionEvent"' not in record.data[:200]:
            continue
        payload = json.loads(record.data)[3]
        if payload.get("transactionInfo", {}).get("chargingState") == "Charging":
            found.append(_Sending(payload["seqNo"], record.time))
    return found


async def _retried(trial: Trial, reply: Any, attempts: int, expected: int, *, silent: bool) -> None:
    """The station sends a message again and again, ``expected`` times, while ``reply`` says for each what comes
    back."""
    interval = trial.settings.retry_interval
    await configure(trial, "OCPPCommCtrlr", "MessageAttempts", str(attempts), instance="TransactionEvent")
    await configure(trial, "OCPPCommCtrlr", "MessageAttemptInterval", str(interval), instance="TransactionEvent")
    told = await get_variable(trial, "OCPPCommCtrlr", "MessageTimeout", instance="Default") if silent else "0"
    timeout = float(told or 0)
    await authorized(trial)
    since = len(trial.bench.records)
    trial.answer(v21.TransactionEventRequest, reply)
    await ev_connected_pre_session(trial)
    visit = visit_of(trial)
    if visit.state != "Charging":
        await transaction_event(trial, visit, {"transactionInfo.chargingState": "Charging"})
    first = _sendings(trial, since)[0].seq_no

    def mine() -> list[_Sending]:
        return [sending for sending in _sendings(trial, since) if sending.seq_no == first]

    for number in range(1, expected):
        wait = interval * number + timeout
        seconds = wait + trial.settings.tolerance
        came = await trial.bench.until(lambda n=number: True if len(mine()) > n else None, seconds)  # type: ignore[misc]
        trial.check(came, f"it was not sent again within {seconds:g} s (attempt {number + 1})", by="E13.FR.02")
        gap = mine()[number].when - mine()[number - 1].when
        text = f"attempt {number + 1} came after {gap:.1f} s, not {wait:g} s"
        trial.check(abs(gap - wait) <= trial.settings.tolerance, text, by="E13.FR.03")
    await trial.wait(interval * expected + timeout + trial.settings.tolerance)
    trial.check(len(mine()) == expected, f"it was sent {len(mine())} times, not {expected}", by="E13.FR.04")


def _charging(heard: Heard[Any]) -> bool:
    return bool(heard.at("transactionInfo.chargingState") == "Charging")


@station_case("E13.FR.01", "E13.FR.02", "E13.FR.03", "E13.FR.04")
async def TC_E_41_CS(trial: Trial) -> None:
    """A message without an answer is sent as often as is configured."""
    await _retried(trial, lambda heard: SILENCE if _charging(heard) else None, 3, 3, silent=True)


@station_case("E13.FR.01", "E13.FR.02", "E13.FR.03", "E13.FR.04")
async def TC_E_50_CS(trial: Trial) -> None:
    """A message that is answered with a CALLERROR is sent as often as is configured."""
    await _retried(trial, lambda heard: InternalError("retry") if _charging(heard) else None, 3, 3, silent=False)


def _only_second(reply: Any) -> Any:
    """The first Charging event gets ``reply``, the others are answered."""
    seen: list[int] = []

    def answer(heard: Heard[Any]) -> Any:
        if _charging(heard) and heard.at("seqNo") not in seen:
            seen.append(heard.at("seqNo"))
            return reply if len(seen) == 1 else None
        return None

    return answer


@station_case("E13.FR.01", "E13.FR.02", "E13.FR.03")
async def TC_E_42_CS(trial: Trial) -> None:
    """A message without an answer is sent again, until there is one."""
    await _retried(trial, _only_second(SILENCE), 4, 2, silent=True)


@station_case("E13.FR.01", "E13.FR.02", "E13.FR.03")
async def TC_E_51_CS(trial: Trial) -> None:
    """A message that is answered with a CALLERROR is sent again, until it is taken."""
    await _retried(trial, _only_second(InternalError("retry")), 4, 2, silent=False)
