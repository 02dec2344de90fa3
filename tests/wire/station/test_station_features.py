"""What a station goes without is answered NotSupported, by the book."""

from __future__ import annotations

import pytest
from station_world import StationWorld

from ocppflow.errors import RemoteCallError
from ocppflow.messages import Version
from ocppflow.station import StationConfig

PROFILES = {"requestId": 1, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}


async def test_an_action_of_a_feature_that_is_left_out_is_not_supported() -> None:
    async with StationWorld(Version.V21, StationConfig(features=("smart_charging",))) as world:
        await world.station.connect()
        await world.clock.advance(1)
        with pytest.raises(RemoteCallError) as raised:
            await world.call("GetLocalListVersion", {})
        assert raised.value.code == "NotSupported"
        assert await world.call("GetChargingProfiles", PROFILES)


async def test_with_all_features_it_is_answered() -> None:
    async with StationWorld(Version.V21) as world:
        await world.station.connect()
        await world.clock.advance(1)
        assert await world.call("GetLocalListVersion", {}) == {"versionNumber": 0}
