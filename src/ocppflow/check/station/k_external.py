"""K11, K12, K27 and K29 in 2.1: limits from outside of OCPP."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import Told, get_profiles, rate
from ocppflow.check.heard import Heard
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure, get_variable
from ocppflow.messages import Version, v21

_CTRLR: Final = "SmartChargingCtrlr"
_PURPOSE: Final = "ChargingStationExternalConstraints"
_IN_21: Final = (Version.V21,)


async def _limit(trial: Trial, evse: int, limit: float, *, local_generation: bool = False) -> None:
    unit = trial.settings.rate_unit
    await trial.operator.limit(evse, rate(trial, limit), unit, local_generation=local_generation)


async def _constraints(trial: Trial, evse: int | None = None, *, by: str) -> list[Told]:
    found = await get_profiles(trial, evse, charging_profile_purpose=_PURPOSE)
    trial.check(found, f"no {_PURPOSE} is reported", by=by)
    for report, one in found:
        purpose = one.get("chargingProfilePurpose")
        trial.check(purpose == _PURPOSE, f"chargingProfilePurpose is {purpose}", at=report, by=by)
    return found


@station_case("K12.FR.05", versions=_IN_21)
async def TC_K_52_CS(trial: Trial) -> None:
    """A limit from outside is reported as a profile."""
    await _limit(trial, 0, 6)
    await _constraints(trial, by="K12.FR.05")


@station_case("K01.FR.82", versions=_IN_21)
async def TC_K_109_CS(trial: Trial) -> None:
    """Profiles for limits from outside have ids that the CSMS does not use."""
    if await get_variable(trial, _CTRLR, "MaxExternalConstraintsId") is None:
        raise NotForThis(f"there is no {_CTRLR}.MaxExternalConstraintsId")
    await configure(trial, _CTRLR, "MaxExternalConstraintsId", "10")
    await _limit(trial, 0, 6)
    for report, one in await _constraints(trial, by="K01.FR.82"):
        trial.check(one["id"] <= 10, f"the id is {one['id']}, above 10", at=report, by="K01.FR.82")


@station_case("K27.FR.01", "K27.FR.02", "K27.FR.03", "K27.FR.04", "K27.FR.05", versions=_IN_21)
async def TC_K_120_CS(trial: Trial) -> None:
    """The CSMS is told what is generated locally."""
    await configure(trial, _CTRLR, "LimitChangeSignificance", "0")
    await configure(trial, _CTRLR, "NotifyChargingLimitWithSchedules", "true")
    local: Any = {"charging_profile_purpose": "LocalGeneration"}
    await get_profiles(trial, trial.evse, "NoProfiles", by="K27.FR.01", **local)
    await _limit(trial, trial.evse, 6, local_generation=True)
    told = await _notified(trial)
    told.must("chargingLimit.isLocalGeneration", True, by="K27.FR.04")
    _has_limit(trial, told, 6)
    found = await get_profiles(trial, trial.evse, **local)
    for report, one in found:
        report.must("evseId", trial.evse)
        purpose = one.get("chargingProfilePurpose")
        trial.check(purpose == "LocalGeneration", f"chargingProfilePurpose is {purpose}", at=report, by="K27.FR.01")
    begin = trial.mark()
    await _limit(trial, trial.evse, 7, local_generation=True)
    await _limit(trial, trial.evse, 16)
    kinds = set()
    for _ in range(2):
        told = await _notified(trial, begin)
        generated = told.at("chargingLimit.isLocalGeneration") is True
        kinds.add(generated)
        _has_limit(trial, told, 7 if generated else 16)
    trial.check(len(kinds) == 2, "one of the two limits is not told", at=told, by="K27.FR.03")


async def _notified(trial: Trial, begin: int | None = None) -> Heard[v21.NotifyChargingLimitRequest]:
    told = await trial.expect(v21.NotifyChargingLimitRequest, {"evseId": trial.evse}, since=begin, by="K27.FR.03")
    told.must("chargingLimit.chargingLimitSource", "EMS", "Other", by="K27.FR.04")
    return told


def _has_limit(trial: Trial, told: Heard[Any], limit: float) -> None:
    periods = [p for one in told.payload.get("chargingSchedule", []) for p in one.get("chargingSchedulePeriod", [])]
    there = any(period.get("limit") == rate(trial, limit) for period in periods)
    trial.check(there, f"no period has the limit {rate(trial, limit):g}", at=told, by="K27.FR.05 K11.FR.03")


async def _external(trial: Trial, limit: float) -> dict[str, Any]:
    """A limit from outside is set, and reported as the standard has it; the profile that stands for it."""
    await _limit(trial, trial.evse, limit)
    when = trial.now()
    report, one = (await _constraints(trial, trial.evse, by="K29.FR.01"))[0]
    report.must("evseId", trial.evse, by="K29.FR.01")
    kind = one.get("chargingProfileKind")
    trial.check(kind in ("Dynamic", "Absolute"), f"chargingProfileKind is {kind}", at=report, by="K29.FR.04")
    schedules = one.get("chargingSchedule", [])
    periods = schedules[0].get("chargingSchedulePeriod", [])
    if kind == "Dynamic":
        single = len(schedules) == 1 and len(periods) == 1 and periods[0].get("startPeriod") == 0
        trial.check(single, "a dynamic profile has one schedule with one period from 0 on", at=report, by="K29.FR.04")
        update = datetime.fromisoformat(str(one.get("dynUpdateTime")))
        apart = abs((update - when).total_seconds())
        text = f"dynUpdateTime is off by {apart:.0f} s"
        trial.check(apart <= trial.settings.tolerance, text, at=report, by="K29.FR.05")
    told = periods[0].get("limit")
    trial.check(told == rate(trial, limit), f"the limit is {told}", at=report, by="K29.FR.02")
    return one


@station_case("K29.FR.01", "K29.FR.02", "K29.FR.04", "K29.FR.05", "K29.FR.06", "K11.FR.06", versions=_IN_21)
async def TC_K_124_CS(trial: Trial) -> None:
    """A limit from outside changes."""
    before = await _external(trial, 6)
    after = await _external(trial, 7)
    same = before["id"] == after["id"]
    if after["chargingProfileKind"] == "Dynamic":
        trial.check(same, "a dynamic profile keeps its id when its limit changes", by="K29.FR.06")
    else:
        trial.check(not same, "another profile that is Absolute has another id", by="K11.FR.06")
