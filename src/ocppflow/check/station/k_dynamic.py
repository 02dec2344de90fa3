"""K21, K22 and K28 in 2.1: priority charging, and profiles whose values change."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import (
    Told,
    composite,
    get_profiles,
    limits_are,
    profile,
    rate,
    schedule,
    set_profile,
    transaction_id,
)
from ocppflow.check.reusable_states import energy_transfer_started
from ocppflow.check.station.k_newer import needs, needs_purpose
from ocppflow.check.trial import Trial
from ocppflow.messages import Version, v21

_IN_21: Final = (Version.V21,)


# --- K21, K22: priority charging -----------------------------------------------------------------------------------


async def _use_priority(trial: Trial, running: str, on: bool, status: str, *reasons: Any, by: str) -> None:
    answer = await trial.call(v21.UsePriorityChargingRequest(transaction_id=running, activate=on))
    answer.must("status", status, by=by)
    if reasons:
        answer.must("statusInfo.reasonCode", *reasons, by=by)


async def _told_of_priority(trial: Trial, running: str, on: bool, by: str) -> None:
    told = await trial.expect(v21.NotifyPriorityChargingRequest, {"transactionId": running}, by=by)
    told.must("activated", on, by=by)


@station_case(*(f"K21.FR.0{number}" for number in range(1, 10)), versions=_IN_21)
async def TC_K_118_CS(trial: Trial) -> None:
    """The CSMS asks for priority charging."""
    await needs_purpose(trial, "PriorityCharging")
    await energy_transfer_started(trial)
    running = await transaction_id(trial)
    await _use_priority(trial, "UNKNOWN-TRANSACTION-ID", True, "Rejected", "TxNotFound", by="K21.FR.02")
    await _use_priority(trial, running, True, "NoProfile", "NotFound", by="K21.FR.01")
    await set_profile(trial, profile(trial, "PriorityCharging", duration=None), 0)
    await _use_priority(trial, running, True, "Accepted", by="K21.FR.03")
    await _told_of_priority(trial, running, True, "K21.FR.05")
    await _use_priority(trial, running, False, "Accepted", by="K21.FR.06")
    await _told_of_priority(trial, running, False, "K21.FR.08")


@station_case(*(f"K22.FR.0{number}" for number in range(1, 6)), versions=_IN_21)
async def TC_K_119_CS(trial: Trial) -> None:
    """The driver asks for priority charging."""
    await needs_purpose(trial, "PriorityCharging")
    await set_profile(trial, profile(trial, level=1, duration=None))
    await energy_transfer_started(trial)
    running = await transaction_id(trial)
    await trial.operator.prioritize(trial.evse)
    await trial.nothing(v21.NotifyPriorityChargingRequest, by="K22.FR.01")
    await set_profile(trial, profile(trial, "PriorityCharging", (0, 10.0), number=1, duration=None), 0)
    await trial.operator.prioritize(trial.evse)
    await _told_of_priority(trial, running, True, "K22.FR.03")
    limits_are(trial, await composite(trial, 60), trial.now(), (0, 10), by="K22.FR.02")
    await trial.operator.prioritize(trial.evse, False)
    await _told_of_priority(trial, running, False, "K22.FR.05")
    # The text wants another limit than 6 now, though the TxDefaultProfile, which has 6, counts again (K22.FR.04).
    limits_are(trial, await composite(trial, 60), trial.now(), (0, 6), by="K22.FR.04")


# --- K28: dynamic profiles -----------------------------------------------------------------------------------------


def _dynamic(trial: Trial, limit: float, number: int = 0, **more: Any) -> v21.ChargingProfileType:
    return profile(trial, "ChargingStationMaxProfile", (0, limit), number=number, kind="Dynamic", **more)


def _updated(trial: Trial, told: Told, when: datetime, by: str) -> None:
    """The profile's values came at this time."""
    report, one = told
    update = one.get("dynUpdateTime")
    trial.check(update, "dynUpdateTime is not reported", at=report, by=by)
    apart = abs((datetime.fromisoformat(str(update)) - when).total_seconds())
    trial.check(apart <= trial.settings.tolerance, f"dynUpdateTime is off by {apart:.0f} s", at=report, by=by)


async def _one(trial: Trial, number: int) -> Told:
    found = await get_profiles(trial, charging_profile_id=[number])
    trial.check(found and found[0][1].get("id") == number, f"profile {number} is not reported", by="K09.FR.02")
    return found[0]


@station_case("K28.FR.08", "K28.FR.09", "K28.FR.10", versions=_IN_21)
async def TC_K_121_CS(trial: Trial) -> None:
    """The station asks for new values of a dynamic profile."""
    await needs(trial, "DynamicProfiles")
    one = _dynamic(trial, 8.0, duration=None, dyn_update_time=trial.now(), dyn_update_interval=30)
    update = {"status": "Accepted", "scheduleUpdate": {"limit": rate(trial, 6)}}
    trial.answer(v21.PullDynamicScheduleUpdateRequest, update)
    await set_profile(trial, one, 0)
    asked = await trial.expect(
        v21.PullDynamicScheduleUpdateRequest, within=30 + trial.settings.patience, by="K28.FR.10"
    )
    asked.must("chargingProfileId", one.id, by="K28.FR.10")
    when = trial.now()
    await trial.wait(1.0)  # until the station has the answer
    told = await _one(trial, one.id)
    _updated(trial, told, when, "K28.FR.09")
    limit = told[1]["chargingSchedule"][0]["chargingSchedulePeriod"][0].get("limit")
    trial.check(limit == rate(trial, 6), f"the limit is {limit}", at=told[0], by="K28.FR.08")


async def _update(trial: Trial, number: int, status: str = "Accepted", *, by: str) -> None:
    values = v21.ChargingScheduleUpdateType(limit=rate(trial, 8))
    answer = await trial.call(v21.UpdateDynamicScheduleRequest(charging_profile_id=number, schedule_update=values))
    answer.must("status", status, by=by)


@station_case("K28.FR.05", "K28.FR.06", "K28.FR.09", "K28.FR.13", "K28.FR.14", versions=_IN_21)
async def TC_K_122_CS(trial: Trial) -> None:
    """The CSMS sends new values of a dynamic profile."""
    await needs(trial, "DynamicProfiles")
    await set_profile(trial, _dynamic(trial, 6.0, duration=None), 0)
    one = _dynamic(trial, 8.0, 1, level=1, duration=15)
    when = trial.now()
    await set_profile(trial, one, 0)
    _updated(trial, await _one(trial, one.id), when, "K28.FR.05")
    await _update(trial, one.id, by="K28.FR.06")
    when = trial.now()
    _updated(trial, await _one(trial, one.id), when, "K28.FR.09")
    await trial.wait(20)
    limits_are(trial, await composite(trial, 900), trial.now(), (0, 6), by="K28.FR.13")
    await _update(trial, one.id, by="K28.FR.06")
    limits_are(trial, await composite(trial, 900), trial.now(), (0, 8), (15, None), by="K28.FR.14")


@station_case("K28.FR.01", "K28.FR.02", "K28.FR.03", "K28.FR.04", "K28.FR.11", versions=_IN_21)
async def TC_K_123_CS(trial: Trial) -> None:
    """Dynamic profiles that cannot be."""
    await needs(trial, "DynamicProfiles")
    two_periods = _dynamic(trial, 8.0, schedules=[schedule(trial, (0, 8.0), (900, 4.0))])
    await set_profile(trial, two_periods, 0, "Rejected", by="K28.FR.01")
    two = [schedule(trial, (0, 8.0)), schedule(trial, (0, 16.0))]
    two[1].id = 2
    await set_profile(trial, _dynamic(trial, 8.0, schedules=two), 0, "Rejected", by="K28.FR.01")
    late = _dynamic(trial, 8.0, schedules=[schedule(trial, (1, 8.0))])
    await set_profile(trial, late, 0, "Rejected", by="K28.FR.02")
    # The text has these Relative, which a ChargingStationMaxProfile cannot be anyway (K01.FR.38).
    interval = profile(trial, "ChargingStationMaxProfile", dyn_update_interval=10)
    await set_profile(trial, interval, 0, "Rejected", by="K28.FR.03")
    one = profile(trial, "ChargingStationMaxProfile")
    await set_profile(trial, one, 0)
    await _update(trial, one.id, "Rejected", by="K28.FR.11")
