"""OCPP 1.6: Local Auth List Management, Reservation (5.1, 5.10, 5.13, 5.15)."""

from __future__ import annotations

from datetime import timedelta

from msgspec import UNSET

from ocppflow.check.cases import station_case
from ocppflow.check.steps_16 import (
    V16,
    get_key,
    number_of,
    plugged,
    presented,
    profile,
    set_key,
    set_key_if_there,
    started,
    status,
    tag,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.messages import v16

_LISTS = "LocalAuthListManagement"
_SECONDS = 20


async def _list(
    trial: Trial, kind: v16.UpdateType, version: int, wanted: str, *entries: v16.AuthorizationData, by: str = "1.6/5.15"
) -> None:
    request = v16.SendLocalListRequest(
        list_version=version, update_type=kind, local_authorization_list=list(entries) or UNSET
    )
    (await trial.call(request)).must("status", wanted, by=by)


async def _version(trial: Trial, wanted: int, by: str = "1.6/5.10") -> None:
    (await trial.call(v16.GetLocalListVersionRequest())).must("listVersion", wanted, by=by)


def _entry(trial: Trial, status: v16.AuthorizationStatus = "Accepted") -> v16.AuthorizationData:
    return v16.AuthorizationData(id_tag=tag(trial), id_tag_info=v16.IdTagInfo(status=status))


async def _on(trial: Trial) -> None:
    await profile(trial, _LISTS)
    await set_key_if_there(trial, "LocalAuthListEnabled", "true")


@station_case("1.6/5.10", versions=V16)
async def TC_042_1_CS(trial: Trial) -> None:
    """A station without a local list says so."""
    try:
        await profile(trial, _LISTS)
    except NotForThis:
        await _version(trial, -1)
    else:
        raise NotForThis("for a station without a local list")


@station_case("1.6/5.10", versions=V16)
async def TC_042_2_CS(trial: Trial) -> None:
    """The version of an empty list is 0."""
    await _on(trial)
    await _list(trial, "Full", 1, "Accepted")
    await _version(trial, 0)


@station_case("1.6/5.15", versions=V16)
async def TC_043_2_CS(trial: Trial) -> None:
    """A differential update that is not newer."""
    await _on(trial)
    await _list(trial, "Full", 5, "Accepted", _entry(trial))
    await _list(trial, "Differential", 4, "VersionMismatch", _entry(trial))
    await _version(trial, 5)


@station_case("1.6/5.15", versions=V16)
async def TC_043_4_CS(trial: Trial) -> None:
    """A full list, by which a token is known without asking (LocalPreAuthorize)."""
    await _on(trial)
    await set_key(trial, "LocalPreAuthorize", "true")
    await trial.call(v16.ClearCacheRequest())
    await _list(trial, "Full", 5, "Accepted", _entry(trial))
    await _version(trial, 5)
    await plugged(trial)
    mark = trial.mark()
    await presented(trial, asked=False)
    await started(trial)
    asked = [heard for heard in trial.since(mark) if heard.action == "Authorize"]
    trial.check(not asked, "Authorize was sent for a token that is in the list", by="1.6/3.5.2 1.6/9.1.13")


@station_case("1.6/5.15", versions=V16)
async def TC_043_5_CS(trial: Trial) -> None:
    """A differential update adds and takes away."""
    await _on(trial)
    second = v16.AuthorizationData(
        id_tag=trial.settings.second_token[:20], id_tag_info=v16.IdTagInfo(status="Accepted")
    )
    await _list(trial, "Full", 5, "Accepted", _entry(trial))
    await _list(trial, "Differential", 6, "Accepted", second)
    await _version(trial, 6)
    gone = [v16.AuthorizationData(id_tag=each.id_tag) for each in (_entry(trial), second)]
    await _list(trial, "Differential", 7, "Accepted", *gone)
    await _version(trial, 0)


@station_case("1.6/3.5.2", versions=V16)
async def TC16_LIST_01_CS(trial: Trial) -> None:
    """The list accepts a token, StartTransaction.conf does not: LocalListConflict is told of connector 0."""
    await _on(trial)
    await set_key(trial, "LocalPreAuthorize", "true")
    await _list(trial, "Full", 5, "Accepted", _entry(trial))
    bench = trial.bench
    trial.answer(
        v16.StartTransactionRequest,
        lambda _: {"idTagInfo": {"status": "Blocked"}, "transactionId": bench.transactions_16},
    )
    await plugged(trial)
    await presented(trial, asked=False)
    await started(trial)
    where = {"connectorId": 0, "errorCode": "LocalListConflict"}
    await trial.expect(v16.StatusNotificationRequest, where, by="1.6/3.5.2")


# --- reservations ----------------------------------------------------------------------------------------------------


async def _reserve(
    trial: Trial, connector: int, wanted: str, *, seconds: float = 600.0, parent: str | None = None, number: int = 1
) -> None:
    await profile(trial, "Reservation")
    request = v16.ReserveNowRequest(
        connector_id=connector,
        expiry_date=trial.now() + timedelta(seconds=seconds),
        id_tag=tag(trial),
        reservation_id=number,
        parent_id_tag=UNSET if parent is None else parent,
    )
    (await trial.call(request)).must("status", wanted, by="1.6/5.13")


@station_case("1.6/5.13", versions=V16)
async def TC_046_CS(trial: Trial) -> None:
    """A reserved connector is for whom it is reserved, and the reservation is used up."""
    await _reserve(trial, number_of(trial), "Accepted", number=46)
    await status(trial, "Reserved", by="1.6/5.13")
    await trial.operator.plug(trial.evse, trial.connector)
    await trial.operator.present(trial.evse, trial.settings.id_token(trial.settings.second_token))
    await trial.nothing(v16.StartTransactionRequest, by="1.6/5.13")
    await trial.operator.present(trial.evse, trial.token)
    begun = await started(trial)
    begun.must("reservationId", 46, by="1.6/4.8 1.6/5.13")


@station_case("1.6/5.13", versions=V16)
async def TC_047_CS(trial: Trial) -> None:
    """A reservation expires."""
    await _reserve(trial, number_of(trial), "Accepted", seconds=_SECONDS)
    await status(trial, "Reserved", by="1.6/5.13")
    within = _SECONDS + 2 * trial.settings.tolerance
    await status(trial, "Available", within=within, by="1.6/5.13")


@station_case("1.6/5.13", versions=V16)
async def TC_048_1_CS(trial: Trial) -> None:
    """A connector with a fault cannot be reserved."""
    await profile(trial, "Reservation")
    await trial.operator.fault(trial.evse)
    await status(trial, "Faulted", by="1.6/4.9")
    await _reserve(trial, number_of(trial), "Faulted")


@station_case("1.6/5.13", versions=V16)
async def TC_048_2_CS(trial: Trial) -> None:
    """A connector that is in use, or reserved, cannot be reserved."""
    await profile(trial, "Reservation")
    await _reserve(trial, number_of(trial), "Accepted", number=1)
    await status(trial, "Reserved", by="1.6/5.13")
    await _reserve(trial, number_of(trial), "Occupied", number=2)
    (await trial.call(v16.CancelReservationRequest(reservation_id=1))).must("status", "Accepted", by="1.6/5.1")
    await status(trial, "Available", by="1.6/4.9")
    await plugged(trial)
    await _reserve(trial, number_of(trial), "Occupied", number=3)


@station_case("1.6/5.13", versions=V16)
async def TC_048_3_CS(trial: Trial) -> None:
    """A connector out of service cannot be reserved."""
    await profile(trial, "Reservation")
    answer = await trial.call(v16.ChangeAvailabilityRequest(connector_id=number_of(trial), type="Inoperative"))
    answer.must("status", "Accepted", by="1.6/5.2")
    await _reserve(trial, number_of(trial), "Unavailable")


@station_case("1.6/5.13", "1.6/9.3.1", versions=V16)
async def TC_049_CS(trial: Trial) -> None:
    """Connector 0: any connector is kept; without ReserveConnectorZeroSupported that is Rejected."""
    await profile(trial, "Reservation")
    if (await get_key(trial, "ReserveConnectorZeroSupported") or "").lower() != "true":
        await _reserve(trial, 0, "Rejected")
        return
    await _reserve(trial, 0, "Accepted", number=49)
    await trial.operator.plug(trial.evse, trial.connector)
    await trial.operator.present(trial.evse, trial.token)
    (await started(trial)).must("reservationId", 49, by="1.6/5.13")


@station_case("1.6/5.1", versions=V16)
async def TC_051_CS(trial: Trial) -> None:
    """A reservation is cancelled."""
    await _reserve(trial, number_of(trial), "Accepted", number=51)
    await status(trial, "Reserved", by="1.6/5.13")
    (await trial.call(v16.CancelReservationRequest(reservation_id=51))).must("status", "Accepted", by="1.6/5.1")
    await status(trial, "Available", by="1.6/5.1")


@station_case("1.6/5.1", versions=V16)
async def TC_052_CS(trial: Trial) -> None:
    """A reservation that there is not cannot be cancelled."""
    await profile(trial, "Reservation")
    (await trial.call(v16.CancelReservationRequest(reservation_id=5252))).must("status", "Rejected", by="1.6/5.1")


@station_case("1.6/5.13", versions=V16)
async def TC_053_CS(trial: Trial) -> None:
    """A reservation with a parentIdTag is used by another token of that parent."""
    group = trial.settings.group[:20]
    trial.answer(v16.AuthorizeRequest, {"idTagInfo": {"status": "Accepted", "parentIdTag": group}})
    await trial.call(v16.ClearCacheRequest())
    await _reserve(trial, number_of(trial), "Accepted", parent=group, number=53)
    await status(trial, "Reserved", by="1.6/5.13")
    friend = trial.settings.id_token(trial.settings.second_token)
    await trial.operator.plug(trial.evse, trial.connector)
    await trial.operator.present(trial.evse, friend)
    (await started(trial, tag(trial, friend))).must("reservationId", 53, by="1.6/5.13")
