"""OCPP 1.6: what scenarios have in common: keys, connectors, charging sessions, and putting the station back."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ocppflow.check.heard import PRESENT, Heard
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.messages import Version, v16
from ocppflow.messages.v21 import IdTokenType

V16 = (Version.V16,)

# --- connectors ------------------------------------------------------------------------------------------------------


def number_of(trial: Trial, evse: int | None = None) -> int:
    """The connectorId of the connector that the case uses, or of the first one of another EVSE."""
    wanted = (trial.evse, trial.connector) if evse is None else (evse, 1)
    return trial.settings.all_connectors.index(wanted) + 1


async def status(
    trial: Trial, wanted: str | tuple[str, ...], *, connector: int | None = None, within: float | None = None, by: str
) -> Heard[v16.StatusNotificationRequest]:
    """The connector (the usual one) is told to be in this status since the mark."""
    number = number_of(trial) if connector is None else connector
    where = {"connectorId": number, "status": wanted}
    return await trial.expect(v16.StatusNotificationRequest, where, within=within, by=by)


def last_status(trial: Trial, connector: int | None = None) -> str:
    """The status that was told last; empty if none was."""
    number = number_of(trial) if connector is None else connector
    told = [
        heard.at("status")
        for heard in trial.bench.inbox
        if heard.action == "StatusNotification" and heard.at("connectorId") == number
    ]
    return str(told[-1]) if told else ""


def is_fixed(trial: Trial) -> bool:
    """Whether the cable is fixed to the station, as far as the PICS tell (HFS-2: a fixed cable)."""
    return bool(trial.pics.claims("HFS-2"))


# --- keys ------------------------------------------------------------------------------------------------------------


async def get_key(trial: Trial, key: str) -> str | None:
    """The value of a configuration key; None if the station does not have it."""
    answer = await trial.call(v16.GetConfigurationRequest(key=[key]))
    found = answer.at("configurationKey[0].value")
    return str(found) if isinstance(found, str) else None


async def set_key(trial: Trial, key: str, value: str) -> None:
    """Give a key a value until the case is over. Raises NotForThis if the station does not have it, NotPossible if it
    does not take the value."""
    before = await get_key(trial, key)
    answer = await trial.call(v16.ChangeConfigurationRequest(key=key, value=value))
    if answer.at("status") == "NotSupported":
        raise NotForThis(f"the station has no {key}")
    if answer.at("status") not in ("Accepted", "RebootRequired"):
        raise NotPossible(f"{key} = {value!r} was answered with {answer.at('status')}")
    if before is not None and before != value:
        old = before

        async def restore() -> None:
            await trial.call(v16.ChangeConfigurationRequest(key=key, value=old))

        trial.afterwards.append(restore)


async def set_key_if_there(trial: Trial, key: str, value: str) -> bool:
    """As :func:`set_key`, for a key that a station need not have; whether it has that value now."""
    if await get_key(trial, key) in (None, value):
        return await get_key(trial, key) == value
    try:
        await set_key(trial, key, value)
    except (NotForThis, NotPossible):
        return False
    return True


async def profile(trial: Trial, name: str) -> None:
    """The case is for stations with this feature profile."""
    known = await get_key(trial, "SupportedFeatureProfiles") or ""
    if name not in [each.strip() for each in known.split(",")]:
        raise NotForThis(f"the station does not have the feature profile {name}")


# --- sessions --------------------------------------------------------------------------------------------------------


def tag(trial: Trial, token: IdTokenType | None = None) -> str:
    """The idTag of a token, the usual one by default."""
    return (token or trial.token).id_token[:20]


async def plugged(trial: Trial, *, by: str = "1.6/4.9") -> None:
    """The EV is connected, and that is told as Preparing."""
    await trial.operator.plug(trial.evse, trial.connector)
    await status(trial, "Preparing", by=by)


async def presented(trial: Trial, token: IdTokenType | None = None, *, asked: bool = True, by: str = "1.6/4.1") -> None:
    """A token is presented, and unless the station knows it by itself, the CSMS is asked."""
    await trial.operator.present(trial.evse, token or trial.token)
    if asked:
        said = await trial.expect(v16.AuthorizeRequest, by=by)
        said.must("idTag", tag(trial, token), by=by)


async def started(
    trial: Trial, id_tag: str | None = None, *, within: float | None = None, by: str = "1.6/4.8"
) -> Heard[v16.StartTransactionRequest]:
    """StartTransaction is told."""
    begun = await trial.expect(v16.StartTransactionRequest, within=within, by=by)
    begun.must("connectorId", number_of(trial), by=by)
    begun.must("idTag", tag(trial) if id_tag is None else id_tag, by=by)
    begun.must("meterStart", PRESENT, by=by)
    trial.notes["started"] = begun
    return begun


async def charging(trial: Trial, token: IdTokenType | None = None) -> int:
    """A whole way into a transaction: the EV is connected, a token presented, energy flows. Its number."""
    await plugged(trial)
    await presented(trial, token)
    await started(trial, tag(trial, token))
    await status(trial, "Charging", by="1.6/4.9")
    return number_of_transaction(trial)


def number_of_transaction(trial: Trial) -> int:
    """The transactionId that the CSMS gave last."""
    return trial.bench.transactions_16


async def stopped(
    trial: Trial, reason: str | tuple[Any, ...], *, within: float | None = None, since: int | None = None, by: str
) -> Heard[v16.StopTransactionRequest]:
    """StopTransaction is told for the transaction at hand; ``reason`` may have ABSENT in it, which means Local."""
    ended = await trial.expect(v16.StopTransactionRequest, within=within, since=since, by=by)
    ended.must("transactionId", number_of_transaction(trial), by=by)
    reasons = reason if isinstance(reason, tuple) else (reason,)
    ended.must("reason", *reasons, by=by)
    begun = trial.notes.get("started")
    if begun is not None:
        more = ended.at("meterStop") - begun.at("meterStart")
        trial.check(more >= 0, f"meterStop is {-more} Wh below meterStart", at=ended, by="1.6/4.10")
    return ended


# --- afterwards ------------------------------------------------------------------------------------------------------


_IN_USE = ("Preparing", "Charging", "SuspendedEV", "SuspendedEVSE", "Finishing")


async def put_back_16(trial: Trial) -> None:
    """End transactions, and clear what the case has set. Raises NotPossible if a transaction does not end."""
    bench = trial.bench
    settled = min(trial.settings.patience, 5.0)
    if await bench.until(lambda: None if bench.running else True, settled if bench.running else 0) is None:
        for number in list(bench.running):
            await trial.call(v16.RemoteStopTransactionRequest(transaction_id=int(number)))
        if await bench.until(lambda: None if bench.running else True, trial.settings.patience) is None:
            left = ", ".join(bench.running)
            bench.running.clear()  # they are told of once
            raise NotPossible(f"{left} did not end")
    for evse in trial.notes.get("left", []):  # what does not last need not be told: the next case waits for that
        place = number_of(trial, evse)
        await bench.until(lambda n=place: None if last_status(trial, n) in _IN_USE else True, settled)  # type: ignore[misc]
    said = [request for request, _ in trial.said]
    if any(isinstance(each, v16.ChangeAvailabilityRequest) and each.type == "Inoperative" for each in said):
        await trial.call(v16.ChangeAvailabilityRequest(connector_id=0, type="Operative"))
    if any(isinstance(each, v16.SetChargingProfileRequest) for each in said):
        await trial.call(v16.ClearChargingProfileRequest())
    for each in said:
        if isinstance(each, v16.ReserveNowRequest):
            await trial.call(v16.CancelReservationRequest(reservation_id=each.reservation_id))
    versions = [each.list_version for each in said if isinstance(each, v16.SendLocalListRequest)]
    if versions:
        empty = v16.SendLocalListRequest(list_version=max(*versions, 1) + 1, update_type="Full")
        await trial.call(empty)
    if trial.notes.get("cached_16"):
        await trial.call(v16.ClearCacheRequest())


async def reboot_over(trial: Trial, mark: int, *, by: str) -> None:
    """The station has started again since ``mark``, and told the status of all connectors after it was accepted."""
    await trial.expect(v16.BootNotificationRequest, since=mark, within=trial.settings.reboot_patience, by=by)
    for number in range(len(trial.settings.all_connectors) + 1):
        where = {"connectorId": number}
        await trial.expect(v16.StatusNotificationRequest, where, since=mark, by="1.6/errata-3.22")


def schedule(amps: float) -> v16.ChargingSchedule:
    """One limit for as long as it lasts."""
    period = v16.ChargingSchedulePeriod(start_period=0, limit=amps)
    return v16.ChargingSchedule(charging_rate_unit="A", charging_schedule_period=[period])


def charging_profile(
    number: int,
    purpose: v16.ChargingProfilePurposeType,
    amps: float,
    *,
    level: int = 0,
    transaction: int | None = None,
) -> v16.ChargingProfile:
    """A profile with one limit, from the start of the transaction on."""
    return v16.ChargingProfile(
        charging_profile_id=number,
        stack_level=level,
        charging_profile_purpose=purpose,
        charging_profile_kind="Relative",
        charging_schedule=schedule(amps),
        transaction_id=UNSET if transaction is None else transaction,
    )


async def file_place(trial: Trial, path: str) -> str:
    """A URL for a file. Raises NotPossible where the station does not speak HTTP."""
    protocols = await get_key(trial, "SupportedFileTransferProtocols")
    if protocols is not None and "HTTP" not in protocols.upper().split(","):
        raise NotPossible(f"the station transfers files over {protocols}, and this tool has HTTP alone")
    return await trial.file_url(path)
