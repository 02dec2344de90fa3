"""K10: charging profiles are cleared."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import DURATION, around, composite, get_profiles, limits_are, profile, set_profile
from ocppflow.check.reusable_states import energy_transfer_started
from ocppflow.check.trial import NotForThis, Trial
from ocppflow.check.variables import configure
from ocppflow.messages import v21


async def _clear(
    trial: Trial, status: str = "Accepted", number: int | None = None, *, by: str, **criteria: Any
) -> None:
    request = v21.ClearChargingProfileRequest(
        charging_profile_id=UNSET if number is None else number,
        charging_profile_criteria=v21.ClearChargingProfileType(**criteria) if criteria else UNSET,
    )
    answer = await trial.call(request)
    answer.must("status", status, by=by)


@station_case("K10.FR.03")
async def TC_K_05_CS(trial: Trial) -> None:
    """A profile is cleared by its id."""
    one = profile(trial)
    await set_profile(trial, one)
    await _clear(trial, number=one.id, by="K10.FR.03")
    await get_profiles(trial, status="NoProfiles", charging_profile_id=[one.id], by="K10.FR.03")


@station_case("K10.FR.04")
async def TC_K_06_CS(trial: Trial) -> None:
    """A profile is cleared by purpose and stackLevel."""
    await set_profile(trial, profile(trial))
    await energy_transfer_started(trial)
    await _clear(trial, charging_profile_purpose="TxDefaultProfile", stack_level=0, by="K10.FR.04")
    which: Any = {"charging_profile_purpose": "TxDefaultProfile", "stack_level": 0}
    await get_profiles(trial, status="NoProfiles", by="K10.FR.04", **which)


@station_case("K10.FR.01")
async def TC_K_07_CS(trial: Trial) -> None:
    """No profile has that purpose and stackLevel."""
    await set_profile(trial, profile(trial, level=1))
    which: Any = {"charging_profile_purpose": "ChargingStationMaxProfile", "stack_level": 0}
    await _clear(trial, "Unknown", by="K10.FR.01", **which)


@station_case("K10.FR.01")
async def TC_K_08_CS(trial: Trial) -> None:
    """There is no profile with that id."""
    await _clear(trial, "Unknown", trial.settings.profile_id, by="K10.FR.01")


@station_case("K10.FR.07")
async def TC_K_09_CS(trial: Trial) -> None:
    """TxDefaultProfile is cleared while a transaction runs."""
    await configure(trial, "SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    now = trial.now()
    lasts = 400 + round(trial.settings.tolerance)
    await set_profile(trial, profile(trial, start=now, duration=lasts, **around(trial, 401)))
    await energy_transfer_started(trial)
    before = await composite(trial, DURATION)
    limits_are(trial, before, now, (0, 6))
    await _clear(trial, charging_profile_purpose="TxDefaultProfile", by="K10.FR.07")
    after = await composite(trial, DURATION)
    limit, old = (
        after.at("schedule.chargingSchedulePeriod[0].limit"),
        before.at("schedule.chargingSchedulePeriod[0].limit"),
    )
    trial.check(limit != old, f"the limit is still {limit:g}", at=after, by="K10.FR.07")


@station_case("K10.FR.04")
async def TC_K_24_CS(trial: Trial) -> None:
    """Profiles of several EVSEs are cleared by purpose and stackLevel."""
    if len(trial.settings.connectors) < 2:
        raise NotForThis("the station has one EVSE")
    await set_profile(trial, profile(trial), 1)
    await set_profile(trial, profile(trial, number=1), 2)
    which: Any = {"charging_profile_purpose": "TxDefaultProfile", "stack_level": 0}
    await _clear(trial, by="K10.FR.04", **which)
    await get_profiles(trial, status="NoProfiles", by="K10.FR.04", **which)
