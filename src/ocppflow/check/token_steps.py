"""Steps with tokens: what the CSMS says of them, and what a station does with one that is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ocppflow.check.heard import Heard
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure, configure_if_there
from ocppflow.check.visit import METERING, stop_points, visit_of
from ocppflow.messages import v21


def known_as(
    trial: Trial,
    token: v21.IdTokenType,
    status: v21.AuthorizationStatusEnumType = "Accepted",
    group: str = "",
    *,
    in_events: bool = True,
    when_asked: bool = True,
) -> None:
    """From now on the CSMS says this of a token, to whoever asks: in answers to Authorize (``when_asked``) and to
    TransactionEvent (``in_events``)."""
    info: dict[str, Any] = {"status": status}
    if group:
        info["groupIdToken"] = {"idToken": group, "type": "Central"}

    def answer(heard: Heard[Any]) -> dict[str, Any] | None:
        mine = heard.at("idToken.idToken") == token.id_token and heard.at("idToken.type") == token.type
        return {"idTokenInfo": info} if mine else None

    if when_asked:
        trial.answer(v21.AuthorizeRequest, answer)
    if in_events:
        trial.answer(v21.TransactionEventRequest, answer)


async def asked_for(trial: Trial, token: v21.IdTokenType, *, by: str = "C01.FR.02") -> Heard[v21.AuthorizeRequest]:
    """The station asks the CSMS for the token."""
    trial.notes["cached"] = True
    request = await trial.expect(v21.AuthorizeRequest, by=by)
    request.must("idToken.idToken", token.id_token)
    request.must("idToken.type", token.type)
    return request


async def refused(
    trial: Trial, token: v21.IdTokenType, *, asks: bool = True, seconds: float | None = None, by: str = "C01.FR.02"
) -> None:
    """The token is presented and refused: nothing is told of any transaction. ``asks``: whether the station has to ask
    the CSMS for it, or must not. ``seconds``: how long nothing may be told; the message timeout without."""
    await trial.operator.present(trial.evse, token)
    if asks:
        await asked_for(trial, token, by=by)
    within = trial.settings.message_timeout if seconds is None else seconds
    await trial.nothing(v21.TransactionEventRequest, _not_metering, seconds=within, by=by)
    if not asks:
        await trial.nothing(v21.AuthorizeRequest, seconds=0.0, by=by)


def _not_metering(heard: Heard[Any]) -> bool:
    return heard.at("triggerReason") not in METERING


async def no_energy(trial: Trial, *, since: int | None = None, seconds: float | None = None, by: str = "") -> None:
    """No energy flows: since the mark, and for so many ``seconds`` (the message timeout) none is told of."""
    within = trial.settings.message_timeout if seconds is None else seconds
    where = {"transactionInfo.chargingState": "Charging"}
    found = await trial.maybe(v21.TransactionEventRequest, where, since=since, within=within)
    if found is not None:
        raise found.wrong("nobody is authorized, so no energy may flow", by=by)


def forget_visit(trial: Trial) -> None:
    """Whoever was at the EVSE has left, and no transaction was told of."""
    trial.notes.get("visits", {}).pop(visit_of(trial).evse, None)


async def cache_in_use(trial: Trial, *, asks_again: bool | None = None) -> None:
    """The authorization cache is switched on and is asked before the CSMS. ``asks_again``: whether the CSMS is asked
    of tokens that are not Accepted there."""
    await configure_if_there(trial, "AuthCacheCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "LocalPreAuthorize", "true")
    if asks_again is False:
        await configure(trial, "AuthCacheCtrlr", "DisablePostAuthorize", "true")
    elif asks_again:
        await configure_if_there(trial, "AuthCacheCtrlr", "DisablePostAuthorize", "false")


async def list_in_use(trial: Trial, *, asks_again: bool | None = None) -> None:
    """As :func:`cache_in_use`, for the local authorization list."""
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "LocalPreAuthorize", "true")
    if asks_again is False:
        await configure(trial, "LocalAuthListCtrlr", "DisablePostAuthorize", "true")
    elif asks_again:
        await configure_if_there(trial, "LocalAuthListCtrlr", "DisablePostAuthorize", "false")


async def returns_late(trial: Trial) -> None:
    """The station does not try to come back before what has to be done by hand is done, and is then not held to have
    been away for long."""
    wait = trial.settings.retry_wait_minimum
    await configure(trial, "OCPPCommCtrlr", "OfflineThreshold", str(wait + 60))
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(wait))
    await configure(trial, "OCPPCommCtrlr", "RetryBackOffRandomRange", "0")


async def suspended_by_station(trial: Trial) -> Callable[[Heard[Any]], bool]:
    """Whether a TransactionEvent says that the station itself lets no energy flow: the state is SuspendedEVSE or, where
    that ends a transaction, it has ended (E05.FR.02)."""
    ends = "EnergyTransfer" in await stop_points(trial)

    def so(heard: Heard[Any]) -> bool:
        suspended = heard.at("transactionInfo.chargingState") == "SuspendedEVSE"
        return suspended or (ends and heard.at("eventType") == "Ended")

    return so
