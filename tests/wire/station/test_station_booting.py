"""B01: a complete station boots, is registered, and beats."""

from __future__ import annotations

from station_world import StationWorld


async def test_B01FR01_a_station_boots_when_it_is_connected(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(0)
    assert world.heard[0][0] == "BootNotification"
    assert world.heard[0][1]["reason"] == "PowerUp"


async def test_B01FR04_it_beats_at_the_interval_of_the_answer(world: StationWorld) -> None:
    await world.station.connect()
    await world.clock.advance(900)
    assert len(world.sent("Heartbeat")) == 3
