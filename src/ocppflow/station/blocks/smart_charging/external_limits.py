"""ExternalLimits: what others than the CSMS limit, such as an energy management system or the grid operator (K11 to
K13, K27, K29)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from ocppflow.messages import Version, v21
from ocppflow.station.blocks.smart_charging.composite_schedule import leading
from ocppflow.station.blocks.smart_charging.installed_profile import InstalledProfile
from ocppflow.station.blocks.smart_charging.profile_checks import CTRLR

if TYPE_CHECKING:
    from ocppflow.station.blocks.smart_charging.charging_block import SmartCharging

SOURCES_201: Final = ("EMS", "Other", "SO", "CSO")
"""The sources that 2.0.1 knows; 2.1 takes any name."""


class _Place(msgspec.Struct, frozen=True):
    """Where a limit applies, who set it, and whether it is a capacity that comes on top."""

    evse: int
    source: str
    local_generation: bool


class ExternalLimits:
    """Sets and releases limits from outside, and lets the CSMS know. There is one limit at most for each EVSE, source
    and kind; a new one takes the old one's place. What the CSMS could not be told is told when it is there again."""

    __slots__ = ("_block", "_telling", "_untold")

    def __init__(self, block: SmartCharging) -> None:
        self._block = block
        self._untold: dict[_Place, v21.NotifyChargingLimitRequest | v21.ClearedChargingLimitRequest] = {}
        self._telling = False

    def set(
        self,
        limit: float | v21.ChargingScheduleType,
        unit: v21.ChargingRateUnitEnumType = "W",
        *,
        evse: int = 0,
        source: str = "EMS",
        local_generation: bool = False,
        grid_critical: bool = False,
    ) -> int | None:
        """Limit the station, or one EVSE, from outside of OCPP: a value in ``unit``, or a schedule with its
        start_schedule. ``local_generation``: so much more than the CSMS allows (K27). Returns the id of the profile
        that stands for it, or None if limits from outside do not count here (K11.FR.07). Raises ValueError for an EVSE
        that is not there, for a schedule without its start, and for the source CSO (K11.FR.05)."""
        place = _Place(evse, source, local_generation)
        self._check(place, limit)
        if not self._counts(local_generation):
            return None
        old, before = self._find(place), self._watts(place)
        schedule = limit if isinstance(limit, v21.ChargingScheduleType) else self._single(limit, unit)
        dynamic = schedule is not limit
        profile = v21.ChargingProfileType(
            id=self._free_id() if old is None else old.profile.id,
            stack_level=0,
            charging_profile_purpose="LocalGeneration" if local_generation else "ChargingStationExternalConstraints",
            charging_profile_kind="Dynamic" if dynamic else "Absolute",  # K29.FR.04
            charging_schedule=[schedule],
            dyn_update_time=self._block.station.time.now() if dynamic else UNSET,
        )
        self._block.book.put(InstalledProfile(evse, profile, source))
        self._block.changed()
        if old is None or self._block.is_significant(before, self._watts(place)):  # K11.FR.02, K12.FR.02, K27.FR.03
            self._tell(place, self._notification(place, schedule, grid_critical))
        return profile.id

    def clear(self, *, evse: int = 0, source: str = "EMS", local_generation: bool = False) -> bool:
        """Release it (K13); False if there is none."""
        place = _Place(evse, source, local_generation)
        old = self._find(place)
        if old is None:
            return False
        self._block.book.remove(old.profile.id)
        self._block.changed()
        evse_id = evse or UNSET
        self._tell(place, v21.ClearedChargingLimitRequest(charging_limit_source=source, evse_id=evse_id))  # K13.FR.02
        return True

    def registered(self) -> None:
        """The CSMS is there: tell it what it does not know yet."""
        if self._untold and not self._telling:
            self._telling = True
            self._block.station.work(self._send(), "limits from outside")

    def _check(self, place: _Place, limit: float | v21.ChargingScheduleType) -> None:
        evses = len(self._block.station.config.evses)
        if not 0 <= place.evse <= evses:
            raise ValueError(f"there is no EVSE {place.evse}; this station has {evses}")
        if place.source == "CSO":
            raise ValueError("limits of the CSO come from the CSMS; the source may be EMS, SO or Other")
        if isinstance(limit, v21.ChargingScheduleType) and limit.start_schedule is UNSET:
            raise ValueError("the schedule has no start_schedule; give it the time from which it counts")

    def _counts(self, local_generation: bool) -> bool:
        model = self._block.station.device_model
        if not (self._block.enabled and model.flag(CTRLR, "ExternalControlSignalsEnabled", True)):
            return False
        return local_generation or not model.flag(CTRLR, "ExternalConstraintsProfileDisallowed")

    def _find(self, place: _Place) -> InstalledProfile | None:
        purpose: v21.ChargingProfilePurposeEnumType = (
            "LocalGeneration" if place.local_generation else "ChargingStationExternalConstraints"
        )
        found = self._block.book.matching(evse=place.evse, purpose=purpose, sources=(place.source,))
        return found[0] if found else None

    def _free_id(self) -> int:
        """A negative one, so that the CSMS does not choose it (K11.FR.06), and not above MaxExternalConstraintsId
        (K01.FR.82)."""
        highest = min(-1, self._block.station.device_model.integer(CTRLR, "MaxExternalConstraintsId", -1))
        while self._block.book.get(highest) is not None:
            highest -= 1
        return highest

    def _single(self, limit: float, unit: v21.ChargingRateUnitEnumType) -> v21.ChargingScheduleType:
        return v21.ChargingScheduleType(
            id=1,
            charging_rate_unit=unit,
            charging_schedule_period=[v21.ChargingSchedulePeriodType(start_period=0, limit=limit)],
        )

    def _watts(self, place: _Place) -> float:
        """What is allowed there from outside, or generated, now."""
        limits, now = self._block.limits(), self._block.now()
        where = limits.evses[place.evse - 1] if place.evse else limits
        if place.local_generation:
            rate, _ = leading(where.stacks.generation, now)
            return 0.0 if rate is None else rate.watts_at(where.supply.voltage)
        allowed = where.supply.rate()
        for stack in where.stacks.constraints:
            rate, _ = leading(stack, now)
            allowed = allowed if rate is None else allowed.meet(rate)
        return allowed.watts_at(where.supply.voltage)

    # --- telling -------------------------------------------------------------------------------------------------

    def _notification(
        self, place: _Place, schedule: v21.ChargingScheduleType, grid_critical: bool
    ) -> v21.NotifyChargingLimitRequest:
        limit = v21.ChargingLimitType(
            charging_limit_source=place.source,
            is_grid_critical=grid_critical or UNSET,
            is_local_generation=place.local_generation or UNSET,
        )
        detailed = self._block.station.device_model.flag(CTRLR, "NotifyChargingLimitWithSchedules")  # K11.FR.03
        if schedule.start_schedule is UNSET:
            schedule = msgspec.structs.replace(schedule, start_schedule=self._block.station.time.now())
        return v21.NotifyChargingLimitRequest(
            charging_limit=limit, charging_schedule=[schedule] if detailed else UNSET, evse_id=place.evse or UNSET
        )

    def _tell(self, place: _Place, request: v21.NotifyChargingLimitRequest | v21.ClearedChargingLimitRequest) -> None:
        self._untold.pop(place, None)
        self._untold[place] = request
        station = self._block.station
        if station.is_connected and station.provisioning.may_send:
            self.registered()

    async def _send(self) -> None:
        station = self._block.station
        try:
            while self._untold:
                place, request = next(iter(self._untold.items()))
                if _has_words(station.version, place):
                    answer = await station.say(_worded(request, station.version))
                    if answer is None:
                        return
                if self._untold.get(place) is request:
                    del self._untold[place]
        finally:
            self._telling = False


def _has_words(version: Version | None, place: _Place) -> bool:
    """Whether the CSMS can be told at all: 1.6 has no message for it, and 2.0.1 no word for what is generated."""
    return version is not Version.V16 and not (version is Version.V201 and place.local_generation)


def _worded(
    request: v21.NotifyChargingLimitRequest | v21.ClearedChargingLimitRequest, version: Version | None
) -> v21.NotifyChargingLimitRequest | v21.ClearedChargingLimitRequest:
    """With a source that this version knows."""
    if version is not Version.V201:
        return request
    if isinstance(request, v21.ClearedChargingLimitRequest):
        source = request.charging_limit_source
        return msgspec.structs.replace(request, charging_limit_source=source if source in SOURCES_201 else "Other")
    limit = request.charging_limit
    if limit.charging_limit_source not in SOURCES_201:
        limit = msgspec.structs.replace(limit, charging_limit_source="Other")
    return msgspec.structs.replace(request, charging_limit=limit)
