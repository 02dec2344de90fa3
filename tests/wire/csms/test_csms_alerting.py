"""Alerts are episodes: opened, extended, acknowledged, resolved by themselves."""

from __future__ import annotations

import pytest
from csms_world import CSMSWorld, Puppet, register

from ocppflow.csms.blocks.alerting import NoSuchAlert
from ocppflow.messages import Version


def _open(world: CSMSWorld) -> list[tuple[str, str, int]]:
    return [(each.kind, each.station, each.times) for each in world.csms.alerts.open_ones()]


async def test_what_is_so_again_extends_the_episode_and_what_is_over_ends_it(csms_world: CSMSWorld) -> None:
    alerts = csms_world.csms.alerts
    alerts.raised("failing", "CS1", "Reset fails")
    await csms_world.advance(1)
    alerts.raised("failing", "CS1", "Reset fails again")
    assert _open(csms_world) == [("failing", "CS1", 2)]
    alerts.over("failing", "CS1")
    assert _open(csms_world) == []
    alerts.raised("failing", "CS1", "and again")
    assert [each.id for each in alerts.open_ones()] == [2]


async def test_episodes_outlive_a_restart(csms_world: CSMSWorld) -> None:
    csms_world.csms.alerts.raised("failing", "CS1", "Reset fails", evse=1)
    csms_world.csms.alerts.raised("slow", "CS1", "Reset takes 20 s")
    csms_world.csms.alerts.over("slow", "CS1")
    async with CSMSWorld(store=csms_world.store) as again:
        assert again.csms.alerts.open_ones() == csms_world.csms.alerts.open_ones()
        again.csms.alerts.raised("slow", "CS2", "more")
        assert sorted(each.id for each in again.csms.alerts.open_ones()) == [1, 3]


async def test_somebody_has_seen_it(csms_world: CSMSWorld) -> None:
    alerts = csms_world.csms.alerts
    alerts.raised("failing", "CS1", "Reset fails")
    await alerts.acknowledge(1, "ann")
    assert [(each.acknowledged_by, each.acknowledged_at) for each in alerts.open_ones()] == [("ann", csms_world.now())]
    with pytest.raises(NoSuchAlert, match="no alert 7"):
        await alerts.acknowledge(7, "ann")


async def test_a_station_that_stays_away_is_offline_until_it_comes(csms_world: CSMSWorld) -> None:
    await register(csms_world, "CS1")
    puppet = await Puppet(csms_world, "CS1", Version.V201).connect()
    await puppet.disconnect()
    await csms_world.advance(299)
    assert _open(csms_world) == []
    await csms_world.advance(31)
    assert _open(csms_world) == [("offline", "CS1", 1)]
    await csms_world.advance(3600)
    assert _open(csms_world) == [("offline", "CS1", 1)]
    await puppet.connect()
    assert _open(csms_world) == []


async def test_a_station_that_does_not_come_back_after_a_restart_is_offline(csms_world: CSMSWorld) -> None:
    await register(csms_world, "CS1")
    async with CSMSWorld(store=csms_world.store) as again:
        await again.advance(331)
        assert _open(again) == [("offline", "CS1", 1)]


async def test_a_station_that_says_nothing_is_silent_until_it_speaks(csms_world: CSMSWorld) -> None:
    puppet = await Puppet(csms_world, "CS1", Version.V201).connect()
    await csms_world.advance(931)
    assert _open(csms_world) == [("silent", "CS1", 1)]
    await puppet.call("Heartbeat")
    await csms_world.advance(30)
    assert _open(csms_world) == []


async def test_a_station_that_comes_and_goes_is_flapping_until_it_stays(csms_world: CSMSWorld) -> None:
    puppet = Puppet(csms_world, "CS1", Version.V201)
    for _ in range(4):
        await puppet.connect()
        await puppet.disconnect()
        await csms_world.advance(10)
    assert _open(csms_world) == []
    await puppet.connect()
    assert _open(csms_world) == [("flapping", "CS1", 1)]
    for _ in range(21):
        await csms_world.advance(30)
        await puppet.call("Heartbeat")
    assert _open(csms_world) == []
