"""What a 1.6 station tells of itself for the check."""

from __future__ import annotations

from ocppflow.check.check_settings import CheckSettings
from ocppflow.check.in_process import station_in_process
from ocppflow.check.pics import Pics
from ocppflow.check.pics_from_station import pics_from_station
from ocppflow.check.runner import settled
from ocppflow.check.trial import Trial
from ocppflow.endpoint import run_in_virtual_time
from ocppflow.messages import Version
from ocppflow.station import EvseConfig, StationConfig


def test_feature_profiles_and_connectors_come_from_the_keys() -> None:
    async def ask() -> Pics:
        config = StationConfig(evses=(EvseConfig(),) * 3, features=("reservation", "firmware"))
        async with station_in_process(Version.V16, CheckSettings(), config) as (bench, operator, _):
            await settled(bench)
            base = Pics(profiles=("Core", "Smart Charging"))
            return await pics_from_station(Trial(bench, operator, base), base)

    pics = run_in_virtual_time(ask())
    wanted = {"Core", "Firmware Management", "Reservation", "Remote Trigger", "Security Extension"}
    assert set(pics.profiles) == wanted
    assert pics.settings.connectors == (1, 1, 1)
