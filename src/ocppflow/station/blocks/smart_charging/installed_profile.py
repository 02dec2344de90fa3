"""InstalledProfile: a charging profile where it applies; and the limits that all of them make at a station."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET

from ocppflow.messages.v21 import ChargingProfilePurposeEnumType, ChargingProfileType
from ocppflow.station.blocks.smart_charging.charging_rate import Supply
from ocppflow.station.blocks.smart_charging.composite_schedule import EvseLimits, Stacks, StationLimits
from ocppflow.station.blocks.smart_charging.local_clock import LocalClock
from ocppflow.station.blocks.smart_charging.schedule_span import ScheduleSpan

_CONSTRAINTS: Final = "ChargingStationExternalConstraints"


class InstalledProfile(msgspec.Struct, frozen=True):
    """A charging profile as it is kept: exactly as it came."""

    evse: int
    """0: the station, or all its EVSEs (K01.FR.14)."""
    profile: ChargingProfileType
    source: str = "CSO"
    """Of the standard's ChargingLimitSource: who set it."""


class EvseSituation(NamedTuple):
    """What matters of an EVSE besides its profiles."""

    transaction_id: str | None = None
    ready_at: int = 0
    """When Relative schedules began; without a transaction the moment of asking (K08.FR.06)."""
    priority: bool = False
    """Whether PriorityCharging is in use (K21)."""
    soc: float | None = None
    """Percent, if the EV tells it."""


class Circumstances(NamedTuple):
    """What matters of the station besides its profiles. Moments are milliseconds since 1970 (UTC)."""

    supply: Supply
    evses: Sequence[tuple[Supply, EvseSituation]]
    local: LocalClock
    now: int
    offline_since: int | None = None
    delays: Callable[[InstalledProfile, EvseSituation], Sequence[int]] = lambda *_: ()
    """Seconds by which each period of a profile starts later in a transaction (K01.FR.93)."""


def station_limits(installed: Iterable[InstalledProfile], around: Circumstances) -> StationLimits:
    """The limits of the station and its EVSEs, ready to be asked for any moment."""
    ordered = sorted(installed, key=lambda one: (-one.profile.stack_level, not one.evse, one.profile.id))
    station = EvseSituation(ready_at=around.now)

    def stack(
        purpose: ChargingProfilePurposeEnumType,
        places: tuple[int, ...],
        supply: Supply,
        situation: EvseSituation,
        source: str | None = None,
    ) -> list[ScheduleSpan]:
        return [
            _span(one, supply, situation, around)
            for one in ordered
            if one.profile.charging_profile_purpose == purpose
            and one.evse in places
            and source in (None, one.source)
            and (purpose != "TxProfile" or one.profile.transaction_id == situation.transaction_id)
        ]

    def constraints(place: int, supply: Supply, situation: EvseSituation) -> list[list[ScheduleSpan]]:
        return [stack(_CONSTRAINTS, (place,), supply, situation, source) for source in sources]

    sources = sorted({one.source for one in ordered if one.profile.charging_profile_purpose == _CONSTRAINTS})
    evses = []
    for number, (supply, situation) in enumerate(around.evses, 1):
        stacks = Stacks(
            constraints=constraints(number, supply, situation),
            transaction=stack("TxProfile", (number,), supply, situation) if situation.transaction_id else (),
            default=stack("TxDefaultProfile", (0, number), supply, situation),
            priority=stack("PriorityCharging", (0, number), supply, situation) if situation.priority else (),
            generation=stack("LocalGeneration", (number,), supply, situation),
        )
        evses.append(EvseLimits(supply, stacks))
    shared = Stacks(
        constraints=constraints(0, around.supply, station),
        station_max=stack("ChargingStationMaxProfile", (0,), around.supply, station),
        generation=stack("LocalGeneration", (0,), around.supply, station),
    )
    return StationLimits(around.supply, shared, evses)


def _span(one: InstalledProfile, supply: Supply, situation: EvseSituation, around: Circumstances) -> ScheduleSpan:
    profile = one.profile
    ends = inf
    if around.offline_since is not None and profile.max_offline_duration is not UNSET:
        ends = around.offline_since + profile.max_offline_duration * 1000  # K01.FR.101, K01.FR.103
    return ScheduleSpan(
        profile,
        supply,
        relative_start=situation.ready_at,
        local=around.local,
        delays=around.delays(one, situation) if profile.charging_schedule[0].randomized_delay else (),
        ends=ends,
        soc=situation.soc,
    )
