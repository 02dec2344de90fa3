"""K09: which charging profiles are installed is reported; K05: one that comes with a remote start."""

from __future__ import annotations

from typing import Any

from ocppflow.check.cases import station_case
from ocppflow.check.charging_steps import (
    ask_for_profiles,
    get_profiles,
    has_profile,
    only_profiles,
    profile,
    reported_is,
    set_profile,
)
from ocppflow.check.reusable_states import authorized_remote, energy_transfer_started, ev_connected_pre_session
from ocppflow.check.trial import Trial
from ocppflow.messages import Version, v21

_SOURCES: Any = ("SO", "EMS", "Other")
"""Other sources than the CSMS; one that has set nothing is looked for."""


async def _installed(
    trial: Trial, level: int = 0, own_level: int = 0
) -> tuple[v21.ChargingProfileType, v21.ChargingProfileType]:
    """A ChargingStationMaxProfile for the station, and a TxDefaultProfile for the EVSE."""
    station = profile(trial, "ChargingStationMaxProfile", level=level)
    await set_profile(trial, station, 0)
    evse = profile(trial, number=1, level=own_level)
    await set_profile(trial, evse)
    return station, evse


@station_case("K09.FR.02", "K09.FR.05")
async def TC_K_29_CS(trial: Trial) -> None:
    """The profiles of the station itself."""
    station, _ = await _installed(trial)
    found = await get_profiles(trial, 0)
    has_profile(trial, found, station, 0, by="K09.FR.05")
    only_profiles(trial, found, station, by="K09.FR.05")


@station_case("K09.FR.02", "K09.FR.04")
async def TC_K_30_CS(trial: Trial) -> None:
    """The profiles of an EVSE."""
    _, evse = await _installed(trial)
    found = await get_profiles(trial, trial.evse)
    has_profile(trial, found, evse, by="K09.FR.04")
    only_profiles(trial, found, evse)


@station_case("K09.FR.02", "K09.FR.06")
async def TC_K_31_CS(trial: Trial) -> None:
    """All profiles."""
    station, evse = await _installed(trial)
    found = await get_profiles(trial)
    has_profile(trial, found, station, 0, by="K09.FR.06")
    has_profile(trial, found, evse, by="K09.FR.06")


@station_case("K09.FR.01", "K09.FR.02")
async def TC_K_32_CS(trial: Trial) -> None:
    """A profile by its id."""
    station, _ = await _installed(trial)
    await reported_is(trial, station, 0)


@station_case("K09.FR.02", "K09.FR.04")
async def TC_K_33_CS(trial: Trial) -> None:
    """The profiles of an EVSE with a stackLevel."""
    _, evse = await _installed(trial, 0, 1)
    found = await get_profiles(trial, trial.evse, stack_level=1)
    has_profile(trial, found, evse, by="K09.FR.04")
    only_profiles(trial, found, evse)


@station_case("K09.FR.02", "K09.FR.04")
async def TC_K_34_CS(trial: Trial) -> None:
    """The profiles of an EVSE from a source."""
    evse = profile(trial, level=1)
    await set_profile(trial, evse)
    found = await get_profiles(trial, trial.evse, charging_limit_source=["CSO"])
    has_profile(trial, found, evse, by="K09.FR.04")
    answers = []
    for source in _SOURCES:
        answers.append(await ask_for_profiles(trial, trial.evse, charging_limit_source=[source]))
    none = any(answer.at("status") == "NoProfiles" for answer in answers)
    trial.check(none, "profiles of a source that has set none are reported", at=answers[-1], by="K09.FR.04")


@station_case("K09.FR.02", "K09.FR.04")
async def TC_K_35_CS(trial: Trial) -> None:
    """The profiles of an EVSE with a purpose."""
    _, evse = await _installed(trial)
    if trial.version is Version.V21:  # so its text
        await energy_transfer_started(trial)
    found = await get_profiles(trial, trial.evse, charging_profile_purpose="TxDefaultProfile")
    has_profile(trial, found, evse, by="K09.FR.04")
    only_profiles(trial, found, evse)


@station_case("K09.FR.02", "K09.FR.04")
async def TC_K_36_CS(trial: Trial) -> None:
    """The profiles of an EVSE with a purpose and a stackLevel."""
    _, evse = await _installed(trial)
    found = await get_profiles(trial, trial.evse, charging_profile_purpose="TxDefaultProfile", stack_level=0)
    has_profile(trial, found, evse, by="K09.FR.04")
    only_profiles(trial, found, evse)


def _with_start(trial: Trial) -> v21.ChargingProfileType:
    return profile(trial, "TxProfile", kind="Relative", duration=None)


@station_case("K05.FR.03", "E01.FR.02", "F01.FR.10", "F01.FR.13")
async def TC_K_37_CS(trial: Trial) -> None:
    """A remote start brings a profile for its transaction."""
    await ev_connected_pre_session(trial)
    one = _with_start(trial)
    await authorized_remote(trial, charging_profile=one)
    await energy_transfer_started(trial)
    await reported_is(trial, one, by="K05.FR.03")


@station_case("F01.FR.12", "F01.FR.13")
async def TC_K_38_CS(trial: Trial) -> None:
    """A station without smart charging ignores the profile of a remote start."""
    await ev_connected_pre_session(trial)
    await authorized_remote(trial, charging_profile=_with_start(trial))
    await energy_transfer_started(trial)
