"""What a charging profile has to be before a station takes it (K01, K28)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET

from ocppflow.messages import Version, v21
from ocppflow.station.blocks.smart_charging.installed_profile import InstalledProfile
from ocppflow.station.station_config import EvseConfig
from ocppflow.station.station_store import unkeepable

if TYPE_CHECKING:
    from ocppflow.station.complete_station import CompleteStation

CTRLR: Final = "SmartChargingCtrlr"

_FOR_TWO_WAYS: Final = tuple(
    name
    for name in v21.ChargingSchedulePeriodType.__struct_fields__
    if name.startswith(("discharge", "setpoint", "v2x"))
)
"""Fields that only mean something where EVs feed back (section Q)."""


_LARGEST: Final = 250_000
"""Bytes of a profile; one with 1024 periods has some 100,000."""


class ProfileRefusal(NamedTuple):
    """Why a profile is refused: one of the standard's reason codes, and a word for people."""

    code: str
    text: str


class ProfileChecks:
    """The checks for one station. Each method returns the ProfileRefusal, or None."""

    __slots__ = ("evses", "model", "station")

    def __init__(self, station: CompleteStation) -> None:
        self.station = station
        self.model = station.device_model
        self.evses = station.config.evses

    def supports(self, feature: str) -> bool:
        """Whether the device model says that the station supports this feature of 2.1."""
        return self.model.flag(CTRLR, "SupportsFeature", variable_instance=feature)

    def of_profile(self, evse: int, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        """What holds for every profile, wherever it comes from; where it is to be applied is checked already."""
        return (
            self._purpose(evse, profile)
            or self._identity(profile)
            or self._kind(profile)
            or self._validity(profile)
            or self._schedules(evse, profile)
            or self._readable(profile)
        )

    @staticmethod
    def _readable(profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        why = unkeepable(profile, _LARGEST)
        return ProfileRefusal("InvalidProfile", why) if why else None

    def _purpose(self, evse: int, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        purpose = profile.charging_profile_purpose
        if purpose == "ChargingStationExternalConstraints":  # K01.FR.22
            return ProfileRefusal("InvalidProfile", "only the station itself makes ChargingStationExternalConstraints")
        more = self.model.members(CTRLR, "SupportedAdditionalPurposes")
        if purpose in ("PriorityCharging", "LocalGeneration") and purpose not in more:  # K01.FR.120
            return ProfileRefusal("UnsupportedPurpose", f"{purpose} is not supported")
        if purpose == "ChargingStationMaxProfile":
            if evse:  # K04.FR.03
                return ProfileRefusal("InvalidProfile", "a ChargingStationMaxProfile is for EVSE 0")
            if profile.charging_profile_kind == "Relative":  # K01.FR.38
                return ProfileRefusal("InvalidProfile", "a ChargingStationMaxProfile cannot be Relative")
        if purpose != "TxProfile" and profile.transaction_id is not UNSET:
            return ProfileRefusal("InvalidProfile", "only a TxProfile has a transactionId")
        return None

    def _identity(self, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        highest = self.model.integer(CTRLR, "ProfileStackLevel")
        if profile.stack_level > highest:
            return ProfileRefusal("InvalidStackLevel", f"the highest stackLevel is {highest}")
        reserved = self.model.value(CTRLR, "MaxExternalConstraintsId")
        if self.station.version is Version.V21 and reserved and profile.id <= int(reserved):  # K01.FR.81
            return ProfileRefusal("InvalidProfileId", f"ids up to {reserved} are the station's own")
        return None

    def _kind(self, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        dynamic = profile.charging_profile_kind == "Dynamic"
        if dynamic and not self.supports("DynamicProfiles"):  # K01.FR.121
            return ProfileRefusal("UnsupportedKind", "Dynamic profiles are not supported")
        if not dynamic and (profile.dyn_update_interval is not UNSET or profile.dyn_update_time is not UNSET):
            return ProfileRefusal("InvalidProfile", "only a Dynamic profile has dynUpdateInterval and dynUpdateTime")
        if profile.charging_profile_kind == "Recurring" and profile.recurrency_kind is UNSET:
            return ProfileRefusal("InvalidProfile", "a Recurring profile needs its recurrencyKind")
        return None

    def _validity(self, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        if profile.valid_from is not UNSET and profile.valid_to is not UNSET and profile.valid_from >= profile.valid_to:
            return ProfileRefusal("InvalidProfile", "validTo is not after validFrom")
        offline = profile.max_offline_duration, profile.invalid_after_offline_duration
        if offline != (UNSET, UNSET) and not self.supports("MaxOfflineDuration"):
            return ProfileRefusal("InvalidProfile", "maxOfflineDuration is not supported")
        return None

    def _schedules(self, evse: int, profile: v21.ChargingProfileType) -> ProfileRefusal | None:
        if len(profile.charging_schedule) != 1:  # K01.FR.34: without ISO 15118 there is nobody to choose among more
            return ProfileRefusal("InvalidSchedule", "the profile has to have one chargingSchedule")
        schedule = profile.charging_schedule[0]
        if schedule.charging_rate_unit not in self.model.members(CTRLR, "RateUnit", ("A", "W")):  # K01.FR.26
            return ProfileRefusal("UnsupportedRateUnit", f"limits in {schedule.charging_rate_unit} are not supported")
        text = self._begins(profile) or self._extras(profile) or self._order(profile)
        if text:
            return ProfileRefusal("InvalidSchedule", text)
        most = self.model.integer(CTRLR, "PeriodsPerSchedule", 1024)
        if len(schedule.charging_schedule_period) > most:
            return ProfileRefusal("TooManyElements", f"a schedule has at most {most} periods")
        for period in schedule.charging_schedule_period:
            text = _limits_of(period)
            if text:
                return ProfileRefusal("InvalidSchedule", text)
            refusal = self._phases(evse, profile, period)
            if refusal:
                return refusal
        return None

    @staticmethod
    def _begins(profile: v21.ChargingProfileType) -> str:
        schedule = profile.charging_schedule[0]
        has_start = schedule.start_schedule is not UNSET
        if profile.charging_profile_kind in ("Absolute", "Recurring") and not has_start:  # K01.FR.40
            return f"the schedule of a profile that is {profile.charging_profile_kind} needs its startSchedule"
        if profile.charging_profile_kind == "Relative" and has_start:  # K01.FR.41
            return "the schedule of a Relative profile has no startSchedule"
        if schedule.duration is not UNSET:
            if profile.charging_profile_purpose == "PriorityCharging":  # K01.FR.70
                return "the schedule of a PriorityCharging profile has no duration"
            if schedule.duration <= 0:
                return "the duration is not above 0"
        return ""

    def _extras(self, profile: v21.ChargingProfileType) -> str:
        schedule = profile.charging_schedule[0]
        if schedule.use_local_time is True and not self.supports("UseLocalTime"):  # K01.FR.123
            return "useLocalTime is not supported"
        if schedule.randomized_delay:
            if not self.supports("RandomizedDelay"):  # K01.FR.124
                return "randomizedDelay is not supported"
            if profile.charging_profile_purpose not in ("TxProfile", "TxDefaultProfile"):  # K01.FR.95
                return "randomizedDelay is for profiles of transactions"
        if schedule.limit_at_soc is not UNSET and not self.supports("LimitAtSoC"):  # K01.FR.125
            return "limitAtSoC is not supported"
        sleeps = any(period.evse_sleep is True for period in schedule.charging_schedule_period)
        if sleeps and not self.supports("EvseSleep"):  # K01.FR.126
            return "evseSleep is not supported"
        return ""

    @staticmethod
    def _order(profile: v21.ChargingProfileType) -> str:
        starts = [period.start_period for period in profile.charging_schedule[0].charging_schedule_period]
        if not starts or starts[0] != 0:  # K01.FR.31, K28.FR.02
            return "the first period starts at 0"
        if any(later <= earlier for earlier, later in pairwise(starts)):  # K01.FR.35
            return "the periods are not in the order of their startPeriod"
        if profile.charging_profile_kind == "Dynamic" and len(starts) > 1:  # K28.FR.01
            return "a Dynamic profile has one period"
        return ""

    def _phases(
        self, evse: int, profile: v21.ChargingProfileType, period: v21.ChargingSchedulePeriodType
    ) -> ProfileRefusal | None:
        if period.number_phases is UNSET and period.phase_to_use is UNSET:
            return None
        places = self.evses if not evse else (self.evses[evse - 1],)
        with_phases = [place for place in places if place.current == "AC"]
        if not with_phases:
            if profile.charging_profile_purpose == "ChargingStationMaxProfile":  # its phases are those of the grid
                return None
            if self.station.version is not Version.V21:  # 2.0.1: they may be ignored (K01.FR.44)
                return None
            return ProfileRefusal("NoPhaseForDC", "a DC EVSE has no phases to choose")
        text = next((text for place in with_phases if (text := self._phases_at(place, period))), "")
        return ProfileRefusal("InvalidSchedule", text) if text else None

    def _phases_at(self, place: EvseConfig, period: v21.ChargingSchedulePeriodType) -> str:
        number = 3 if period.number_phases is UNSET else period.number_phases
        if number == 0:
            return "numberPhases is 0"
        if number < place.phases and not self.model.flag(CTRLR, "Phases3to1"):  # K01.FR.43
            return f"the EVSE cannot be kept to {number} phases"
        if period.phase_to_use is not UNSET:
            if number != 1:  # K01.FR.19
                return "phaseToUse needs numberPhases 1"
            if period.phase_to_use != 1:  # K01.FR.48: phases cannot be swapped; it is L1 that is used
                return "the EVSE cannot choose its phase; it uses L1"
        return ""

    def of_place_among(self, one: InstalledProfile, others: list[InstalledProfile]) -> ProfileRefusal | None:
        """Whether it can stand beside the others (K01.FR.06, K01.FR.39, K01.FR.52, K01.FR.53)."""
        for other in others:
            if other.profile.id != one.profile.id and self._clash(one, other):
                text = f"profile {other.profile.id} has the same purpose and stackLevel"
                return ProfileRefusal("DuplicateProfile", text)
        declared = self.model.find(CTRLR, "Entries", variable_instance="ChargingProfiles")
        most = None if declared is None else declared.max_limit
        replaces = any(other.profile.id == one.profile.id for other in others)
        if most is not None and not replaces and len(others) >= most:
            return ProfileRefusal("TooManyElements", f"there are {len(others)} profiles, and there is no room for more")
        return None

    def _clash(self, one: InstalledProfile, other: InstalledProfile) -> bool:
        if self.station.version is Version.V16:
            return False  # one that would has been replaced, and one for all connectors may stand beside one for one
        return _clash(one, other)


def same_level(one: InstalledProfile, other: InstalledProfile) -> bool:
    """Whether two profiles cannot both be there, by the rules of 1.6 (3.13.1, 3.13.2)."""
    mine, theirs = one.profile, other.profile
    if (mine.charging_profile_purpose, mine.stack_level) != (theirs.charging_profile_purpose, theirs.stack_level):
        return False
    return one.evse == other.evse and mine.transaction_id == theirs.transaction_id


def _limits_of(period: v21.ChargingSchedulePeriodType) -> str:
    if period.operation_mode not in (UNSET, "ChargingOnly"):  # K01.FR.71, and section Q is not supported
        return f"operationMode {period.operation_mode} is not supported"
    if any(getattr(period, name) is not UNSET for name in _FOR_TWO_WAYS):
        return "the station does not feed back: setpoints and dischargeLimit mean nothing to it"
    if period.limit is UNSET:
        return "the period has no limit"
    if any(limit is not UNSET and limit < 0 for limit in (period.limit, period.limit_l2, period.limit_l3)):
        return "the limit is below 0"
    return ""


def _clash(one: InstalledProfile, other: InstalledProfile) -> bool:
    mine, theirs = one.profile, other.profile
    purpose = mine.charging_profile_purpose
    if (purpose, mine.stack_level) != (theirs.charging_profile_purpose, theirs.stack_level):
        return False
    if purpose == "TxProfile":
        return mine.transaction_id == theirs.transaction_id
    if one.evse != other.evse:
        return purpose == "TxDefaultProfile" and 0 in (one.evse, other.evse)
    starts_in_time = mine.valid_from is UNSET or theirs.valid_to is UNSET or mine.valid_from < theirs.valid_to
    ends_in_time = mine.valid_to is UNSET or theirs.valid_from is UNSET or theirs.valid_from < mine.valid_to
    return starts_in_time and ends_in_time


def wrong_values(values: v21.ChargingScheduleUpdateType) -> str:
    """What is wrong with new values of a Dynamic profile; empty if nothing is."""
    for name in values.__struct_fields__:
        value = getattr(values, name)
        if name == "custom_data" or value is UNSET:
            continue
        if not name.startswith("limit"):
            return f"{name} is not supported: the station does not feed back"
        if value < 0:
            return f"{name} is below 0"
    return ""
