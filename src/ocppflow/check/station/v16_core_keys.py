"""OCPP 1.6, Core: configuration keys, the cache, meter values (3.16, 5.3, 5.4, 5.8, 9.1)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.heard import ABSENT, PRESENT, Heard
from ocppflow.check.steps_16 import (
    V16,
    charging,
    get_key,
    number_of,
    number_of_transaction,
    plugged,
    presented,
    set_key,
    set_key_if_there,
    started,
    status,
    stopped,
)
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.messages import v16

_REQUIRED: Final = (
    *("AuthorizeRemoteTxRequests", "ClockAlignedDataInterval", "ConnectionTimeOut", "ConnectorPhaseRotation"),
    *("GetConfigurationMaxKeys", "HeartbeatInterval", "LocalAuthorizeOffline", "LocalPreAuthorize"),
    *("MeterValuesAlignedData", "MeterValuesSampledData", "MeterValueSampleInterval", "NumberOfConnectors"),
    *("ResetRetries", "StopTransactionOnInvalidId", "StopTxnAlignedData", "StopTxnSampledData"),
    *("SupportedFeatureProfiles", "TransactionMessageAttempts", "TransactionMessageRetryInterval"),
    "UnlockConnectorOnEVSideDisconnect",
)
"""Of the Core profile (9.1 with its errata)."""
_READ_ONLY: Final = ("GetConfigurationMaxKeys", "NumberOfConnectors", "SupportedFeatureProfiles")
_REGISTER: Final = "Energy.Active.Import.Register"


@station_case("1.6/5.8", "1.6/9.1", versions=V16)
async def TC_019_1_CS(trial: Trial) -> None:
    """All keys: those that Core requires are there."""
    answer = await trial.call(v16.GetConfigurationRequest())
    keys = {each["key"]: each for each in answer.must("configurationKey", PRESENT, by="1.6/5.8")}
    missing = [name for name in _REQUIRED if name not in keys]
    trial.check(not missing, f"{', '.join(missing)} is missing", at=answer, by="1.6/9.1")
    for name in _READ_ONLY:
        trial.check(keys[name]["readonly"], f"{name} is not readonly", at=answer, by="1.6/9.1")
    answer.must("unknownKey", ABSENT, [], by="1.6/5.8")


@station_case("1.6/5.8", versions=V16)
async def TC_019_2_CS(trial: Trial) -> None:
    """One key, and one that nobody knows."""
    answer = await trial.call(v16.GetConfigurationRequest(key=["HeartbeatInterval", "ocppflowUnknownKey"]))
    found = answer.must("configurationKey", PRESENT, by="1.6/5.8")
    trial.check([each["key"] for each in found] == ["HeartbeatInterval"], "it is about other keys", at=answer)
    answer.must("unknownKey[0]", "ocppflowUnknownKey", by="1.6/5.8")


@station_case("1.6/5.3", versions=V16)
async def TC_021_CS(trial: Trial) -> None:
    """A key gets another value, which is then shown."""
    before = await get_key(trial, "MeterValueSampleInterval")
    value = "61" if before != "61" else "62"
    await set_key(trial, "MeterValueSampleInterval", value)
    shown = await get_key(trial, "MeterValueSampleInterval")
    trial.check(shown == value, f"MeterValueSampleInterval is {shown}, not {value}", by="1.6/5.3")


@station_case("1.6/5.3", versions=V16)
async def TC_040_1_CS(trial: Trial) -> None:
    """A key that there is not."""
    answer = await trial.call(v16.ChangeConfigurationRequest(key="ocppflowUnknownKey", value="1"))
    answer.must("status", "NotSupported", by="1.6/5.3")


@station_case("1.6/5.3", "1.6/3.16.4", versions=V16)
async def TC_040_2_CS(trial: Trial) -> None:
    """Values that cannot be: a negative interval, a measurand that there is not, a key that is only read."""
    for key, value, by in (
        ("MeterValueSampleInterval", "-1", "1.6/5.3"),
        ("MeterValuesSampledData", "No.Such.Measurand", "1.6/3.16.4"),
        ("NumberOfConnectors", "77", "1.6/9"),
    ):
        before = await get_key(trial, key)
        answer = await trial.call(v16.ChangeConfigurationRequest(key=key, value=value))
        answer.must("status", "Rejected", by=by)
        trial.check(await get_key(trial, key) == before, f"{key} has changed all the same", at=answer, by=by)


# --- the cache -------------------------------------------------------------------------------------------------------


async def _has_cache(trial: Trial) -> None:
    if not await set_key_if_there(trial, "AuthorizationCacheEnabled", "true"):
        raise NotForThis("the station has no authorization cache")
    trial.notes["cached_16"] = True


@station_case("1.6/5.4", "1.6/errata-3.23", versions=V16)
async def TC_061_CS(trial: Trial) -> None:
    """The cache is cleared; without one, that is Rejected."""
    there = await get_key(trial, "AuthorizationCacheEnabled") == "true"
    answer = await trial.call(v16.ClearCacheRequest())
    answer.must("status", "Accepted" if there else "Rejected", by="1.6/5.4 1.6/errata-3.23")


@station_case("1.6/3.5.1", "1.6/9.1.13", versions=V16)
async def TC_007_CS(trial: Trial) -> None:
    """A token that the cache knows starts without Authorize (LocalPreAuthorize)."""
    await _has_cache(trial)
    await set_key(trial, "LocalPreAuthorize", "true")
    await plugged(trial)
    await presented(trial, asked=False)
    await started(trial)
    await status(trial, "Charging", by="1.6/4.9")
    await trial.operator.present(trial.evse, trial.token)
    await stopped(trial, ("Local", ABSENT), by="1.6/4.10")
    await status(trial, "Finishing", by="1.6/4.9")
    await trial.operator.unplug(trial.evse)
    await status(trial, "Available", by="1.6/4.9")
    await plugged(trial)
    mark = trial.mark()
    await trial.operator.present(trial.evse, trial.token)
    await started(trial)
    asked = [heard for heard in trial.since(mark) if heard.action == "Authorize"]
    trial.check(not asked, "Authorize was sent for a token that the cache has", by="1.6/9.1.13")


# --- meter values ----------------------------------------------------------------------------------------------------


def _samples(message: Heard[Any], path: str = "meterValue") -> list[dict[str, Any]]:
    values = message.at(path)
    return [each for value in values for each in value["sampledValue"]] if isinstance(values, list) else []


def _has(trial: Trial, message: Heard[Any], context: str, *, path: str = "meterValue", by: str) -> None:
    """There is a register with this context; an absent one means Sample.Periodic, an absent measurand the register."""
    found = [
        each
        for each in _samples(message, path)
        if each.get("context", "Sample.Periodic") == context and each.get("measurand", _REGISTER) == _REGISTER
    ]
    trial.check(found, f"there is no {_REGISTER} with context {context}", at=message, by=by)


@station_case("1.6/3.16.1", "1.6/errata-3.15", versions=V16)
async def TC_070_CS(trial: Trial) -> None:
    """Sampled values come in their interval, and in StopTransaction as configured."""
    seconds = trial.settings.sampled_interval
    await set_key(trial, "MeterValuesSampledData", _REGISTER)
    await set_key(trial, "MeterValueSampleInterval", str(seconds))
    await set_key_if_there(trial, "StopTxnSampledData", _REGISTER)
    await charging(trial)
    where = {"connectorId": number_of(trial), "transactionId": number_of_transaction(trial)}
    times: list[float] = []
    for _ in range(3):
        told = await trial.expect(
            v16.MeterValuesRequest,
            lambda heard: (
                heard.fits(where) and any(each.get("context") != "Transaction.Begin" for each in _samples(heard))
            ),
            within=seconds + 2 * trial.settings.tolerance,
            by="1.6/3.16.1 1.6/errata-3.15",
        )
        _has(trial, told, "Sample.Periodic", by="1.6/3.16.1")
        times.append(told.when)
    apart = [later - earlier for earlier, later in pairwise(times)]
    off = [gap for gap in apart if abs(gap - seconds) > trial.settings.tolerance]
    trial.check(not off, f"they are {', '.join(f'{gap:.1f}' for gap in apart)} s apart", by="1.6/3.16.1")
    mark = trial.mark()
    await trial.operator.present(trial.evse, trial.token)
    ended = await stopped(trial, ("Local", ABSENT), since=mark, by="1.6/4.10")
    if await get_key(trial, "StopTxnSampledData"):
        for context in ("Transaction.Begin", "Transaction.End"):
            _has(trial, ended, context, path="transactionData", by="1.6/errata-3.14")


@station_case("1.6/3.16.2", versions=V16)
async def TC_071_CS(trial: Trial) -> None:
    """Clock-aligned values come on the dot."""
    seconds = trial.settings.aligned_interval
    await set_key(trial, "MeterValuesAlignedData", _REGISTER)
    await set_key(trial, "ClockAlignedDataInterval", str(seconds))
    await charging(trial)
    told = await trial.expect(
        v16.MeterValuesRequest,
        lambda heard: any(each.get("context") == "Sample.Clock" for each in _samples(heard)),
        within=seconds + 2 * trial.settings.tolerance,
        by="1.6/3.16.2",
    )
    at = datetime.fromisoformat(told.at("meterValue[0].timestamp")).astimezone(UTC)
    past = (at.hour * 3600 + at.minute * 60 + at.second) % seconds
    off = min(past, seconds - past)
    trial.check(
        off <= trial.settings.tolerance, f"{at:%H:%M:%S} is not a multiple of {seconds} s", at=told, by="1.6/9.1.5"
    )


@station_case("1.6/3.16.5", versions=V16)
async def TC16_METER_01_CS(trial: Trial) -> None:
    """Without measurands, StopTransaction has no meter values."""
    await set_key(trial, "StopTxnSampledData", "")
    await set_key(trial, "StopTxnAlignedData", "")
    await charging(trial)
    await trial.wait(trial.settings.transaction_seconds)
    mark = trial.mark()
    await trial.operator.present(trial.evse, trial.token)
    ended = await stopped(trial, ("Local", ABSENT), since=mark, by="1.6/4.10")
    ended.must("transactionData", ABSENT, [], by="1.6/3.16.5")
