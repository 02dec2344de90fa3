"""ProfileBook: the charging profiles that are installed at a station."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from msgspec import UNSET, UnsetType

from ocppflow.messages.v21 import ChargingProfilePurposeEnumType
from ocppflow.station.blocks.smart_charging.installed_profile import InstalledProfile
from ocppflow.station.station_store import StationStore

AREA = "charging_profiles"
"""Of the store: InstalledProfile by the profile's id. TxProfiles are there too: 2.0.1 wants it (K01.FR.27), and 2.1
lets a station say that it does (K01.FR.55)."""


class ProfileBook:
    """Profiles by id. What is put here is staged in the store; whoever changes something commits it."""

    __slots__ = ("_profiles", "_store")

    def __init__(self, store: StationStore) -> None:
        self._store = store
        kept = store.load(AREA, InstalledProfile).values()
        self._profiles: dict[int, InstalledProfile] = {one.profile.id: one for one in kept}

    def __len__(self) -> int:
        return len(self._profiles)

    def __iter__(self) -> Iterator[InstalledProfile]:
        return iter(list(self._profiles.values()))

    def get(self, profile_id: int) -> InstalledProfile | None:
        """The profile with this id."""
        return self._profiles.get(profile_id)

    def put(self, one: InstalledProfile) -> None:
        """Install it in the place of the one with its id (K01.FR.05). What external systems limit is not kept over a
        boot: it may not be so any more, and they say it again."""
        self._profiles[one.profile.id] = one
        if one.profile.charging_profile_purpose != "ChargingStationExternalConstraints":
            self._store.put(AREA, str(one.profile.id), one)

    def remove(self, profile_id: int) -> None:
        """Let it go."""
        if self._profiles.pop(profile_id, None) is not None:
            self._store.remove(AREA, str(profile_id))

    def matching(
        self,
        *,
        ids: Collection[int] | UnsetType = UNSET,
        evse: int | UnsetType = UNSET,
        purpose: ChargingProfilePurposeEnumType | UnsetType = UNSET,
        level: int | UnsetType = UNSET,
        sources: Collection[str] | UnsetType = UNSET,
    ) -> list[InstalledProfile]:
        """Those that match all that is given (K09.FR.04 to K09.FR.06, K10.FR.04), by place and id."""
        found = [
            one
            for one in self._profiles.values()
            if (ids is UNSET or one.profile.id in ids)
            and (evse is UNSET or one.evse == evse)
            and (purpose is UNSET or one.profile.charging_profile_purpose == purpose)
            and (level is UNSET or one.profile.stack_level == level)
            and (sources is UNSET or one.source in sources)
        ]
        return sorted(found, key=lambda one: (one.evse, one.source, one.profile.id))
