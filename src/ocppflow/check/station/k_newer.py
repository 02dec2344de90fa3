"""K01 in 2.1: what a charging profile may say besides, and what a station refuses that does not support it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import (
    composite,
    get_profiles,
    has_profile,
    limits_are,
    profile,
    rate,
    set_profile,
)
from ocppflow.check.heard import ABSENT
from ocppflow.check.reusable_states import booted, energy_transfer_started
from ocppflow.check.trial import NotForThis, NotPossible, Trial
from ocppflow.check.variables import configure, get_variable, members, set_variable
from ocppflow.messages import Version, v21

_CTRLR: Final = "SmartChargingCtrlr"
_IN_21: Final = (Version.V21,)


async def supports(trial: Trial, feature: str) -> bool:
    """Whether the station says that it supports a feature of charging profiles."""
    return await get_variable(trial, _CTRLR, "SupportsFeature", instance=feature) == "true"


async def needs(trial: Trial, feature: str, supported: bool = True) -> None:
    """Raises NotForThis unless the station supports the feature, or does not."""
    if await supports(trial, feature) is not supported:
        raise NotForThis(f"{_CTRLR}.SupportsFeature[{feature}] is {'not true' if supported else 'true'}")


async def needs_purpose(trial: Trial, purpose: str, supported: bool = True) -> None:
    """Raises NotForThis unless the station supports this additional purpose, or does not."""
    if (purpose in await members(trial, _CTRLR, "SupportedAdditionalPurposes")) is not supported:
        raise NotForThis(f"SupportedAdditionalPurposes {'lacks' if supported else 'contains'} {purpose}")


async def refused_profile(
    trial: Trial, one: v21.ChargingProfileType, evse: int | None = None, *reasons: Any, by: str
) -> None:
    """The profile is rejected, for one of these reasons."""
    answer = await set_profile(trial, one, evse, "Rejected", by=by)
    answer.must("statusInfo.reasonCode", *reasons, by=by)


# --- offline -------------------------------------------------------------------------------------------------------


async def _away(trial: Trial, seconds: float, most: float) -> None:
    """Without a connection for ``seconds``; raises NotPossible if the station is away for ``most``."""
    begin = trial.bench.clock.now()
    with trial.offline():
        await trial.wait(seconds)
    await trial.connected(within=trial.settings.reboot_patience)
    if (passed := trial.bench.clock.now() - begin) >= most:
        raise NotPossible(f"the station was away for {passed:.0f} s; max_offline_duration has to be longer")


async def _limit_is(trial: Trial, limit: float, by: str) -> None:
    limits_are(trial, await composite(trial, 900), trial.now(), (0, limit), by=by)


@station_case("K01.FR.101", "K01.FR.102", "K01.FR.103", versions=_IN_21)
async def TC_K_100_CS(trial: Trial) -> None:
    """A profile that does not count any more once the station has been offline for long."""
    most = trial.settings.max_offline_duration
    long = most + trial.settings.tolerance

    def with_limit(limit: float, duration: int, ends: bool) -> v21.ChargingProfileType:
        offline: Any = {"max_offline_duration": duration, "invalid_after_offline_duration": ends}
        return profile(trial, "TxDefaultProfile", (0, limit), number=1, level=1, duration=None, **offline)

    await set_profile(trial, profile(trial, duration=None), 0)
    await set_profile(trial, with_limit(7.0, most, True), 0)
    await energy_transfer_started(trial)
    await _away(trial, 0.0, most)
    await _limit_is(trial, 7, "K01.FR.101")
    await _away(trial, long, float("inf"))
    await _limit_is(trial, 6, "K01.FR.102")
    await set_profile(trial, with_limit(8.0, most, False), 0)
    await _away(trial, long, float("inf"))
    await _limit_is(trial, 8, "K01.FR.103")
    await set_profile(trial, with_limit(9.0, 0, True), 0)
    await _away(trial, 0.0, float("inf"))
    await _limit_is(trial, 6, "K01.FR.102")


# --- the state of charge -------------------------------------------------------------------------------------------


@station_case("K01.FR.100", versions=_IN_21)
async def TC_K_102_CS(trial: Trial) -> None:
    """A limit from a state of charge on."""
    await needs(trial, "LimitAtSoC")
    soc = trial.settings.limit_at_soc
    one = profile(trial, "TxDefaultProfile", (0, 8.0), duration=None)
    one.charging_schedule[0].limit_at_soc = v21.LimitAtSoCType(soc=soc, limit=rate(trial, 6.0))
    await set_profile(trial, one, 0)
    await energy_transfer_started(trial)
    for percent, limit in ((soc - 5, 8), (soc, 6), (soc - 5, 8)):
        await trial.operator.fill(trial.evse, percent)
        await _limit_is(trial, limit, "K01.FR.100")


# --- local time ----------------------------------------------------------------------------------------------------


async def _in_local_time(trial: Trial, offset: str, zone: str) -> None:
    await needs(trial, "UseLocalTime")
    settings = {"TimeOffset": offset, "TimeZone": zone}
    for variable, value in settings.items():
        if await get_variable(trial, "ClockCtrlr", variable) is None:
            if value:
                raise NotForThis(f"there is no ClockCtrlr.{variable}")
            continue
        status = await set_variable(trial, "ClockCtrlr", variable, value)
        accepted = status in ("Accepted", "RebootRequired")
        trial.check(accepted, f"setting ClockCtrlr.{variable} to {value!r} was answered {status}", by="K01.FR.90")
    now = trial.now()
    start = now + timedelta(hours=2, minutes=10)
    one = profile(trial, start=start)
    one.charging_schedule[0].use_local_time = True
    await set_profile(trial, one, 0, by="K01.FR.90")
    evses = len(trial.settings.connectors)  # K08.FR.03: the limit of the station is that of all its EVSEs
    answer = await composite(trial, 900, 0)
    limits_are(trial, answer, now, (0, None), (600, 6 * evses), by="K01.FR.90")
    periods = answer.at("schedule.chargingSchedulePeriod")
    trial.check(len(periods) > 1, "the limit does not change at startSchedule", at=answer, by="K01.FR.90")


@station_case("K01.FR.90", versions=_IN_21)
async def TC_K_103_CS(trial: Trial) -> None:
    """A schedule in local time, which is told by its offset."""
    await _in_local_time(trial, "+02:00", "")


@station_case("K01.FR.90", versions=_IN_21)
async def TC_K_136_CS(trial: Trial) -> None:
    """A schedule in local time, which is told by its zone."""
    await _in_local_time(trial, "", "Etc/GMT-2")  # two hours before UTC; the variable takes the names of the IANA


# --- purposes and ids ----------------------------------------------------------------------------------------------


@station_case("K01.FR.70", "K01.FR.71", versions=_IN_21)
async def TC_K_104_CS(trial: Trial) -> None:
    """PriorityCharging with a duration, or another operationMode."""
    await needs_purpose(trial, "PriorityCharging")
    await refused_profile(trial, profile(trial, "PriorityCharging"), 0, "InvalidSchedule", ABSENT, by="K01.FR.70")
    other = profile(trial, "PriorityCharging", number=1, duration=None)
    other.charging_schedule[0].charging_schedule_period[0].operation_mode = "ExternalLimits"
    await refused_profile(trial, other, None, "InvalidSchedule", by="K01.FR.71")


async def _persists(trial: Trial, one: v21.ChargingProfileType) -> None:
    await set_profile(trial, one, 0)
    await booted(trial)
    found = await get_profiles(trial, charging_profile_id=[one.id, one.id + 1])
    has_profile(trial, found, one, 0, by="K01.FR.27")


@station_case("K01.FR.27", versions=_IN_21)
async def TC_K_105_CS(trial: Trial) -> None:
    """ChargingStationMaxProfile is still there after a reboot."""
    await _persists(trial, profile(trial, "ChargingStationMaxProfile"))


@station_case("K01.FR.27", versions=_IN_21)
async def TC_K_129_CS(trial: Trial) -> None:
    """PriorityCharging is still there after a reboot."""
    await needs_purpose(trial, "PriorityCharging")
    await _persists(trial, profile(trial, "PriorityCharging", duration=None))  # none: K01.FR.70


@station_case("K01.FR.81", versions=_IN_21)
async def TC_K_110_CS(trial: Trial) -> None:
    """Ids that the station has for itself."""
    if await get_variable(trial, _CTRLR, "MaxExternalConstraintsId") is None:
        raise NotForThis(f"there is no {_CTRLR}.MaxExternalConstraintsId")
    await configure(trial, _CTRLR, "MaxExternalConstraintsId", "99")
    one = profile(trial)
    for number in (99, 50):
        one.id = number
        await refused_profile(trial, one, None, "InvalidProfileId", by="K01.FR.81")
    one.id = 100
    await set_profile(trial, one, by="K01.FR.81")


# --- what is not supported -----------------------------------------------------------------------------------------
# The official texts send a TxProfile without a transaction for EVSE 0, which is refused for that reason already: here
# nothing else is wrong with the profile.


@station_case("K01.FR.120", versions=_IN_21)
async def TC_K_130_CS(trial: Trial) -> None:
    """PriorityCharging is not supported."""
    await needs_purpose(trial, "PriorityCharging", False)
    await booted(trial)
    one = profile(trial, "PriorityCharging", (0, 16.0), duration=None)
    await refused_profile(trial, one, 0, "UnsupportedPurpose", ABSENT, by="K01.FR.120")


@station_case("K01.FR.120", versions=_IN_21)
async def TC_K_131_CS(trial: Trial) -> None:
    """LocalGeneration is not supported."""
    await needs_purpose(trial, "LocalGeneration", False)
    await booted(trial)
    await refused_profile(trial, profile(trial, "LocalGeneration"), 0, "UnsupportedPurpose", ABSENT, by="K01.FR.120")


@station_case("K01.FR.123", versions=_IN_21)
async def TC_K_132_CS(trial: Trial) -> None:
    """useLocalTime is not supported."""
    await needs(trial, "UseLocalTime", False)
    await booted(trial)
    one = profile(trial)
    one.charging_schedule[0].use_local_time = True
    await refused_profile(trial, one, None, "InvalidSchedule", ABSENT, by="K01.FR.123")


@station_case("K01.FR.124", versions=_IN_21)
async def TC_K_133_CS(trial: Trial) -> None:
    """randomizedDelay is not supported."""
    await needs(trial, "RandomizedDelay", False)
    await booted(trial)
    one = profile(trial)
    one.charging_schedule[0].randomized_delay = 10
    await refused_profile(trial, one, None, "InvalidSchedule", ABSENT, by="K01.FR.124")


@station_case("K01.FR.125", versions=_IN_21)
async def TC_K_134_CS(trial: Trial) -> None:
    """limitAtSoC is not supported."""
    await needs(trial, "LimitAtSoC", False)
    await booted(trial)
    one = profile(trial)
    one.charging_schedule[0].limit_at_soc = v21.LimitAtSoCType(soc=80, limit=10.0)
    await refused_profile(trial, one, None, "InvalidSchedule", ABSENT, by="K01.FR.125")


@station_case("K01.FR.126", versions=_IN_21)
async def TC_K_135_CS(trial: Trial) -> None:
    """evseSleep is not supported."""
    await needs(trial, "EvseSleep", False)
    await booted(trial)
    one = profile(trial)
    one.charging_schedule[0].charging_schedule_period[0].evse_sleep = True
    await refused_profile(trial, one, None, "InvalidSchedule", ABSENT, by="K01.FR.126")
