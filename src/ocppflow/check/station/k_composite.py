"""K08, and when profiles count (K01): the composite schedule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import (
    around,
    composite,
    limits_are,
    no_composite,
    profile,
    rate,
    schedule,
    set_profile,
    transaction_id,
)
from ocppflow.check.reusable_states import energy_transfer_started
from ocppflow.check.station.k_profiles import unsupported_unit
from ocppflow.check.trial import Trial
from ocppflow.check.variables import configure
from ocppflow.messages import Version


@station_case("K01.FR.36")
async def TC_K_21_CS(trial: Trial) -> None:
    """A profile counts from its validFrom on."""
    now = trial.now()
    valid_from = now + timedelta(seconds=300)
    await set_profile(trial, profile(trial, kind="Relative", duration=None, valid_from=valid_from))
    answer = await composite(trial, 400)
    limits_are(trial, answer, now, (0, None), (300, 6), by="K01.FR.36")
    periods = answer.at("schedule.chargingSchedulePeriod")
    trial.check(len(periods) > 1, "the limit does not change at validFrom", at=answer, by="K01.FR.36")


@station_case("K01.FR.37")
async def TC_K_22_CS(trial: Trial) -> None:
    """A profile does not count any more after its validTo."""
    now = trial.now()
    slack = timedelta(seconds=trial.settings.tolerance)
    valid: Any = {"valid_from": now - slack, "valid_to": now + timedelta(seconds=300)}
    await set_profile(trial, profile(trial, duration=None, start=now, **valid), 0)
    evses = len(trial.settings.connectors)
    for evse in range(evses + 1):
        answer = await composite(trial, 400, evse)
        limits_are(trial, answer, now, (0, 6 * (evses if evse == 0 else 1)), (300, None), by="K01.FR.37")
        last = answer.at("schedule.chargingSchedulePeriod")[-1]
        ends = last["limit"] > rate(trial, 6 * (evses if evse == 0 else 1))
        trial.check(ends, "the limit is the same after validTo", at=answer, by="K01.FR.37")


@station_case("K01.FR.30")
async def TC_K_23_CS(trial: Trial) -> None:
    """A profile counts from its startSchedule on."""
    now = trial.now() - timedelta(seconds=trial.settings.tolerance)
    valid: Any = {"valid_from": now + timedelta(seconds=50), "valid_to": around(trial, 400)["valid_to"]}
    start = now + timedelta(seconds=60)
    await set_profile(trial, profile(trial, start=start, duration=None, **valid))
    answer = await composite(trial, 300)
    limits_are(trial, answer, now, (0, None), (60, 6), by="K01.FR.30")
    periods = answer.at("schedule.chargingSchedulePeriod")
    trial.check(len(periods) > 1, "the limit does not change at startSchedule", at=answer, by="K01.FR.30")


@station_case("K01.FR.32")
async def TC_K_28_CS(trial: Trial) -> None:
    """TxDefaultProfile counts for a transaction that runs already."""
    await configure(trial, "SmartChargingCtrlr", "LimitChangeSignificance", "1.0")
    await energy_transfer_started(trial)
    valid = around(trial, 300)
    await set_profile(trial, profile(trial, start=valid["valid_from"], duration=300, **valid))
    since = trial.now()
    limits_are(trial, await composite(trial, 300), since, (0, 6), (300, None), by="K01.FR.32")


@station_case("K08.FR.02", "K08.FR.03", "K08.FR.06")
async def TC_K_39_CS(trial: Trial) -> None:
    """The composite schedule of a station without profiles."""
    await composite(trial, 300, 0, by="K08.FR.06")


@station_case("K08.FR.02", "K08.FR.06")
async def TC_K_40_CS(trial: Trial) -> None:
    """The composite schedule of profiles that are stacked."""
    slack = round(trial.settings.tolerance)
    valid = around(trial, 401)
    start = valid["valid_from"]
    low = ((0, 6.0), (100, 8.0), (200, 10.0))
    high = ((0, 7.0), (100, 9.0))
    await set_profile(trial, profile(trial, "TxDefaultProfile", *low, start=start, duration=400 + slack, **valid))
    second = profile(trial, "TxDefaultProfile", *high, number=1, level=1, start=start, duration=150 + slack, **valid)
    since = trial.now()
    await set_profile(trial, second)
    answer = await composite(trial, 350)
    limits_are(trial, answer, since, (0, 7), (100, 9), (150, 8), (200, 10), by="K08.FR.06")


@station_case("K08.FR.02", "K08.FR.04")
async def TC_K_41_CS(trial: Trial) -> None:
    """The composite schedule of profiles with several purposes."""
    await energy_transfer_started(trial)
    running = await transaction_id(trial)
    valid = around(trial, 401)
    start = valid["valid_from"]
    top = profile(trial, "ChargingStationMaxProfile", (0, 10.0), start=start, duration=86400)
    await set_profile(trial, top, 0)
    default = ((0, 6.0), (60, 10.0), (120, 8.0), (180, 15.0), (260, 8.0))
    await set_profile(trial, profile(trial, "TxDefaultProfile", *default, number=1, start=start, duration=300, **valid))
    own = ((0, 8.0), (50, 11.0), (140, 16.0), (200, 6.0), (240, 12.0))
    one = profile(
        trial, "TxProfile", number=2, transaction_id=running, **valid,
        schedules=[schedule(trial, *own, start=start, duration=260)],
    )  # fmt: skip
    since = trial.now()
    await set_profile(trial, one)
    answer = await composite(trial, 400)
    limits: list[tuple[float, float | None]] = [(0, 8), (50, 10), (200, 6), (240, 10)]
    later = [(260, 8), (300, 10)] if trial.version is Version.V21 else [(260, None)]  # 2.0.1's text ends there
    limits_are(trial, answer, since, *limits, *later, by="K08.FR.04")


@station_case("K08.FR.07")
async def TC_K_42_CS(trial: Trial) -> None:
    """The composite schedule in a unit that the station does not support."""
    await no_composite(trial, 0, await unsupported_unit(trial), by="K08.FR.07")


@station_case("K08.FR.05")
async def TC_K_47_CS(trial: Trial) -> None:
    """The composite schedule of an EVSE that does not exist."""
    await no_composite(trial, len(trial.settings.connectors) + 1, by="K08.FR.05")
