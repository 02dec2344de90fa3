"""OCPP 1.6, Core: charging sessions at the station (4.1, 4.8, 4.9, 4.10)."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.steps_16 import (
    V16,
    charging,
    plugged,
    presented,
    set_key,
    started,
    status,
    stopped,
    tag,
)
from ocppflow.check.trial import Trial
from ocppflow.messages import v16

_LOCAL = ("Local", ABSENT)


async def _no_cache(trial: Trial) -> None:
    await trial.call(v16.ClearCacheRequest())


@station_case("1.6/4.8", "1.6/4.9", "1.6/4.10", versions=V16)
async def TC_003_CS(trial: Trial) -> None:
    """A session, the EV first."""
    await _no_cache(trial)
    await charging(trial)
    await trial.wait(trial.settings.transaction_seconds)
    await presented(trial, asked=False)
    await stopped(trial, _LOCAL, by="1.6/4.10")
    await status(trial, "Finishing", by="1.6/4.9")
    await trial.operator.unplug(trial.evse)
    await status(trial, "Available", by="1.6/4.9")


@station_case("1.6/4.8", "1.6/4.9", versions=V16)
async def TC_004_1_CS(trial: Trial) -> None:
    """A session, the token first."""
    await _no_cache(trial)
    await presented(trial)
    await status(trial, "Preparing", by="1.6/4.9")
    await trial.operator.plug(trial.evse, trial.connector)
    await started(trial)
    await status(trial, "Charging", by="1.6/4.9")


@station_case("1.6/9.1.6", "1.6/4.9", versions=V16)
async def TC_004_2_CS(trial: Trial) -> None:
    """The token first, and nobody plugs in: ConnectionTimeOut."""
    await set_key(trial, "ConnectionTimeOut", str(trial.settings.connection_timeout))
    await _no_cache(trial)
    await presented(trial)
    await status(trial, "Preparing", by="1.6/4.9")
    within = trial.settings.connection_timeout + 2 * trial.settings.tolerance
    await status(trial, "Available", within=within, by="1.6/9.1.6")
    await trial.nothing(v16.StartTransactionRequest, by="1.6/9.1.6")


@station_case("1.6/4.9", "1.6/4.10", "1.6/9.1.23", versions=V16)
async def TC_005_1_CS(trial: Trial) -> None:
    """The cable is pulled at the EV, which ends the transaction."""
    await set_key(trial, "StopTransactionOnEVSideDisconnect", "true")
    await charging(trial)
    mark = trial.mark()
    await trial.operator.unplug_ev_side(trial.evse)
    await stopped(trial, "EVDisconnected", since=mark, by="1.6/4.10")
    told = await status(trial, ("Finishing", "Available"), by="1.6/4.9")
    told.must("errorCode", "NoError", by="1.6/4.9")


@station_case("1.6/4.9", "1.6/4.10", "1.6/9.1.23", versions=V16)
async def TC_005_2_CS(trial: Trial) -> None:
    """The cable is pulled at the EV, and the transaction goes on."""
    await set_key(trial, "StopTransactionOnEVSideDisconnect", "false")
    await charging(trial)
    await trial.operator.unplug_ev_side(trial.evse)
    told = await status(trial, "SuspendedEV", by="1.6/4.9")
    told.must("errorCode", "NoError", by="1.6/4.9")
    await trial.nothing(v16.StopTransactionRequest, by="1.6/4.10")


async def _refused(trial: Trial, verdict: str) -> None:
    await _no_cache(trial)
    trial.answer(v16.AuthorizeRequest, {"idTagInfo": {"status": verdict}})
    await plugged(trial)
    await presented(trial, trial.settings.id_token(trial.settings.invalid_token))
    await trial.nothing(v16.StartTransactionRequest, by="1.6/4.1")


@station_case("1.6/4.1", versions=V16)
async def TC_023_1_CS(trial: Trial) -> None:
    """A token that is Invalid does not start anything."""
    await _refused(trial, "Invalid")


@station_case("1.6/4.1", versions=V16)
async def TC_023_2_CS(trial: Trial) -> None:
    """A token that is Expired does not start anything."""
    await _refused(trial, "Expired")


@station_case("1.6/4.1", versions=V16)
async def TC_023_3_CS(trial: Trial) -> None:
    """A token that is Blocked does not start anything."""
    await _refused(trial, "Blocked")


async def _started_and_refused(trial: Trial, *, stops: str) -> None:
    """A session whose token StartTransaction.conf does not accept; ``stops``: StopTransactionOnInvalidId."""
    await set_key(trial, "StopTransactionOnInvalidId", stops)
    await _no_cache(trial)
    bench = trial.bench
    trial.answer(
        v16.StartTransactionRequest,
        lambda _: {"idTagInfo": {"status": "Invalid"}, "transactionId": bench.transactions_16},
    )
    await plugged(trial)
    await presented(trial)
    await started(trial)


@station_case("1.6/3.5.4", "1.6/errata-3.17", versions=V16)
async def TC16_SESSION_01_CS(trial: Trial) -> None:
    """StartTransaction.conf does not accept the token: the transaction ends (StopTransactionOnInvalidId)."""
    await _started_and_refused(trial, stops="true")
    await stopped(trial, "DeAuthorized", by="1.6/errata-3.17")


@station_case("1.6/3.5.4", "1.6/errata-3.17", versions=V16)
async def TC16_SESSION_02_CS(trial: Trial) -> None:
    """StartTransaction.conf does not accept the token: only energy stops (StopTransactionOnInvalidId is false)."""
    await _started_and_refused(trial, stops="false")
    await status(trial, "SuspendedEVSE", by="1.6/errata-3.17")
    await trial.nothing(v16.StopTransactionRequest, by="1.6/errata-3.17")


@station_case("1.6/3.4", "1.6/4.1", versions=V16)
async def TC_068_CS(trial: Trial) -> None:
    """Who has started stops, without being asked about."""
    await charging(trial)
    mark = trial.mark()
    await presented(trial, asked=False)
    ended = await stopped(trial, _LOCAL, since=mark, by="1.6/4.10")
    ended.must("idTag", tag(trial), ABSENT, by="1.6/4.10")
    asked = [heard for heard in trial.since(mark) if heard.action == "Authorize"]
    trial.check(not asked, "Authorize was sent for the token that has started", by="1.6/3.4 1.6/4.1")


@station_case("1.6/3.10", "1.6/4.10", versions=V16)
async def TC_069_CS(trial: Trial) -> None:
    """Another token of the same parentIdTag stops."""
    info = {"status": "Accepted", "parentIdTag": trial.settings.group[:20]}
    trial.answer(v16.AuthorizeRequest, {"idTagInfo": info})
    await _no_cache(trial)
    await charging(trial)
    friend = trial.settings.id_token(trial.settings.second_token)
    mark = trial.mark()
    await trial.operator.present(trial.evse, friend)
    ended = await stopped(trial, _LOCAL, since=mark, by="1.6/3.10")
    ended.must("idTag", tag(trial, friend), by="1.6/4.10")


@station_case("1.6/3.10", versions=V16)
async def TC16_SESSION_03_CS(trial: Trial) -> None:
    """A token of somebody else does not stop."""
    await _no_cache(trial)
    await charging(trial)
    await trial.operator.present(trial.evse, trial.settings.id_token(trial.settings.second_token))
    await trial.nothing(v16.StopTransactionRequest, by="1.6/3.10")


@station_case("1.6/4.9", versions=V16)
async def TC16_SESSION_04_CS(trial: Trial) -> None:
    """The EV pauses and goes on."""
    await charging(trial)
    await trial.operator.suspend_ev(trial.evse)
    await status(trial, "SuspendedEV", by="1.6/4.9")
    await trial.operator.resume_ev(trial.evse)
    await status(trial, "Charging", by="1.6/4.9")


@station_case("1.6/4.9", versions=V16)
async def TC_041_CS(trial: Trial) -> None:
    """A fault is told, and that it is over."""
    await trial.operator.fault(trial.evse)
    told = await status(trial, "Faulted", by="1.6/4.9")
    trial.check(told.at("errorCode") != "NoError", "a fault needs an errorCode", at=told, by="1.6/4.9")
    await trial.operator.clear(trial.evse)
    back = await status(trial, "Available", by="1.6/4.9")
    back.must("errorCode", "NoError", by="1.6/4.9")
