"""The CSMS says another time of day in the middle of it all: what the station measures, waits for and tells follows its
own clock, and nothing is done twice or never."""

from __future__ import annotations

from datetime import timedelta

import pytest
from charging_world import ChargingWorld

HOURS = [-26.0, -1.0, -0.02, 0.02, 1.0, 26.0]


def jump(world: ChargingWorld, hours: float) -> None:
    """The CSMS says that it is so much later."""
    world.station.time.set(world.station.time.now() + timedelta(hours=hours))


@pytest.mark.parametrize("hours", HOURS)
async def test_E06FR11_values_stay_in_the_order_in_which_they_were_measured(hours: float) -> None:
    async with ChargingWorld("SampledDataCtrlr.TxEndedInterval=60", "AlignedDataCtrlr.Interval=0") as world:
        await world.online()
        world.hardware.plug()
        world.hardware.swipe()
        await world.settle(130)
        jump(world, hours)
        await world.settle(130)
        world.hardware.swipe()
        await world.settle()
        told = [each["sampledValue"][0]["value"] for each in world.events[-1]["meterValue"]]
        assert len(told) == 5
        assert told == sorted(told)
