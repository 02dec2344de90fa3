"""N09, N10: what the station knows of a customer is told, and forgotten."""

from __future__ import annotations

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT
from ocppflow.check.memory_states import id_token_cached, id_token_in_local_list
from ocppflow.check.reusable_states import authorized_local, parking_bay_unoccupied
from ocppflow.check.trial import NotPossible, Trial
from ocppflow.check.variables import configure_if_there, get_variable
from ocppflow.check.visit import transaction_event, visit_of
from ocppflow.messages import v21

_BY_TOKEN = ("N09.FR.02", "N09.FR.05")


async def _asked(
    trial: Trial, *, report: bool, clear: bool, identifier: str = "", by: str, allowed: tuple[str, ...] = ("Accepted",)
) -> tuple[int, str]:
    """CustomerInformationRequest for the valid token, or the customer of an identifier; its id, and the status."""
    request = v21.CustomerInformationRequest(request_id=trial.request_id(), report=report, clear=clear)
    if identifier:
        request.customer_identifier = identifier
    else:
        request.id_token = trial.token
    answer = await trial.call(request)
    return request.request_id, str(answer.must("status", *allowed, by=by))


async def _told(trial: Trial, request_id: int, *, by: str) -> str:
    """The data of all parts of a report, whose numbering has been checked."""
    parts: list[str] = []
    more = True
    while more:
        part = await trial.expect(v21.NotifyCustomerInformationRequest, {"requestId": request_id}, by=by)
        part.must("seqNo", len(parts), by="N09.FR.02")
        parts.append(str(part.must("data", *_texts(part.at("data")))))
        more = part.must("tbc", True, False, ABSENT) is True
    return "".join(parts).strip()


def _texts(data: object) -> tuple[object, ...]:
    return (data,) if isinstance(data, str) else ("a text",)


async def _known(trial: Trial) -> None:
    """The token was used, and is in cache and local list as far as there are these."""
    await configure_if_there(trial, "LocalAuthListCtrlr", "Enabled", "true")
    await configure_if_there(trial, "AuthCtrlr", "LocalPreAuthorize", "true")
    cache = await configure_if_there(trial, "AuthCacheCtrlr", "Enabled", "true")
    if cache:
        await id_token_cached(trial)
    if trial.pics.claims("Local Authorization List Management"):
        await id_token_in_local_list(trial)
    await configure_if_there(trial, "TxCtrlr", "EVConnectionTimeOut", str(trial.settings.connection_timeout))
    await authorized_local(trial, asks=None)
    await _gone(trial)


async def _gone(trial: Trial) -> None:
    """Nobody plugs in: the authorization ends by itself, and with it a transaction that it has begun (E03.FR.05)."""
    visit = visit_of(trial)
    seconds = float(await get_variable(trial, "TxCtrlr", "EVConnectionTimeOut") or 0)
    if visit.started:
        await transaction_event(trial, visit, within=seconds + trial.settings.patience, by="E03.FR.05")
    else:
        await trial.wait(seconds + 1.0)
    visit.authorized = False
    await parking_bay_unoccupied(trial)


async def _forgotten(trial: Trial) -> None:
    request_id, _ = await _asked(trial, report=False, clear=True, by="N10.FR.01")
    await _told(trial, request_id, by="N10.FR.06")


@station_case(*_BY_TOKEN)
async def TC_N_27_CS(trial: Trial) -> None:
    """What is known of a token is told."""
    await _known(trial)
    request_id, _ = await _asked(trial, report=True, clear=False, by="N09.FR.02")
    trial.check(await _told(trial, request_id, by="N09.FR.05"), "nothing is known of the token", by="N09.FR.05")


@station_case("N09.FR.02", "N09.FR.06")
async def TC_N_28_CS(trial: Trial) -> None:
    """Nothing is known of a token."""
    await _forgotten(trial)
    request_id, _ = await _asked(trial, report=True, clear=False, by="N09.FR.02")
    told = await trial.expect(v21.NotifyCustomerInformationRequest, {"requestId": request_id}, by="N09.FR.06")
    told.must("tbc", False, ABSENT, by="N09.FR.06")


@station_case("N10.FR.01", "N10.FR.03")
async def TC_N_30_CS(trial: Trial) -> None:
    """What is known of a token is told and forgotten."""
    await _known(trial)
    request_id, _ = await _asked(trial, report=True, clear=True, by="N10.FR.01")
    trial.check(await _told(trial, request_id, by="N10.FR.03"), "nothing is known of the token", by="N10.FR.03")
    anew, status = await _asked(
        trial, report=True, clear=False, by="N09.FR.02", allowed=("Accepted", "Rejected", "Invalid")
    )
    if status == "Accepted":
        told = await trial.expect(v21.NotifyCustomerInformationRequest, {"requestId": anew}, by="N09.FR.06")
        told.must("tbc", False, ABSENT, by="N09.FR.06")


@station_case("N10.FR.01", "N10.FR.04")
async def TC_N_31_CS(trial: Trial) -> None:
    """Nothing is known of a token that is to be forgotten."""
    await _forgotten(trial)
    request_id, _ = await _asked(trial, report=True, clear=True, by="N10.FR.01")
    await _told(trial, request_id, by="N10.FR.04")


@station_case("N10.FR.01", "N10.FR.06")
async def TC_N_32_CS(trial: Trial) -> None:
    """What is known of a token is forgotten, and not told."""
    request_id, _ = await _asked(trial, report=False, clear=True, by="N10.FR.01")
    told = await trial.expect(v21.NotifyCustomerInformationRequest, {"requestId": request_id}, by="N10.FR.06")
    told.must("seqNo", 0, by="N10.FR.06")


@station_case("N10.FR.01", "N10.FR.03")
async def TC_N_62_CS(trial: Trial) -> None:
    """What is known of a customer by an identifier is told and forgotten."""
    identifier = trial.settings.customer_identifier
    if not identifier:
        raise NotPossible("the settings name no customer_identifier of which the station knows something")
    if identifier == trial.settings.token:
        await id_token_cached(trial)
    request_id, _ = await _asked(trial, report=True, clear=True, identifier=identifier, by="N10.FR.01")
    trial.check(await _told(trial, request_id, by="N10.FR.03"), "nothing is known of the customer", by="N10.FR.03")
    request_id, _ = await _asked(trial, report=True, clear=False, identifier=identifier, by="N09.FR.02")
    left = await _told(trial, request_id, by="N09.FR.06")
    trial.check(not left, f"the customer is still known: {left[:60]!r}", by="N10.FR.01 N09.FR.06")
