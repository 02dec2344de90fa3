"""OCPP 1.6: Smart Charging (3.13, 5.5, 5.7, 5.16)."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.heard import Answer
from ocppflow.check.steps_16 import (
    V16,
    charging,
    charging_profile,
    number_of,
    number_of_transaction,
    plugged,
    profile,
    started,
    tag,
)
from ocppflow.check.trial import Trial
from ocppflow.messages import v16


async def _set(trial: Trial, one: v16.ChargingProfile, wanted: str, *, connector: int | None = None) -> None:
    await profile(trial, "SmartCharging")
    number = number_of(trial) if connector is None else connector
    answer = await trial.call(v16.SetChargingProfileRequest(connector_id=number, cs_charging_profiles=one))
    answer.must("status", wanted, by="1.6/5.16")


async def _composite(trial: Trial, amps: float) -> Answer[Any]:
    """The composite schedule of the connector begins with this limit."""
    request = v16.GetCompositeScheduleRequest(connector_id=number_of(trial), duration=60, charging_rate_unit="A")
    answer = await trial.call(request)
    answer.must("status", "Accepted", by="1.6/5.7")
    answer.must("chargingSchedule.chargingSchedulePeriod[0].startPeriod", 0, by="1.6/5.16.4")
    limit = answer.at("chargingSchedule.chargingSchedulePeriod[0].limit")
    trial.check(limit == amps, f"the limit is {limit} A, not {amps}", at=answer, by="1.6/3.13.3 1.6/5.7")
    return answer


@station_case("1.6/3.13.1", "1.6/5.16.4", versions=V16)
async def TC_056_CS(trial: Trial) -> None:
    """A TxDefaultProfile limits the next transaction."""
    await _set(trial, charging_profile(56, "TxDefaultProfile", 10), "Accepted")
    await charging(trial)
    await _composite(trial, 10)


@station_case("1.6/3.13.1", "1.6/5.16.3", versions=V16)
async def TC_057_CS(trial: Trial) -> None:
    """A TxProfile overrules the TxDefaultProfile, for this transaction."""
    await _set(trial, charging_profile(56, "TxDefaultProfile", 10), "Accepted")
    number = await charging(trial)
    await _set(trial, charging_profile(57, "TxProfile", 8, transaction=number), "Accepted")
    await _composite(trial, 8)


@station_case("1.6/3.13.1", "1.6/5.16.4", versions=V16)
async def TC_058_1_CS(trial: Trial) -> None:
    """A TxProfile without a transaction."""
    await _set(trial, charging_profile(58, "TxProfile", 8), "Rejected")


@station_case("1.6/3.13.1", versions=V16)
async def TC_058_2_CS(trial: Trial) -> None:
    """A TxProfile for another transaction."""
    number = await charging(trial)
    await _set(trial, charging_profile(58, "TxProfile", 8, transaction=number + 1000), "Rejected")


async def _start(trial: Trial, one: v16.ChargingProfile, wanted: str) -> None:
    await profile(trial, "SmartCharging")
    request = v16.RemoteStartTransactionRequest(id_tag=tag(trial), connector_id=number_of(trial), charging_profile=one)
    (await trial.call(request)).must("status", wanted, by="1.6/5.16.2")


@station_case("1.6/5.16.2", versions=V16)
async def TC_059_CS(trial: Trial) -> None:
    """A remote start with a profile, which a later one of its level takes the place of."""
    await profile(trial, "SmartCharging")
    await plugged(trial)
    await _start(trial, charging_profile(59, "TxProfile", 9), "Accepted")
    await started(trial)
    await _composite(trial, 9)
    new = charging_profile(60, "TxProfile", 7, transaction=number_of_transaction(trial))
    await _set(trial, new, "Accepted")
    await _composite(trial, 7)


@station_case("1.6/5.16.2", versions=V16)
async def TC_060_CS(trial: Trial) -> None:
    """A remote start with a profile of another purpose."""
    await profile(trial, "SmartCharging")
    await plugged(trial)
    await _start(trial, charging_profile(60, "TxDefaultProfile", 9), "Rejected")
    await trial.nothing(v16.StartTransactionRequest, by="1.6/5.16.2")


@station_case("1.6/5.7", versions=V16)
async def TC_066_CS(trial: Trial) -> None:
    """The composite schedule: of a connector, of the station, of none."""
    await _set(trial, charging_profile(66, "TxDefaultProfile", 11), "Accepted")
    await charging(trial)
    answer = await _composite(trial, 11)
    trial.check(
        "startSchedule" not in answer.at("chargingSchedule"), "it has a startSchedule", at=answer, by="1.6/errata-3.57"
    )
    whole = v16.GetCompositeScheduleRequest(connector_id=0, duration=60)
    (await trial.call(whole)).must("status", "Accepted", by="1.6/5.7")
    none = v16.GetCompositeScheduleRequest(connector_id=99, duration=60)
    (await trial.call(none)).must("status", "Rejected", by="1.6/5.7")


async def _clear(trial: Trial, wanted: str, **criteria: Any) -> None:
    answer = await trial.call(v16.ClearChargingProfileRequest(**criteria))
    answer.must("status", wanted, by="1.6/5.5 1.6/errata-3.25")


@station_case("1.6/5.5", "1.6/errata-3.25", versions=V16)
async def TC_067_CS(trial: Trial) -> None:
    """Profiles are cleared, by id and by what they have in common."""
    await _set(trial, charging_profile(67, "TxDefaultProfile", 11), "Accepted")
    await _set(trial, charging_profile(68, "TxDefaultProfile", 12, level=1), "Accepted")
    await _clear(trial, "Accepted", id=67)
    await _clear(trial, "Unknown", id=67)
    await _clear(trial, "Unknown", charging_profile_purpose="TxDefaultProfile", stack_level=0)
    await _clear(trial, "Accepted", connector_id=number_of(trial), stack_level=1)
    await _clear(trial, "Unknown", id=68)


@station_case("1.6/3.13.2", versions=V16)
async def TC_072_CS(trial: Trial) -> None:
    """The highest level counts; a profile of the same level and purpose is replaced."""
    await _set(trial, charging_profile(72, "TxDefaultProfile", 12), "Accepted")
    await _set(trial, charging_profile(73, "TxDefaultProfile", 10, level=1), "Accepted")
    await charging(trial)
    await _composite(trial, 10)
    await _clear(trial, "Accepted", id=73)
    await _composite(trial, 12)
    await _set(trial, charging_profile(74, "TxDefaultProfile", 14), "Accepted")
    await _composite(trial, 14)
    await _clear(trial, "Unknown", id=72)


@station_case("1.6/errata-3.39", versions=V16)
async def TC16_SMART_01_CS(trial: Trial) -> None:
    """A profile for a connector that there is not."""
    await profile(trial, "SmartCharging")
    one = charging_profile(1, "TxDefaultProfile", 10)
    request = v16.SetChargingProfileRequest(connector_id=99, cs_charging_profiles=one)
    await trial.refused(request, "PropertyConstraintViolation", by="1.6/errata-3.39")
